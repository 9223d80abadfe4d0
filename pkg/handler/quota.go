package handler

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/wire"
)

// Accounts are what users have used (chat.Account).
type Accounts interface {
	// Opening reads a conversation ("" for none) and the user's account in one call.
	Opening(ctx context.Context, user, conversation string) (chat.Conversation, chat.Account, error)
	CountConversations(ctx context.Context, user string) (int, error)
}

// Limits are the bounds of one user and of one connection. 0 of any is no bound.
type Limits struct {
	chat.Quota
	// PerSecond are the messages of a connection.
	PerSecond int
	// MaxPrompt is the most bytes of a prompt; wire.MaxPrompt at most.
	MaxPrompt int
}

// NewLimits reads them from the environment: USER_REPLIES, USER_PROMPTS_PER_MINUTE,
// USER_TOKENS_PER_DAY, USER_CONVERSATIONS, MESSAGES_PER_SECOND, MAX_PROMPT_BYTES, and
// MAX_TOKENS, which a reply sets aside.
func NewLimits(env *Env) Limits {
	l := Limits{
		Quota: chat.Quota{
			Replies:       env.Int("USER_REPLIES", 0),
			Prompts:       env.Int("USER_PROMPTS_PER_MINUTE", 0),
			Tokens:        env.Int("USER_TOKENS_PER_DAY", 0),
			Conversations: env.Int("USER_CONVERSATIONS", 0),
			MaxTokens:     env.Int("MAX_TOKENS", 0),
		},
		PerSecond: env.Int("MESSAGES_PER_SECOND", 0),
		MaxPrompt: env.Int("MAX_PROMPT_BYTES", 0),
	}
	if l.Tokens > 0 && l.Tokens <= l.MaxTokens {
		env.faults = append(env.faults, fmt.Errorf("USER_TOKENS_PER_DAY is %d; it must be over MAX_TOKENS, %d, or no prompt could ever be accepted", l.Tokens, l.MaxTokens))
	}
	return l
}

func (l Limits) maxPrompt() int {
	if l.MaxPrompt > 0 {
		return min(l.MaxPrompt, wire.MaxPrompt)
	}
	return wire.MaxPrompt
}

// counted tells whether what this user does is counted.
func (m *message) counted() bool {
	return m.h.Limits.Counts() && !nobody(m.h.Auth, m.conn.User)
}

// nobody is everybody who gave no name and shares one: a bound of it would be a bound
// of the whole deployment, and whoever minds only has to give a name. There is the
// stage's throttle for that.
func nobody(auth, user string) bool { return auth == "none" && user == chat.Anonymous }

// opening reads what a prompt is decided by. Where nothing is counted nothing is
// read for it.
func (m *message) opening(ctx context.Context, conversation string) (c chat.Conversation, a chat.Account, err error) {
	switch {
	case m.counted():
		c, a, err = m.h.Store.Opening(ctx, m.conn.User, conversation)
	case conversation != "":
		c, err = m.h.Store.Conversation(ctx, conversation)
	}
	if err == nil && conversation != "" && c.User != m.conn.User {
		return chat.Conversation{}, a, noConversation()
	}
	return c, a, conversationError(err)
}

// admit counts a turn on its user's account, or says which bound is in the way.
func (m *message) admit(ctx context.Context, t *chat.Turn, a chat.Account) error {
	if !m.counted() {
		return nil
	}
	q := m.h.Limits.Quota
	for tried := map[chat.Bound]bool{}; ; {
		next, why := a.Admit(q, *t)
		switch {
		case why == chat.Within:
			t.Account = &next
			return nil
		case why == chat.TooManyPrompts || why == chat.TooLongForADay || tried[why]:
			return next.Refusal(q, why, t.At)
		}
		tried[why] = true
		var err error
		if a, err = m.lookAgain(ctx, a, why); err != nil {
			return err
		}
	}
}

// lookAgain is the account after a look at what may have moved by itself: replies
// that have ended but were not charged for yet, because that comes after their end
// or because their function was killed; conversations that nobody has counted, or
// that have expired.
func (m *message) lookAgain(ctx context.Context, a chat.Account, why chat.Bound) (chat.Account, error) {
	var err error
	if why == chat.TooManyConversations {
		a.Counted = true
		a.Conversations, err = m.h.Store.CountConversations(ctx, m.conn.User)
		return a, err
	}
	if err = m.reap(ctx, a); err == nil {
		_, a, err = m.h.Store.Opening(ctx, m.conn.User, "")
	}
	return a, err
}

// reapMost is how many replies one refusal looks at.
const reapMost = 16

// reap charges for those of a user's replies that have ended, and ends those that
// nobody works on any more. It looks at the oldest.
func (m *message) reap(ctx context.Context, a chat.Account) error {
	ids := slices.SortedFunc(maps.Keys(a.Running), func(x, y string) int { return a.Running[x].Until.Compare(a.Running[y].Until) })
	for _, id := range ids[:min(len(ids), reapMost)] {
		held := a.Running[id]
		r, err := m.h.Store.Reply(ctx, id)
		switch {
		case chat.KindOf(err) == chat.NotFound && err != nil: // deleted while it ran
			r = chat.Reply{ID: id, User: m.conn.User, State: chat.Ended, Owner: "nobody", Held: held.Tokens}
		case err != nil:
			return err
		case r.Expired(time.Now()):
			if r, err = m.tell.Finish(ctx, r, ""); err != nil {
				return err
			}
		}
		if r.State == chat.Ended {
			m.tell.Charge(ctx, r, r.Used())
		}
	}
	return nil
}
