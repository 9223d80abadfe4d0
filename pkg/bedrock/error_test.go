package bedrock_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"kaiwa/pkg/bedrock"
	"kaiwa/pkg/chat"
	"kaiwa/pkg/emu/converse"
)

// bubble runs f with a model whose network is pipes and whose clock is
// synctest's, so that the SDK's waits between attempts take no time.
func bubble(t *testing.T, h http.Handler, f func(*testing.T, *bedrock.Model)) {
	t.Helper()
	cfg := environment(t, "http://bedrock.test")
	synctest.Test(t, func(t *testing.T) {
		l := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
		tr := &http.Transport{DialContext: l.dial}
		cfg.HTTPClient = &http.Client{Transport: tr}
		srv := &http.Server{Handler: h}
		go func() { _ = srv.Serve(l) }()
		f(t, bedrock.New(cfg, bedrock.Options{ModelID: modelID}))
		tr.CloseIdleConnections()
		_ = srv.Close()
	})
}

// pipes is a network in memory.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (l *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipes) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }
func (l *pipes) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	l.conns <- server
	return client, nil
}

const (
	busy    = "the model is busy; try again in a moment"
	denied  = "this deployment may not use its model; tell its operator"
	failed  = "the model failed; try again"
	refused = "the model refused the prompt; make it shorter or start a new conversation"
	slow    = "the model took too long; try again"
	down    = "the model is not available at the moment; try again"
)

// mustBe checks what a client would be told, and that the log learns more.
func mustBe(t *testing.T, err error, kind chat.Kind, message string) {
	t.Helper()
	e, ok := errors.AsType[*chat.Error](err)
	if !ok || e.Kind != kind || e.Message != message || e.Err == nil {
		t.Errorf("got %v, want %v: %s, and the cause", err, kind, message)
	}
}

// TestRefusedCalls has every error of aws-facts §8 at call time, and how often
// the call is made in all.
func TestRefusedCalls(t *testing.T) {
	tests := []struct {
		error  converse.Exception
		kind   chat.Kind
		says   string
		called int32
	}{
		{converse.Throttling, chat.ModelThrottled, busy, 4},
		{converse.ModelNotReady, chat.ModelThrottled, busy, 4},
		{converse.ModelTimeout, chat.Unavailable, slow, 4},
		{converse.ServiceUnavailable, chat.Unavailable, down, 4},
		{converse.InternalServer, chat.Unavailable, down, 4},
		{converse.AccessDenied, chat.ModelError, denied, 1},
		{converse.ResourceNotFound, chat.ModelError, denied, 1},
		{converse.Validation, chat.ModelError, refused, 1},
		{converse.ModelError, chat.ModelError, failed, 1},
	}
	for _, tt := range tests {
		t.Run(string(tt.error), func(t *testing.T) {
			var called atomic.Int32
			s := converse.New(&converse.Options{Faults: func() error {
				called.Add(1)
				return &converse.Error{Exception: tt.error, Message: "no"}
			}})
			bubble(t, s, func(t *testing.T, m *bedrock.Model) {
				h := ask(t.Context(), m, user("hello"))
				mustBe(t, h.err, tt.kind, tt.says)
				if len(h.chunks) > 0 || called.Load() != tt.called {
					t.Errorf("%d chunks after %d calls, want none after %d", len(h.chunks), called.Load(), tt.called)
				}
			})
		})
	}
}

// TestOtherRefusals: errors that come before the operation, and one the emulator
// does not have.
func TestOtherRefusals(t *testing.T) {
	tests := []struct {
		status    int
		exception string
		kind      chat.Kind
		says      string
	}{
		{403, "UnrecognizedClientException", chat.ModelError, denied},
		{403, "ExpiredTokenException", chat.ModelError, denied},
		{401, "", chat.ModelError, denied},
		{400, "ServiceQuotaExceededException", chat.ModelThrottled, busy},
		{400, "", chat.ModelError, failed},
		{502, "", chat.Unavailable, down},
	}
	for _, tt := range tests {
		bubble(t, refusing(tt.status, tt.exception), func(t *testing.T, m *bedrock.Model) {
			mustBe(t, ask(t.Context(), m, user("hello")).err, tt.kind, tt.says)
		})
	}
}

func TestUnreachable(t *testing.T) {
	hangup := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	bubble(t, hangup, func(t *testing.T, m *bedrock.Model) {
		mustBe(t, ask(t.Context(), m, user("hello")).err, chat.Unavailable, down)
	})
}

// TestRetriedBeforeTheStream: what passes by itself costs the user a wait, not
// the answer (aws-facts §8: the Go SDK alone would not repeat the last two).
func TestRetriedBeforeTheStream(t *testing.T) {
	for _, e := range []converse.Exception{converse.Throttling, converse.ServiceUnavailable, converse.ModelNotReady, converse.ModelTimeout} {
		var called atomic.Int32
		s := converse.New(&converse.Options{Faults: func() error {
			if called.Add(1) < 4 {
				return &converse.Error{Exception: e, Message: "wait"}
			}
			return nil
		}})
		bubble(t, s, func(t *testing.T, m *bedrock.Model) {
			h := ask(t.Context(), m, user("@demo tokens=5"))
			if h.err != nil || len(h.stops()) != 1 || called.Load() != 4 {
				t.Errorf("%s: %v after %d calls, stops %v; want an answer to the fourth", e, h.err, called.Load(), h.stops())
			}
		})
	}
}

// TestRetryStopsWithContext: a reply that was stopped must not wait for retries.
func TestRetryStopsWithContext(t *testing.T) {
	var called atomic.Int32
	s := converse.New(&converse.Options{Faults: func() error {
		called.Add(1)
		return &converse.Error{Exception: converse.Throttling, Message: "wait"}
	}})
	bubble(t, s, func(t *testing.T, m *bedrock.Model) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() {
			synctest.Wait() // the first wait has begun
			cancel()
		}()
		if h := ask(ctx, m, user("hello")); h.err != context.Canceled || called.Load() != 1 {
			t.Errorf("got %v after %d calls, want context.Canceled after the first", h.err, called.Load())
		}
	})
}

// TestExceptionsInsideTheStream: what was said stays said, and nothing is asked
// again, or the text would be doubled.
func TestExceptionsInsideTheStream(t *testing.T) {
	tests := []struct {
		knob string
		kind chat.Kind
		says string
	}{
		{"throttling", chat.ModelThrottled, busy},
		{"internal", chat.Unavailable, down},
		{"unavailable", chat.Unavailable, down},
		{"modelStream", chat.ModelError, failed},
		{"validation", chat.ModelError, refused},
	}
	for _, tt := range tests {
		t.Run(tt.knob, func(t *testing.T) {
			m, s := start(t, bedrock.Options{}, nil)
			prompt := "@demo tokens=9 every=0s first=0s"
			whole := ask(t.Context(), m, user(prompt))
			h := ask(t.Context(), m, user(prompt+" error="+tt.knob+"@4"))
			mustBe(t, h.err, tt.kind, tt.says)
			if len(h.chunks) != 4 || h.text() == "" || !strings.HasPrefix(whole.text(), h.text()) {
				t.Errorf("got %d chunks %q of %q", len(h.chunks), h.text(), whole.text())
			}
			if n := s.Stats().Calls; n != 2 {
				t.Errorf("%d calls for two questions", n)
			}
		})
	}
}
