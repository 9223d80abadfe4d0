package handler_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/coder/websocket"

	"kaiwa/pkg/callback"
	"kaiwa/pkg/chat"
	"kaiwa/pkg/emu/apigw"
	"kaiwa/pkg/handler"
	"kaiwa/pkg/herald"
	"kaiwa/pkg/wire"
)

// functions are Handle methods as Lambda calls them: JSON in, JSON out.
type functions map[string]any

func (f functions) Invoke(ctx context.Context, name string, in []byte) ([]byte, string, error) {
	out, err := lambda.NewHandler(f[name]).Invoke(ctx, in) // one serves one invocation at a time
	if err != nil {
		b, e := json.Marshal(map[string]string{"errorMessage": err.Error(), "errorType": "errorString"})
		return b, "Unhandled", e
	}
	return out, "", nil
}

// front is the service behind the emulated API Gateway, on real sockets.
type front struct {
	*desk
	url    string
	g      *apigw.Gateway
	closed chan string // connections that $disconnect was told of
}

func newFront(t *testing.T) *front {
	f := &front{desk: newDesk(t), closed: make(chan string, 10)}
	f.Auth = "jwt"
	connect := &handler.Connect{Store: f.table, Auth: "jwt", Origins: []string{"https://chat.example"}, Logger: f.Logger}
	authorize := &handler.Authorize{Verifier: &tokens{good: "good"}, Logger: f.Logger}
	disconnect := &handler.Disconnect{Store: closer{f.table, f.closed}, Logger: f.Logger}
	route := func(name string) apigw.Route {
		return apigw.Route{Integration: &apigw.Integration{Type: "AWS_PROXY", Function: name}}
	}
	open := route("connect")
	open.Authorization, open.Authorizer = "CUSTOM", &apigw.Authorizer{Name: "jwt", Function: "authorizer"}
	api := apigw.API{ID: "abc123", RouteSelectionExpression: "$request.body.action", Stage: apigw.Stage{Name: "dev"},
		Routes: map[string]apigw.Route{"$connect": open, "$disconnect": route("disconnect"), "$default": route("sendmessage")}}
	f.url, f.g = apigw.Start(t, api, functions{
		"authorizer": authorize.Handle, "connect": connect.Handle, "disconnect": disconnect.Handle, "sendmessage": f.Handle,
	}, nil)
	t.Setenv("AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI", "http"+strings.TrimPrefix(f.url, "ws"))
	f.Poster = callback.New(loadConfig(t))
	return f
}

type closer struct {
	handler.Closer
	told chan<- string
}

func (c closer) Close(ctx context.Context, id string) error {
	defer func() { c.told <- id }()
	return c.Closer.Close(ctx, id)
}

// dial connects as a browser does.
func (f *front) dial(origin string, protocols ...string) (*websocket.Conn, int) {
	f.t.Helper()
	o := &websocket.DialOptions{Subprotocols: protocols, HTTPHeader: http.Header{}}
	if origin != "" {
		o.HTTPHeader.Set("Origin", origin)
	}
	ws, res, err := websocket.Dial(f.t.Context(), f.url, o)
	if res == nil {
		f.t.Fatal(err)
	}
	if ws != nil {
		f.t.Cleanup(func() { _ = ws.CloseNow() })
	}
	return ws, res.StatusCode
}

func TestHandshake(t *testing.T) {
	f := newFront(t)
	tests := []struct {
		origin    string
		protocols []string
		status    int
		chosen    string
	}{
		{"https://chat.example", []string{"kaiwa.v1", "bearer.good"}, 101, "kaiwa.v1"},
		{"", []string{"bearer.good", "chat", "kaiwa.text.v1"}, 101, "kaiwa.text.v1"},
		{"https://chat.example", []string{"kaiwa.v1", "bearer.bad"}, 401, ""},
		{"", nil, 401, ""},
		{"https://evil.example", []string{"kaiwa.v1", "bearer.good"}, 403, ""},
		{"", []string{"bearer.good"}, 400, ""},
	}
	for _, tt := range tests {
		ws, status := f.dial(tt.origin, tt.protocols...)
		if status != tt.status {
			t.Errorf("%v from %q: status %d, want %d", tt.protocols, tt.origin, status, tt.status)
		}
		if ws != nil && ws.Subprotocol() != tt.chosen {
			t.Errorf("%v: the protocol is %q", tt.protocols, ws.Subprotocol())
		}
	}
}

// TestLifeOfAConnection: handshake, a message, its answer, and the end, with every
// event as API Gateway makes it.
func TestLifeOfAConnection(t *testing.T) {
	f := newFront(t)
	ws, _ := f.dial("", "kaiwa.v1", "bearer.good")
	id := f.g.Connections()[0].ID
	if c := f.connection(id); c.User != "https://issuer alice" || c.Mode != chat.ModeJSON || !c.Fixed {
		t.Errorf("stored %+v", c)
	}
	say := func(body string) wire.Frame {
		t.Helper()
		if err := ws.Write(t.Context(), websocket.MessageText, []byte(body)); err != nil {
			t.Fatal(err)
		}
		_, b, err := ws.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return decodeAll(t, []string{string(b)})[0]
	}
	a, ok := say(`{"action":"sendMessage","id":"p1","text":"日本 ` + canary + `"}`).(wire.Accepted)
	if !ok || a.ID != "p1" || fmt.Sprint(f.calls.invoked()) != "["+a.Reply+"]" {
		t.Errorf("got %+v, invoked for %v", a, f.calls.invoked())
	}
	if end, _ := say(`{"action":"stop"}`).(wire.End); end.Ref != a.Ref || end.Stop != wire.StopStopped {
		t.Errorf("got %+v", end)
	}
	_ = ws.Close(websocket.StatusNormalClosure, "")
	if told := <-f.closed; told != id {
		t.Errorf("$disconnect was told of %s", told)
	}
	if _, err := f.table.Connection(t.Context(), id); chat.KindOf(err) != chat.NotFound {
		t.Errorf("the connection is still there: %v", err)
	}
}

// TestPostToAClosedSocket: the 410 is real, and takes the connection out.
func TestPostToAClosedSocket(t *testing.T) {
	f := newFront(t)
	ws, _ := f.dial("", "kaiwa.v1", "bearer.good")
	id := f.g.Connections()[0].ID
	n := f.notifier(callback.New(loadConfig(t)))
	event := json.RawMessage(`{"to":{"connection":"` + id + `"},"text":"hello ` + canary + `"}`)
	if d, err := n.Handle(t.Context(), event); err != nil || d != (herald.Tally{Delivered: 1}) {
		t.Fatalf("%+v, %v", d, err)
	}
	if _, b, err := ws.Read(t.Context()); err != nil || !strings.Contains(string(b), canary) {
		t.Errorf("read %s, %v", b, err)
	}
	if _, err := f.table.Connection(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	f.g.CutSocket(id)
	<-f.closed
	// $disconnect is not guaranteed: put the item back as if it had never come.
	f.connect(id, "alice", "")
	f.ages(id)
	if d, err := n.Handle(t.Context(), event); err != nil || d != (herald.Tally{Gone: 1}) || !f.connection(id).Gone {
		t.Errorf("%+v, %v, %+v", d, err, f.connection(id))
	}
}
