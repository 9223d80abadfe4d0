package handler_test

import (
	"strings"
	"testing"
	"time"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/emu/ddb"
	"kaiwa/pkg/frame"
	"kaiwa/pkg/wire"
)

// resumed joins what a resume brought to what was held, and checks the frames.
func (d *desk) resumed(conn string, r wire.Resume, held string) (string, wire.End) {
	d.t.Helper()
	var j frame.Join
	j.Delta(0, held)
	posts := d.raw(conn, string(wire.EncodeRequest(r)))
	for i, f := range decodeAll(d.t, posts) {
		switch f := f.(type) {
		case wire.Delta:
			if _, gap := j.Delta(f.Offset, f.Text); gap || f.Offset < r.Offset || len(posts[i]) > wire.MaxFrame {
				d.t.Fatalf("a delta of %d bytes at %d", len(posts[i]), f.Offset)
			}
		case wire.End:
			if i != len(posts)-1 {
				d.t.Errorf("%d frames after the end", len(posts)-1-i)
			}
			return j.Text(), f
		default:
			d.t.Fatalf("got %+v", f)
		}
	}
	d.t.Fatalf("no end in %q", posts)
	return "", wire.End{}
}

// TestResumeEnded: what is held counts in code points, whatever their size.
func TestResumeEnded(t *testing.T) {
	for _, text := range []string{"", "hello", "日本語 👩‍👧‍👦 e\u0301 𠮷", strings.Repeat("\x1b語\"👩‍👧", 30_000)} {
		d := newDesk(t)
		d.connect("c1", "alice", "")
		a := d.ask("c1", "p1", "", "one")
		d.answer(a.Reply, text, wire.StopEndTurn)
		runes := []rune(text)
		for _, offset := range []int{0, 1, len(runes) / 2, len(runes)} {
			offset = min(offset, len(runes))
			got, end := d.resumed("c1", wire.Resume{Reply: a.Reply, Offset: offset}, string(runes[:offset]))
			if got != text || end.Ref != a.Ref || end.Length != len(runes) || end.Stop != wire.StopEndTurn || !end.Saved {
				t.Errorf("%.20q from %d: %d bytes of %d, %+v", text, offset, len(got), len(text), end)
			}
		}
		// Whoever holds too much is only told where the text ends.
		if end := one[wire.End](d, "c1", wire.Resume{Reply: a.Reply, Offset: len(runes) + 1000}); end.Length != len(runes) {
			t.Errorf("from beyond the end: %+v", end)
		}
	}
}

// TestResumeByConversation: its newest reply; the connection moves there.
func TestResumeByConversation(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "alice", "")
	d.connect("c2", "alice", "")
	a := d.ask("c1", "p1", "", "one")
	d.answer(a.Reply, "first", wire.StopEndTurn)
	b := d.ask("c1", "p2", "", "two")
	d.answer(b.Reply, "second", wire.StopEndTurn)
	for _, r := range []wire.Resume{{Conversation: a.Conversation}, {Conversation: a.Conversation, Reply: b.Reply}} {
		if text, end := d.resumed("c2", r, ""); text != "second" || end.Ref != b.Ref {
			t.Errorf("%+v: got %q, %+v", r, text, end)
		}
	}
	if d.connection("c2").Conversation != a.Conversation {
		t.Error("the connection has not moved")
	}
	// From now on it hears what is said there.
	c := d.ask("c1", "p3", "", "three")
	if _, listens := d.reply(c.Reply).Listeners["c2"]; !listens {
		t.Error("the connection does not listen to the next reply")
	}
}

func TestResumePending(t *testing.T) {
	bubble(t, func(d *desk) {
		d.connect("c1", "alice", "")
		a := d.ask("c1", "p1", "", "one")
		ask := func(waited, invokes int) {
			d.t.Helper()
			k := one[wire.Keepalive](d, "c1", wire.Resume{Reply: a.Reply})
			if k.Ref != a.Ref || k.Waited != waited || len(d.calls.invoked()) != invokes {
				d.t.Errorf("%+v, %d invokes; want %d s and %d", k, len(d.calls.invoked()), waited, invokes)
			}
		}
		ask(0, 1)
		time.Sleep(chat.ReinvokeAfter) // virtual, as all waits here
		ask(10, 1)
		time.Sleep(time.Second)
		ask(11, 2) // the first one may be lost
		ask(11, 2)
		time.Sleep(chat.ReinvokeAfter + time.Second)
		d.calls.fails = 1
		frames := d.send("c1", wire.Resume{Reply: a.Reply})
		if e, _ := frames[len(frames)-1].(wire.Error); len(frames) != 2 || e.Code != wire.CodeUnavailable || e.Reply != a.Reply {
			d.t.Errorf("invoke fails: got %+v", frames)
		}
	})
}

