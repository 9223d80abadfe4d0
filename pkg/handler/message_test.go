package handler_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/handler"
	"kaiwa/pkg/wire"
)

// TestBadRequests: every bad message is answered with one line that says what to
// do, under the message's id where it has one.
func TestBadRequests(t *testing.T) {
	long := strings.Repeat("x", 300)
	const notJSON = `this is not valid JSON; send {"action":"sendMessage","text":"hello"} or a plain line that does not start with {`
	tests := []struct{ body, says, id string }{
		{`{`, notJSON, ""},
		{`{"id":"p1","text":"` + canary, notJSON, ""},
		{`  {"text":"a"} trailing`, notJSON, ""},
		{`{}`, "sendMessage needs text", ""},
		{`{"id":"p1"}`, "sendMessage needs text", "p1"},
		{`{"id":"p1","text":" \n\t"}`, "sendMessage needs text", "p1"},
		{`{"id":"p1","text":5}`, "text must be a string", "p1"},
		{`{"id":5,"text":"a"}`, "id must be a string", ""},
		{`{"action":5}`, "action must be a string", ""},
		{`{"action":"` + canary + `"}`, `there is no action "` + canary + `"; use sendMessage, stop, resume, history, conversations, rename, delete, subscribe, unsubscribe, auth or ping`, ""},
		{`{"action":"sendMessage","id":"` + long + `","text":"a"}`, "id must be at most 64 characters", long[:64]},
		{`{"text":"a","parts":2,"part":0}`, "a part needs id, the same for all parts", ""},
		{`{"id":"p1","text":"a","parts":0}`, "parts must be 1 to 32", "p1"},
		{`{"id":"p1","text":"a","parts":33}`, "parts must be 1 to 32", "p1"},
		{`{"id":"p1","text":"a","parts":2,"part":2}`, "part must be 0 to 1", "p1"},
		{`{"id":"p1","text":"a","parts":2,"part":-1}`, "part must be 0 to 1", "p1"},
		{`{"id":"p1","text":"a","parts":"two"}`, "parts must be a whole number", "p1"},
		{`{"id":"p1","text":"a","part":1.5}`, "part must be a whole number", "p1"},
		{`{"action":"resume"}`, "resume needs reply or conversation", ""},
		{`{"action":"resume","reply":"r","offset":-1}`, "offset must be 0 or more", ""},
		{`{"action":"resume","reply":"r","offset":"x"}`, "offset must be a whole number", ""},
		{`{"action":"stop","reply":[]}`, "reply must be a string", ""},
		{`{"action":"history","limit":-1}`, "limit must be 1 or more", ""},
		{`{"action":"conversations","limit":-5}`, "limit must be 1 or more", ""},
		{`{"action":"rename","conversation":"c"}`, "rename needs conversation and title", ""},
		{`{"action":"rename","title":"t"}`, "rename needs conversation and title", ""},
		{`{"action":"rename","conversation":"c","title":"  "}`, "rename needs conversation and title", ""},
		{`{"action":"rename","conversation":"c","title":"` + long + `"}`, "title must be at most 200 characters", ""},
		{`{"action":"delete"}`, "delete needs conversation, or all, which is everything there is of you", ""},
		{`{"action":"subscribe"}`, "topic is missing", ""},
		{`{"action":"auth"}`, "auth needs token", ""},
	}
	d := newDesk(t)
	d.connect("c1", "alice", wire.SubprotocolJSON)
	items := d.items()
	for _, tt := range tests {
		got := only[wire.Error](t, decodeAll(t, d.raw("c1", tt.body)))
		if want := (wire.Error{Code: wire.CodeBadRequest, Message: tt.says, ID: tt.id}); got != want {
			t.Errorf("%.60s\ngot  %+v\nwant %+v", tt.body, got, want)
		}
	}
	if d.items() != items || len(d.calls.invoked()) != 0 {
		t.Errorf("%d items were %d, invoked for %v", d.items(), items, d.calls.invoked())
	}
	// Who reads lines gets the same as one line.
	d.connect("c2", "alice", "")
	d.says("c2", "/stop", "! there is no reply to stop")
	d.says("c2", `{"text": hello}`, "! "+notJSON)
}

