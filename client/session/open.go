package session

import (
	"errors"
	"fmt"
	"time"

	"kaiwa/pkg/wire"
)

// opening is the wish to go to a conversation. Until the service has shown it, the
// one before stays the current one, and prompts wait: they are meant for the new
// one.
type opening struct {
	conversation string    // "": no wish
	at           time.Time // when to ask for it (again)
	tries        int
}

// maxOpening is how often it is asked for.
const maxOpening = 4

// errMeant is why a prompt is Refused that was sent after Open.
var errMeant = errors.New("not sent: it was meant for that conversation")

// Open asks for conversation's newest messages, and makes it the current one when
// they come.
func (t *Talk) Open(now time.Time, conversation string) error {
	switch {
	case t.live == 0:
		return ErrOffline
	case t.head() != nil:
		return ErrRunning
	}
	t.opening = opening{conversation: conversation, at: now}
	t.Tick(now)
	return nil
}

func (t *Talk) tickOpening(now time.Time) {
	o := &t.opening
	switch {
	case !due(o.at, now):
	case o.tries == maxOpening:
		t.notOpened(errors.New("the service does not show the conversation; /open it again"))
	default:
		t.send(now, wire.History{Conversation: o.conversation, Limit: 20})
		o.tries++
		o.at = now.Add(again(o.tries))
	}
}

// notOpened stays where we are. What was said meanwhile was not meant for here.
func (t *Talk) notOpened(err error) {
	waiting := t.prompts
	t.opening, t.prompts = opening{}, nil
	t.emit(Trouble{err})
	for _, p := range waiting {
		t.ask(p)
		t.emit(Refused{ID: p.id, Text: p.text, Err: errMeant})
	}
}

// openingFailed handles an error that may be the answer to Open.
func (t *Talk) openingFailed(e wire.Error) bool {
	switch {
	case t.opening.tries == 0, e.ID != "", e.Reply != "", e.Retryable: // the last is asked again
		return false
	case e.Code == wire.CodeNotFound:
		t.notOpened(fmt.Errorf("there is no conversation %s; /list shows them", t.opening.conversation))
	default:
		t.notOpened(e)
	}
	return true
}

// showed passes on the messages of the conversation that was opened, which is the
// current one now, and asks for its newest reply, which may be running. If that one
// is in the messages too, it is left to the reply, unless it was shown before and
// will not come again.
func (t *Talk) showed(now time.Time, h wire.HistoryPage) {
	if h.Conversation != t.opening.conversation || h.Conversation == "" {
		return
	}
	t.enter(h.Conversation)
	for _, m := range h.Messages {
		t.shown = append(t.shown, m.Reply)
	}
	if m := h.Messages; len(m) > 0 && m[0].Role == "assistant" {
		if r := t.known[m[0].Reply]; r == nil || !r.final {
			h.Messages = m[1:]
		}
	}
	t.emit(Showed{h})
	t.follow(now, nil)
	t.tickAttach(now) // before a prompt makes another one the newest
	t.start(now)
}

// Enter makes conversation the current one and asks for nothing.
func (t *Talk) Enter(conversation string) error {
	if t.head() != nil {
		return ErrRunning
	}
	t.enter(conversation)
	return nil
}

func (t *Talk) enter(conversation string) {
	for _, r := range t.replies {
		t.unveil(r, "")
	}
	t.shown = nil
	t.conversation, t.replies, t.attach, t.opening = conversation, nil, attach{}, opening{}
}
