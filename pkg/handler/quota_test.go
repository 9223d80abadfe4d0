package handler_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/handler"
	"kaiwa/pkg/wire"
)

func (d *desk) account(user string) chat.Account {
	d.t.Helper()
	_, a, err := d.table.Opening(d.t.Context(), user, "")
	if err != nil {
		d.t.Fatal(err)
	}
	return a
}

// anew is a prompt in a new conversation.
func anew(id string) wire.SendMessage {
	return wire.SendMessage{ID: id, Conversation: wire.NewConversation, Text: canary}
}

// TestQuotas: what a user is told, and when to come back.
// TestNobodyInParticular shares a name with everybody, and no quota with them; a
// name has one, wherever it comes from.
func TestNobodyInParticular(t *testing.T) {
	for _, c := range []struct {
		auth, user string
		counted    bool
	}{{"none", "anonymous", false}, {"none", "alice", true}, {"jwt", "anonymous", true}} {
		bubble(t, func(d *desk) {
			d.Auth = c.auth
			d.Limits.Quota = chat.Quota{Prompts: 1}
			d.connect("c1", c.user, wire.SubprotocolJSON)
			one[wire.Accepted](d, "c1", anew("p1"))
			got := d.send("c1", anew("p2"))
			if _, refused := got[0].(wire.Error); refused != c.counted {
				t.Errorf("%s, %s: got %+v", c.auth, c.user, got)
			}
			if n := d.account(c.user).Prompts; (n > 0) != c.counted {
				t.Errorf("%s, %s: %d prompts on the account", c.auth, c.user, n)
			}
		})
	}
}

func TestQuotas(t *testing.T) {
	bubble(t, func(d *desk) {
		d.Limits.Quota = chat.Quota{Replies: 2, Prompts: 4, Tokens: 1000, Conversations: 5, MaxTokens: 100}
		d.connect("c1", "alice", wire.SubprotocolJSON)
		d.connect("c2", "alice", "") // all of a user's connections count together
		d.connect("b1", "bob", "")
		refused := func(id string, want wire.Error) {
			t.Helper()
			want.Code, want.ID, want.Retryable = wire.CodeRateLimited, id, true
			if got := one[wire.Error](d, "c1", anew(id)); got != want {
				t.Errorf("%s: got %+v\nwant %+v", id, got, want)
			}
		}
		a := one[wire.Accepted](d, "c1", anew("p1"))
		d.says("c2", "hello "+canary)
		refused("p3", wire.Error{Message: "no more than 2 replies at the same time; wait for one to end, or stop it", RetryAfter: 3})
		d.says("c2", "/new again", "! no more than 2 replies at the same time; wait for one to end, or stop it (wait 3 s)")
		one[wire.Accepted](d, "b1", anew("p1"))

		d.answer(a.Reply, "hi", wire.StopEndTurn) // which charges for nothing: its function dies just then
		if n := len(d.account("alice").Running); n != 2 {
			t.Fatalf("%d are running", n)
		}
		one[wire.Accepted](d, "c1", anew("p3"))
		if a := d.account("alice"); a.Tokens != 7 || len(a.Running) != 2 || a.Conversations != 3 {
			t.Errorf("%+v", a)
		}
		d.answerAll()
		time.Sleep(time.Minute)
		one[wire.Accepted](d, "c1", anew("p4"))
		one[wire.Accepted](d, "c1", anew("p5"))
		for n := range 2 {
			d.answerAll()
			d.ask("c1", fmt.Sprint("q", n), a.Conversation, "more")
		}
		refused("p6", wire.Error{Message: "no more than 4 prompts a minute; wait a little", RetryAfter: 60})
		time.Sleep(59500 * time.Millisecond)
		refused("p6", wire.Error{Message: "no more than 4 prompts a minute; wait a little", RetryAfter: 1})
		time.Sleep(500 * time.Millisecond)
		d.answerAll()
		refused("p6", wire.Error{Message: "no more than 5 conversations; delete one, or go on with another"})
		d.send("c1", wire.Delete{Conversation: a.Conversation})
		one[wire.Accepted](d, "c1", anew("p6"))
	})
}

// answerAll plays the reply function for all that still wait.
func (d *desk) answerAll() {
	d.t.Helper()
	for _, r := range d.calls.invoked() {
		if d.reply(r).State == chat.Pending {
			d.answer(r, "hi", wire.StopEndTurn)
		}
	}
}

