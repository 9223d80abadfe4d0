package apigw_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"kaiwa/pkg/emu/apigw"
)

func TestConnectStatus(t *testing.T) {
	for _, tt := range []struct {
		out  any
		err  error
		want int
	}{
		{response{StatusCode: 200}, nil, 101},
		{response{StatusCode: 201}, nil, 101},
		{map[string]any{"statusCode": "200"}, nil, 101},
		{response{StatusCode: 301}, nil, 301},
		{response{StatusCode: 400}, nil, 400},
		{response{StatusCode: 401, Body: "secret"}, nil, 401},
		{response{StatusCode: 501}, nil, 501},
		{nil, errors.New("boom"), 502},
		{nil, nil, 502},
		{response{StatusCode: 101}, nil, 502},
	} {
		answer := functions{"connect": func(context.Context, []byte) (any, error) { return tt.out, tt.err }}
		r := start(t, testAPI(), answer, nil)
		ws, resp, _ := websocket.Dial(t.Context(), r.url, nil)
		if resp == nil || resp.StatusCode != tt.want {
			t.Errorf("%v, %v: %v, want %d", tt.out, tt.err, resp, tt.want)
		}
		if ws != nil {
			_ = ws.CloseNow()
		} else if b, _ := io.ReadAll(resp.Body); strings.Contains(string(b), "secret") {
			t.Errorf("the function's body got out: %s", b)
		}
		if got := len(r.g.Connections()); ws == nil && got != 0 {
			t.Errorf("%d connections after a refusal", got)
		}
	}
	hang := functions{"connect": func(context.Context, []byte) (any, error) {
		<-time.After(time.Minute)
		return response{StatusCode: 200}, nil
	}}
	bubble(t, testAPI(), hang, nil, func(r *rig) {
		began := time.Now()
		_, status := r.tryDial("", nil)
		if took := time.Since(began); status != 504 || took != 29*time.Second {
			t.Errorf("%d after %v", status, took)
		}
	})
}

func TestConnectOptional(t *testing.T) {
	api := testAPI()
	delete(api.Routes, "$connect")
	r := start(t, api, nil, nil)
	r.dial("", nil)
	api = testAPI()
	api.Routes["$connect"] = apigw.Route{}
	api.Routes["$disconnect"] = apigw.Route{}
	r = start(t, api, nil, nil)
	c := r.dial("", nil)
	_ = c.Close(1000, "")
}

// TestConnectPending: while $connect runs the client waits, and the id is unknown
// to callbacks.
func TestConnectPending(t *testing.T) {
	entered, leave := make(chan string), make(chan struct{})
	wait := functions{"connect": func(_ context.Context, in []byte) (any, error) {
		entered <- decode(in).RequestContext.ConnectionID
		<-leave
		return response{StatusCode: 200}, nil
	}}
	r := start(t, testAPI(), wait, nil)
	dialled := make(chan *websocket.Conn)
	go func() {
		ws, _ := r.tryDial("", nil)
		dialled <- ws
	}()
	id := <-entered
	select {
	case <-dialled:
		t.Error("101 before $connect answered")
	default:
	}
	if got := r.post(id, "early"); got != 410 {
		t.Errorf("post during $connect: %d", got)
	}
	close(leave)
	ws := <-dialled
	if got := r.post(id, "now"); ws == nil || got != 200 {
		t.Errorf("post after $connect: %d", got)
	}
}

func TestPlainGet(t *testing.T) {
	r := start(t, testAPI(), nil, nil)
	for path, want := range map[string]int{"": 426, "/": 426, "/other": 403, "x": 403} {
		resp := r.do("GET", path, "")
		if resp.StatusCode != want {
			t.Errorf("GET /dev%s: %d, want %d", path, resp.StatusCode, want)
		}
		if b, _ := io.ReadAll(resp.Body); want == 403 && string(b) != `{"message":"Forbidden"}` {
			t.Errorf("body %s", b)
		}
	}
	if len(r.events) != 0 {
		t.Error("$connect ran")
	}
	if resp := r.do("POST", "", "x"); resp.StatusCode != 403 {
		t.Errorf("POST: %d", resp.StatusCode)
	}
	if resp, _ := rawUpgrade(r, "/dev/", "Host: x"); resp.StatusCode != 101 {
		t.Errorf("upgrade of /dev/: %d", resp.StatusCode)
	}
	if resp, _ := rawUpgrade(r, "/dev", "Host: x", "Sec-WebSocket-Key: twice"); resp.StatusCode != 400 {
		t.Errorf("two keys: %d", resp.StatusCode)
	}
}

func TestUrlLength(t *testing.T) {
	r := start(t, testAPI(), nil, nil)
	fits := 4096 - len("/dev?q=")
	for extra, want := range map[int]int{0: 101, 1: 414} {
		if _, status := r.tryDial("?q="+strings.Repeat("x", fits+extra), nil); status != want {
			t.Errorf("%d over: %d, want %d", extra, status, want)
		}
	}
}

func TestSubprotocol(t *testing.T) {
	multi := functions{"connect": func(context.Context, []byte) (any, error) {
		return map[string]any{"statusCode": 200, "multiValueHeaders": map[string][]string{"sec-websocket-protocol": {"two"}}}, nil
	}}
	resp, _ := rawUpgrade(start(t, testAPI(), multi, nil), "/dev", "Host: x", "Sec-WebSocket-Protocol: two")
	if got := resp.Header.Get("Sec-WebSocket-Protocol"); got != "two" {
		t.Errorf("by multiValueHeaders: %q", got)
	}
	for _, tt := range []struct {
		headers any
		want    string
	}{
		{map[string]string{"Sec-WebSocket-Protocol": "one.v1"}, "one.v1"},
		{map[string]string{"sec-websocket-protocol": "two"}, "two"},
		{map[string]any{"X-Other": 1, "SEC-WEBSOCKET-PROTOCOL": "two"}, "two"},
		{nil, ""}, // the client decides whether it lives with none
		{map[string]string{"Sec-WebSocket-Protocol": "never.offered"}, "never.offered"},
	} {
		events := make(chan received, 1)
		r := start(t, testAPI(), functions{"connect": answering(events, map[string]any{"statusCode": 200, "headers": tt.headers})}, nil)
		resp, _ := rawUpgrade(r, "/dev", "Host: x", "Sec-WebSocket-Protocol: one.v1, two")
		if got := resp.Header.Get("Sec-WebSocket-Protocol"); got != tt.want || resp.StatusCode != 101 {
			t.Errorf("%v: %d %q", tt.headers, resp.StatusCode, got)
		}
		if got := (<-events).Headers["Sec-WebSocket-Protocol"]; got != "one.v1, two" {
			t.Errorf("offered as %q", got)
		}
	}
}

func withHeader(name, value string) *websocket.DialOptions {
	h := http.Header{}
	if value != "" {
		h.Set(name, value)
	}
	return &websocket.DialOptions{HTTPHeader: h}
}