// TestAnswersInKind: JSON is answered with JSON and lines with lines. What cannot
// be read is answered the way the connection reads, and does not change it.
func TestAnswersInKind(t *testing.T) {
	const broken, unknown, line, ping = `{"text":`, `{"action":"nope"}`, "/list", `{"action":"conversations"}`
	tests := []struct {
		protocol, before, body string
		json                   bool
		mode                   chat.Mode // of notifications, afterwards
	}{
		{"", "", line, false, chat.ModePlain},
		{"", "", ping, true, chat.ModeJSON},
		{"", "", broken, true, chat.ModeUnset}, // nobody knows; it looks like a program
		{"", line, broken, false, chat.ModePlain},
		{"", ping, broken, true, chat.ModeJSON},
		{"", line, unknown, true, chat.ModeJSON},
		{"", line, ping, true, chat.ModeJSON},
		{"", ping, line, false, chat.ModePlain},
		{wire.SubprotocolText, "", broken, false, chat.ModePlain},
		{wire.SubprotocolText, "", ping, true, chat.ModePlain},
		{wire.SubprotocolText, "", unknown, true, chat.ModePlain},
		{wire.SubprotocolJSON, "", broken, true, chat.ModeJSON},
		{wire.SubprotocolJSON, "", line, false, chat.ModeJSON},
	}
	for _, tt := range tests {
		d := newDesk(t)
		d.connect("c1", "alice", tt.protocol)
		if tt.before != "" {
			d.raw("c1", tt.before)
		}
		got := d.raw("c1", tt.body)
		if len(got) != 1 || strings.HasPrefix(got[0], `{"type":`) != tt.json {
			t.Errorf("%+v: got %q", tt, got)
		}
		if c := d.connection("c1"); c.Mode != tt.mode {
			t.Errorf("%+v: the connection's mode is %q", tt, c.Mode)
		}
	}
}

func TestPing(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "alice", "")
	if got := one[wire.Pong](d, "c1", wire.Ping{}); got.Connection != "c1" {
		t.Errorf("got %+v", got)
	}
}

// TestEmptyIsIgnored: it does not even cost a read.
func TestEmptyIsIgnored(t *testing.T) {
	d := newDesk(t)
	for _, body := range []string{"", " ", "\r\n", "\u3000"} {
		if got := d.raw("nobody", body); len(got) != 0 {
			t.Errorf("%q: got %q", body, got)
		}
	}
	if n := d.ddb.Counts()["GetItem"].Calls; n != 0 {
		t.Errorf("%d reads", n)
	}
}

// TestUnknownConnection: with authorization none only the handshake knew the user.
func TestUnknownConnection(t *testing.T) {
	const says = "this connection is not known here any more; connect again"
	d := newDesk(t)
	d.opens["c9"] = time.Now()
	items := d.items()
	if e := d.refuses("c9", wire.SendMessage{ID: "p1", Text: canary}, wire.CodeUnauthorized); e.Message != says || e.ID != "p1" || e.Retryable {
		t.Errorf("%+v", e)
	}
	d.says("c9", "hello "+canary, "! "+says)
	d.refuses("c9", wire.Ping{}, wire.CodeUnauthorized)
	if got := only[wire.Error](t, decodeAll(t, d.raw("c9", "{"))); got.Code != wire.CodeUnauthorized {
		t.Errorf("%+v", got)
	}
	if d.items() != items || len(d.calls.invoked()) != 0 {
		t.Errorf("%d items were %d, invoked for %v", d.items(), items, d.calls.invoked())
	}
}