// TestTokensOfToday: what runs sets aside what it may take at most; midnight gives
// it all back.
func TestTokensOfToday(t *testing.T) {
	bubble(t, func(d *desk) { // begins at midnight
		d.Limits.Quota = chat.Quota{Tokens: 350, MaxTokens: 100}
		d.connect("c1", "alice", wire.SubprotocolJSON)
		a := one[wire.Accepted](d, "c1", anew("p1")) // 104 with the canary
		one[wire.Accepted](d, "c1", anew("p2"))
		one[wire.Accepted](d, "c1", anew("p3"))
		e := d.refuses("c1", anew("p4"), wire.CodeRateLimited)
		if e.Message != "your 350 tokens of today do not last for this; there are new ones at midnight UTC" || e.RetryAfter != 24*3600 || !e.Retryable {
			t.Errorf("%+v", e)
		}
		d.answer(a.Reply, "short", wire.StopEndTurn) // 7
		one[wire.Accepted](d, "c1", anew("p4"))
		d.refuses("c1", anew("p5"), wire.CodeRateLimited)
		time.Sleep(24 * time.Hour)
		d.connect("c2", "alice", wire.SubprotocolJSON)
		for n := range 3 {
			one[wire.Accepted](d, "c2", anew(fmt.Sprint("q", n)))
		}
		d.refuses("c2", anew("q9"), wire.CodeRateLimited)
	})
}

// TestHopelessPrompt: one that no day has tokens for is not told to come back.
func TestHopelessPrompt(t *testing.T) {
	bubble(t, func(d *desk) {
		d.Limits.Quota = chat.Quota{Tokens: 350, MaxTokens: 100, Replies: 1}
		d.connect("c1", "alice", wire.SubprotocolJSON)
		if e := d.refuses("c1", wire.SendMessage{ID: "p1", Text: strings.Repeat("9", 251)}, wire.CodeTooLarge); e.Retryable || e.RetryAfter != 0 ||
			e.Message != "this prompt and its reply may take more than the 350 tokens that you have a day; shorten it" {
			t.Errorf("%+v", e)
		}
		if a := d.account("alice"); a.Prompts != 0 {
			t.Errorf("it counts: %+v", a)
		}
		one[wire.Accepted](d, "c1", wire.SendMessage{ID: "p1", Text: strings.Repeat("9", 250)})
	})
}

// TestConversationsHalfDeleted: they count until they are gone, and once.
func TestConversationsHalfDeleted(t *testing.T) {
	bubble(t, func(d *desk) {
		d.Limits.Quota = chat.Quota{Conversations: 6}
		d.connect("c1", "alice", wire.SubprotocolJSON)
		var ids []string
		create := func(n int) (made int) {
			for range n {
				if a, ok := d.send("c1", anew(chat.NewID()))[0].(wire.Accepted); ok {
					ids = append(ids, a.Conversation)
					d.answer(a.Reply, "hi", wire.StopEndTurn)
					made++
				}
			}
			return made
		}
		if n := create(8); n != 6 {
			t.Fatalf("made %d", n)
		}
		doomed := ids[:3]
		d.fault.set("DeleteItem", errDead) // the function dies in the middle
		for _, id := range doomed {
			d.refuses("c1", wire.Delete{Conversation: id}, wire.CodeUnavailable)
		}
		d.fault.set("", nil)
		meanwhile := create(3)
		for _, id := range doomed {
			one[wire.Deleted](d, "c1", wire.Delete{Conversation: id})
		}
		after := create(8)
		left, err := d.table.CountConversations(d.t.Context(), "alice")
		if err != nil || left != 6 || meanwhile != 0 || after != 3 {
			t.Errorf("made %d meanwhile and %d after; there are %d of at most 6, %v", meanwhile, after, left, err)
		}
	})
}

