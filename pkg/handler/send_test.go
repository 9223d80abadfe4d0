package handler_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/emu/ddb"
	"kaiwa/pkg/wire"
)

// said is a conversation's messages as stored, oldest first.
func (d *desk) said(conversation string) []string {
	d.t.Helper()
	msgs, _, err := d.table.Messages(d.t.Context(), conversation, "", 100, 1<<30)
	if err != nil {
		d.t.Fatal(err)
	}
	var all []string
	for _, m := range slices.Backward(msgs) {
		all = append(all, string(m.Role)+": "+m.Text)
	}
	return all
}

func TestPrompt(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "alice", wire.SubprotocolJSON)
	a := d.ask("c1", "p1", "", "日本語 <&>\u2028")
	if a.ID != "p1" || a.Conversation == "" || a.Reply == "" {
		t.Errorf("accepted %+v", a)
	}
	if got := d.calls.invoked(); len(got) != 1 || got[0] != a.Reply {
		t.Errorf("invoked for %v, want %s", got, a.Reply)
	}
	if got := d.said(a.Conversation)[0]; got != "user: 日本語 <&>\u2028 "+canary {
		t.Errorf("stored %q", got)
	}
	r := d.reply(a.Reply)
	if r.State != chat.Pending || r.User != "alice" || r.Prompt != "p1" || r.Listeners["c1"].Mode != chat.ModeJSON || len(r.Listeners) != 1 {
		t.Errorf("the reply is %+v", r)
	}
	if c := d.connection("c1"); c.Conversation != a.Conversation || c.Mode != chat.ModeJSON {
		t.Errorf("the connection is %+v", c)
	}
}

func TestPromptWithoutID(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "alice", "")
	if a := d.ask("c1", "", "", "hello"); len(a.ID) != 22 || d.reply(a.Reply).Prompt != a.ID {
		t.Errorf("accepted %+v", a)
	}
}

// TestInvokeComesFirst: accepted is a courtesy, the invoke is the work.
func TestInvokeComesFirst(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "alice", "")
	invoked := -1
	d.Poster = posterFunc(func(context.Context, string, []byte) error {
		invoked = len(d.calls.invoked())
		return nil
	})
	d.raw("c1", `{"text":"hello"}`)
	if invoked != 1 {
		t.Errorf("accepted was posted after %d invokes", invoked)
	}
}

type posterFunc func(context.Context, string, []byte) error

func (f posterFunc) Post(ctx context.Context, conn string, data []byte) error {
	return f(ctx, conn, data)
}

// TestWhichConversation: the connection's current one unless another is named.
func TestWhichConversation(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "alice", "")
	first := d.ask("c1", "p1", "", "one")
	d.answer(first.Reply, "1", wire.StopEndTurn)
	second := d.ask("c1", "p2", "", "two")
	d.answer(second.Reply, "2", wire.StopEndTurn)
	if second.Conversation != first.Conversation {
		t.Errorf("the second prompt went to %s, the first to %s", second.Conversation, first.Conversation)
	}
	other := d.ask("c1", "p3", wire.NewConversation, "three")
	if other.Conversation == first.Conversation || d.connection("c1").Conversation != other.Conversation {
		t.Errorf("a new conversation is %s, the current one %s", other.Conversation, d.connection("c1").Conversation)
	}
	back := d.ask("c1", "p4", first.Conversation, "four")
	if back.Conversation != first.Conversation || d.connection("c1").Conversation != first.Conversation {
		t.Errorf("back in %s, the current one is %s", back.Conversation, d.connection("c1").Conversation)
	}
	want := []string{"user: one " + canary, "assistant: 1", "user: two " + canary, "assistant: 2", "user: four " + canary}
	if got := d.said(first.Conversation); !slices.Equal(got[:5], want) {
		t.Errorf("said %q", got)
	}
}

