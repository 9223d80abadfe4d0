package handler_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/emu/ddb"
	"kaiwa/pkg/handler"
	"kaiwa/pkg/wire"
)

// wallet is a Verifier that knows several tokens.
type wallet map[string]chat.Identity

func (w wallet) Verify(_ context.Context, token string) (chat.Identity, error) {
	switch id, ok := w[token]; {
	case ok:
		return id, nil
	case token == "unknowable":
		return chat.Identity{}, chat.E(chat.Unavailable, "the issuer of tokens could not be reached; try again")
	}
	return chat.Identity{}, errors.New("verify token: it is no good")
}

// signIn opens a connection with a token.
func (d *desk) signIn(conn string, id chat.Identity) int {
	d.t.Helper()
	d.opens[conn] = time.Now()
	rc := d.context(conn)
	rc.Authorizer = map[string]any{"principalId": id.User}
	for k, v := range handler.ContextOf(id) {
		rc.Authorizer.(map[string]any)[k] = v
	}
	h := &handler.Connect{Store: d.table, Auth: "jwt", Topics: d.Topics, Notify: d.tasks, Logger: d.Logger}
	res, err := h.Handle(d.t.Context(), events.APIGatewayWebsocketProxyRequest{RequestContext: rc,
		Headers: map[string]string{"Sec-WebSocket-Protocol": wire.SubprotocolJSON}})
	if err != nil {
		d.t.Fatal(err)
	}
	return res.StatusCode
}

// token is alice's from now on, for a while.
func token(user string, life time.Duration) chat.Identity {
	return chat.Identity{User: user, Issued: time.Now(), Expires: time.Now().Add(life)}
}

const expiredSays = `your sign-in has run out; send {"action":"auth","token":"…"} with a new token, then this message again`

// TestExpiry: a token that has run out gets nothing done, whatever is asked; a new
// one is taken in place, and the socket stays.
func TestExpiry(t *testing.T) {
	bubble(t, func(d *desk) {
		d.Auth, d.Verifier = "jwt", wallet{"new": token("alice", 2*time.Hour)}
		d.signIn("c1", token("alice", 10*time.Minute))
		a := d.ask("c1", "p1", "", "hello")
		d.answer(a.Reply, "hi", wire.StopEndTurn)
		time.Sleep(10*time.Minute + chat.Leeway)
		one[wire.ConversationsPage](d, "c1", wire.Conversations{}) // clocks may differ
		items := d.alices()
		time.Sleep(time.Millisecond)

		for i, body := range []string{
			`{"id":"p2","text":"` + canary + `"}`, `{"action":"stop"}`, `{"action":"resume","reply":"` + a.Reply + `"}`, `{"action":"history"}`,
			`{"action":"conversations"}`, `{"action":"rename","conversation":"c","title":"t"}`, `{"action":"delete","conversation":"` + a.Conversation + `"}`,
			`{"action":"subscribe","topic":"t"}`, `{"action":"unsubscribe","topic":"t"}`, `{"action":"ping"}`, `{"action":"auth"}`, `{broken`, `{"action":"dance"}`,
		} {
			got := only[wire.Error](t, decodeAll(t, d.raw("c1", body)))
			want := wire.Error{Code: wire.CodeExpired, Message: expiredSays}
			if i == 0 {
				want.ID = "p2"
			}
			if got != want {
				t.Errorf("%s: got %+v", body, got)
			}
		}
		d.says("c1", canary, "! "+expiredSays)
		if got := d.connection("c1"); got.Refused.IsZero() {
			t.Error("nobody noted when it began")
		}
		// Of what is stored only that has changed.
		if after := d.alices(); len(after) != len(items) {
			t.Errorf("%q\nbecame %q", items, after)
		}

		one[wire.Authorized](d, "c1", wire.Auth{Token: "new"})
		d.ask("c1", "p2", "", "hello again")
		if c := d.connection("c1"); !c.Refused.IsZero() || len(d.posts.closed()) != 0 {
			t.Errorf("%+v, closed %q", c, d.posts.closed())
		}
		// The next end is like the first.
		time.Sleep(2 * time.Hour)
		d.refuses("c1", wire.Conversations{}, wire.CodeExpired)
		if got := d.posts.closed(); len(got) != 0 {
			t.Errorf("closed %q at the first refusal", got)
		}
	})
}