// TestConnectionIsRecalled: where each event names the user, a lost item is made
// again (R8).
func TestConnectionIsRecalled(t *testing.T) {
	opened := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	context := events.APIGatewayWebsocketProxyRequestContext{ConnectionID: "c9", ConnectedAt: opened.UnixMilli(),
		Authorizer: map[string]any{"principalId": "https://issuer alice", "expires": "4102444800", "topics": `["a"]`},
		Identity:   events.APIGatewayRequestIdentity{CognitoIdentityID: "us-east-1:alice", UserArn: "arn:aws:iam::1:user/alice", APIKeyID: "key1"}}
	for auth, user := range map[string]string{"jwt": "https://issuer alice", "iam": "us-east-1:alice", "apikey": "key1"} {
		d := newDesk(t)
		d.Auth = auth
		for _, body := range []string{`{"action":"conversations"}`, "{broken"} {
			res, err := d.Handle(t.Context(), events.APIGatewayWebsocketProxyRequest{Body: body, RequestContext: context})
			if err != nil || res.StatusCode != http.StatusOK {
				t.Fatal(res, err)
			}
			c := d.connection("c9")
			if c.User != user || c.Gone || c.Conversation == "" || !c.At.Equal(opened) {
				t.Errorf("%s: recalled as %+v", auth, c)
			}
			if jwt := auth == "jwt"; c.Expires.IsZero() == jwt || slices.Equal(c.Topics, []string{"a"}) != jwt {
				t.Errorf("%s: recalled as %+v", auth, c)
			}
			if err := d.table.Close(t.Context(), "c9"); err != nil {
				t.Fatal(err)
			}
		}
		context := context
		context.Authorizer, context.Identity = nil, events.APIGatewayRequestIdentity{}
		if _, err := d.Handle(t.Context(), events.APIGatewayWebsocketProxyRequest{Body: "hello", RequestContext: context}); err != nil {
			t.Fatal(err)
		}
		if got := d.posts.to("c9"); !strings.HasPrefix(got[len(got)-1], "! this connection is not known") {
			t.Errorf("%s: an event without a user got %q", auth, got)
		}
	}
}

// TestGoneConnectionComesBack: a 410 may be wrong (aws-facts §4); whoever speaks
// is there (R8).
func TestGoneConnectionComesBack(t *testing.T) {
	for _, body := range []string{`{"action":"conversations"}`, "/list", "{broken"} {
		d := newDesk(t)
		d.connect("c1", "alice", wire.SubprotocolJSON)
		if err := d.table.Gone(t.Context(), "c1", ""); err != nil || !d.connection("c1").Gone {
			t.Fatalf("%v, %+v", err, d.connection("c1"))
		}
		if got := d.raw("c1", body); len(got) != 1 {
			t.Errorf("%s: got %q", body, got)
		}
		if c := d.connection("c1"); c.Gone || c.User != "alice" || c.Mode != chat.ModeJSON {
			t.Errorf("%s: the connection is %+v", body, c)
		}
	}
}

// TestGoneWhileAnswering: one failing post, and the connection leaves the table.
func TestGoneWhileAnswering(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "alice", "")
	d.posts.hangUp("c1")
	for _, body := range []string{`{"action":"conversations"}`, "/list", "/nope"} {
		d.raw("c1", body)
		if !d.connection("c1").Gone {
			t.Errorf("%s: the connection is still there", body)
		}
	}
}

// TestGoaway: once, to programs only, when API Gateway's two hours are near.
func TestGoaway(t *testing.T) {
	bubble(t, func(d *desk) {
		d.connect("c1", "alice", "")
		d.connect("c2", "alice", "")
		time.Sleep(wire.HandoverAfter - time.Minute) // virtual
		one[wire.ConversationsPage](d, "c1", wire.Conversations{})
		time.Sleep(2 * time.Minute)
		frames := d.send("c1", wire.Conversations{})
		if len(frames) != 2 || frames[1] != wire.Frame(wire.Goaway{In: 9 * 60}) {
			d.t.Errorf("after 111 min: got %+v", frames)
		}
		one[wire.ConversationsPage](d, "c1", wire.Conversations{})
		d.says("c1", "/list", "no conversations yet; type something to begin one")
		one[wire.ConversationsPage](d, "c1", wire.Conversations{})
		d.says("c2", "/list", "no conversations yet; type something to begin one")
		if frames := d.send("c2", wire.Conversations{}); len(frames) != 2 {
			d.t.Errorf("a person that became a program: got %+v", frames)
		}
	})
}

// TestWithoutLogger: nil discards.
func TestWithoutLogger(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "alice", "")
	d.Logger = nil
	d.refuses("c1", wire.Stop{}, wire.CodeNotFound)
	d.says("c1", "/nope", "! there is no /nope; /help shows the commands, and // begins a text with a slash")
	c := &handler.Connect{Store: d.table, Auth: "none"}
	if res, err := c.Handle(t.Context(), events.APIGatewayWebsocketProxyRequest{Headers: map[string]string{"Origin": "https://evil.example"}}); res.StatusCode != 403 || err != nil {
		t.Errorf("%d, %v", res.StatusCode, err)
	}
}
