package session

import (
	"time"

	"kaiwa/pkg/frame"
	"kaiwa/pkg/wire"
)

// prompt is one message of the user on its way to a reply.
type prompt struct {
	id, text string
	messages []wire.SendMessage // what is sent, always the same; nil before its turn
	at       time.Time          // when to send it (again)
	tries    int                // how often it was sent
	refusals int
	err      error  // the last refusal
	inFlight bool   // sent, and not refused since
	held     bool   // until there is a newer token
	asked    bool   // its turn has come
	stop     bool   // wanted before the reply's name was known
	reply    *reply // nil until it is accepted
}

func (p *prompt) message(conversation string) wire.SendMessage {
	return wire.SendMessage{Text: p.text, ID: p.id, Conversation: conversation}
}

// head is the prompt being served, nil if there is none.
func (t *Talk) head() *prompt {
	if len(t.prompts) == 0 {
		return nil
	}
	return t.prompts[0]
}

// start begins with the head. What is sent is fixed here, so that a resend says
// the same as the first one, whatever came of it.
func (t *Talk) start(now time.Time) {
	p := t.head()
	if p == nil || t.opening.conversation != "" {
		return
	}
	conversation := t.conversation
	if conversation == "" {
		conversation = wire.NewConversation
	}
	t.ask(p)
	var err error
	if p.messages, err = frame.Parts(p.message(conversation), wire.MaxMessage); err != nil {
		t.refuse(now, p, err)
		return
	}
	p.at = now
}

// ask says, once, that the prompt's turn has come.
func (t *Talk) ask(p *prompt) {
	if !p.asked {
		p.asked = true
		t.emit(Asked{ID: p.id, Text: p.text})
	}
}

// next ends the service of the head and begins with the one after it.
func (t *Talk) next(now time.Time) {
	t.prompts = t.prompts[1:]
	t.start(now)
}

// refuse gives up the head.
func (t *Talk) refuse(now time.Time, p *prompt, err error) {
	t.ask(p)
	t.emit(Refused{ID: p.id, Text: p.text, Err: err})
	t.next(now)
}

// tickPrompt sends the head until it is accepted.
func (t *Talk) tickPrompt(now time.Time) {
	p := t.head()
	if p == nil || p.reply != nil || !due(p.at, now) {
		return
	}
	if p.tries == t.opt.Tries {
		err := p.err
		if err == nil {
			err = ErrNoAnswer
		}
		t.refuse(now, p, err)
		t.tickPrompt(now)
		return
	}
	arrives := now.Add(p.upload())
	if t.asked.IsZero() {
		t.asked = arrives
	}
	for _, m := range p.messages {
		t.send(now, m)
	}
	p.tries++
	p.inFlight = true
	p.at = arrives.Add(wire.AcceptWithin)
}

// uploadRate is how fast a line is at least, in bytes a second.
const uploadRate = 16 << 10

// upload is how long a slow line takes to send the prompt. Without it a big one
// would be sent again while it is still on its way, and again.
func (p *prompt) upload() time.Duration {
	n := 0
	for _, m := range p.messages {
		n += wire.EncodedLen(m.Text)
	}
	return time.Duration(n/uploadRate) * time.Second
}

// refused handles an error about a prompt that is not accepted yet.
func (t *Talk) refused(now time.Time, p *prompt, e wire.Error) {
	p.inFlight = false
	switch {
	case p.stop && e.Code == wire.CodeBusy: // nothing was stored
		t.refuse(now, p, ErrStopped)
	case e.Code == wire.CodeBusy, e.Retryable && e.Code != wire.CodeRateLimited:
		t.delay(now, p, e, time.Duration(e.RetryAfter)*time.Second)
	default:
		t.refuse(now, p, e)
	}
}

// delay sends the prompt again after a while, at least wait, and says so.
func (t *Talk) delay(now time.Time, p *prompt, err error, wait time.Duration) {
	wait = max(wait, min(3*time.Second<<min(p.refusals, 3), 20*time.Second))
	p.refusals++
	p.err, p.at = err, now.Add(wait)
	t.emit(Delayed{ID: p.id, In: wait, Err: err})
}
