// Package raw is a WebSocket seen as it is, for people and scripts: what wscat
// and websocat are used for.
package raw

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// Options of Run; zero values are the defaults.
type Options struct {
	// Wait says when enough has come.
	Wait Wait
	// All sends every message of Run's, even if enough came before.
	All bool
	// Ping, if over 0, is how often {"action":"ping"} is sent.
	Ping time.Duration
	// PingFrame, if over 0, is how often a ping frame is sent.
	PingFrame time.Duration
	// Frames are the control frames to tell about. nil: nothing is told.
	Frames Frames
	// Slash makes commands of messages that begin with a slash: /ping and /close
	// [CODE [REASON]]. // begins a message that begins with one slash.
	Slash bool
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

// Message is what came.
type Message struct {
	Text   string
	Binary bool
	At     time.Time
}

// arrival is a message, or why there will be none.
type arrival struct {
	Message
	err error
}

// link is a connection and the one goroutine that reads it.
type link struct {
	conn *websocket.Conn
	opt  Options
	came chan arrival
	work sync.WaitGroup
}

func newLink(ctx context.Context, conn *websocket.Conn, opt Options) *link {
	conn.SetReadLimit(maxMessage)
	l := &link{conn: conn, opt: opt, came: make(chan arrival)}
	l.work.Go(func() {
		for {
			kind, b, err := conn.Read(ctx)
			if !l.report(ctx, arrival{Message{string(b), kind == websocket.MessageBinary, time.Now()}, err}) || err != nil {
				return
			}
		}
	})
	return l
}

func (l *link) report(ctx context.Context, a arrival) bool {
	select {
	case l.came <- a:
		return true
	case <-ctx.Done():
		return false
	}
}

// Closed is how the other side ended a connection.
type Closed struct {
	Code   websocket.StatusCode
	Reason string
}

func (e *Closed) Error() string {
	text := fmt.Sprintf("closed by the service: %d %s", e.Code, nameOf(e.Code))
	if e.Code == 1006 {
		text = "the connection broke"
	}
	if e.Reason != "" {
		text += ": " + Visible(e.Reason)
	}
	return text
}

// nameOf is what a close code means (RFC 6455 §7.4 and its registry).
func nameOf(code websocket.StatusCode) string {
	switch name := names[code]; {
	case name != "":
		return name
	case code >= 4000:
		return "a code of the service's own"
	case code >= 3000:
		return "a code of a library's"
	}
	return "unknown code"
}

var names = map[websocket.StatusCode]string{
	1000: "normal closure", 1001: "going away", 1002: "protocol error", 1003: "unsupported data",
	1005: "no status", 1007: "invalid text", 1008: "policy violation", 1009: "message too big",
	1010: "extension missing", 1011: "internal error", 1012: "service restart", 1013: "try again later",
	1014: "bad gateway", 3000: "unauthorized", 3003: "forbidden", 3008: "timeout",
}

// ended turns the end of reading into what is told of it: nil for a normal
// closure.
func ended(err error) error {
	var c websocket.CloseError
	switch {
	case !errors.As(err, &c):
		return &Closed{1006, innermost(err).Error()}
	case c.Code == websocket.StatusNormalClosure:
		return nil
	}
	return &Closed{c.Code, c.Reason}
}

func innermost(err error) error {
	for next := err; next != nil; next = errors.Unwrap(err) {
		err = next
	}
	return err
}

// Output is where Run prints.
type Output struct {
	Message func(Message)
	Note    func(text string) // all else
}

// Run sends the messages of in, prints what comes, and returns when enough has
// come, the service has ended the connection, or ctx ends. A normal closure is no
// error. It closes conn.
func Run(ctx context.Context, conn *websocket.Conn, in <-chan string, out Output, opt Options) error {
	ctx, cancel := context.WithCancel(ctx)
	l := newLink(ctx, conn, opt)
	defer func() { cancel(); l.work.Wait() }()
	quiet := time.NewTimer(time.Hour)
	defer quiet.Stop()
	ping, stop := ticks(opt.Ping)
	defer stop()
	frame, stopFrames := ticks(opt.PingFrame)
	defer stopFrames()
	left := opt.Wait
	for sent, enough := false, false; ; {
		if enough && (sent || !opt.All) {
			return conn.Close(websocket.StatusNormalClosure, "")
		}
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
			if err := l.say(ctx, m, out.Note); err != nil {
				return unlessClosed(err)
			}
		case a := <-l.came:
			if a.err != nil {
				return ended(a.err)
			}
			if enough {
				continue
			}
			out.Message(a.Message)
			enough = left.enough(a.Text)
			quiet.Reset(left.idleTime())
		case <-ping:
			if err := l.send(ctx, `{"action":"ping"}`); err != nil {
				return err
			}
		case <-frame:
			l.ping(ctx)
		case text := <-opt.Frames:
			out.Note(text)
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
