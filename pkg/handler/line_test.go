package handler_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/plain"
	"kaiwa/pkg/wire"
)

// says sends a line and wants exactly these lines back.
func (d *desk) says(conn, line string, want ...string) {
	d.t.Helper()
	if got := d.raw(conn, line); !slices.Equal(got, want) {
		d.t.Errorf("%q: got %q, want %q", line, got, want)
	}
}

// TestLines has everything that somebody may type in wscat.
func TestLines(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "alice", "")
	d.says("c1", "/list", "no conversations yet; type something to begin one")
	d.says("c1", "/open 1", "! there is no conversation 1; /list shows them")
	d.says("c1", "/stop", "! there is no reply to stop")
	d.says("c1", "/help", plain.HelpText())
	d.says("c1", "hello "+canary) // accepted is not for people
	if got := d.calls.invoked(); len(got) != 1 {
		t.Fatalf("invoked for %v", got)
	}
	first := d.reply(d.calls.invoked()[0])
	if first.Listeners["c1"].Mode != chat.ModePlain {
		t.Errorf("the reply's listeners are %+v", first.Listeners)
	}
	d.says("c1", "too early", "! the last reply of this conversation is still being made; wait for its end or stop it (/stop ends it) (wait 3 s)")
	d.says("c1", "/stop", "! stopped")
	d.says("c1", "/stop", "! stopped")
	d.says("c1", "/list", "1  hello "+canary+", just now (open)")

	d.says("c1", "/"+canary+" x", "! there is no /"+canary+"; /help shows the commands, and // begins a text with a slash")
	d.says("c1", "/open", "! /open needs a number of /list, for example /open 2")
	d.says("c1", "/open 0", "! /open needs a number of /list, for example /open 2")
	d.says("c1", "/open 2", "! there is no conversation 2; /list shows them")
	d.says("c1", "")
	d.says("c1", " \r\n")
}

// TestSlashIsText: // begins a text with a slash, ／ too where no command follows.
func TestSlashIsText(t *testing.T) {
	for line, want := range map[string]string{
		"//etc/hosts " + canary: "/etc/hosts " + canary, "//": "/", "／etc": "／etc", "  //x": "/x", "a /list": "a /list", "日本 ": "日本 ",
		`["not an object"]`: `["not an object"]`, `"{"`: `"{"`, "line\n": "line",
	} {
		d := newDesk(t)
		d.connect("c1", "alice", "")
		d.says("c1", line)
		if got := d.said(d.connection("c1").Conversation)[0]; got != "user: "+want {
			t.Errorf("%q: stored %q, want %q", line, got, want)
		}
	}
}

func TestNewListOpen(t *testing.T) {
	bubble(t, func(d *desk) {
		d.connect("c1", "alice", "")
		talk := func(line, answer string) chat.Reply {
			d.t.Helper()
			d.says("c1", line)
			invoked := d.calls.invoked()
			d.answer(invoked[len(invoked)-1], answer, wire.StopEndTurn)
			time.Sleep(time.Minute) // virtual
			return d.reply(invoked[len(invoked)-1])
		}
		one := talk("first\nquestion", "a long answer: "+strings.Repeat("語", 300))
		if two := talk("and more", "short"); two.Conversation != one.Conversation {
			t.Error("the second line left the conversation")
		}
		d.says("c1", "/new", "a new conversation; type something to begin it")
		d.says("c1", "/list", "1  first, 1 min ago")
		three := talk("third", "yes")
		four := talk("/new fourth", "no\x1b[31m")
		if three.Conversation == one.Conversation || four.Conversation == three.Conversation {
			t.Error("/new made no new conversation")
		}
		d.says("c1", "/list", "1  fourth, 1 min ago (open)\n2  third, 2 min ago\n3  first, 3 min ago")
		d.says("c1", "/open 3", "opened: first\nyou: and more\nkaiwa: short")
		d.says("c1", "/open 1", "opened: fourth\nyou: fourth\nkaiwa: no") // and nothing that drives a terminal
		d.says("c1", "／ＯＰＥＮ　３", "opened: first\nyou: and more\nkaiwa: short")
		if five := talk("fifth", "five"); five.Conversation != one.Conversation {
			t.Error("/open did not go back")
		}
		if c := d.connection("c1"); c.Conversation != one.Conversation || c.Mode != chat.ModePlain {
			t.Errorf("the connection is %+v", c)
		}
	})
}

// TestOpenFollows: what another device asks in an opened conversation is heard.
func TestOpenFollows(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "alice", "")
	d.connect("c2", "alice", "")
	a := d.ask("c1", "p1", "", "one")
	d.answer(a.Reply, "1", wire.StopEndTurn)
	d.raw("c2", "/open 1")
	b := d.ask("c1", "p2", "", "two")
	if l := d.reply(b.Reply).Listeners; l["c2"].Mode != chat.ModePlain || l["c1"].Mode != chat.ModeJSON {
		t.Errorf("listeners %+v", l)
	}
}

// TestOpenRunning: a reply that still runs goes on where the stored text ends.
func TestOpenRunning(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "alice", "")
	d.connect("c2", "alice", "")
	a := d.ask("c1", "p1", "", "one")
	d.claim(a.Reply)
	p := chat.Progress{Reply: a.Reply, Owner: "owner", Seq: 2, Lease: time.Now().Add(chat.Lease), Length: 5, Tail: "hello"}
	if _, err := d.table.Tick(d.t.Context(), p); err != nil {
		t.Fatal(err)
	}
	d.raw("c2", "/open 1")
	if l := d.reply(a.Reply).Listeners["c2"]; l.Offset != 5 || l.Mode != chat.ModePlain {
		t.Errorf("registered as %+v", l)
	}
}

// TestListIsBounded: a person sees the newest twenty, on one screen.
func TestListIsBounded(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "alice", "")
	for n := range 25 {
		d.says("c1", fmt.Sprint("/new conversation ", n, strings.Repeat(" 語\x07", 80)))
	}
	got := d.raw("c1", "/list")
	if lines := strings.Split(got[0], "\n"); len(got) != 1 || len(lines) != 20 || len(got[0]) > wire.MaxFrame {
		t.Errorf("%d posts, %d bytes: %q", len(got), len(got[0]), got)
	}
	if strings.Contains(got[0], "\x07") {
		t.Error("a bell rings")
	}
}
