package session

import (
	crand "crypto/rand"
	"math/rand/v2"
	"slices"
	"time"

	"kaiwa/pkg/frame"
	"kaiwa/pkg/wire"
)

// Options of a Talk; nil and zero values are the defaults.
type Options struct {
	// Ping is how long nothing may go over the connection before a ping does.
	// 0: wire.PingEvery; negative: never.
	Ping time.Duration
	// GiveUp is how long to try to connect again. 0: for ever.
	GiveUp time.Duration
	// Tries is how often a prompt is sent that is not accepted. 0: 12.
	Tries int
	// Seed of the jitter. 0: a random one.
	Seed uint64
	// Topics are subscribed to, on every socket.
	Topics []string
	// Overhear shows the prompts that other clients send into the conversation, before
	// their replies. Each costs a question.
	Overhear bool
	// Renews says that Output.Renew will be answered with Renewed.
	Renews bool
	// NewID makes prompt ids, of at most wire.MaxID characters and never the same
	// twice for one user. nil: 130 random bits.
	NewID func() string
}

// Talk is one conversation at a time, seen from the client. It opens no socket
// and reads no clock: its methods tell it what happened and when, and Take says
// what is to be done. Times must not go back. It is not safe for concurrent use.
type Talk struct {
	opt Options
	rnd *rand.Rand
	link
	renewal
	topics topics

	conversation string    // "": the next prompt starts one
	prompts      []*prompt // the first is being served
	replies      []*reply  // of this conversation, newest last, older ones forgotten
	known        map[string]*reply
	attach       attach
	opening      opening
	shown        []string // replies whose prompts were in Showed
	notified     []string // ids of the last notifications
	out          Output
	gone         bool
}

// Output is what a Talk wants done, in the order of the fields.
type Output struct {
	Dial   int            // open the socket of this number; 0: none
	Renew  bool           // get a newer token
	Send   []wire.Request // on the newest open socket
	Hangup int            // close the socket of this number; 0: none
	Events []Event
	// Wake is when to call Tick at the latest; zero: there is nothing to wait for.
	Wake time.Time
}

// NewTalk starts a talk: it wants socket 1 at once.
func NewTalk(now time.Time, opt *Options) *Talk {
	t := &Talk{known: map[string]*reply{}}
	if opt != nil {
		t.opt = *opt
	}
	if t.opt.Ping == 0 {
		t.opt.Ping = wire.PingEvery
	}
	if t.opt.Tries <= 0 {
		t.opt.Tries = 12
	}
	if t.opt.Seed == 0 {
		t.opt.Seed = rand.Uint64()
	}
	if t.opt.NewID == nil {
		t.opt.NewID = crand.Text
	}
	t.rnd = rand.New(rand.NewPCG(t.opt.Seed, 0))
	t.lostAt = now
	t.dial()
	return t
}

// Take hands over what is to be done since the last Take.
func (t *Talk) Take() Output {
	out := t.out
	t.out = Output{}
	if !t.gone {
		out.Wake = t.wake()
	}
	return out
}

// Tick lets time pass.
func (t *Talk) Tick(now time.Time) {
	if t.gone {
		return
	}
	t.tickLink(now)
	if t.gone || t.live == 0 {
		return
	}
	t.tickPrompt(now)
	for _, r := range t.replies {
		t.tickReply(now, r)
	}
	t.tickOpening(now)
	t.tickAttach(now)
	t.tickRenewal(now)
	t.tickTopics(now)
	if due(t.pingAt(), now) {
		t.send(now, wire.Ping{})
	}
}

// wake is the earliest time at which Tick would do something.
func (t *Talk) wake() time.Time {
	at := earliest(t.dialAt, t.giveUpAt())
	if t.live == 0 {
		return at
	}
	at = earliest(at, t.handoverAt(), t.deafAt(), t.pingAt(), t.attach.at, t.opening.at, t.renewAt, t.lapseAt, t.topicsAt())
	if t.token != "" {
		at = earliest(at, t.handAgain)
	}
	if p := t.head(); p != nil && p.reply == nil {
		at = earliest(at, p.at)
	}
	for _, r := range t.replies {
		at = earliest(at, r.resumeAt(), r.stopAt(), r.unasked)
	}
	return at
}

