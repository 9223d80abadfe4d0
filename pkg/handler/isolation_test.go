package handler_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"kaiwa/pkg/wire"
)

// TestIsolation: whatever names a conversation or a reply of alice's is answered
// to bob exactly as if there were none of that name, and changes nothing of hers.
func TestIsolation(t *testing.T) {
	d := newDesk(t)
	d.connect("a1", "alice", "")
	d.connect("b1", "bob", "")
	d.connect("b2", "bob", "")
	ended := d.ask("a1", "p1", "", "secret")
	d.answer(ended.Reply, "secret answer", wire.StopEndTurn)
	running := d.ask("a1", "p2", wire.NewConversation, "secret")
	d.claim(running.Reply)
	pending := d.ask("a1", "p3", wire.NewConversation, "secret")

	about := func(conversation, reply string) map[string]wire.Request {
		return map[string]wire.Request{
			"sendMessage":                      wire.SendMessage{ID: "p1", Text: canary, Conversation: conversation},
			"sendMessage in parts":             part1(conversation),
			"resume a conversation":            wire.Resume{Conversation: conversation},
			"resume a reply":                   wire.Resume{Reply: reply},
			"resume a reply, from its end":     wire.Resume{Reply: reply, Offset: 13},
			"resume both":                      wire.Resume{Reply: reply, Conversation: conversation},
			"stop":                             wire.Stop{Reply: reply},
			"history":                          wire.History{Conversation: conversation},
			"history from a page on":           wire.History{Conversation: conversation, Before: "="},
			"rename":                           wire.Rename{Conversation: conversation, Title: "mine"},
			"delete":                           wire.Delete{Conversation: conversation},
			"resume a reply as conversation":   wire.Resume{Conversation: reply},
			"a conversation's id as a reply's": wire.Stop{Reply: conversation},
		}
	}
	for _, a := range []wire.Accepted{ended, running, pending} {
		none := about("nowhere", "nothing")
		for name, r := range about(a.Conversation, a.Reply) {
			before := d.alices()
			got, want := d.refuses("b1", r, wire.CodeNotFound), d.refuses("b2", none[name], wire.CodeNotFound)
			got.Reply, want.Reply = "", "" // what was asked for, sent back
			if got != want {
				t.Errorf("%s of alice's: %+v\nof nobody's: %+v", name, got, want)
			}
			if after := d.alices(); !slices.Equal(before, after) {
				t.Errorf("%s changed what is alice's:\n%q\n%q", name, before, after)
			}
		}
	}
	if len(d.calls.invoked()) != 3 || len(d.posts.to("a1")) != 3 {
		t.Errorf("invoked for %v; alice got %q", d.calls.invoked(), d.posts.to("a1"))
	}
	if got, _ := d.titles("b1", 0); len(got) != 0 {
		t.Errorf("bob sees %q", got)
	}
	for _, post := range append(d.posts.to("b1"), d.posts.to("b2")...) {
		if strings.Contains(post, "secret") || strings.Contains(post, "alice") {
			t.Errorf("bob was told %s", post)
		}
	}
	if d.connection("b1").Conversation == ended.Conversation {
		t.Error("bob is in alice's conversation")
	}
}