// TestResumeRunning: registered and nothing said; the owner answers at its tick.
func TestResumeRunning(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "alice", "")
	d.connect("c2", "alice", wire.SubprotocolText)
	a := d.ask("c1", "p1", "", "one")
	d.claim(a.Reply)
	d.silent("c2", wire.Resume{Reply: a.Reply, Offset: 7})
	l := d.reply(a.Reply).Listeners["c2"]
	if l.Offset != 7 || l.N != 2 || l.Mode != chat.ModeJSON { // the mode of the message, not of the handshake
		t.Errorf("registered as %+v", l)
	}
}

// TestResumeExpired: nobody works on the reply any more. It is ended, all are
// told, and the one who asked gets the text that is there.
func TestResumeExpired(t *testing.T) {
	bubble(t, func(d *desk) {
		d.connect("c1", "alice", "")
		d.connect("c2", "alice", "")
		a := d.ask("c1", "p1", "", "one")
		d.claim(a.Reply)
		p := chat.Progress{Reply: a.Reply, Owner: "owner", Seq: 2, Lease: time.Now().Add(chat.Lease), Length: 5, Tail: "hello"}
		if _, err := d.table.Tick(d.t.Context(), p); err != nil {
			d.t.Fatal(err)
		}
		time.Sleep(chat.Lease + chat.Margin + time.Second) // virtual
		before := len(d.posts.to("c1"))
		frames := decodeAll(d.t, d.raw("c2", string(wire.EncodeRequest(wire.Resume{Reply: a.Reply}))))
		if text, _ := frames[0].(wire.Delta); text.Text != "hello" {
			d.t.Errorf("first %+v", frames[0])
		}
		mustEndCutShort(d.t, frames[1:], a.Ref)
		mustEndCutShort(d.t, decodeAll(d.t, d.posts.to("c1")[before:]), a.Ref)
	})
}

// TestResumeAnotherReply: the named reply is served, and the newest is not missed.
func TestResumeAnotherReply(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "alice", "")
	d.connect("c2", "alice", "")
	a := d.ask("c1", "p1", "", "one")
	d.answer(a.Reply, "first", wire.StopEndTurn)
	b := d.ask("c1", "p2", "", "two")
	d.claim(b.Reply)
	if text, end := d.resumed("c2", wire.Resume{Reply: a.Reply, Offset: 2}, "fi"); text != "first" || end.Ref != a.Ref {
		t.Errorf("got %q, %+v", text, end)
	}
	if l, listens := d.reply(b.Reply).Listeners["c2"]; !listens || l.Offset != 0 {
		t.Errorf("listens %t, %+v", listens, l)
	}
	d.finish(b.Reply, "second")
	frames := d.send("c2", wire.Resume{Reply: a.Reply, Offset: 5})
	if len(frames) != 2 || frames[0].(wire.End).Ref != b.Ref || frames[1].(wire.End).Ref != a.Ref {
		t.Errorf("got %+v, want the end of the newest and of the one asked for", frames)
	}
}

func TestResumeRefused(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "alice", "")
	a := d.ask("c1", "p1", "", "one")
	d.answer(a.Reply, "first", wire.StopEndTurn)
	b := d.ask("c1", "p2", wire.NewConversation, "two")
	const noReply = "there is no such reply of yours; history shows what was said"
	for name, r := range map[string]wire.Resume{
		"unknown": {Reply: "nothing"}, "another conversation": {Reply: a.Reply, Conversation: b.Conversation},
	} {
		if e := d.refuses("c1", r, wire.CodeNotFound); e.Message != noReply || e.Reply != r.Reply {
			t.Errorf("%s: %+v", name, e)
		}
	}
	// No answer grows with what was asked for.
	if e := d.refuses("c1", wire.Resume{Reply: strings.Repeat("x", 120_000)}, wire.CodeNotFound); e.Reply != "" {
		t.Errorf("%d bytes are sent back", len(e.Reply))
	}
	d.refuses("c1", wire.Resume{Conversation: "nowhere"}, wire.CodeNotFound)
}

