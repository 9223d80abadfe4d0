package chat_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"kaiwa/pkg/chat"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// ledger begins turns, one after the other, on one account.
type ledger struct {
	t *testing.T
	chat.Account
	quota chat.Quota
	now   time.Time
	n     int
}

func (l *ledger) begin(new bool, text string) chat.Bound {
	l.t.Helper()
	l.n++
	next, why := l.Admit(l.quota, chat.Turn{Reply: fmt.Sprint("r", l.n), Text: text, New: new, At: l.now})
	if why == chat.Within {
		l.Account = next
	}
	return why
}

// want checks the answers to one prompt after another.
func (l *ledger) want(bounds ...chat.Bound) {
	l.t.Helper()
	for i, want := range bounds {
		if got := l.begin(false, ""); got != want {
			l.t.Fatalf("prompt %d: %v, want %v; %+v", i+1, got, want, l.Account)
		}
	}
}

func (l *ledger) refusal(b chat.Bound) *chat.Error { return l.Refusal(l.quota, b, l.now) }

func TestPromptsAMinute(t *testing.T) {
	l := &ledger{t: t, quota: chat.Quota{Prompts: 3}, now: noon}
	l.want(0, 0, 0, chat.TooManyPrompts)
	l.now = noon.Add(59*time.Second + time.Millisecond)
	l.want(chat.TooManyPrompts)
	if e := l.refusal(chat.TooManyPrompts); e.Kind != chat.RateLimited || e.RetryAfter != 999*time.Millisecond || e.Message != "no more than 3 prompts a minute; wait a little" {
		t.Errorf("%+v", e)
	}
	l.now = noon.Add(time.Minute)
	l.want(0, 0, 0, chat.TooManyPrompts)
	l.now = noon.Add(-time.Hour) // another function's clock: nothing begins anew
	l.want(chat.TooManyPrompts)
	if len(l.Running) != 0 {
		t.Errorf("nobody asked to count %v", l.Running)
	}
}

func TestRepliesAtOnce(t *testing.T) {
	l := &ledger{t: t, quota: chat.Quota{Replies: 2, MaxTokens: 100}, now: noon}
	l.want(0, 0, chat.TooManyReplies)
	if e := l.refusal(chat.TooManyReplies); e.Kind != chat.RateLimited || e.RetryAfter != 3*time.Second || e.Message != "no more than 2 replies at the same time; wait for one to end, or stop it" {
		t.Errorf("%+v", e)
	}
	delete(l.Running, "r1")
	l.want(0, chat.TooManyReplies)
	// A function was killed, and nobody ever noticed.
	l.now = noon.Add(chat.PendingMax + 15*time.Minute + chat.Lease + chat.Margin)
	l.want(chat.TooManyReplies)
	l.now = l.now.Add(time.Millisecond)
	l.want(0, 0, chat.TooManyReplies)
	if l.Tokens != 200 {
		t.Errorf("%d tokens of replies that were lost, want 200", l.Tokens)
	}
}

func TestTokensADay(t *testing.T) {
	l := &ledger{t: t, quota: chat.Quota{Tokens: 1000, MaxTokens: 100}, now: noon}
	for i := range 9 { // 100 and one for three letters: 909
		if why := l.begin(false, "abc"); why != chat.Within {
			t.Fatalf("prompt %d: %v", i+1, why)
		}
	}
	if why := l.begin(false, "abc"); why != chat.TooManyTokens {
		t.Errorf("101 more: %v", why)
	}
	if e := l.refusal(chat.TooManyTokens); e.Kind != chat.RateLimited || e.RetryAfter != 12*time.Hour ||
		e.Message != "your 1000 tokens of today do not last for this; there are new ones at midnight UTC" {
		t.Errorf("%+v", e)
	}
	// They used less than they held.
	clear(l.Running)
	l.Account.Tokens = 500
	for range 4 {
		if why := l.begin(false, "abc"); why != chat.Within {
			t.Fatal(why)
		}
	}
	if why := l.begin(false, strings.Repeat("語", 100)); why != chat.TooManyTokens {
		t.Errorf("a long prompt: %v", why)
	}
	l.now = time.Date(2026, 11, 22, 23, 59, 59, 0, time.UTC)
	if e := l.refusal(chat.TooManyTokens); e.RetryAfter != time.Second {
		t.Errorf("%+v", e)
	}
	l.now = l.now.Add(time.Second)
	l.want(0)
	if l.Day != "2026-11-23" || l.Tokens != 0 { // what was lost counts for the day before
		t.Errorf("%+v", l.Account)
	}
	l.now = l.now.Add(-time.Second) // another function's clock: yesterday does not come back
	l.want(0)
	if l.Day != "2026-11-23" || l.Tokens != 0 || len(l.Running) != 2 {
		t.Errorf("%+v", l.Account)
	}
}

func TestConversations(t *testing.T) {
	l := &ledger{t: t, quota: chat.Quota{Conversations: 2}, now: noon}
	if why := l.begin(true, ""); why != chat.TooManyConversations {
		t.Errorf("nobody has counted them: %v", why)
	}
	l.want(0) // a prompt in one that there is
	l.Counted = true
	for _, want := range []chat.Bound{0, 0, chat.TooManyConversations} {
		if why := l.begin(true, ""); why != want {
			t.Errorf("%v, want %v", why, want)
		}
	}
	l.want(0)
	if e := l.refusal(chat.TooManyConversations); e.Kind != chat.RateLimited || e.RetryAfter != 0 || e.Message != "no more than 2 conversations; delete one, or go on with another" {
		t.Errorf("%+v", e)
	}
	// Who does not bound them does not keep count either.
	l.quota.Conversations = 0
	if why := l.begin(true, ""); why != chat.Within || l.Counted {
		t.Errorf("%v, %+v", why, l.Account)
	}
}

// TestNoQuota: zero bounds nothing.
func TestNoQuota(t *testing.T) {
	l := &ledger{t: t, now: noon}
	for range 1000 {
		if why := l.begin(true, "x"); why != chat.Within {
			t.Fatal(why)
		}
	}
	if l.quota.Counts() || len(l.Running) != 0 {
		t.Errorf("%+v", l.Account)
	}
	for _, q := range []chat.Quota{{Replies: 1}, {Prompts: 1}, {Tokens: 1}, {Conversations: 1}} {
		if !q.Counts() {
			t.Errorf("%+v counts nothing", q)
		}
	}
}

// TestAdmitLeavesTheAccountAlone: a turn that could not be stored did not happen.
func TestAdmitLeavesTheAccountAlone(t *testing.T) {
	l := &ledger{t: t, quota: chat.Quota{Replies: 5, Prompts: 5}, now: noon}
	l.want(0)
	before := fmt.Sprintf("%+v", l.Account)
	if _, why := l.Admit(l.quota, chat.Turn{Reply: "r9", At: noon.Add(time.Hour)}); why != chat.Within {
		t.Fatal(why)
	}
	if after := fmt.Sprintf("%+v", l.Account); after != before {
		t.Errorf("%s\nbecame %s", before, after)
	}
}

func TestUsed(t *testing.T) {
	for name, tt := range map[string]struct {
		r    chat.Reply
		want int
	}{
		"counted by the model": {chat.Reply{Owner: "x", Held: 500, Usage: chat.Usage{Input: 1, Output: 2, CacheRead: 3, CacheWrite: 4}}, 10},
		"cut short":            {chat.Reply{Owner: "x", Held: 500}, 500},
		"never claimed":        {chat.Reply{Held: 500}, 0},
		"not in the account":   {chat.Reply{Owner: "x"}, 0},
	} {
		if got := tt.r.Used(); got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
}
