package conform

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/coder/websocket"

	"kaiwa/local/conform/probe"
)

// socket is one client. It reads all the time, as browsers do.
type socket struct {
	*opened // nil if it was not let in
	c       *Check
	api     string
	key     string        // of its CONNECT record
	took    time.Duration // of the handshake

	inbox chan message
	ended chan struct{} // closed when nothing more can come
	end   ending        // valid then
	known string        // the connection id, once asked for
}

// message is one message from the server.
type message struct {
	text   string
	binary bool
	frames []int // sizes
}

// ending is how a connection ended: the server's close frame, or 1006 without one.
type ending struct {
	code   int
	reason string
}

// inboxSize is more than any row leaves unread.
const inboxSize = 1000

func (s *socket) start(to *opened, deaf bool) {
	s.opened = to
	s.ws.SetReadLimit(1 << 20)
	s.inbox, s.ended = make(chan message, inboxSize), make(chan struct{})
	if deaf {
		close(s.ended)
		return
	}
	go func() {
		defer close(s.ended)
		s.end = s.pump()
	}()
}

// pump reads until the end. A Read of coder/websocket never crosses a frame.
func (s *socket) pump() ending {
	ctx := context.Background() // close ends it
	buf := make([]byte, 256<<10)
	for {
		var m message
		kind, r, err := s.ws.Reader(ctx)
		var text strings.Builder
		for err == nil {
			var n int
			n, err = r.Read(buf)
			text.Write(buf[:n])
			if n > 0 {
				m.frames = append(m.frames, n)
			}
		}
		if err != io.EOF {
			return endingOf(err)
		}
		m.text, m.binary = text.String(), kind != websocket.MessageText
		s.inbox <- m
	}
}

func endingOf(err error) ending {
	var closed websocket.CloseError
	if errors.As(err, &closed) {
		return ending{int(closed.Code), closed.Reason}
	}
	return ending{1006, ""}
}

func (s *socket) useless() bool { return s.c.done() || s.opened == nil }

// send sends one text message, in frames of the given sizes if there are any.
func (s *socket) send(ctx context.Context, text string, frames ...int) {
	if s.useless() {
		return
	}
	w, err := s.ws.Writer(ctx, websocket.MessageText)
	if err != nil {
		s.c.fail("send: %w", err)
		return
	}
	for _, n := range append(frames, len(text)) {
		n = min(n, len(text))
		if n == 0 {
			continue
		}
		if _, err := io.WriteString(w, text[:n]); err != nil {
			return // closed halfway: how, the row asks next
		}
		text = text[n:]
	}
	_ = w.Close() // likewise
}

// say sends a command by a route.
func (s *socket) say(ctx context.Context, action string, do probe.Command) {
	s.send(ctx, messageOf(action, do))
}

// binary sends one binary message.
func (s *socket) binary(ctx context.Context, text string) {
	if s.useless() {
		return
	}
	if err := s.ws.Write(ctx, websocket.MessageBinary, []byte(text)); err != nil {
		s.c.fail("send binary: %w", err)
	}
}

// receive waits for the next message.
func (s *socket) receive(ctx context.Context) message {
	if s.useless() {
		return message{}
	}
	select {
	case m := <-s.inbox:
		return m
	case <-ctx.Done():
		s.c.fail("no message came")
	case <-s.ended:
		select {
		case m := <-s.inbox:
			return m
		default:
			s.c.fail("no message came: closed with %d %q", s.end.code, s.end.reason)
		}
	}
	return message{}
}

// next is the text of the next message.
func (s *socket) next(ctx context.Context) string { return s.receive(ctx).text }

// quiet waits a while for nothing.
func (s *socket) quiet(ctx context.Context, after string) {
	if s.useless() {
		return
	}
	timer := time.NewTimer(s.c.Quiet)
	defer timer.Stop()
	select {
	case m := <-s.inbox:
		s.c.holds(false, "%s: expected no message, got %s", after, show(m.text))
	case <-s.ended:
		s.c.holds(false, "%s: expected an open connection, got closed with %d %q", after, s.end.code, s.end.reason)
	case <-ctx.Done():
	case <-timer.C:
	}
}

// alive checks that the connection still works both ways.
func (s *socket) alive(ctx context.Context) {
	key := freshKey()
	s.say(ctx, "twoway", probe.Command{Answer: body(key)})
	s.c.same("the connection afterwards answers", s.next(ctx), key)
}

// closed waits for the server to close, and passes over messages.
func (s *socket) closed(ctx context.Context) ending {
	for !s.useless() {
		select {
		case <-s.inbox:
		case <-s.ended:
			return s.end
		case <-ctx.Done():
			s.c.fail("the connection was not closed")
		}
	}
	return ending{}
}

// close closes from this side.
func (s *socket) close(code int, reason string) {
	if !s.useless() {
		_ = s.ws.Close(websocket.StatusCode(code), reason) // the server may be quicker
	}
}

// breakProtocol sends a frame whose opcode is reserved (RFC 6455, section 5.2).
func (s *socket) breakProtocol() {
	if s.useless() {
		return
	}
	const final, reserved, masked = 0x80, 0x3, 0x80
	if _, err := s.stream.Write([]byte{final | reserved, masked, 0, 0, 0, 0}); err != nil {
		s.c.fail("send a broken frame: %w", err)
	}
}

// cut ends the TCP connection without a word.
func (s *socket) cut() {
	if !s.useless() {
		_ = s.raw.Close() // what else could be done
	}
}

// id is the connection id, from the CONNECT record.
func (s *socket) id(ctx context.Context) string {
	if s.known == "" {
		s.known = s.c.event(ctx, s.key, "CONNECT").text("requestContext.connectionId")
	}
	return s.known
}

// close ends every socket of the row and waits for its goroutine.
func (c *Check) close() {
	for _, s := range c.sockets {
		_ = s.ws.CloseNow() // it may be closed
		for open := true; open; {
			select {
			case <-s.inbox:
			case <-s.ended:
				open = false
			}
		}
	}
}

// freshKey is unguessable and fits into a URL.
func freshKey() string { return rand.Text() }