// Prompt sends text in the current conversation, after the prompts before it.
// Without a connection it also tries to get one now, rather than later. The error
// is about the text: frame.ErrTooLarge is in its chain.
func (t *Talk) Prompt(now time.Time, text string) (id string, err error) {
	p := &prompt{id: t.opt.NewID(), text: text}
	if _, err := frame.Parts(p.message(wire.NewConversation), wire.MaxMessage); err != nil {
		return "", err
	}
	t.prompts = append(t.prompts, p)
	if len(t.prompts) == 1 {
		t.start(now)
	}
	if !t.dialAt.IsZero() && t.live == 0 {
		t.dialAt = now // somebody waits
	}
	t.Tick(now)
	return p.id, nil
}

// Stop stops the running reply, or the prompt that waits for one. It says
// whether there was anything to stop.
func (t *Talk) Stop(now time.Time) bool {
	defer t.Tick(now)
	p := t.head()
	switch {
	case p != nil && p.reply != nil:
		p.reply.stop = true
	case p != nil && (p.inFlight || p.held && p.tries > 1): // a copy of it may be accepted
		p.stop = true // until the reply's name is known
	case p != nil:
		t.refuse(now, p, ErrStopped)
	default:
		for _, r := range t.replies { // somebody else's, in this conversation
			if !r.final {
				r.stop = true
				return true
			}
		}
		return false
	}
	return true
}

// Unqueue takes back the last prompt whose turn has not come.
func (t *Talk) Unqueue() (text string, ok bool) {
	n := len(t.prompts)
	if t.Queued() == 0 {
		return "", false
	}
	text = t.prompts[n-1].text
	t.prompts = t.prompts[:n-1]
	return text, true
}

// Queued is how many prompts wait for their turn.
func (t *Talk) Queued() int {
	if p := t.head(); p == nil || !p.asked {
		return len(t.prompts)
	}
	return len(t.prompts) - 1
}

// New makes the next prompt start a conversation.
func (t *Talk) New() error { return t.Enter("") }

// Pending tells what leaving would leave undone: how many prompts the service has
// not accepted, and whether a reply of this conversation is on its way.
func (t *Talk) Pending() (unsent int, running bool) {
	unsent = t.Queued()
	if p := t.head(); p != nil && p.asked && p.reply == nil {
		unsent++
	}
	return unsent, slices.ContainsFunc(t.replies, func(r *reply) bool { return !r.final })
}

// Rename gives the current conversation another title; Titled answers.
func (t *Talk) Rename(now time.Time, title string) error {
	switch {
	case t.conversation == "":
		return ErrNothing
	case t.live == 0:
		return ErrOffline
	case t.opening.conversation != "":
		return ErrOpening
	}
	t.send(now, wire.Rename{Conversation: t.conversation, Title: title})
	return nil
}

// List asks for the user's newest conversations.
func (t *Talk) List(now time.Time) error {
	if t.live == 0 {
		return ErrOffline
	}
	t.send(now, wire.Conversations{Limit: 20})
	return nil
}

// send sends on the live socket.
func (t *Talk) send(now time.Time, r wire.Request) {
	t.out.Send = append(t.out.Send, r)
	t.asks(now)
}

func (t *Talk) emit(e Event) { t.out.Events = append(t.out.Events, e) }

// due says whether the time has come; never for the zero time.
func due(at, now time.Time) bool { return !at.IsZero() && !now.Before(at) }

// earliest is the earliest of the times that are not zero.
func earliest(times ...time.Time) (first time.Time) {
	for _, at := range times {
		if !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}

// again is how long to wait for the answer to the nth unanswered request.
func again(n int) time.Duration {
	return min(5*time.Second<<min(max(n-1, 0), 2), 20*time.Second)
}
