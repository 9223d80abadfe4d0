package apigw

import (
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// How a connection ends when the gateway ends it (aws-facts §1, §2).
const (
	codeNormal      = 1000
	codeGoingAway   = 1001
	codeUnsupported = 1003
	codeNoStatus    = 1005
	codeAbnormal    = 1006
	codeTooBig      = 1009

	reasonGoingAway = "Going away"
	reasonDeleted   = "Connection Closed Normally"
	reasonNoStatus  = "Client-side close frame status not set"
)

// closeGrace is how long a closing connection may take to drain and shake hands.
const closeGrace = 5 * time.Second

// conn is one client, from the moment $connect has accepted it: what waits to be
// sent, the clocks, and how it ended. socket.go moves the bytes. An idle one has
// one goroutine, which reads; one that writes exists while there is something to
// be written.
type conn struct {
	session
	g      *Gateway
	closed chan struct{} // nothing will be written any more

	mu         sync.Mutex
	queue      [][]byte
	queued     int // bytes in queue or being written
	ended      *ending
	lastActive time.Time
	ws         *websocket.Conn // nil until the upgrade is done, raw too
	raw        net.Conn
	writing    bool // somebody is in write, or the socket is of no use any more
	idle, life *time.Timer
}

type ending struct {
	code   int
	reason string
}

func newConn(g *Gateway, s session) *conn {
	return &conn{session: s, g: g, closed: make(chan struct{}), lastActive: s.connectedAt}
}

// attach gives c its socket, sends what waits already and starts the clocks.
func (c *conn) attach(ws *websocket.Conn, raw net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ws, c.raw = ws, raw
	c.startWriting()
	if c.ended != nil {
		c.expire()
		return
	}
	goingAway := func() { c.finish(codeGoingAway, reasonGoingAway) }
	if d := c.g.opt.IdleTimeout; d > 0 {
		c.idle = time.AfterFunc(d, goingAway)
	}
	if d := c.g.opt.ConnectionLife; d > 0 {
		c.life = time.AfterFunc(d, goingAway)
	}
}

// received notes a data message of the client; pings do not come here. It reports
// false once c has ended.
func (c *conn) received() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.touch()
	return c.ended == nil
}

// sent notes n bytes written.
func (c *conn) sent(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queued -= n
	c.touch()
}

// touch puts the idle timeout off. c.mu is held.
func (c *conn) touch() {
	if c.ended != nil {
		return
	}
	c.lastActive = c.g.opt.Now()
	if c.idle != nil {
		c.idle.Reset(c.g.opt.IdleTimeout)
	}
}

// post queues one message and returns the status of a POST: 200 accepted, 410
// ended, 429 the client reads too slowly. c keeps msg.
func (c *conn) post(msg []byte) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	status := c.enqueue(msg)
	c.startWriting()
	return status
}

// enqueue is post without anybody to write. c.mu is held.
func (c *conn) enqueue(msg []byte) int {
	if c.ended != nil {
		return http.StatusGone
	}
	if most := c.g.opt.SendBuffer; most > 0 && c.queued > 0 && c.queued+len(msg) > most {
		return http.StatusTooManyRequests
	}
	c.queue = append(c.queue, msg)
	c.queued += len(msg)
	return http.StatusOK
}

// startWriting sees that what waits is written, now and by somebody else. c.mu is
// held.
func (c *conn) startWriting() {
	if c.ws == nil || c.writing || len(c.queue) == 0 && c.ended == nil {
		return
	}
	c.writing = true
	c.g.wg.Go(c.write)
}

// reply is post for the goroutine that reads: it writes by itself if nobody does.
// A client that does not read its answers is then not read from either.
func (c *conn) reply(msg []byte) {
	c.mu.Lock()
	mine := c.enqueue(msg) == http.StatusOK && c.ws != nil && !c.writing
	c.writing = c.writing || mine
	c.mu.Unlock()
	if mine {
		c.write()
	}
}

// next takes what waits, all of it. nothing is left with done false: whoever
// writes is to go; with done true: c has ended.
func (c *conn) next() (batch [][]byte, done bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	batch, done = c.queue, c.ended != nil
	c.queue = nil
	if len(batch) == 0 && !done {
		c.writing = false
	}
	return batch, done
}

// finish ends c; the first cause stays. From here on c is gone for callbacks.
// What is queued still goes out, then the close frame, within closeGrace.
func (c *conn) finish(code int, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended != nil {
		return
	}
	c.ended = &ending{code, reason}
	c.expire()
	c.g.forget(c.id)
	c.startWriting()
}

// expire stops the clocks and bounds what the socket still does. c.mu is held.
func (c *conn) expire() {
	for _, t := range []*time.Timer{c.idle, c.life} {
		if t != nil {
			t.Stop()
		}
	}
	if c.raw != nil {
		_ = c.raw.SetDeadline(time.Now().Add(closeGrace)) // fails only on a closed socket
	}
}

// cut closes the TCP connection without a word: the client sees 1006.
func (c *conn) cut() {
	c.finish(codeAbnormal, "")
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.raw != nil {
		_ = c.raw.Close() // closed already is as good
	}
}

func (c *conn) ending() ending {
	c.mu.Lock()
	defer c.mu.Unlock()
	return *c.ended
}