func TestPromptRefused(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "alice", "")
	items := d.items()
	e := d.refuses("c1", wire.SendMessage{ID: "p1", Conversation: "nowhere", Text: canary}, wire.CodeNotFound)
	if e.ID != "p1" || e.Retryable || e.Message != "there is no such conversation of yours; leave conversation out to go on with the current one" {
		t.Errorf("%+v", e)
	}
	e = d.refuses("c1", wire.SendMessage{ID: "p2", Text: strings.Repeat("x", wire.MaxPrompt+1)}, wire.CodeTooLarge)
	if e.ID != "p2" || e.Message != "a prompt has at most 524288 bytes; shorten it" {
		t.Errorf("%+v", e)
	}
	d.refuses("c1", wire.SendMessage{ID: "p3", Conversation: strings.Repeat("x", 5000), Text: canary}, wire.CodeNotFound)
	if d.items() != items || len(d.calls.invoked()) != 0 {
		t.Errorf("%d items were %d; invoked for %v", d.items(), items, d.calls.invoked())
	}
}

// TestBusy: one reply at a time, and the refusal says which one is in the way.
func TestBusy(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "alice", "")
	a := d.ask("c1", "p1", "", "one")
	for _, state := range []string{"pending", "running"} {
		items := d.items()
		e := d.refuses("c1", wire.SendMessage{ID: "p2", Text: "two " + canary}, wire.CodeBusy)
		want := wire.Error{Code: wire.CodeBusy, Message: "the last reply of this conversation is still being made; wait for its end or stop it",
			Retryable: true, RetryAfter: 3, ID: "p2", Reply: a.Reply}
		if e != want {
			t.Errorf("%s: got %+v", state, e)
		}
		if d.items() != items {
			t.Errorf("%s: busy stored something", state)
		}
		if state == "pending" {
			d.claim(a.Reply)
		}
	}
	if got := d.ask("c1", "p3", wire.NewConversation, "elsewhere"); got.Conversation == a.Conversation {
		t.Error("a new conversation is not new")
	}
}

// TestBusyEndsWithTheLease: a reply that nobody works on any more is ended by the
// next prompt, for everybody who listens (R6).
func TestBusyEndsWithTheLease(t *testing.T) {
	for _, state := range []chat.State{chat.Pending, chat.Running} {
		bubble(t, func(d *desk) {
			d.connect("c1", "alice", "")
			d.connect("c2", "alice", "")
			a := d.ask("c1", "p1", "", "one")
			d.send("c2", wire.Resume{Conversation: a.Conversation})
			wait := chat.PendingMax
			if state == chat.Running {
				d.claim(a.Reply)
				wait = chat.Lease + chat.Margin
			}
			time.Sleep(wait - time.Second) // virtual
			d.refuses("c1", wire.SendMessage{ID: "p2", Text: "two"}, wire.CodeBusy)
			time.Sleep(2 * time.Second)

			before := len(d.posts.to("c2"))
			frames := d.send("c1", wire.SendMessage{ID: "p3", Text: "three"})
			if len(frames) != 3 {
				t.Fatalf("%s: got %+v, want why, end and accepted", state, frames)
			}
			mustEndCutShort(t, frames[:2], a.Ref)
			if got := frames[2].(wire.Accepted); got.ID != "p3" || got.Conversation != a.Conversation {
				t.Errorf("%s: accepted %+v", state, got)
			}
			mustEndCutShort(t, decodeAll(t, d.posts.to("c2")[before:]), a.Ref)
		})
	}
}

func mustEndCutShort(t *testing.T, frames []wire.Frame, ref wire.Ref) {
	t.Helper()
	if len(frames) != 2 {
		t.Fatalf("got %+v, want an error and an end", frames)
	}
	e, _ := frames[0].(wire.Error)
	if e.Code != wire.CodeUnavailable || e.ID != ref.ID || e.Reply != ref.Reply || !e.Retryable {
		t.Errorf("first %+v", frames[0])
	}
	if end, _ := frames[1].(wire.End); end.Ref != ref || end.Stop != wire.StopInterrupted || !end.Saved {
		t.Errorf("then %+v", frames[1])
	}
}