// TestExpiredIsClosed: who does not refresh within a minute of the first refusal is
// told once more, and out.
func TestExpiredIsClosed(t *testing.T) {
	bubble(t, func(d *desk) {
		d.Auth, d.Verifier = "jwt", wallet{}
		d.signIn("c1", token("alice", time.Minute))
		time.Sleep(time.Hour)
		for range 3 {
			d.refuses("c1", wire.Conversations{}, wire.CodeExpired)
			time.Sleep(chat.RefreshWithin / 3)
		}
		if got := d.posts.closed(); len(got) != 0 {
			t.Fatalf("closed %q within a minute", got)
		}
		time.Sleep(time.Second)
		d.posts.failWith(errDead) // it could not be closed: the next message tries again
		d.raw("c1", `{"action":"conversations"}`)
		d.posts.failWith(nil)
		d.refuses("c1", wire.Conversations{}, wire.CodeExpired)
		if got := d.posts.closed(); !slices.Equal(got, []string{"c1"}) {
			t.Errorf("closed %q", got)
		}
	})
}

// TestBadAuthIsClosed: who sends nothing but bad tokens once his own has run out is
// out after a minute as well, unless nobody can say whether they are bad.
func TestBadAuthIsClosed(t *testing.T) {
	bubble(t, func(d *desk) {
		d.Auth, d.Verifier = "jwt", wallet{"bob's": token("bob", 9*time.Hour)}
		d.signIn("c1", token("alice", time.Hour))
		auth := func(token string, want wire.Code, closed bool) {
			t.Helper()
			d.refuses("c1", wire.Auth{Token: token}, want)
			if got := len(d.posts.closed()) > 0; got != closed {
				d.t.Fatalf("%s: closed %v", token, got)
			}
			time.Sleep(chat.RefreshWithin + time.Second)
		}
		auth("bad", wire.CodeUnauthorized, false)
		auth("bad", wire.CodeUnauthorized, false) // its own token is good still
		time.Sleep(time.Hour)
		auth("unknowable", wire.CodeUnavailable, false)
		auth("bad", wire.CodeUnauthorized, false)
		auth("unknowable", wire.CodeUnavailable, false)
		auth("bob's", wire.CodeUnauthorized, true)
	})
}

// TestExpiredHearsNothingNew: a connection that may not speak any more does not
// listen to replies that begin later either, until it says again who it is and asks
// for them.
func TestExpiredHearsNothingNew(t *testing.T) {
	bubble(t, func(d *desk) {
		d.Auth, d.Verifier = "jwt", wallet{"new": token("alice", 9*time.Hour)}
		d.signIn("c1", token("alice", 10*time.Minute))
		d.signIn("c2", token("alice", time.Hour))
		hear := func(conversation, prompt string, want ...string) string {
			t.Helper()
			b := d.ask("c2", prompt, conversation, "secret")
			got := slices.Sorted(maps.Keys(d.reply(b.Reply).Listeners))
			conv, err := d.table.Conversation(d.t.Context(), b.Conversation)
			if err != nil {
				t.Fatal(err)
			}
			if kept := slices.Sorted(maps.Keys(conv.Listeners)); !slices.Equal(got, want) || !slices.Equal(kept, want) {
				t.Errorf("%s: %q listen to the reply, %q to the conversation, want %q", prompt, got, kept, want)
			}
			d.answer(b.Reply, "hi", wire.StopEndTurn)
			return b.Reply
		}
		a := d.ask("c1", "p1", "", "hello")
		d.answer(a.Reply, "hi", wire.StopEndTurn)
		hear(a.Conversation, "p2", "c1", "c2")
		time.Sleep(10*time.Minute + chat.Leeway)
		hear(a.Conversation, "p3", "c1", "c2")
		time.Sleep(time.Second)
		missed := hear(a.Conversation, "p4", "c2")
		hear(a.Conversation, "p5", "c2")

		one[wire.Authorized](d, "c1", wire.Auth{Token: "new"})
		d.send("c1", wire.Resume{Reply: missed})
		hear(a.Conversation, "p6", "c1", "c2")
		if err := d.table.Gone(d.t.Context(), "c1", ""); err != nil {
			t.Fatal(err)
		}
		hear(a.Conversation, "p7", "c2")
	})
}

