package service_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"kaiwa/local/stack"
	"kaiwa/pkg/frame"
	"kaiwa/pkg/wire"
)

// world is a running service and a way into it as ann.
type world struct {
	t     *testing.T
	s     *stack.Stack
	user  string // ann as the service knows her
	dial  func() *peer
	other func() *peer  // the same for bob
	token func() string // a fresh one of ann's; nil where there are no tokens
}

// open is a world without authorization.
func open(t *testing.T, s *stack.Stack) *world {
	as := func(user string) func() *peer { return func() *peer { return dial(t, s, "?user="+user) } }
	return &world{t: t, s: s, user: "ann", dial: as("ann"), other: as("bob")}
}

// guarded is one whose users bring tokens.
func guarded(t *testing.T, s *stack.Stack, is *issuer) *world {
	w := &world{t: t, s: s, user: is.URL() + " ann", token: func() string { return is.token("ann", nil) }}
	w.dial = func() *peer { return dialURL(t, s.URL(), bearer(w.token())) }
	w.other = func() *peer { return dialURL(t, s.URL(), bearer(is.token("bob", nil))) }
	return w
}

func (w *world) actor() *actor { return &actor{peer: w.dial(), world: w, sent: map[string]bool{}} }

// onePrompt is the least there is.
func (w *world) onePrompt() {
	w.actor().reply(wire.SendMessage{ID: "p", Text: "@demo tokens=5 every=1ms first=1ms"})
}

// everything does all that the wire offers, in both modes, and lets happen what
// needs a function's rare calls: connections that are gone, a function that is
// killed, texts that are stored in segments, a conversation deleted while it speaks.
func (w *world) everything() {
	ann := w.actor()
	bob := w.other()
	ann.talk()
	ann.bigTexts()
	w.lines()
	w.goneListener()
	ann.deletedWhileItSpeaks()
	ann.notices()
	for _, action := range actions(w.t) {
		if !ann.sent[action] {
			w.t.Errorf("the scenario never sends %s: add it to local/service/scenario_test.go", action)
		}
	}
	for range 2 {
		w.everythingGoes()
	}
	if w.token != nil {
		w.tokenEnds()
		w.tokenEnds()
	}
	if err := ann.ws.Close(websocket.StatusNormalClosure, ""); err != nil && w.token == nil {
		w.t.Error(err)
	}
	bob.ws.Close(websocket.StatusNormalClosure, "")
	w.quiet()
	if w.token != nil {
		w.awayAndBack()
		w.revoked()
	}
}

// quiet waits until nothing runs any more.
func (w *world) quiet() {
	w.t.Helper()
	eventually(w.t, "all is quiet", func() bool {
		st := w.s.Stats()
		busy := 0
		for _, f := range st.Functions {
			busy += f.InFlight
		}
		return st.Connections == 0 && busy == 0
	})
}

// actions are all that a client may send, read off the contract itself.
func actions(t *testing.T) []string {
	t.Helper()
	source, err := os.ReadFile("../../pkg/wire/request.go")
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, m := range regexp.MustCompile(`\) Action\(\) string\s+\{ return "(\w+)" \}`).FindAllSubmatch(source, -1) {
		list = append(list, string(m[1]))
	}
	if len(list) < 11 {
		t.Fatalf("only %q are found in pkg/wire", list)
	}
	return list
}

// actor is a peer that keeps a list of what it did.
type actor struct {
	*peer
	*world
	sent map[string]bool
}

func (a *actor) do(r wire.Request) {
	a.peer.t.Helper()
	a.sent[r.Action()] = true
	a.send(r)
}

// answer reads until a frame that is about a request: of one of the types, or an error.
func (a *actor) answer(types ...string) wire.Frame {
	a.peer.t.Helper()
	for {
		if f := a.next(); slices.Contains(types, f.Type()) || f.Type() == "error" {
			return f
		}
	}
}

