package chat

import (
	"fmt"
	"maps"
	"time"
)

// Quota bounds what one user may use. 0 of any is no bound.
type Quota struct {
	// Replies that are being made at the same time.
	Replies int
	// Prompts within a minute, which begins with the first of them.
	Prompts int
	// Tokens a day (UTC), in and out together, as the model counts them.
	Tokens int
	// Conversations that there may be.
	Conversations int
	// MaxTokens is the most tokens of one reply.
	MaxTokens int
}

// Account is what a user has used. Version is what a change is conditional on.
type Account struct {
	Version int64
	// Minute is when the minute began in which there were so many Prompts.
	Minute  time.Time
	Prompts int
	// Day is the UTC date of Tokens, like 2026-11-22.
	Day    string
	Tokens int
	// Running are the replies that are being made, by id.
	Running map[string]Held
	// Conversations that there are, if they were Counted. Those that expire are not
	// taken off: who has too many is counted anew.
	Conversations int
	Counted       bool
}

// Held is what a reply has set aside while it is being made.
type Held struct {
	Tokens int
	// Until is when it cannot run any more. What it used is not known then: it
	// counts as all that it held.
	Until time.Time
}

// runsAtMost is how long a reply can take from its prompt to its end: waiting for
// its claim, 15 minutes of Lambda, and clocks that differ.
const runsAtMost = PendingMax + 15*time.Minute + Lease + Margin

// Bound is which bound of a Quota is in the way.
type Bound int

// The bounds. Within is none.
const (
	Within Bound = iota
	TooManyPrompts
	TooManyReplies
	TooManyTokens
	TooManyConversations
	TooLongForADay // and for any other
)

// Holds are the tokens that a prompt sets aside: what it has itself, as estimated,
// and the longest reply. Not the history, of which nobody knows yet how much the
// budget takes: so the day's tokens may be passed by the history of those replies
// that run when they are used up, once each.
func (q Quota) Holds(prompt string) int { return CautiousTokens(prompt) + q.MaxTokens }

// Counts tells whether the quota has any bound.
func (q Quota) Counts() bool {
	return q.Replies > 0 || q.Prompts > 0 || q.Tokens > 0 || q.Conversations > 0
}

// Admit is the account once a turn has begun, or which bound is in the way.
func (a Account) Admit(q Quota, t Turn) (Account, Bound) {
	a = a.at(t.At)
	held := 0
	for _, h := range a.Running {
		held += h.Tokens
	}
	holds := q.Holds(t.Text)
	switch {
	case q.Tokens > 0 && holds > q.Tokens:
		return a, TooLongForADay
	case q.Prompts > 0 && a.Prompts >= q.Prompts:
		return a, TooManyPrompts
	case q.Replies > 0 && len(a.Running) >= q.Replies:
		return a, TooManyReplies
	case q.Tokens > 0 && a.Tokens+held+holds > q.Tokens:
		return a, TooManyTokens
	case q.Conversations > 0 && t.New && (!a.Counted || a.Conversations >= q.Conversations):
		return a, TooManyConversations
	}
	a.Prompts++
	if q.Replies > 0 || q.Tokens > 0 {
		a.Running[t.Reply] = Held{Tokens: holds, Until: t.At.Add(runsAtMost)}
	}
	if t.New {
		a.Conversations++
	}
	a.Counted = a.Counted && q.Conversations > 0
	return a, Within
}

// at is the account as it stands at a time: a new minute, what ran too long
// counted, a new day. A clock that is behind another's begins nothing new.
func (a Account) at(now time.Time) Account {
	if now.Sub(a.Minute) >= time.Minute {
		a.Minute, a.Prompts = now, 0
	}
	running := map[string]Held{}
	maps.Copy(running, a.Running)
	for reply, h := range running {
		if now.After(h.Until) {
			a.Tokens += h.Tokens
			delete(running, reply)
		}
	}
	a.Running = running
	if today := DayOf(now); a.Day < today {
		a.Day, a.Tokens = today, 0
	}
	return a
}

// DayOf is the UTC date that tokens are counted on.
func DayOf(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// Refusal says which bound is in the way, what to do, and when to come back.
func (a Account) Refusal(q Quota, b Bound, now time.Time) *Error {
	e := &Error{Kind: RateLimited}
	switch b {
	case TooManyPrompts:
		e.Message = fmt.Sprintf("no more than %d prompts a minute; wait a little", q.Prompts)
		e.RetryAfter = a.Minute.Add(time.Minute).Sub(now)
	case TooManyReplies:
		e.Message = fmt.Sprintf("no more than %d replies at the same time; wait for one to end, or stop it", q.Replies)
		e.RetryAfter = crowdedRetry
	case TooManyTokens:
		e.Message = fmt.Sprintf("your %d tokens of today do not last for this; there are new ones at midnight UTC", q.Tokens)
		e.RetryAfter = now.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour).Sub(now)
	case TooLongForADay:
		return E(TooLarge, "this prompt and its reply may take more than the %d tokens that you have a day; shorten it", q.Tokens)
	case TooManyConversations:
		e.Message = fmt.Sprintf("no more than %d conversations; delete one, or go on with another", q.Conversations)
	}
	return e
}

// crowdedRetry is when to ask again for a reply that others are in the way of:
// nobody knows when they end.
const crowdedRetry = 3 * time.Second