// TestRepeatedPrompt: a resend is harmless and gets what the first one would.
func TestRepeatedPrompt(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "alice", "")
	d.connect("c2", "alice", "")
	first := d.ask("c1", "p1", "", "one")
	items := d.items()
	again := wire.SendMessage{ID: "p1", Text: "one " + canary}

	frames := d.send("c2", again) // pending, from another device
	if len(frames) != 2 || frames[0] != wire.Frame(first) {
		t.Fatalf("pending: got %+v", frames)
	}
	if k, ok := frames[1].(wire.Keepalive); !ok || k.Ref != first.Ref {
		t.Errorf("pending: got %+v", frames[1])
	}
	d.claim(first.Reply)
	if got := only[wire.Accepted](t, d.send("c1", again)); got != first { // its owner says the rest
		t.Errorf("running: %+v", got)
	}
	if l := d.reply(first.Reply).Listeners; len(l) != 2 || l["c2"].Offset != 0 || l["c1"].N < 3 {
		t.Errorf("running: listeners %+v", l)
	}
	// Wherever it is sent to, it is the same prompt.
	d.send("c1", wire.SendMessage{ID: "p1", Text: "one " + canary, Conversation: wire.NewConversation})
	if d.items() != items || len(d.calls.invoked()) != 1 {
		t.Errorf("%d items were %d; invoked %v", d.items(), items, d.calls.invoked())
	}
}

func TestRepeatedPromptAfterItsEnd(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "alice", "")
	first := d.ask("c1", "p1", "", "one")
	d.answer(first.Reply, "はい 👩‍👧", "max_tokens")
	next := d.ask("c1", "p2", "", "two") // by now another reply is the newest
	frames := d.send("c1", wire.SendMessage{ID: "p1", Text: "one " + canary})
	want := []wire.Frame{first, wire.Keepalive{Ref: next.Ref}, wire.Delta{Ref: first.Ref, Text: "はい 👩‍👧"},
		wire.End{Ref: first.Ref, Length: 6, Saved: true, Stop: "max_tokens", Usage: &wire.Usage{InputTokens: 3, OutputTokens: 4}}}
	if fmt.Sprintf("%+v", deref(frames)) != fmt.Sprintf("%+v", deref(want)) {
		t.Errorf("got  %+v\nwant %+v", deref(frames), deref(want))
	}
}

// deref makes ends comparable as text.
func deref(frames []wire.Frame) (all []string) {
	for _, f := range frames {
		all = append(all, string(wire.EncodeFrame(f)))
	}
	return all
}

func TestIDUsedForAnotherText(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "alice", "")
	d.connect("c2", "bob", "")
	a := d.ask("c1", "p1", "", "one")
	for range 2 { // while it runs, and after it has ended
		e := d.refuses("c1", wire.SendMessage{ID: "p1", Text: "two " + canary}, wire.CodeBadRequest)
		if e.ID != "p1" || e.Message != `the id "p1" was used for another text; use a new id for a new prompt` || e.Retryable {
			t.Errorf("%+v", e)
		}
		if d.reply(a.Reply).State == chat.Pending {
			d.answer(a.Reply, "1", wire.StopEndTurn)
		}
	}
	// An id is scoped to its user.
	if b := d.ask("c2", "p1", "", "two"); b.Reply == a.Reply || b.Conversation == a.Conversation {
		t.Errorf("bob got alice's %+v", b)
	}
}

// TestPromptsAtOnce: API Gateway does not wait for one message before it hands
// over the next.
func TestPromptsAtOnce(t *testing.T) {
	const n = 6
	run := func(d *desk, body func(i int) string) map[string]int {
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() { d.raw("c1", body(i)) })
		}
		wg.Wait()
		count := map[string]int{}
		for _, f := range decodeAll(d.t, d.posts.to("c1")) {
			switch f := f.(type) {
			case wire.Accepted:
				count["accepted"]++
				count[f.Reply]++
			case wire.Error:
				count[string(f.Code)]++
			}
		}
		return count
	}
	t.Run("one prompt, sent often", func(t *testing.T) {
		d := newDesk(t)
		d.connect("c1", "alice", "")
		got := run(d, func(int) string { return `{"id":"p1","text":"one"}` })
		if len(got) != 2 || got["accepted"] != n || len(d.calls.invoked()) != 1 {
			t.Errorf("%v, invoked for %v; want one reply, accepted %d times", got, d.calls.invoked(), n)
		}
	})
	t.Run("several prompts", func(t *testing.T) {
		d := newDesk(t)
		d.connect("c1", "alice", "")
		got := run(d, func(i int) string { return fmt.Sprintf(`{"id":"p%d","text":"one"}`, i) })
		cs, _, err := d.table.Conversations(t.Context(), "alice", "", 10)
		if got["accepted"] != 1 || got["busy"] != n-1 || len(cs) != 1 || err != nil {
			t.Errorf("%v in %d conversations, %v; want one accepted and the rest busy in one", got, len(cs), err)
		}
	})
}