// reply asks and reads the reply to its end.
func (a *actor) reply(m wire.SendMessage) wire.Ref {
	a.peer.t.Helper()
	a.do(m)
	ref := a.ref()
	var j frame.Join
	a.rest(ref.Reply, &j)
	return ref
}

func (a *actor) talk() {
	const prompt = "@demo tokens=40 every=2ms first=5ms"
	first := a.reply(wire.SendMessage{ID: "p1", Text: prompt})
	a.reply(wire.SendMessage{ID: "p1", Text: prompt}) // again: its claim is there
	a.do(wire.Resume{Reply: first.Reply, Offset: 3})
	a.answer("end")
	a.do(wire.Resume{Conversation: first.Conversation})
	a.answer("end")
	a.do(wire.Stop{Reply: first.Reply})
	a.answer("end")
	a.do(wire.SendMessage{ID: "p2", Text: "@demo tokens=4000 every=5ms first=5ms"})
	running := a.ref()
	a.do(wire.Stop{Reply: running.Reply})
	a.answer("end")
	a.do(wire.History{Limit: 2})
	a.answer("history")
	a.do(wire.Conversations{})
	a.answer("conversations")
	a.do(wire.Rename{Conversation: first.Conversation, Title: "a title"})
	a.answer("renamed")
	a.do(wire.Subscribe{Topic: "news"})
	a.answer("subscribed")
	a.do(wire.Auth{Token: "no.such.token"})
	a.answer("authorized")
	a.do(wire.Ping{})
	a.answer("pong")
	a.do(wire.Delete{Conversation: "nobody's"})
	a.answer("deleted")
}

// bigTexts are stored in segments, and read back: for the model, for the history,
// for a resume. Then all of it is deleted.
func (a *actor) bigTexts() {
	big := wire.SendMessage{ID: "big", Conversation: wire.NewConversation, Text: "@demo size=40000 first=1ms " + strings.Repeat("0123456789", 30000)}
	set := parts(a.peer.t, big)
	for _, part := range set[1:] {
		a.do(part)
	}
	a.do(set[0])
	a.do(set[0]) // late: the turn is there
	ref := a.ref()
	var j frame.Join
	a.rest(ref.Reply, &j)
	a.reply(wire.SendMessage{ID: "after", Text: "@demo tokens=5 every=1ms first=1ms"})
	a.do(wire.History{Limit: 4})
	a.answer("history")
	a.do(wire.Resume{Reply: ref.Reply})
	a.answer("end")
	a.do(wire.Delete{Conversation: ref.Conversation})
	a.answer("deleted")
}

// lines does what people do in wscat.
func (w *world) lines() {
	p := w.dial()
	for _, line := range []string{"hello", "/help", "/list", "/open 1", "/stop", "/new something else", "/nonsense", `{"action":"nonsense"}`, "{", "/new"} {
		p.sendText(line)
		p.nextText()
	}
	p.ws.Close(websocket.StatusNormalClosure, "")
}

// goneListener has a post of each function that speaks answered with 410, and a new
// message bring the connection back.
func (w *world) goneListener() {
	p := w.dial()
	p.send(wire.SendMessage{ID: "gone", Conversation: wire.NewConversation, Text: "@demo tokens=100 every=20ms first=20ms"})
	reply := until[wire.Delta](p).Reply
	w.gone(func() {})
	w.gone(func() { p.send(wire.Conversations{}) })
	p.send(wire.Resume{Reply: reply})
	for p.next().Type() != "end" {
	}
	p.ws.Close(websocket.StatusNormalClosure, "")
}

// gone has the next post answered with 410, which something makes happen.
func (w *world) gone(something func()) {
	before := w.s.Stats().Posts[410]
	use(w.t, w.s, "post.410=1")
	something()
	eventually(w.t, "a post is answered with 410", func() bool { return w.s.Stats().Posts[410] > before })
	use(w.t, w.s, "")
}

