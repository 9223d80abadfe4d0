package handler_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/emu/ddb"
	"kaiwa/pkg/herald"
	"kaiwa/pkg/wire"
)

const toBuilds = `{"to":{"topic":"builds"},"text":"7 is out"}`

// TestTopics: who subscribed hears a topic on every connection, the next ones too.
func TestTopics(t *testing.T) {
	d := newDesk(t)
	d.Topics = []string{"builds", "{user}/*"}
	d.connect("a1", "alice", "")
	d.connect("a2", "alice", "")
	d.connect("b1", "bob", "")
	if f := one[wire.Subscribed](d, "a1", wire.Subscribe{Topic: "builds"}); f.Topic != "builds" {
		t.Errorf("got %+v", f)
	}
	one[wire.Subscribed](d, "a1", wire.Subscribe{Topic: "builds"}) // again is fine
	one[wire.Subscribed](d, "a1", wire.Subscribe{Topic: "alice/mail"})
	d.refuses("a1", wire.Subscribe{Topic: "bob/mail"}, wire.CodeUnauthorized)
	d.refuses("a1", wire.Subscribe{Topic: "other"}, wire.CodeUnauthorized)
	d.refuses("a1", wire.Subscribe{Topic: "alice/\x1b"}, wire.CodeBadRequest)
	d.tallies(toBuilds, herald.Tally{Delivered: 2})
	d.connect("a3", "alice", "")
	d.tallies(toBuilds, herald.Tally{Delivered: 3})
	d.tallies(`{"to":{"topic":"alice/mail"},"text":"you have mail"}`, herald.Tally{Delivered: 3})
	d.tallies(`{"to":{"topic":"other"},"text":"nobody"}`, herald.Tally{})
	d.heard("a3", "* 7 is out", "* you have mail")
	d.heard("b1")
	if f := one[wire.Unsubscribed](d, "a2", wire.Unsubscribe{Topic: "builds"}); f.Topic != "builds" {
		t.Errorf("got %+v", f)
	}
	one[wire.Unsubscribed](d, "a2", wire.Unsubscribe{Topic: "never"})
	d.tallies(toBuilds, herald.Tally{})
	d.connect("a4", "alice", "")
	d.tallies(toBuilds, herald.Tally{})
	for _, c := range []string{"a1", "a2", "a3", "a4"} {
		d.posts.hangUp(c)
	}
	d.ages("a1", "a2", "a3", "a4")
	d.tallies(`{"to":{"topic":"alice/mail"},"text":"more mail"}`, herald.Tally{Gone: 4, Kept: 1})
	d.connect("a5", "alice", "")
	d.work()
	d.heard("a5", "* more mail")
}

// ages makes connections older than those whose 410 is not believed.
func (d *desk) ages(conns ...string) {
	d.t.Helper()
	for _, id := range conns {
		c := d.connection(id)
		if err := d.table.Close(d.t.Context(), id); err != nil {
			d.t.Fatal(err)
		}
		d.opens[id] = time.Now().Add(-time.Hour)
		c.At = d.opens[id]
		if err := d.table.Open(d.t.Context(), c); err != nil {
			d.t.Fatal(err)
		}
		home, err := d.table.Home(d.t.Context(), c.User)
		if err == nil {
			err = d.table.Join(d.t.Context(), c.User, id, home.Topics)
		}
		if err != nil {
			d.t.Fatal(err)
		}
	}
}

// TestTopicsOfAToken: a claim decides for its connection alone, and a new token at
// once.
func TestTopicsOfAToken(t *testing.T) {
	d := newDesk(t)
	may, not := token("alice", time.Hour), token("alice", time.Hour)
	may.Topics, not.Topics = []string{"builds"}, []string{}
	d.Auth, d.Topics, d.Verifier = "jwt", []string{"*"}, wallet{"may": may, "not": not}
	d.signIn("a1", may)
	d.signIn("a2", not)
	d.refuses("a2", wire.Subscribe{Topic: "builds"}, wire.CodeUnauthorized)
	d.refuses("a1", wire.Subscribe{Topic: "other"}, wire.CodeUnauthorized) // the claim, not the pattern
	one[wire.Subscribed](d, "a1", wire.Subscribe{Topic: "builds"})
	d.tallies(toBuilds, herald.Tally{Delivered: 1})
	one[wire.Authorized](d, "a1", wire.Auth{Token: "not"})
	one[wire.Authorized](d, "a2", wire.Auth{Token: "may"})
	before := len(d.posts.to("a1"))
	d.tallies(toBuilds, herald.Tally{Delivered: 1})
	if len(d.posts.to("a1")) != before {
		t.Error("a connection hears what its new token does not allow")
	}
	d.signIn("a3", not)
	d.signIn("a4", may)
	d.tallies(toBuilds, herald.Tally{Delivered: 2})
}

