package apigw_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"kaiwa/pkg/emu/apigw"
)

// wantClose checks the close frame and the DISCONNECT event.
func wantClose(t *testing.T, r *rig, c *client, code int, frame, event string) {
	t.Helper()
	if gotCode, reason := c.closed(); gotCode != code || reason != frame {
		t.Errorf("close frame %d %q, want %d %q", gotCode, reason, code, frame)
	}
	if gotCode, reason := r.disconnect(); gotCode != code || reason != event {
		t.Errorf("DISCONNECT %d %q, want %d %q", gotCode, reason, code, event)
	}
}

func TestLimitsOff(t *testing.T) {
	o := &apigw.Options{IdleTimeout: -1, ConnectionLife: -1}
	bubble(t, testAPI(), nil, o, func(r *rig) {
		c := r.dial("", nil)
		<-time.After(100 * time.Hour)
		c.send(`{"action":"echo"}`)
		if got := c.recv(); got != `{"action":"echo"}` {
			t.Error(got)
		}
	})
}

func TestClientCloses(t *testing.T) {
	for _, tt := range []struct {
		code   websocket.StatusCode
		reason string
		want   string
	}{
		{websocket.StatusNoStatusRcvd, "", "Client-side close frame status not set"},
		{websocket.StatusGoingAway, "", ""},
		{websocket.StatusNormalClosure, "bye", "bye"},
		{4001, "mine", "mine"},
	} {
		r := start(t, testAPI(), nil, nil)
		c := r.dial("", nil)
		_ = c.Close(tt.code, tt.reason)
		if code, reason := r.disconnect(); code != int(tt.code) || reason != tt.want {
			t.Errorf("DISCONNECT %d %q, want %d %q", code, reason, tt.code, tt.want)
		}
	}
}

// A client's close frame decides the event even while posts are under way.
func TestCloseDuringPosts(t *testing.T) {
	r := start(t, testAPI(), nil, nil)
	for range 20 {
		c := r.dial("", nil)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for r.post(c.id, strings.Repeat("x", 5000)) == 200 {
			}
		}()
		c.recv()
		_ = c.Close(4002, "enough")
		if code, _ := r.disconnect(); code != 4002 {
			t.Errorf("DISCONNECT %d", code)
		}
		<-done
	}
}

func TestCutSocket(t *testing.T) {
	r := start(t, testAPI(), nil, nil)
	c := r.dial("", nil)
	if r.g.CutSocket("AAAAAAAAAAAAAAA=") || !r.g.CutSocket(c.id) {
		t.Error("CutSocket reports the wrong connection as open")
	}
	wantClose(t, r, c, 1006, "", "")
	if got := r.g.Stats().Closes[1006]; got != 1 {
		t.Errorf("%d closes with 1006", got)
	}
}

func TestCutFault(t *testing.T) {
	n := 0
	r := start(t, testAPI(), nil, &apigw.Options{CutFault: func(string) bool { n++; return n == 2 }})
	c := r.dial("", nil)
	if r.post(c.id, "one") != 200 || c.recv() != "one" {
		t.Error("the first post did not arrive")
	}
	if got := r.post(c.id, "two"); got != 200 {
		t.Errorf("accepted with %d", got)
	}
	wantClose(t, r, c, 1006, "", "")
}

func TestCloseEndsEverything(t *testing.T) {
	api := testAPI()
	bubble(t, api, nil, nil, func(r *rig) {
		a, b := r.dial("", nil), r.dial("", nil)
		go func() { _ = r.g.Close(context.Background()) }()
		for _, c := range []*client{a, b} {
			if code, reason := c.closed(); code != 1001 || reason != "Going away" {
				t.Errorf("closed %d %q", code, reason)
			}
		}
		synctest.Wait()
		if ws, status := r.tryDial("", nil); ws != nil || status != 503 {
			t.Errorf("dial after Close: %d", status)
		}
		if got := r.g.Stats(); got.Closes[1001] != 2 || got.Opens != 2 {
			t.Errorf("%+v", got)
		}
	})
}

func TestCloseIsBounded(t *testing.T) {
	cancelled := make(chan struct{})
	hang := functions{"disconnect": func(ctx context.Context, _ []byte) (any, error) {
		<-ctx.Done()
		close(cancelled)
		return nil, ctx.Err()
	}}
	o := &apigw.Options{IntegrationTimeout: -1}
	r := start(t, testAPI(), hang, o)
	c := r.dial("", nil)
	go c.closed()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := r.g.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Close: %v", err)
	}
	<-cancelled
}

// A client that never answers the close frame does not hold Close up for ever.
func TestCloseDeafClient(t *testing.T) {
	bubble(t, testAPI(), nil, nil, func(r *rig) {
		r.dial("", nil)
		began := time.Now()
		if err := r.g.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if got := time.Since(began); got > 6*time.Second {
			t.Errorf("Close took %v", got)
		}
	})
}

// A server that cannot hand over its TCP connections: $connect has run, so
// $disconnect does too.
func TestUpgradeFails(t *testing.T) {
	r := start(t, testAPI(), nil, nil)
	req := httptest.NewRequest("GET", "/dev", nil)
	for name, value := range map[string]string{"Connection": "upgrade", "Upgrade": "websocket",
		"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="} {
		req.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	r.g.ServeHTTP(w, req)
	if code, _ := r.disconnect(); code != 1006 || len(r.g.Connections()) != 0 {
		t.Errorf("DISCONNECT %d", code)
	}
}

func TestConnections(t *testing.T) {
	r := start(t, testAPI(), nil, nil)
	var ids []string
	for range 3 {
		ids = append(ids, r.dial("", nil).id)
	}
	var got []string
	for _, c := range r.g.Connections() {
		got = append(got, c.ID)
		if c.SourceIP != "127.0.0.1" || c.UserAgent == "" || c.LastActiveAt.Before(c.ConnectedAt) {
			t.Errorf("%+v", c)
		}
	}
	if !slices.Equal(got, ids) {
		t.Errorf("%v, want %v", got, ids)
	}
}
