package apigw

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"

	"github.com/coder/websocket"
)

var errTooBig = errors.New("frame or message over the limit")

// upgrade answers 101 and returns the socket with the TCP connection under it.
// The subprotocol is what the function said, even if the client never offered
// it (aws-facts §3).
func upgrade(w http.ResponseWriter, r *http.Request, subprotocol string) (*websocket.Conn, net.Conn, error) {
	if subprotocol != "" {
		w.Header().Set("Sec-WebSocket-Protocol", subprotocol)
	}
	h := &hijacker{ResponseWriter: w}
	ws, err := websocket.Accept(h, r, &websocket.AcceptOptions{
		InsecureSkipVerify: true, // origins are the $connect function's business
		CompressionMode:    websocket.CompressionDisabled,
	})
	if err != nil {
		return nil, nil, err
	}
	ws.SetReadLimit(-1) // readMessage has the gateway's own limits
	return ws, h.conn, nil
}

// hijacker keeps the TCP connection that Accept takes over.
type hijacker struct {
	http.ResponseWriter
	conn net.Conn
}

func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	h.conn = conn
	return conn, rw, err
}

// serve reads c's messages until the socket is closed. Reads and writes take no
// deadline from a context: finish sets one on the TCP connection.
func (c *conn) serve(ws *websocket.Conn) {
	c.read(ws)
	<-c.closed
}

// read serves messages until c ends, each of them concurrently with all others if
// a function is asked.
func (c *conn) read(ws *websocket.Conn) {
	for {
		typ, r, err := ws.Reader(context.Background())
		if err != nil {
			c.finish(closeCause(err))
			return
		}
		if typ != websocket.MessageText {
			c.finish(codeUnsupported, "")
			return
		}
		body, err := c.g.readMessage(r)
		if err != nil {
			c.finish(closeCause(err))
			return
		}
		if !c.received() {
			return
		}
		c.g.message(c, body)
	}
}

// readMessage reads one message frame by frame: a Read of coder/websocket never
// crosses a frame, so one that fills a buffer of limit+1 bytes is too long.
func (g *Gateway) readMessage(r io.Reader) (string, error) {
	buf := g.frames.Get().(*[]byte)
	defer g.frames.Put(buf)
	var msg []byte
	for {
		n, err := r.Read(*buf)
		if most := g.opt.FrameSize; most > 0 && n > most {
			return "", errTooBig
		}
		msg = append(msg, (*buf)[:n]...)
		if most := g.opt.MessageSize; most > 0 && len(msg) > most {
			return "", errTooBig
		}
		if err == io.EOF {
			return string(msg), nil
		}
		if err != nil {
			return "", err
		}
	}
}

// closeCause tells code and reason of the DISCONNECT event after err.
func closeCause(err error) (code int, reason string) {
	if errors.Is(err, errTooBig) {
		return codeTooBig, ""
	}
	var closed websocket.CloseError
	if !errors.As(err, &closed) {
		return codeAbnormal, ""
	}
	if closed.Code == codeNoStatus {
		return codeNoStatus, reasonNoStatus
	}
	return int(closed.Code), closed.Reason
}

// write sends what is queued, in order, and after the end the close frame.
func (c *conn) write() {
	for {
		batch, done := c.next()
		if len(batch) == 0 && !done {
			return
		}
		if len(batch) == 0 {
			c.shake()
			break
		}
		if !c.writeBatch(c.ws, batch) {
			// Why, read finds out: it alone sees the client's close frame.
			_ = c.ws.CloseNow()
			break
		}
	}
	close(c.closed) // writing stays true: nobody comes after
}

// shake closes the socket the way c ended.
func (c *conn) shake() {
	e := c.ending()
	if e.code == codeAbnormal {
		_ = c.ws.CloseNow()
		return
	}
	// Errors only say that the peer was quicker or is gone.
	_ = c.ws.Close(websocket.StatusCode(e.code), e.reason)
}

// writeBatch reports whether the socket is still good.
func (c *conn) writeBatch(ws *websocket.Conn, batch [][]byte) bool {
	for _, msg := range batch {
		if cut := c.g.opt.CutFault; cut != nil && cut(c.id) {
			c.cut()
			return false
		}
		if err := c.g.send(ws, msg); err != nil {
			return false
		}
		c.sent(len(msg))
	}
	return true
}

// send writes msg as one text message in frames of at most FrameSize.
func (g *Gateway) send(ws *websocket.Conn, msg []byte) error {
	ctx := context.Background()
	most := g.opt.FrameSize
	if most == 0 || len(msg) <= most {
		return ws.Write(ctx, websocket.MessageText, msg)
	}
	w, err := ws.Writer(ctx, websocket.MessageText)
	if err != nil {
		return err
	}
	for len(msg) > 0 {
		n := min(most, len(msg))
		if _, err := w.Write(msg[:n]); err != nil {
			return err
		}
		msg = msg[n:]
	}
	return w.Close()
}
