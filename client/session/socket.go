package session

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/coder/websocket"

	"kaiwa/pkg/wire"
)

const (
	// chunk is the most bytes of a message that go in one frame. A frame has up to
	// 14 bytes of its own, and API Gateway's 32 KB may count them.
	chunk = wire.MaxFrame - 14
	// writeWithin bounds the sending of one message.
	writeWithin = 30 * time.Second
	// linger is how long a socket that was replaced is still read: what was on its
	// way when the service learned of the new one comes over it.
	linger = 2 * time.Second
	// byeWithin bounds the closing handshake.
	byeWithin = time.Second
)

// arrival is what a socket reports: a frame, or why there will be none.
type arrival struct {
	n     int
	frame wire.Frame
	bad   error // it could not be read as a frame
	err   error // the socket is gone
}

// socket is one WebSocket with a goroutine each for reading and writing.
type socket struct {
	n      int
	conn   *websocket.Conn
	queue  [][]byte    // messages that wait for the writer; the session's
	out    chan []byte // to the writer
	ctx    context.Context
	cancel context.CancelFunc // cuts the connection
	work   sync.WaitGroup
}

// newSocket starts a socket, which reports to came until life ends.
func newSocket(life context.Context, n int, conn *websocket.Conn, came chan<- arrival) *socket {
	s := &socket{n: n, conn: conn, out: make(chan []byte)}
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(life))
	report := func(a arrival) bool {
		a.n = n
		select {
		case came <- a:
			return a.err == nil
		case <-life.Done():
			return false
		}
	}
	s.work.Go(func() { s.read(report) })
	s.work.Go(func() { s.write(report) })
	return s
}

func (s *socket) read(report func(arrival) bool) {
	for {
		_, b, err := s.conn.Read(s.ctx)
		if err != nil {
			report(arrival{err: closeReason(err)})
			return
		}
		f, err := wire.DecodeFrame(b)
		if !report(arrival{frame: f, bad: err}) {
			return
		}
	}
}

func (s *socket) write(report func(arrival) bool) {
	for {
		select {
		case b := <-s.out:
			if err := send(s.ctx, s.conn, b); err != nil {
				report(arrival{err: closeReason(err)})
				return
			}
		case <-s.ctx.Done():
			return
		}
	}
}

// send writes one message, in frames that API Gateway takes.
func send(ctx context.Context, conn *websocket.Conn, b []byte) error {
	ctx, cancel := context.WithTimeout(ctx, writeWithin)
	defer cancel()
	if len(b) <= chunk {
		return conn.Write(ctx, websocket.MessageText, b)
	}
	w, err := conn.Writer(ctx, websocket.MessageText)
	if err != nil {
		return err
	}
	for len(b) > 0 { // each Write is one frame
		n := min(len(b), chunk)
		if _, err := w.Write(b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return w.Close()
}

// close says goodbye after a while and waits until all of the socket has ended.
// The end of life makes it hurry.
func (s *socket) close(life context.Context, after time.Duration) {
	if after > 0 {
		wait := time.NewTimer(after)
		select {
		case <-wait.C:
		case <-life.Done():
		case <-s.ctx.Done():
		}
		wait.Stop()
	}
	cut := time.AfterFunc(byeWithin, s.cancel)
	_ = s.conn.Close(websocket.StatusNormalClosure, "")
	cut.Stop()
	s.cancel()
	s.work.Wait()
}

// closeReason says in one line why a socket ended.
func closeReason(err error) error {
	var c websocket.CloseError
	if errors.As(err, &c) {
		if c.Reason == "" {
			return fmt.Errorf("the service closed the connection (%d)", c.Code)
		}
		return fmt.Errorf("the service closed the connection (%d %s)", c.Code, c.Reason)
	}
	return fmt.Errorf("the connection broke: %w", innermost(err))
}