// TestRevokedHearsNothingNew: nor does one that was revoked and could not be closed,
// whatever the authorization.
func TestRevokedHearsNothingNew(t *testing.T) {
	for _, auth := range []string{"iam", "apikey"} {
		bubble(t, func(d *desk) {
			d.Auth = auth
			d.connect("c1", "alice", wire.SubprotocolJSON)
			a := d.ask("c1", "p1", "", "hello")
			d.answer(a.Reply, "hi", wire.StopEndTurn)
			d.posts.failWith(errDead)
			time.Sleep(time.Second)
			d.revoke("alice", false)
			d.posts.failWith(nil)
			time.Sleep(time.Second)
			d.connect("c2", "alice", wire.SubprotocolJSON)
			b := d.ask("c2", "p2", a.Conversation, "secret")
			if got := slices.Sorted(maps.Keys(d.reply(b.Reply).Listeners)); !slices.Equal(got, []string{"c2"}) {
				t.Errorf("%s: %q listen", auth, got)
			}
		})
	}
}

// revoke carries out the order, which comes through or not.
func (d *desk) revoke(user string, ok bool) {
	d.t.Helper()
	h := &handler.Disconnect{Store: d.table, Sockets: d.posts, Logger: d.Logger}
	if _, err := h.Handle(d.t.Context(), json.RawMessage(`{"revoke":{"user":"`+user+`"}}`)); (err == nil) != ok {
		d.t.Fatal(err)
	}
}

// TestGoneIsRevoked: a connection that a post found gone by mistake is on no list, so
// that a revocation does not find it. When it shows itself alive it may do nothing.
func TestGoneIsRevoked(t *testing.T) {
	for _, auth := range []string{"jwt", "iam", "apikey", "none"} {
		bubble(t, func(d *desk) {
			d.Auth, d.Verifier = auth, wallet{"new": {User: "alice", Issued: time.Now().Add(time.Hour), Expires: time.Now().Add(9 * time.Hour)}}
			open := func(conn string) {
				if auth == "jwt" {
					d.signIn(conn, token("alice", 2*time.Hour))
				} else {
					d.connect(conn, "alice", wire.SubprotocolJSON)
				}
			}
			open("c1")
			a := d.ask("c1", "p1", "", "hello")
			d.answer(a.Reply, "hi", wire.StopEndTurn)
			gone := func(conn string) {
				if err := d.table.Gone(d.t.Context(), conn, ""); err != nil {
					t.Fatal(err)
				}
			}
			gone("c1")
			one[wire.ConversationsPage](d, "c1", wire.Conversations{}) // it comes back while nothing is revoked
			gone("c1")
			time.Sleep(time.Second)
			d.revoke("alice", true)
			time.Sleep(time.Second)
			d.Limits.PerSecond = 1000 // so that the connection is found without GetItem
			d.fault.set("GetItem", ddb.Unavailable)
			d.refuses("c1", wire.SendMessage{ID: "p2", Text: canary}, wire.CodeUnavailable)
			d.fault.set("", nil)
			for range 2 {
				d.refuses("c1", wire.SendMessage{ID: "p2", Text: canary}, wire.CodeExpired)
			}
			open("c2")
			gone("c2")
			one[wire.ConversationsPage](d, "c2", wire.Conversations{}) // it came later
			if auth == "jwt" {
				gone("c1")
				time.Sleep(time.Hour)
				one[wire.Authorized](d, "c1", wire.Auth{Token: "new"})
				d.ask("c1", "p2", a.Conversation, "hello")
			}
		})
	}
}

