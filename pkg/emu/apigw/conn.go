package apigw

import (
	"net"
	"net/http"
	"sync"
	"time"
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

// conn is one client, from the moment $connect has accepted it. It is the
// protocol's state without the socket: what waits to be sent, the clocks, and
// how it ended. socket.go moves the bytes.
type conn struct {
	session
	g    *Gateway
	wake chan struct{} // holds one: the queue or ended changed

	mu         sync.Mutex
	queue      [][]byte
	queued     int // bytes in queue or being written
	ended      *ending
	lastActive time.Time
	raw        net.Conn // nil until the upgrade is done
	idle, life *time.Timer
}

type ending struct {
	code   int
	reason string
}

func newConn(g *Gateway, s session) *conn {
	return &conn{session: s, g: g, wake: make(chan struct{}, 1), lastActive: s.connectedAt}
}

// attach gives c its socket and starts its clocks.
func (c *conn) attach(raw net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.raw = raw
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

// touch notes a data message in either direction; pings do not come here. It
// reports false once c has ended.
func (c *conn) touch() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended != nil {
		return false
	}
	c.lastActive = c.g.opt.Now()
	if c.idle != nil {
		c.idle.Reset(c.g.opt.IdleTimeout)
	}
	return true
}

// post queues one message and returns the status of a POST: 200 accepted, 410
// ended, 429 the client reads too slowly. c keeps msg.
func (c *conn) post(msg []byte) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended != nil {
		return http.StatusGone
	}
	if most := c.g.opt.SendBuffer; most > 0 && c.queued > 0 && c.queued+len(msg) > most {
		return http.StatusTooManyRequests
	}
	c.queue = append(c.queue, msg)
	c.queued += len(msg)
	c.signal()
	return http.StatusOK
}

func (c *conn) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// next waits for queued messages; nil means c has ended and nothing is left.
func (c *conn) next() [][]byte {
	for {
		c.mu.Lock()
		batch, ended := c.queue, c.ended != nil
		c.queue = nil
		c.mu.Unlock()
		if len(batch) > 0 || ended {
			return batch
		}
		<-c.wake
	}
}

// sent notes n bytes written.
func (c *conn) sent(n int) {
	c.mu.Lock()
	c.queued -= n
	c.mu.Unlock()
	c.touch()
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
	c.signal()
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
