package handler_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/aws/aws-lambda-go/events"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/handler"
	"kaiwa/pkg/herald"
	"kaiwa/pkg/wire"
)

// FuzzMessage: whatever a client sends, it is answered with an empty 200, and what
// it is told are frames, or lines for somebody who types.
func FuzzMessage(f *testing.F) {
	for _, body := range []string{
		"hello", "/new", "/open 1", `{"action":"sendMessage","id":"a","text":"hi"}`, `{"action":"sendMessage","id":"p","part":0,"parts":2,"text":"a"}`,
		`{"action":"stop"}`, `{"action":"resume","conversation":"x","offset":9}`, `{"action":"history","before":"zz","limit":3}`,
		`{"action":"conversations","before":"V#1"}`, `{"action":"rename","conversation":"x","title":"t"}`, `{"action":"delete","conversation":"x"}`,
		`{"action":"subscribe","topic":"a.b"}`, `{"action":"auth","token":"a.b.c"}`, `{"action":"ping"}`, `{`, "\x00\xff", "",
		`{"action":"history","before":"` + strings.Repeat("x", 2000) + `"}`,
	} {
		f.Add(body, true)
		f.Add(body, false)
	}
	f.Fuzz(func(t *testing.T, body string, typed bool) {
		if len(body) > wire.MaxMessage {
			t.Skip("API Gateway would not take it")
		}
		d := deskInProcess(t)
		protocol := wire.SubprotocolJSON
		if typed {
			protocol = wire.SubprotocolText
		}
		d.connect("c", "alice", protocol)
		for range 2 { // a repeat meets what the first has left
			for _, post := range d.raw("c", body) {
				if len(post) > wire.MaxMessage {
					t.Errorf("a post of %d bytes", len(post))
				}
				if _, err := wire.DecodeFrame([]byte(post)); err != nil && strings.HasPrefix(body, "{") && json.Valid([]byte(body)) {
					t.Errorf("%q is answered with %q: %v", body, post, err)
				}
			}
		}
	})
}

// FuzzConnect: whatever stands in a handshake, the answer is one of four, the
// subprotocol one of ours, and the user a name that keys and terminals can hold.
func FuzzConnect(f *testing.F) {
	f.Add("none", "https://chat.example", "kaiwa.v1, bearer.x", "alice", "")
	f.Add("jwt", "null", "kaiwa.text.v1", "", `{"principalId":"https://issuer alice","expires":"1800000000","issued":"1","topics":"[\"a.*\"]"}`)
	f.Add("iam", "", ",,", "x", `{"principalId":7}`)
	f.Add("apikey", "https://chat.example", "bearer.", strings.Repeat("あ", 200), `[]`)
	f.Add("", "\x00", "\x00", "\x1b[31m", `{`)
	f.Fuzz(func(t *testing.T, auth, origin, protocols, user, authorizer string) {
		var principal any
		_ = json.Unmarshal([]byte(authorizer), &principal)
		d := &door{}
		h := &handler.Connect{Store: d, Auth: auth, Origins: []string{"https://chat.example"}}
		res, err := h.Handle(t.Context(), events.APIGatewayWebsocketProxyRequest{
			Headers:               map[string]string{"Origin": origin, "sec-websocket-protocol": protocols},
			QueryStringParameters: map[string]string{"user": user},
			RequestContext: events.APIGatewayWebsocketProxyRequestContext{ConnectionID: "c", ConnectedAt: 1, Authorizer: principal,
				Identity: events.APIGatewayRequestIdentity{UserArn: user, APIKeyID: user}},
		})
		if err != nil {
			t.Fatal(err)
		}
		switch res.StatusCode {
		case http.StatusOK:
		case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden:
			if len(d.opened) > 0 {
				t.Errorf("refused with %d, and stored", res.StatusCode)
			}
			return
		default:
			t.Fatalf("status %d", res.StatusCode)
		}
		if origin != "" && origin != "https://chat.example" && !strings.EqualFold(origin, "https://chat.example") {
			t.Errorf("a page of %q is let in", origin)
		}
		if p := res.Headers["Sec-WebSocket-Protocol"]; p != "" && p != wire.SubprotocolJSON && p != wire.SubprotocolText {
			t.Errorf("subprotocol %q", p)
		}
		name := d.opened[0].User
		if name == "" || len(name) > 512 || strings.ContainsFunc(name, unicode.IsControl) {
			t.Errorf("user %q", name)
		}
	})
}