// TestAuth has everything that may be handed over.
func TestAuth(t *testing.T) {
	bubble(t, func(d *desk) {
		good := token("alice", time.Hour)
		good.Topics = []string{"builds.*"}
		old := token("alice", time.Hour)
		time.Sleep(time.Second)
		if err := d.table.Revoke(d.t.Context(), "alice"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		good.Issued = time.Now()
		d.Auth, d.Verifier = "jwt", wallet{"good": good, "old": old, "bob's": token("bob", time.Hour), "undated": {User: "alice", Expires: good.Expires}}
		for range 3 {
			if got := d.signIn("c0", old); got != http.StatusUnauthorized {
				t.Errorf("a revoked token opens a connection: %d", got)
			}
		}
		if n, err := d.table.CountConnections(d.t.Context(), "alice", 9); n != 0 || err != nil {
			t.Errorf("%d that were refused are among the user's connections, %v", n, err)
		}
		if got := d.signIn("c1", token("alice", time.Hour)); got != http.StatusOK {
			t.Fatalf("a new token does not: %d", got)
		}
		before := d.connection("c1")
		for tok, want := range map[string]wire.Error{
			"bad":        {Code: wire.CodeUnauthorized, Message: "this token is not accepted; get a new one"},
			"bob's":      {Code: wire.CodeUnauthorized, Message: "this token is somebody else's; connect again with it"},
			"old":        {Code: wire.CodeUnauthorized, Message: "your access was revoked; sign in again"},
			"undated":    {Code: wire.CodeUnauthorized, Message: "your access was revoked; sign in again"},
			"unknowable": {Code: wire.CodeUnavailable, Message: "the issuer of tokens could not be reached; try again", Retryable: true},
		} {
			if got := one[wire.Error](d, "c1", wire.Auth{Token: tok}); got != want {
				t.Errorf("%s: got %+v", tok, got)
			}
		}
		if c := d.connection("c1"); !c.Expires.Equal(before.Expires) || c.Topics != nil {
			t.Errorf("became %+v", c)
		}
		one[wire.Authorized](d, "c1", wire.Auth{Token: "good"})
		if c := d.connection("c1"); !c.Expires.Equal(good.Expires) || !slices.Equal(c.Topics, good.Topics) {
			t.Errorf("became %+v", c)
		}
		for _, secret := range []string{"bob's", "unknowable", "undated"} {
			if strings.Contains(d.log.String(), secret) {
				t.Errorf("a token is logged: %s", d.log.String())
			}
		}
	})
}

// TestAuthElsewhere: where API Gateway knows the user by other means there is
// nothing to hand over, and nothing runs out by itself.
func TestAuthElsewhere(t *testing.T) {
	bubble(t, func(d *desk) {
		d.Auth = "iam"
		d.connect("c1", "alice", wire.SubprotocolJSON)
		time.Sleep(90 * time.Minute)
		if e := d.refuses("c1", wire.Auth{Token: "x"}, wire.CodeBadRequest); e.Message != "there are no tokens here; connect again to come in as somebody else" {
			t.Errorf("%+v", e)
		}
		if err := d.table.Expire(d.t.Context(), "c1"); err != nil {
			t.Fatal(err)
		}
		if e := d.refuses("c1", wire.Conversations{}, wire.CodeExpired); e.Message != "your access was withdrawn; connect again" {
			t.Errorf("%+v", e)
		}
	})
}

// TestNothingUndoesAnEnd: a message that is under way while its connection is ended
// or renewed writes the connection back, and changes neither.
func TestNothingUndoesAnEnd(t *testing.T) {
	bubble(t, func(d *desk) {
		d.Auth = "jwt"
		d.signIn("c1", token("alice", time.Hour))
		stale := d.connection("c1")
		if err := d.table.Expire(d.t.Context(), "c1"); err != nil {
			t.Fatal(err)
		}
		if err := d.table.Update(d.t.Context(), stale); err != nil || !d.connection("c1").Expired(time.Now()) {
			t.Errorf("%v, %+v", err, d.connection("c1"))
		}
		renewed := chat.Identity{User: "alice", Expires: time.Now().Add(3 * time.Hour).Truncate(time.Millisecond), Topics: []string{"a"}}
		if err := d.table.Authorize(d.t.Context(), "c1", renewed); err != nil {
			t.Fatal(err)
		}
		if err := d.table.Update(d.t.Context(), stale); err != nil {
			t.Fatal(err)
		}
		if c := d.connection("c1"); !c.Expires.Equal(renewed.Expires) || !slices.Equal(c.Topics, renewed.Topics) {
			t.Errorf("%+v", c)
		}
		if err := d.table.Authorize(d.t.Context(), "c1", chat.Identity{User: "bob", Expires: time.Now().Add(9 * time.Hour)}); err != nil || !d.connection("c1").Expires.Equal(renewed.Expires) {
			t.Errorf("%v, %+v", err, d.connection("c1"))
		}
	})
}

// TestRevokedIsNotRecalled: an event still names the user, but what let him in is
// worth nothing any more.
func TestRevokedIsNotRecalled(t *testing.T) {
	for _, auth := range []string{"jwt", "iam", "apikey"} {
		bubble(t, func(d *desk) {
			d.Auth = auth
			event := func(conn string) events.APIGatewayWebsocketProxyRequest {
				d.opens[conn] = time.Now()
				rc := d.context(conn)
				switch auth {
				case "jwt":
					rc.Authorizer = map[string]any{"principalId": "alice"}
					for k, v := range handler.ContextOf(token("alice", time.Hour)) {
						rc.Authorizer.(map[string]any)[k] = v
					}
				case "iam":
					rc.Identity.UserArn = "alice"
				case "apikey":
					rc.Identity.APIKeyID = "alice"
				}
				return events.APIGatewayWebsocketProxyRequest{Body: `{"action":"conversations"}`, RequestContext: rc}
			}
			before := event("c8")
			time.Sleep(time.Second)
			d.revoke("alice", true)
			time.Sleep(time.Second)
			after := event("c9")
			d.Limits.PerSecond = 1000 // so that the connection is looked for without GetItem
			for _, want := range []wire.Code{wire.CodeUnavailable, wire.CodeExpired, wire.CodeExpired} {
				if want == wire.CodeUnavailable {
					d.fault.set("GetItem", ddb.Unavailable)
				}
				if _, err := d.Handle(d.t.Context(), before); err != nil {
					t.Fatal(err)
				}
				d.fault.set("", nil)
				all := decodeAll(t, d.posts.to("c8"))
				if got, _ := all[len(all)-1].(wire.Error); got.Code != want {
					t.Errorf("%s: %+v, want %s", auth, all[len(all)-1], want)
				}
			}
			if _, err := d.Handle(d.t.Context(), after); err != nil {
				t.Fatal(err)
			}
			only[wire.ConversationsPage](t, decodeAll(t, d.posts.to("c9")))
		})
	}
}

// TestRevocationUnknown: while nobody can say, nobody comes in.
func TestRevocationUnknown(t *testing.T) {
	d := newDesk(t)
	d.Auth, d.Verifier = "jwt", wallet{"new": token("alice", 2*time.Hour)}
	d.signIn("c1", token("alice", time.Hour))
	d.fault.set("GetItem", ddb.Unavailable)
	if got := d.signIn("c2", token("alice", time.Hour)); got != http.StatusInternalServerError {
		t.Errorf("answered %d", got)
	}
	d.Limits.PerSecond = 1000 // so that the connection is found without GetItem
	d.refuses("c1", wire.Auth{Token: "new"}, wire.CodeUnavailable)
	d.fault.set("", nil)
	one[wire.Authorized](d, "c1", wire.Auth{Token: "new"})
	if _, err := d.table.Connection(t.Context(), "c2"); chat.KindOf(err) != chat.NotFound {
		t.Errorf("c2 may speak: %v", err)
	}
}

// TestRevokedMeanwhile: a revocation that comes while a token is handed over ends
// the connection, whichever was first.
func TestRevokedMeanwhile(t *testing.T) {
	bubble(t, func(d *desk) {
		id := token("alice", time.Hour)
		d.Auth, d.Verifier = "jwt", wallet{"new": id}
		d.signIn("c1", id)
		time.Sleep(time.Second)
		order := json.RawMessage(`{"revoke":{"user":"alice"}}`)
		h := &handler.Disconnect{Store: d.table, Sockets: &postbox{gone: map[string]bool{}}, Logger: d.Logger}
		d.Store = &interrupted{Store: d.table, before: func() {
			if _, err := h.Handle(d.t.Context(), order); err != nil {
				t.Error(err)
			}
		}}
		d.refuses("c1", wire.Auth{Token: "new"}, wire.CodeUnauthorized)
		if !d.connection("c1").Expired(time.Now()) {
			t.Error("the connection goes on")
		}
	})
}

// interrupted lets something happen before a token is written down.
type interrupted struct {
	handler.Store
	before func()
}

func (i *interrupted) Authorize(ctx context.Context, conn string, id chat.Identity) error {
	i.before()
	return i.Store.Authorize(ctx, conn, id)
}

// Update does the same before a connection is written back.
func (i *interrupted) Update(ctx context.Context, c chat.Connection) error {
	i.before()
	return i.Store.Update(ctx, c)
}

// TestRevokedWhileRecalled: a revocation that comes when a connection is recalled, and
// on no list yet, ends it all the same.
func TestRevokedWhileRecalled(t *testing.T) {
	bubble(t, func(d *desk) {
		d.Auth = "iam"
		d.opens["c8"] = time.Now()
		ev := events.APIGatewayWebsocketProxyRequest{Body: `{"action":"conversations"}`, RequestContext: d.context("c8")}
		ev.RequestContext.Identity.UserArn = "alice"
		time.Sleep(time.Second)
		d.Store = &interrupted{Store: d.table, before: sync.OnceFunc(func() { d.revoke("alice", true) })}
		if _, err := d.Handle(d.t.Context(), ev); err != nil {
			t.Fatal(err)
		}
		if e := only[wire.Error](t, decodeAll(t, d.posts.to("c8"))); e.Code != wire.CodeExpired {
			t.Errorf("%+v", e)
		}
		if !d.connection("c8").Expired(time.Now()) {
			t.Error("the connection goes on")
		}
	})
}
