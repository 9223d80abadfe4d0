package handler_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/handler"
	"kaiwa/pkg/wire"
)

// leaving is the event of a connection's end.
func leaving(conn string) json.RawMessage {
	b, err := json.Marshal(events.APIGatewayWebsocketProxyRequest{RequestContext: events.APIGatewayWebsocketProxyRequestContext{
		EventType: "DISCONNECT", ConnectionID: conn}})
	if err != nil {
		panic(err)
	}
	return b
}

// forgetful is a table that is down, or not.
type forgetful struct {
	handler.Closer
	closed []string
	fail   error
}

func (f *forgetful) Close(_ context.Context, id string) error {
	f.closed = append(f.closed, id)
	return f.fail
}

func TestDisconnect(t *testing.T) {
	for _, fail := range []error{nil, errors.New("table is down")} {
		log, store := &syncBuffer{}, &forgetful{fail: fail}
		h := &handler.Disconnect{Store: store, Logger: log.logger()}
		res, err := h.Handle(t.Context(), leaving("c1="))
		if want := (events.APIGatewayProxyResponse{StatusCode: http.StatusOK}); err != nil || !reflect.DeepEqual(res, want) || !slices.Equal(store.closed, []string{"c1="}) {
			t.Errorf("%v: got %+v, %v, closed %q", fail, res, err, store.closed)
		}
		if (fail != nil) != strings.Contains(log.String(), "table is down") {
			t.Errorf("logged %q", log.String())
		}
	}
}

func TestDisconnectForgets(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "alice", "")
	h := &handler.Disconnect{Store: d.table}
	for range 2 { // it may come twice, or for a connection nobody knows
		if _, err := h.Handle(t.Context(), leaving("c1")); err != nil {
			t.Fatal(err)
		}
	}
	d.refuses("c1", wire.Stop{}, wire.CodeUnauthorized)
}

// TestMessagesAreNoHandshakes: should API Gateway ever hand a message whose action is
// $connect or $disconnect to those functions, nothing comes of it.
func TestMessagesAreNoHandshakes(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "alice", wire.SubprotocolJSON)
	before := d.connection("c1")
	rc := d.context("c1")
	rc.EventType, rc.RouteKey = "MESSAGE", "$disconnect"
	ev := events.APIGatewayWebsocketProxyRequest{RequestContext: rc, Body: `{"action":"$disconnect","revoke":{"user":"alice"}}`}
	event, err := json.Marshal(ev)
	if err != nil {
		t.Fatal(err)
	}
	forbidden := events.APIGatewayProxyResponse{StatusCode: http.StatusForbidden}
	h := &handler.Disconnect{Store: d.table, Sockets: d.posts, Logger: d.Logger}
	if res, err := h.Handle(t.Context(), event); err != nil || !reflect.DeepEqual(res, forbidden) {
		t.Errorf("$disconnect: %+v, %v", res, err)
	}
	if res, err := d.door().Handle(t.Context(), ev); err != nil || !reflect.DeepEqual(res, forbidden) {
		t.Errorf("$connect: %+v, %v", res, err)
	}
	if c := d.connection("c1"); !reflect.DeepEqual(c, before) {
		t.Errorf("%+v\nbecame %+v", before, c)
	}
	// The emulator sends them to $default, like every action that is no route.
	for _, action := range []string{"$disconnect", "$connect", "$default"} {
		if e := only[wire.Error](t, decodeAll(t, d.raw("c1", `{"action":"`+action+`"}`))); e.Code != wire.CodeBadRequest {
			t.Errorf("%s: %+v", action, e)
		}
	}
}

// TestOrders that nobody can carry out say what to send.
func TestOrders(t *testing.T) {
	for _, event := range []string{`{}`, `[]`, `{`, `{"revoke":{}}`, `{"revoke":{"user":""}}`, `{"revoke":5}`, `{"requestContext":{}}`} {
		h := &handler.Disconnect{Store: &forgetful{}}
		if res, err := h.Handle(t.Context(), json.RawMessage(event)); err == nil || res != nil && res != (handler.Closed{}) ||
			!strings.Contains(err.Error(), `send {"revoke":{"user":"alice"}}`) {
			t.Errorf("%s: %v, %v", event, res, err)
		}
	}
}

// TestRevoke closes everything of one user's, and nothing of another's.
func TestRevoke(t *testing.T) {
	bubble(t, func(d *desk) {
		for conn, user := range map[string]string{"a1": "alice", "a2": "alice", "b1": "bob"} {
			d.connect(conn, user, wire.SubprotocolJSON)
		}
		h := &handler.Disconnect{Store: d.table, Sockets: d.posts, Logger: d.Logger}
		before := chat.Identity{User: "alice", Issued: time.Now()}
		time.Sleep(time.Millisecond)
		res, err := h.Handle(d.t.Context(), json.RawMessage(`{"revoke":{"user":"alice"}}`))
		if err != nil || res != (handler.Closed{Closed: 2}) {
			d.t.Fatalf("%+v, %v", res, err)
		}
		if got := slices.Sorted(slices.Values(d.posts.closed())); !slices.Equal(got, []string{"a1", "a2"}) {
			d.t.Errorf("closed %q", got)
		}
		for conn, want := range map[string]bool{"a1": true, "a2": true, "b1": false} {
			if got := d.connection(conn).Expired(time.Now()); got != want {
				d.t.Errorf("%s is over: %v", conn, got)
			}
		}
		for _, tt := range []struct {
			id   chat.Identity
			want bool
		}{
			{before, true},
			{chat.Identity{User: "alice"}, true}, // does not say when it was issued
			{chat.Identity{User: "alice", Issued: time.Now()}, false},
			{chat.Identity{User: "bob"}, false},
		} {
			if got, err := d.table.Revoked(d.t.Context(), tt.id); err != nil || got != tt.want {
				d.t.Errorf("%+v: revoked %v, %v", tt.id, got, err)
			}
		}
	})
}

// TestRevokeAgain: what could not be done is said, and done the next time.
func TestRevokeAgain(t *testing.T) {
	bubble(t, func(d *desk) {
		d.connect("a1", "alice", "")
		h := &handler.Disconnect{Store: d.table, Sockets: d.posts, Logger: d.Logger}
		d.posts.failWith(errDead)
		order := json.RawMessage(`{"revoke":{"user":"alice"}}`)
		if res, err := h.Handle(d.t.Context(), order); !errors.Is(err, errDead) || res != (handler.Closed{}) {
			d.t.Errorf("%+v, %v", res, err)
		}
		d.posts.failWith(nil)
		// The socket is open still, but it is of no use.
		d.refuses("a1", wire.Conversations{}, wire.CodeExpired)
		if res, err := h.Handle(d.t.Context(), order); err != nil || res != (handler.Closed{Closed: 1}) {
			d.t.Errorf("%+v, %v", res, err)
		}
	})
}