// takeover kills the function that speaks; whoever asks next ends its reply.
func (a *actor) takeover() {
	a.reply(wire.SendMessage{ID: "warm", Text: "@demo tokens=5 every=1ms first=1ms"})
	use(a.peer.t, a.s, "invoke.kill=2")
	a.do(wire.SendMessage{ID: "killed", Conversation: wire.NewConversation, Text: "@demo tokens=3000 every=5ms first=5ms"})
	ref := a.ref()
	var j frame.Join
	if end := a.rest(ref.Reply, &j); end.Stop != wire.StopInterrupted {
		a.peer.t.Errorf("a killed reply ends %+v", end)
	}
	use(a.peer.t, a.s, "")
}

// deletedWhileItSpeaks deletes a conversation whose reply writes segments: the
// function that speaks finds out and removes what it has written since.
func (a *actor) deletedWhileItSpeaks() {
	a.do(wire.SendMessage{ID: "doomed", Conversation: wire.NewConversation, Text: "@demo tokens=60000 every=1ms first=1ms"})
	ref := a.ref()
	for {
		if d, ok := a.next().(wire.Delta); ok && d.Offset > 6000 {
			break
		}
	}
	a.do(wire.Delete{Conversation: ref.Conversation})
	a.answer("deleted")
	eventually(a.peer.t, "the reply ends", func() bool { return a.s.Stats().Functions["local-ReplyFunction"].InFlight == 0 })
}

// everythingGoes deletes all there is of ann, while a reply speaks and with texts in
// segments.
func (w *world) everythingGoes() {
	a := w.actor()
	a.reply(wire.SendMessage{ID: "last", Conversation: wire.NewConversation, Text: "@demo tokens=5 first=1ms " + strings.Repeat("0123456789", 8000)})
	a.do(wire.SendMessage{ID: "speaking", Conversation: wire.NewConversation, Text: "@demo tokens=3000 every=5ms first=5ms"})
	a.ref()
	a.do(wire.Delete{All: true})
	if f, ok := a.answer("deleted").(wire.Deleted); !ok {
		w.t.Errorf("deleting everything is answered with %+v", f)
	}
	a.ws.Close(websocket.StatusNormalClosure, "")
}

// notices sends notifications to all targets there are: to few and to many, to a
// connection that is gone, and one that asks for a reply.
func (a *actor) notices() {
	for _, to := range []string{`{"user":"ann"}`, `{"connection":"nobody="}`, `{"topic":"news"}`, `{"conversation":"nobody's"}`, `{"all":true}`} {
		a.invoke("notify", `{"to":`+to+`,"title":"t","text":"hello"}`)
	}
	a.answer("notification")
	user := `{"user":"` + a.user + `"}`
	a.do(wire.Subscribe{Topic: "weather"})
	a.answer("subscribed")
	var many []*peer // more than are served without a function of their own
	for range 26 {
		many = append(many, a.dial())
	}
	a.invoke("notify", `{"to":{"topic":"news"},"text":"hello"}`)
	for _, p := range many {
		p.nextText() // they read lines
		p.ws.Close(websocket.StatusNormalClosure, "")
	}
	a.do(wire.SendMessage{ID: "talk", Text: "@demo tokens=5 every=1ms first=1ms"})
	ref := until[wire.Accepted](a.peer).Ref
	a.rest(ref.Reply, new(frame.Join))
	a.invoke("notify", `{"to":{"conversation":"`+ref.Conversation+`"},"text":"hello","ask":true}`)
	for asked := false; !asked; { // the reply to it
		end, ok := a.answer("end").(wire.End)
		asked = ok && end.Conversation == ref.Conversation && end.Reply != ref.Reply
	}
	a.do(wire.Ping{})
	id := until[wire.Pong](a.peer).Connection
	a.alter(id, "at", time.Now().Add(-time.Hour).UnixMilli()) // a 410 of a young one is not believed
	a.gone(func() { a.invoke("notify", `{"to":`+user+`,"text":"hello"}`) })
	a.do(wire.Unsubscribe{Topic: "news"})
	a.answer("unsubscribed")
}