// TestQuotaAndRepeats: what was stored is served again, whatever the quota says, and
// counts once; what is refused for another reason does not count.
func TestQuotaAndRepeats(t *testing.T) {
	d := newDesk(t)
	d.Limits.Quota = chat.Quota{Prompts: 2, Replies: 5, MaxTokens: 10}
	d.connect("c1", "alice", wire.SubprotocolJSON)
	a := d.ask("c1", "p1", "", "hello")
	d.claim(a.Reply)
	for range 3 {
		d.refuses("c1", wire.SendMessage{ID: "p2", Text: canary}, wire.CodeBusy)
		if got := d.send("c1", wire.SendMessage{ID: "p1", Text: "hello " + canary}); len(got) == 0 || got[0] != wire.Frame(a) {
			t.Errorf("a repeat: %+v", got)
		}
		d.refuses("c1", wire.SendMessage{ID: "p1", Text: "another " + canary}, wire.CodeBadRequest)
	}
	if acc := d.account("alice"); acc.Prompts != 1 || len(acc.Running) != 1 {
		t.Errorf("%+v", acc)
	}
	one[wire.Accepted](d, "c1", anew("p3"))
	d.refuses("c1", anew("p4"), wire.CodeRateLimited)
	if got := d.send("c1", wire.SendMessage{ID: "p1", Text: "hello " + canary}); len(got) == 0 || got[0] != wire.Frame(a) {
		t.Errorf("a repeat beyond the quota: %+v", got)
	}
	if acc := d.account("alice"); acc.Prompts != 2 {
		t.Errorf("%+v", acc)
	}
}

// TestQuotaAtOnce: through the whole handler, from many connections, exactly as
// many are accepted as there may be.
func TestQuotaAtOnce(t *testing.T) {
	d := newDesk(t)
	d.Limits.Quota = chat.Quota{Replies: 3, Prompts: 100, MaxTokens: 10}
	var all sync.WaitGroup
	for i := range 12 {
		d.connect(fmt.Sprint("c", i), "alice", wire.SubprotocolJSON)
	}
	for i := range 12 {
		all.Go(func() { d.send(fmt.Sprint("c", i), anew(fmt.Sprint("p", i))) })
	}
	all.Wait()
	accepted, limited := 0, 0
	for i := range 12 {
		switch got := decodeAll(t, d.posts.to(fmt.Sprint("c", i)))[0].(type) {
		case wire.Accepted:
			accepted++
		case wire.Error:
			if limited++; got.Code != wire.CodeRateLimited {
				t.Errorf("%+v", got)
			}
		}
	}
	if accepted != 3 || limited != 9 || len(d.calls.invoked()) != 3 || d.account("alice").Prompts != 3 {
		t.Errorf("%d accepted, %d refused, %+v", accepted, limited, d.account("alice"))
	}
}

// TestKilledReplyFreesItsPlace: nobody releases it, but the next prompt that it is
// in the way of ends it.
func TestKilledReplyFreesItsPlace(t *testing.T) {
	bubble(t, func(d *desk) {
		d.Limits.Quota = chat.Quota{Replies: 1, Tokens: 10_000, MaxTokens: 100}
		d.connect("c1", "alice", wire.SubprotocolJSON)
		a := one[wire.Accepted](d, "c1", anew("p1"))
		d.claim(a.Reply)
		d.refuses("c1", anew("p2"), wire.CodeRateLimited)
		time.Sleep(chat.Lease + chat.Margin + time.Second)
		frames := d.send("c1", anew("p2"))
		if _, ok := frames[len(frames)-1].(wire.Accepted); !ok || d.reply(a.Reply).EndStop != wire.StopInterrupted {
			t.Errorf("%+v", frames)
		}
		if acc := d.account("alice"); acc.Tokens != 104 { // nobody knows what it used: all it held
			t.Errorf("%+v", acc)
		}
		// One whose conversation was deleted under it.
		b := d.reply(d.calls.invoked()[1])
		if err := d.table.Delete(d.t.Context(), "alice", b.Conversation); err != nil {
			t.Fatal(err)
		}
		d.send("c1", anew("p3"))
		if acc := d.account("alice"); acc.Tokens != 208 || len(acc.Running) != 1 {
			t.Errorf("%+v", acc)
		}
	})
}

// TestTwoBoundsAtOnce: one that has moved by itself does not hide that another was
// never looked at.
func TestTwoBoundsAtOnce(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "alice", wire.SubprotocolJSON)
	d.Limits.Quota = chat.Quota{Replies: 1, MaxTokens: 10} // conversations are not counted yet
	a := one[wire.Accepted](d, "c1", anew("p1"))
	d.answer(a.Reply, "hi", wire.StopEndTurn)
	d.Limits.Conversations = 2
	b := one[wire.Accepted](d, "c1", anew("p2"))
	d.answer(b.Reply, "hi", wire.StopEndTurn)
	d.refuses("c1", anew("p3"), wire.CodeRateLimited)
}

