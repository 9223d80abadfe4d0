package session

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/coder/websocket"

	"kaiwa/pkg/frame"
	"kaiwa/pkg/wire"
)

const (
	// answerWithin is how long an answer to a question may take.
	answerWithin = 10 * time.Second
	// askTries is how often a question is asked. All of them may be repeated.
	askTries = 5
)

// Query asks a service one question at a time, outside of any conversation. It
// connects when it must, and again if the connection is lost. It is not safe for
// concurrent use.
type Query struct {
	// Note, if set, is called with the notifications that come meanwhile: the
	// service may hand over what was missed to whoever connects.
	Note func(wire.Notification)

	address string
	config  *Config
	conn    *websocket.Conn
	renewed bool // once is enough
}

// NewQuery prepares questions to the service at address. Of the config it takes
// what Connect does.
func NewQuery(address string, config *Config) *Query {
	return &Query{address: address, config: config.filled()}
}

// Close hangs up.
func (q *Query) Close() {
	if q.conn != nil {
		cut := time.AfterFunc(byeWithin, func() { _ = q.conn.CloseNow() })
		_ = q.conn.Close(websocket.StatusNormalClosure, "")
		cut.Stop()
		q.conn = nil
	}
	q.config.Client.CloseIdleConnections()
}

// Ask asks for what r asks and returns the answer. The error is a *DialError, a
// *SignError, a wire.Error, ErrNoAnswer, or ctx's.
func (q *Query) Ask(ctx context.Context, r wire.Request) (answer wire.Frame, err error) {
	err = q.until(ctx, func() wire.Request { return r }, func(f wire.Frame) bool {
		if !answers(r, f) {
			return false
		}
		answer = f
		return true
	})
	return answer, err
}

// Text is the text of a reply. It waits for the reply's end. Its errors are those
// of Ask.
func (q *Query) Text(ctx context.Context, reply, conversation string) (string, error) {
	var join frame.Join
	err := q.until(ctx, func() wire.Request {
		return wire.Resume{Reply: reply, Conversation: conversation, Offset: join.Held()}
	}, func(f wire.Frame) bool {
		switch f := f.(type) {
		case wire.Delta:
			if f.Reply == reply {
				join.Delta(f.Offset, f.Text)
			}
		case wire.End:
			if f.Reply == reply {
				join.End(f.Length, f.Saved)
			}
		}
		return join.Final()
	})
	return join.Text(), err
}

// answers says whether f is what r asked for.
func answers(r wire.Request, f wire.Frame) bool {
	switch r := r.(type) {
	case wire.Conversations:
		_, ok := f.(wire.ConversationsPage)
		return ok
	case wire.History:
		h, ok := f.(wire.HistoryPage)
		return ok && h.Conversation == r.Conversation
	case wire.Rename:
		f, ok := f.(wire.Renamed)
		return ok && f.Conversation == r.Conversation
	case wire.Delete:
		return f == wire.Deleted(r)
	case wire.Unsubscribe:
		f, ok := f.(wire.Unsubscribed)
		return ok && f.Topic == r.Topic
	}
	return false
}

// until sends what next says and reads until enough says so. What fails for now
// is tried again.
func (q *Query) until(ctx context.Context, next func() wire.Request, enough func(wire.Frame) bool) error {
	for try := 1; ; try++ {
		wait, err := q.try(ctx, next, enough)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case wait < 0 || try == askTries:
			return err
		}
		pause := time.NewTimer(wait + rand.N(firstWait<<try))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return ctx.Err()
		}
	}
}

// try tries once. wait is how long to wait before the next time, negative if that
// would not help.
func (q *Query) try(ctx context.Context, next func() wire.Request, enough func(wire.Frame) bool) (wait time.Duration, err error) {
	if q.conn == nil {
		if q.conn, _, err = connect(ctx, q.address, q.config); err != nil {
			q.conn = nil
			return -1, err
		}
	}
	wait, err = q.exchange(ctx, next(), enough)
	if err != nil && wait == 0 { // the connection is of no use any more
		_ = q.conn.CloseNow()
		q.conn = nil
	}
	return wait, err
}

// exchange sends r and reads. The error comes with 0 if the connection failed.
func (q *Query) exchange(ctx context.Context, r wire.Request, enough func(wire.Frame) bool) (wait time.Duration, err error) {
	if err := send(ctx, q.conn, wire.EncodeRequest(r)); err != nil {
		return 0, closeReason(err)
	}
	for {
		f, err := q.read(ctx)
		if err != nil {
			return 0, err
		}
		switch f := f.(type) {
		case wire.Notification:
			if q.Note != nil {
				q.Note(f)
			}
		case wire.Error:
			if f.Code == wire.CodeExpired {
				return q.expired(ctx, f)
			}
			if !f.Retryable {
				return -1, f
			}
			return max(time.Second, time.Duration(f.RetryAfter)*time.Second), f
		case wire.Gateway:
			if f.Message == gatewayForbidden {
				return -1, errForbidden
			}
			return time.Second, gatewayError(f.Message)
		default:
			if enough(f) {
				return 0, nil
			}
		}
	}
}

// expired gets a newer token, with which to connect again: nothing is lost with
// this connection.
func (q *Query) expired(ctx context.Context, e wire.Error) (wait time.Duration, err error) {
	if q.config.Renew == nil || q.renewed {
		return -1, lapsed(e, nil)
	}
	q.renewed = true
	if _, _, err := q.config.Renew(ctx); err != nil {
		return -1, lapsed(e, err)
	}
	return 0, e
}

func (q *Query) read(ctx context.Context) (wire.Frame, error) {
	within, cancel := context.WithTimeoutCause(ctx, answerWithin, ErrNoAnswer)
	defer cancel()
	_, b, err := q.conn.Read(within)
	switch {
	case err != nil && errors.Is(context.Cause(within), ErrNoAnswer):
		return nil, ErrNoAnswer
	case err != nil:
		return nil, closeReason(err)
	}
	f, err := wire.DecodeFrame(b)
	if err != nil {
		return nil, fmt.Errorf("the service sent something that is no kaiwa frame: %w", err)
	}
	return f, nil
}
