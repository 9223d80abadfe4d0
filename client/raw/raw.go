// Package raw is a WebSocket seen as it is, for people and scripts: what wscat
// and websocat are used for.
package raw

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/coder/websocket"
)

// Options of Run; zero values are the defaults.
type Options struct {
	// Wait says when enough has come.
	Wait Wait
	// Ping, if over 0, is how often {"action":"ping"} is sent.
	Ping time.Duration
	// Times stands the time before each message.
	Times bool
	// Pretty indents messages that are JSON.
	Pretty bool
	// Verbatim prints what came as it came; else what could drive a terminal is
	// made visible.
	Verbatim bool
}

// idle is how long nothing may come after the last message was sent, where
// Options.Wait says nothing.
const idle = 2 * time.Second

// maxMessage is the most bytes of a message that is read.
const maxMessage = 64 << 20

// arrival is a message, or why there will be none.
type arrival struct {
	text string
	err  error
}

// link is a connection and the one goroutine that reads it.
type link struct {
	conn *websocket.Conn
	opt  Options
	came chan arrival
	done chan struct{}
}

func newLink(ctx context.Context, conn *websocket.Conn, opt Options) *link {
	conn.SetReadLimit(maxMessage)
	l := &link{conn: conn, opt: opt, came: make(chan arrival), done: make(chan struct{})}
	go func() {
		defer close(l.done)
		for {
			_, b, err := conn.Read(ctx)
			select {
			case l.came <- arrival{string(b), err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return l
}

// Closed is how the other side ended a connection.
type Closed struct {
	Code   websocket.StatusCode
	Reason string
}

func (e *Closed) Error() string {
	name := names[e.Code]
	if name == "" {
		name = "unknown code"
	}
	text := fmt.Sprintf("closed by the service: %d %s", e.Code, name)
	if e.Code == 1006 {
		text = "the connection broke"
	}
	if e.Reason != "" {
		text += ": " + Visible(e.Reason)
	}
	return text
}

// names are the close codes of RFC 6455 §7.4.1 and its registry.
var names = map[websocket.StatusCode]string{
	1000: "normal closure", 1001: "going away", 1002: "protocol error", 1003: "unsupported data",
	1005: "no status", 1007: "invalid text", 1008: "policy violation", 1009: "message too big",
	1010: "extension missing", 1011: "internal error", 1012: "service restart", 1013: "try again later",
	1014: "bad gateway",
}

// ended turns the end of reading into what is told of it: nil for a normal
// closure.
func ended(err error) error {
	var c websocket.CloseError
	switch {
	case !errors.As(err, &c):
		return &Closed{1006, err.Error()}
	case c.Code == websocket.StatusNormalClosure:
		return nil
	}
	return &Closed{c.Code, c.Reason}
}

// Run sends the messages of in, prints what comes, and returns when enough has
// come, the service has ended the connection, or ctx ends. A normal closure is no
// error. It closes conn.
func Run(ctx context.Context, conn *websocket.Conn, in <-chan string, print func(string), opt Options) error {
	ctx, cancel := context.WithCancel(ctx)
	l := newLink(ctx, conn, opt)
	defer func() { cancel(); <-l.done }()
	quiet := time.NewTimer(time.Hour)
	defer quiet.Stop()
	ping, stop := ticks(opt.Ping)
	defer stop()
	left := opt.Wait
	for sent := false; ; {
		if !sent || !left.byIdle() {
			quiet.Stop()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case m, ok := <-in:
			if !ok {
				in, sent = nil, true
				quiet.Reset(left.idleTime())
				continue
			}
			if err := l.send(ctx, m); err != nil {
				return err
			}
		case a := <-l.came:
			if a.err != nil {
				return ended(a.err)
			}
			print(l.shown(a.text, time.Now()))
			if left.enough(a.text) {
				return conn.Close(websocket.StatusNormalClosure, "")
			}
			quiet.Reset(left.idleTime())
		case <-ping:
			if err := l.send(ctx, `{"action":"ping"}`); err != nil {
				return err
			}
		case <-quiet.C:
			return conn.Close(websocket.StatusNormalClosure, "")
		}
	}
}

func (l *link) send(ctx context.Context, text string) error {
	if err := l.conn.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
		return ended(err)
	}
	return nil
}

// ticks is a ticker; none for 0 and less.
func ticks(every time.Duration) (<-chan time.Time, func()) {
	if every <= 0 {
		return nil, func() {}
	}
	t := time.NewTicker(every)
	return t.C, t.Stop
}