// TestMessageRate: a flood is answered and not served.
func TestMessageRate(t *testing.T) {
	bubble(t, func(d *desk) {
		d.Limits.PerSecond = 10
		d.connect("c1", "alice", "")
		d.connect("c2", "alice", wire.SubprotocolText)
		items := d.items()
		for range 64 {
			d.raw("c1", `{"action":"conversations"}`)
			d.raw("c2", "/help")
		}
		e := d.refuses("c1", anew("p1"), wire.CodeRateLimited)
		if e.Message != "no more than 10 messages a second; send them more slowly" || e.RetryAfter != 1 || !e.Retryable || e.ID != "p1" {
			t.Errorf("%+v", e)
		}
		d.says("c2", "/help", "! no more than 10 messages a second; send them more slowly (wait 1 s)")
		d.says("c2", "{broken", "! no more than 10 messages a second; send them more slowly (wait 1 s)")
		if d.items() != items || len(d.calls.invoked()) != 0 {
			t.Errorf("%d items", d.items())
		}
		time.Sleep(time.Second)
		one[wire.Accepted](d, "c1", anew("p1"))
	})
}

// TestMaxPrompt bounds a prompt below what the wire allows, also one in parts.
func TestMaxPrompt(t *testing.T) {
	d := newDesk(t)
	d.Limits.MaxPrompt = 20
	d.connect("c1", "alice", "")
	if e := d.refuses("c1", wire.SendMessage{ID: "p1", Text: strings.Repeat("語", 7)}, wire.CodeTooLarge); e.Message != "a prompt has at most 20 bytes; shorten it" {
		t.Errorf("%+v", e)
	}
	one[wire.Accepted](d, "c1", wire.SendMessage{ID: "p1", Text: strings.Repeat("語", 6)})
	two := 2
	d.send("c1", wire.SendMessage{ID: "p2", Text: strings.Repeat("x", 11), Part: 0, Parts: &two})
	d.refuses("c1", wire.SendMessage{ID: "p2", Text: strings.Repeat("x", 10), Part: 1, Parts: &two}, wire.CodeTooLarge)
}

func TestNewLimits(t *testing.T) {
	vars := map[string]string{"USER_REPLIES": "1", "USER_PROMPTS_PER_MINUTE": "2", "USER_TOKENS_PER_DAY": "300", "USER_CONVERSATIONS": "4",
		"MESSAGES_PER_SECOND": "5", "MAX_PROMPT_BYTES": "6", "MAX_TOKENS": "299"}
	env := handler.NewEnv(func(name string) string { return vars[name] })
	want := handler.Limits{Quota: chat.Quota{Replies: 1, Prompts: 2, Tokens: 300, Conversations: 4, MaxTokens: 299}, PerSecond: 5, MaxPrompt: 6}
	if got := handler.NewLimits(env); got != want || env.Err() != nil {
		t.Errorf("%+v, %v", got, env.Err())
	}
	vars["MAX_TOKENS"] = "300"
	handler.NewLimits(env)
	if err := env.Err(); err == nil || !strings.HasPrefix(err.Error(), "USER_TOKENS_PER_DAY is 300; it must be over MAX_TOKENS, 300") {
		t.Errorf("%v", err)
	}
	env = handler.NewEnv(func(string) string { return "" })
	if got := handler.NewLimits(env); got != (handler.Limits{}) || env.Err() != nil {
		t.Errorf("%+v, %v", got, env.Err())
	}
}

// TestQuotaCosts: a prompt takes no table call more than without a quota.
func TestQuotaCosts(t *testing.T) {
	calls := func(l handler.Limits) (list []string) {
		bubble(t, func(d *desk) {
			d.Limits = l
			d.connect("c1", "alice", wire.SubprotocolJSON)
			a := d.ask("c1", "p1", "", "hello")
			d.answer(a.Reply, "hi", wire.StopEndTurn)
			time.Sleep(time.Second)
			before := d.ddb.Counts()
			d.ask("c1", "p2", "", "hello")
			for op, n := range d.ddb.Counts() {
				for range n.Calls - before[op].Calls {
					list = append(list, op)
				}
			}
		})
		slices.Sort(list)
		return list
	}
	without := calls(handler.Limits{})
	with := calls(handler.Limits{PerSecond: 10, Quota: chat.Quota{Replies: 5, Prompts: 30, Tokens: 100_000, Conversations: 100, MaxTokens: 2048}})
	t.Logf("without: %v\nwith: %v", without, with)
	if len(with) != len(without) {
		t.Errorf("%v\nbecame %v", without, with)
	}
}