// awayAndBack has what came while she was away handed over: to a new connection, and
// to one whose token had run out.
func (w *world) awayAndBack() {
	notice := `{"to":{"user":"` + w.user + `"},"text":"hello"}`
	w.invoke("notify", notice)
	p := w.dial()
	p.nextText() // it reads lines
	p.send(wire.Ping{})
	id := until[wire.Pong](p).Connection
	w.alter(id, "expires", 1)
	w.invoke("notify", notice)
	p.send(wire.Auth{Token: w.token()})
	until[wire.Notification](p) // JSON in, JSON out
	p.ws.Close(websocket.StatusNormalClosure, "")
}

// tokenEnds has a token run out until its connection is closed.
func (w *world) tokenEnds() {
	p := w.dial()
	p.send(wire.Ping{})
	id := until[wire.Pong](p).Connection
	w.alter(id, "expires", 1)
	p.send(wire.Auth{Token: w.token()})
	until[wire.Authorized](p)
	w.alter(id, "expires", 1)
	p.send(wire.History{})
	if e, ok := p.next().(wire.Error); !ok || e.Code != wire.CodeExpired {
		w.t.Errorf("a message after the token has run out: %+v", e)
	}
	w.alter(id, "refused", time.Now().Add(-2*time.Minute).UnixMilli())
	p.send(wire.History{})
	for {
		if _, _, err := p.ws.Read(p.ctx); err != nil {
			break
		}
	}
}

// revoked has all of ann's tokens revoked, which closes her connections, and late
// ones with such a token refused.
func (w *world) revoked() {
	old := w.token()
	w.dial()
	w.dial()
	w.invoke("disconnect", `{"revoke":{"user":"`+w.user+`"}}`)
	for range 2 {
		_, res, err := websocket.Dial(w.t.Context(), w.s.URL(), &websocket.DialOptions{HTTPHeader: bearer(old)})
		if err == nil || res == nil || res.StatusCode != http.StatusUnauthorized {
			w.t.Errorf("a revoked token: %v", err)
		}
	}
	w.quiet()
}

// alter sets a number of a connection's item, as if time had passed.
func (w *world) alter(connection, attribute string, to int64) {
	w.t.Helper()
	body := fmt.Sprintf(`{"TableName":"local-Table","Key":{"pk":{"S":"C#%s"},"sk":{"S":"C"}},"UpdateExpression":"SET #a = :v","ExpressionAttributeNames":{"#a":"%s"},"ExpressionAttributeValues":{":v":{"N":"%d"}}}`,
		connection, attribute, to)
	w.aws("dynamodb", "/", "DynamoDB_20120810.UpdateItem", body)
}

// aws makes a request as the AWS CLI does.
func (w *world) aws(service, path, target, body string) {
	w.t.Helper()
	at := strings.Replace(w.s.URL()[:strings.LastIndex(w.s.URL(), "/")], "ws:", "http:", 1)
	r, err := http.NewRequestWithContext(w.t.Context(), "POST", at+path, strings.NewReader(body))
	if err != nil {
		w.t.Error(err)
		return
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIATESTER/20260101/us-east-1/"+service+"/aws4_request, SignedHeaders=host, Signature=0")
	if target != "" {
		r.Header.Set("X-Amz-Target", target)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Error(err)
		return
	}
	defer res.Body.Close()
	if res.StatusCode != 200 {
		text, _ := io.ReadAll(res.Body)
		w.t.Errorf("%s %s: %s %s", path, target, res.Status, text)
	}
}

// invoke calls a function. What it says to that is its own business.
func (w *world) invoke(function, payload string) {
	w.t.Helper()
	w.aws("lambda", "/2015-03-31/functions/"+function+"/invocations", "", payload)
}