// TestIsolationOfTheRest walks the actions that name nothing of alice's, done by bob
// just as she does them: nothing of hers is shown, changed, or deleted.
func TestIsolationOfTheRest(t *testing.T) {
	d := newDesk(t)
	d.Auth, d.Verifier, d.Topics = "jwt", wallet{"alice's": token("alice", time.Hour)}, []string{"*"}
	d.signIn("a1", token("alice", time.Hour))
	d.signIn("b1", token("bob", time.Hour))
	a := d.ask("a1", "p1", "", "secret")
	d.answer(a.Reply, "secret answer", wire.StopEndTurn)
	two := 2
	part := func(i int, text string) wire.SendMessage {
		return wire.SendMessage{ID: "p2", Text: text, Part: i, Parts: &two}
	}
	d.send("a1", part(0, "secret "+canary))
	d.send("a1", wire.Subscribe{Topic: "secret"})
	before := d.alices()
	walked := map[string]bool{}
	for _, r := range []wire.Request{
		wire.SendMessage{ID: "p1", Text: "secret " + canary}, // her id, even her text
		part(1, canary), // the rest of her prompt
		wire.Stop{}, wire.Resume{Reply: a.Reply}, wire.History{}, wire.Conversations{}, wire.Rename{Conversation: a.Conversation, Title: "x"},
		wire.Delete{All: true}, wire.Subscribe{Topic: "secret"}, wire.Unsubscribe{Topic: "secret"}, wire.Auth{Token: "alice's"}, wire.Ping{},
	} {
		walked[r.Action()] = true
		d.send("b1", r)
		if _, is := r.(wire.Delete); is {
			if err := d.carryOut(); err != nil {
				t.Fatal(err)
			}
		}
		after := d.stored()
		for _, it := range before {
			if !slices.Contains(after, it) {
				t.Errorf("%+v changed or removed what is alice's: %s", r, it)
			}
		}
	}
	for _, post := range d.posts.to("b1") {
		if strings.Contains(post, "secret answer") || strings.Contains(post, a.Conversation) || strings.Contains(post, a.Reply) && !strings.Contains(post, "not_found") {
			t.Errorf("bob was told %s", post)
		}
	}
	if c := d.connection("b1"); c.User != "bob" {
		t.Errorf("bob has become %q", c.User)
	}
	if n := len(d.calls.invoked()); n != 2 { // alice's and bob's p1
		t.Errorf("invoked %d times", n)
	}
	for _, action := range allActions(t) {
		if !walked[action] {
			t.Errorf("nobody has tried %s", action)
		}
	}
}

// allActions are those that wire knows.
func allActions(t *testing.T) []string {
	t.Helper()
	_, err := wire.DecodeRequest(`{"action":"?"}`)
	_, list, ok := strings.Cut(err.Error(), "; use ")
	if !ok {
		t.Fatal(err)
	}
	return strings.Split(strings.ReplaceAll(list, " or ", ", "), ", ")
}

// TestIDs: whatever the service names is unguessable, and knows no other.
func TestIDs(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "alice", "")
	seen := map[string]bool{}
	for i := range 50 {
		a := d.ask("c1", fmt.Sprint("p", i), wire.NewConversation, "x")
		for _, id := range []string{a.Conversation, a.Reply} {
			if b, err := base64.RawURLEncoding.DecodeString(id); err != nil || len(b) != 16 || seen[id] {
				t.Errorf("%q: %d bytes, %v", id, len(b), err)
			}
			seen[id] = true
		}
	}
}

func part1(conversation string) wire.Request {
	n := 1
	return wire.SendMessage{ID: "p9", Text: canary, Conversation: conversation, Parts: &n}
}

// alices is all that is stored and not bob's.
func (d *desk) alices() []string {
	d.t.Helper()
	var all []string
	for _, it := range d.ddb.Items("kaiwa") {
		b, err := json.Marshal(it)
		if err != nil {
			d.t.Fatal(err)
		}
		if s := string(b); !strings.Contains(s, "bob") {
			all = append(all, s)
		}
	}
	return all
}

// TestIsolationOfLines: numbers of a list count one's own conversations only.
func TestIsolationOfLines(t *testing.T) {
	d := newDesk(t)
	d.connect("a1", "alice", "")
	d.connect("b1", "bob", "")
	d.says("a1", "secret")
	d.says("b1", "/list", "no conversations yet; type something to begin one")
	d.says("b1", "/open 1", "! there is no conversation 1; /list shows them")
	d.says("b1", "/stop", "! there is no reply to stop")
	d.says("b1", "mine")
	if d.connection("a1").Conversation == d.connection("b1").Conversation {
		t.Error("both talk in one conversation")
	}
}

// TestUsersThatLookAlike: no name of a user is a part of another's keys.
func TestUsersThatLookAlike(t *testing.T) {
	d := newDesk(t)
	for i, user := range []string{"al", "al#", "al#K#p1", "al ", "AL", "al\u3000", "U#al"} {
		conn := string(rune('a' + i))
		d.connect(conn, user, "")
		d.ask(conn, "p1", "", user)
		if got, _ := d.titles(conn, 0); len(got) != 1 {
			t.Errorf("%q sees %q", user, got)
		}
	}
}
