package handler_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

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