// TestTopicsOfNobody: those who did not say who they are subscribe for one
// connection.
func TestTopicsOfNobody(t *testing.T) {
	d := newDesk(t)
	d.Topics = []string{"*"}
	d.connect("c1", chat.Anonymous, "")
	d.connect("c2", chat.Anonymous, "")
	one[wire.Subscribed](d, "c1", wire.Subscribe{Topic: "builds"})
	d.connect("c3", chat.Anonymous, "")
	d.tallies(toBuilds, herald.Tally{Delivered: 1})
	one[wire.Unsubscribed](d, "c2", wire.Unsubscribe{Topic: "builds"})
	d.tallies(toBuilds, herald.Tally{Delivered: 1})
	one[wire.Unsubscribed](d, "c1", wire.Unsubscribe{Topic: "builds"})
	d.tallies(toBuilds, herald.Tally{})
	for i := range 50 {
		one[wire.Subscribed](d, "c2", wire.Subscribe{Topic: fmt.Sprint("t", i)})
	}
	d.refuses("c2", wire.Subscribe{Topic: "one more"}, wire.CodeBadRequest)
	one[wire.Subscribed](d, "c2", wire.Subscribe{Topic: "t7"})
}

// TestTopicsComeBack: a connection that was given up and speaks again hears its
// topics again (R8).
func TestTopicsComeBack(t *testing.T) {
	d := newDesk(t)
	d.Topics = []string{"*"}
	d.connect("a1", "alice", "")
	one[wire.Subscribed](d, "a1", wire.Subscribe{Topic: "builds"})
	if err := d.table.Gone(t.Context(), "a1", ""); err != nil {
		t.Fatal(err)
	}
	d.tallies(toBuilds, herald.Tally{Kept: 1})
	d.raw("a1", `{"action":"conversations"}`)
	before := len(d.posts.to("a1"))
	d.work()
	d.tallies(toBuilds, herald.Tally{Delivered: 1})
	if got := len(d.posts.to("a1")) - before; got != 2 { // with what was kept
		t.Errorf("%d notifications", got)
	}
}

// TestConnectFails: a handshake whose topics could not be joined is refused, so that
// the client tries again; nothing is silently missing.
func TestConnectFails(t *testing.T) {
	d := newDesk(t)
	d.Topics = []string{"*"}
	d.connect("a1", "alice", "")
	one[wire.Subscribed](d, "a1", wire.Subscribe{Topic: "builds"})
	for _, op := range []string{"Query", "BatchWriteItem"} {
		d.fault.set(op, ddb.Unavailable)
		if status := d.handshake("a2", "alice", ""); status != 500 {
			t.Errorf("without %s: %d", op, status)
		}
	}
	d.fault.set("Query", nil)
	d.connect("a2", "alice", "")
	d.tallies(toBuilds, herald.Tally{Delivered: 2})
}

// TestSubscriptionIsRenewed: who comes now and then stays subscribed.
func TestSubscriptionIsRenewed(t *testing.T) {
	bubble(t, func(d *desk) {
		d.Topics = []string{"*"}
		d.connect("a1", "alice", "")
		one[wire.Subscribed](d, "a1", wire.Subscribe{Topic: "builds"})
		for i := range 5 {
			time.Sleep(80 * 24 * time.Hour)
			d.connect(fmt.Sprint("b", i), "alice", "")
		}
		if home, err := d.table.Home(d.t.Context(), "alice"); err != nil || !slices.Equal(home.Topics, []string{"builds"}) {
			d.t.Errorf("%+v, %v", home, err)
		}
		time.Sleep(91 * 24 * time.Hour)
		d.connect("c1", "alice", "")
		d.tallies(toBuilds, herald.Tally{})
	})
}