// nobody is a verifier that accepts no token.
type nobody struct{}

func (nobody) Verify(context.Context, string) (chat.Identity, error) {
	return chat.Identity{}, errors.New("not accepted")
}

// FuzzAuthorize: whatever the headers are, nobody is let in without a token that
// verifies, and the answer is the error that API Gateway knows.
func FuzzAuthorize(f *testing.F) {
	f.Add("Bearer a.b.c", "kaiwa.v1, bearer.x")
	f.Add("bearer", "bearer.")
	f.Add("\x00 \x00", ",bearer.a,bearer.b")
	f.Fuzz(func(t *testing.T, authorization, protocols string) {
		h := &handler.Authorize{Verifier: nobody{}}
		res, err := h.Handle(t.Context(), events.APIGatewayCustomAuthorizerRequestTypeRequest{MethodArn: "arn",
			Headers: map[string]string{"authorization": authorization, "Sec-WebSocket-Protocol": protocols}})
		if err == nil || err.Error() != "Unauthorized" || res.PrincipalID != "" {
			t.Errorf("%+v, %v", res, err)
		}
	})
}

// FuzzEvents: the functions that others may invoke take any JSON without panicking,
// and say what is wrong in one line.
func FuzzEvents(f *testing.F) {
	for _, event := range []string{
		`{"reply":"r"}`, `{"to":{"user":"alice"},"text":"hello"}`, `{"to":{"topic":"a"},"title":"t","data":{"x":[1]}}`, `{"revoke":{"user":"alice"}}`,
		`{"requestContext":{"connectionId":"c","eventType":"DISCONNECT"}}`, `{"Records":[{"EventSource":"aws:sns","Sns":{"Message":"hi"}}]}`,
		`{"Records":[{"eventSource":"aws:sqs","messageId":"m","body":"hi"}]}`, `{"kaiwa":{"one":{"connection":"c","frame":{"id":"n"}}}}`,
		`{"kaiwa":{"shard":{"key":"k","to":{"topic":"t"},"shard":1,"frame":{"id":"n"}}}}`, `[{"to":{}},{"to":7}]`, `{"detail-type":"x","detail":{}}`, `null`, `7`, `"x"`, `[]`, `{}`,
	} {
		f.Add([]byte(event))
	}
	f.Fuzz(func(t *testing.T, event []byte) {
		if !json.Valid(event) {
			t.Skip("Lambda would not take it")
		}
		d := deskInProcess(t)
		d.connect("c", "alice", "")
		if task, ok := herald.ReadTask(event); ok && task.Welcome != nil {
			d.posts.hangUp(task.Welcome.Connection) // it would wait for the connection
		}
		nctx, done := context.WithTimeout(t.Context(), time.Second) // a busy conversation is waited for
		defer done()
		_, err := d.notifier(d.posts).Handle(nctx, event)
		oneLine(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond) // revoking waits for the table's index
		defer cancel()
		disconnect := &handler.Disconnect{Store: d.table, Sockets: d.posts}
		if _, err = disconnect.Handle(ctx, event); ctx.Err() == nil {
			oneLine(t, err)
		}
	})
}

func oneLine(t *testing.T, err error) {
	t.Helper()
	if err != nil && strings.ContainsAny(err.Error(), "\r\n") {
		t.Errorf("the error is more than a line: %q", err)
	}
}