func TestInvokeFails(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "alice", "")
	d.calls.fails = 2
	a := d.ask("c1", "p1", "", "one") // the third attempt comes through
	d.answer(a.Reply, "1", wire.StopEndTurn)

	d.calls.fails = 3
	frames := d.send("c1", wire.SendMessage{ID: "p2", Text: "two"})
	e, _ := frames[0].(wire.Error)
	mustEndCutShort(t, frames, wire.Ref{ID: "p2", Conversation: a.Conversation, Reply: e.Reply})
	if d.reply(e.Reply).State != chat.Ended || d.calls.tried != 6 {
		t.Errorf("after %d attempts the reply is %s", d.calls.tried, d.reply(e.Reply).State)
	}
	d.ask("c1", "p3", "", "three") // nothing is in the way
}

// TestAcceptedIsLost: its loss harms nobody, and costs two seconds at most.
func TestAcceptedIsLost(t *testing.T) {
	bubble(t, func(d *desk) {
		d.connect("c1", "alice", "")
		d.posts.fail = chat.E(chat.RateLimited, "slow down")
		begun := time.Now()
		if got := d.raw("c1", `{"id":"p1","text":"one"}`); len(got) != 0 || time.Since(begun) > 3*time.Second {
			t.Errorf("got %q after %v", got, time.Since(begun))
		}
		d.posts.fail = nil
		if len(d.calls.invoked()) != 1 || d.reply(d.calls.invoked()[0]).State != chat.Pending {
			t.Errorf("invoked for %v", d.calls.invoked())
		}
	})
}

func TestAcceptedFindsNobody(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "alice", "")
	d.posts.hangUp("c1")
	d.raw("c1", `{"id":"p1","text":"one"}`)
	if len(d.calls.invoked()) != 1 || !d.connection("c1").Gone {
		t.Errorf("invoked for %v, the connection is %+v", d.calls.invoked(), d.connection("c1"))
	}
}

// TestTableDown: whatever step fails, the client learns it under its own id.
func TestTableDown(t *testing.T) {
	for _, op := range []string{"GetItem", "UpdateItem", "TransactWriteItems"} {
		bubble(t, func(d *desk) {
			d.connect("c1", "alice", "")
			d.fault.set(op, ddb.Throttle)
			e := d.refuses("c1", wire.SendMessage{ID: "p1", Text: canary}, wire.CodeUnavailable)
			if e.ID != "p1" || !e.Retryable || e.Message != "the table could not be reached; try again" {
				t.Errorf("%s: %+v", op, e)
			}
			d.fault.set("", nil)
			d.ask("c1", "p1", "", "one")
		})
	}
}

// TestGoneElsewhere: a connection that went while another conversation was its current
// one hears nothing of a reply that begins in an earlier one.
func TestGoneElsewhere(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "alice", wire.SubprotocolJSON)
	d.connect("c2", "alice", wire.SubprotocolJSON)
	first := d.ask("c2", "p1", wire.NewConversation, "one")
	d.answer(first.Reply, "yes", "end")
	second := d.ask("c2", "p2", wire.NewConversation, "two")
	d.answer(second.Reply, "yes", "end")
	if err := d.table.Gone(t.Context(), "c2", second.Conversation); err != nil || !d.connection("c2").Gone {
		t.Fatalf("%v, %+v", err, d.connection("c2"))
	}
	conv, err := d.table.Conversation(t.Context(), first.Conversation)
	if _, listens := conv.Listeners["c2"]; err != nil || !listens {
		t.Fatalf("%v, %+v", err, conv) // nobody looked for it there
	}
	third := d.ask("c1", "p3", first.Conversation, "three")
	if r := d.reply(third.Reply); len(r.Listeners) != 1 || r.Listeners["c1"] == (chat.Listener{}) {
		t.Errorf("%+v listen", r.Listeners)
	}
}