// TestResumeWithoutTable: every step that fails says which reply it was about.
func TestResumeWithoutTable(t *testing.T) {
	for _, op := range []string{"GetItem", "UpdateItem"} {
		bubble(t, func(d *desk) {
			d.connect("c1", "alice", "")
			a := d.ask("c1", "p1", "", "one")
			d.fault.set(op, ddb.Throttle)
			e := d.refuses("c1", wire.Resume{Reply: a.Reply}, wire.CodeUnavailable)
			if op == "UpdateItem" && e.Reply != a.Reply {
				d.t.Errorf("%s: %+v", op, e)
			}
		})
	}
}

func TestStopPending(t *testing.T) {
	d := newDesk(t)
	for _, conn := range []string{"c1", "c2", "c3"} {
		d.connect(conn, "alice", "")
	}
	a := d.ask("c1", "p1", "", "one")
	d.send("c2", wire.Resume{Conversation: a.Conversation})
	before := len(d.posts.to("c1"))
	want := wire.End{Ref: a.Ref, Saved: true, Stop: wire.StopStopped}
	if end := one[wire.End](d, "c2", wire.Stop{}); end != want { // from another device, and it has nothing yet
		t.Errorf("got %+v", end)
	}
	if end := only[wire.End](t, decodeAll(t, d.posts.to("c1")[before:])); end != want {
		t.Errorf("the other device got %+v", end)
	}
	// Asked again, also by one that never listened: that end again, to it alone.
	if end := one[wire.End](d, "c3", wire.Stop{Reply: a.Reply}); end != want || len(d.posts.to("c1")) != before+1 {
		t.Errorf("again: %+v, the other device has %q", end, d.posts.to("c1"))
	}
	if _, err := d.table.ClaimReply(t.Context(), a.Reply, "owner"); err == nil {
		t.Error("the reply can still be claimed")
	}
}

func TestStopRunning(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "alice", "")
	d.connect("c2", "alice", "")
	a := d.ask("c1", "p1", "", "one")
	d.claim(a.Reply)
	d.silent("c2", wire.Stop{Reply: a.Reply}) // its owner ends it
	d.silent("c1", wire.Stop{})
	if r := d.reply(a.Reply); !r.StopWish || r.State != chat.Running {
		t.Errorf("the reply is %+v", r)
	}
	d.finish(a.Reply, "hello")
	if end := one[wire.End](d, "c1", wire.Stop{}); end.Length != 5 || end.Stop != wire.StopEndTurn {
		t.Errorf("after its end: %+v", end)
	}
}

// finish ends a reply that is running already.
func (d *desk) finish(reply, text string) {
	d.t.Helper()
	p := chat.Progress{Reply: reply, Owner: "owner", Seq: 9, Lease: time.Now(), Length: len(text), Tail: text}
	if _, err := d.table.End(d.t.Context(), chat.Ending{Progress: p, Stop: wire.StopEndTurn}); err != nil {
		d.t.Fatal(err)
	}
}

// TestStopExpired: the owner is dead, so the wish is all there is to do.
func TestStopExpired(t *testing.T) {
	bubble(t, func(d *desk) {
		d.connect("c1", "alice", "")
		d.connect("c2", "alice", "")
		a := d.ask("c1", "p1", "", "one")
		d.claim(a.Reply)
		time.Sleep(chat.Lease + chat.Margin + time.Second) // virtual
		before := len(d.posts.to("c1"))
		want := wire.End{Ref: a.Ref, Saved: true, Stop: wire.StopStopped}
		if end := one[wire.End](d, "c2", wire.Stop{Reply: a.Reply}); end != want {
			d.t.Errorf("got %+v", end)
		}
		if end := only[wire.End](d.t, decodeAll(d.t, d.posts.to("c1")[before:])); end != want {
			d.t.Errorf("the listener got %+v", end)
		}
	})
}

func TestStopRefused(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "alice", "")
	if e := d.refuses("c1", wire.Stop{}, wire.CodeNotFound); e.Message != "there is no reply to stop" {
		t.Errorf("%+v", e)
	}
	d.refuses("c1", wire.Stop{Reply: "nothing"}, wire.CodeNotFound)
}
