package session

import (
	"time"

	"kaiwa/pkg/wire"
)

const (
	// firstWait and longestWait bound the wait before connecting again: a random
	// time up to firstWait, doubled with each failure up to longestWait.
	firstWait   = 500 * time.Millisecond
	longestWait = 30 * time.Second
	// steady is how long a connection must live to make the next loss the first
	// one again. Else a service that hangs up at once would be dialled in a loop.
	// One that brought text makes the next wait a short one.
	steady = 10 * time.Second
	// deaf is how long an answer may be overdue, with nothing else heard, before
	// the connection counts as dead though nobody closed it.
	deaf = 30 * time.Second
	// awake is how long a ping may stay unanswered after the machine was suspended.
	awake = 5 * time.Second
	// spread is how much earlier than wire.HandoverAfter the move may come, so
	// that clients that connected together do not move together.
	spread = 10 * time.Minute
)

// link is the state of the connection: which sockets there are, and when to want
// another.
type link struct {
	live    int // the socket in use, 0: none
	dialing int // the socket being opened, 0: none
	last    int // the last number given
	opened  time.Time
	heard   time.Time // when something last came over the live socket
	sent    time.Time
	asked   time.Time // since when an answer is awaited with nothing heard
	isDeaf  bool
	lostAt  time.Time // since when there is no socket
	tries   int       // dials since the last steady connection: what the waits grow with
	attempt int       // dials since there is no socket
	dialAt  time.Time // when to dial
	handAt  time.Time // when to move to a new socket
	why     error     // why there is no socket
	gateway string    // API Gateway's last complaint on this socket
}

func (t *Talk) dial() {
	t.last++
	t.dialing, t.dialAt = t.last, time.Time{}
	t.out.Dial = t.dialing
}

// Opened says that a socket is open. It is the one in use from now on.
func (t *Talk) Opened(now time.Time, n int) {
	if t.gone || n != t.dialing {
		return
	}
	old, first := t.live, t.last == 1
	t.live, t.dialing, t.isDeaf = n, 0, false
	t.opened, t.heard, t.sent, t.asked = now, now, now, time.Time{}
	t.handAt = now.Add(wire.HandoverAfter - t.jitter(spread))
	t.gateway, t.attempt, t.told, t.handAgain = "", 0, false, now
	t.out.Hangup = old
	if old == 0 && !first {
		t.emit(Back{})
	}
	t.subscribeAll(now)
	t.greet(now)
	t.Tick(now)
}

// greet tells a service that does not know the new socket what is wanted: every
// unfinished reply, else the newest one, and the prompt that is not accepted.
func (t *Talk) greet(now time.Time) {
	if t.opening.conversation != "" {
		t.opening.at, t.opening.tries = now, 0
	}
	for _, r := range t.replies {
		if !r.final {
			r.stopped = time.Time{}
			r.resumes = 0
			t.resume(now, r)
		}
	}
	if p := t.head(); p != nil && p.reply == nil && (p.inFlight || p.held) {
		p.held, p.at = false, now
	}
	if !t.unfinished() {
		t.catchUp(now)
	}
}

// Failed says that a socket could not be opened. final means that trying again
// would not help: the user is not allowed in.
func (t *Talk) Failed(now time.Time, n int, err error, final bool) {
	if t.gone || n != t.dialing {
		return
	}
	t.dialing = 0
	if t.isDeaf {
		t.out.Hangup, t.live, t.lostAt, t.isDeaf = t.live, 0, now, false
	}
	if t.why = err; final && t.live == 0 {
		t.leave()
		return
	}
	t.again(now)
	t.Tick(now)
}

// Lost says that a socket was closed by the other side, or failed.
func (t *Talk) Lost(now time.Time, n int, err error) {
	if t.gone || n != t.live {
		return
	}
	t.live, t.lostAt, t.why, t.handAt, t.isDeaf = 0, now, err, time.Time{}, false
	if now.Sub(t.opened) >= steady {
		t.tries = 0
	}
	if t.dialing == 0 {
		t.again(now)
	}
	t.Tick(now)
}

// again plans the next dial: at once the first time, then with full jitter.
func (t *Talk) again(now time.Time) {
	wait := time.Duration(0)
	if t.tries > 0 {
		wait = t.jitter(min(firstWait<<min(t.tries-1, 10), longestWait))
	}
	t.tries++
	t.dialAt = now.Add(wait)
	if t.live == 0 {
		t.attempt++
		t.emit(Lost{Err: t.why, Try: t.attempt, In: wait})
	}
}

func (t *Talk) tickLink(now time.Time) {
	if due(t.giveUpAt(), now) {
		t.leave()
		return
	}
	if due(t.dialAt, now) {
		t.handAt = time.Time{}
		t.dial()
	}
	switch {
	case t.live == 0:
	case due(t.deafAt(), now):
		t.isDeaf = true
		t.dial()
	case due(t.handoverAt(), now):
		t.handAt = time.Time{}
		t.dial()
	}
}

// Woke says that the machine was suspended: the connection is likely gone, though
// nobody said so, and a wait to dial has lasted long enough.
func (t *Talk) Woke(now time.Time) {
	switch {
	case t.gone:
		return
	case t.live != 0:
		t.send(now, wire.Ping{})
		t.asked = now.Add(awake - deaf)
	case !t.dialAt.IsZero():
		t.dialAt = now
	}
	t.Tick(now)
}

// leave ends the talk.
func (t *Talk) leave() {
	t.gone = true
	t.emit(Gone{Err: t.why})
}

// asks notes that something went out that wants an answer.
func (t *Talk) asks(now time.Time) {
	t.sent = now
	if t.asked.IsZero() {
		t.asked = now
	}
}

// hears notes that something came in.
func (t *Talk) hears(now time.Time) { t.heard, t.asked = now, time.Time{} }

func (t *Talk) giveUpAt() time.Time {
	if t.opt.GiveUp <= 0 || t.live != 0 {
		return time.Time{}
	}
	return t.lostAt.Add(t.opt.GiveUp)
}

func (t *Talk) deafAt() time.Time {
	if t.asked.IsZero() || t.dialing != 0 {
		return time.Time{}
	}
	return t.asked.Add(deaf)
}

// handoverAt is when to move to a new socket, which happens but once at a time.
func (t *Talk) handoverAt() time.Time {
	if t.dialing != 0 || !t.dialAt.IsZero() {
		return time.Time{}
	}
	return t.handAt
}

// pingAt is when to ping: only with nothing in flight, as all else that is
// awaited keeps the connection busy.
func (t *Talk) pingAt() time.Time {
	if t.opt.Ping < 0 || t.head() != nil {
		return time.Time{}
	}
	at := t.sent
	if t.heard.After(at) {
		at = t.heard
	}
	return at.Add(t.opt.Ping)
}

// goaway moves to a new socket soon: the service knows that this one ends in so
// many seconds.
func (t *Talk) goaway(now time.Time, in int) {
	at := now.Add(t.jitter(min(time.Duration(max(in, 0))*time.Second/2, time.Minute)))
	t.handAt = earliest(t.handAt, at)
}

// jitter is a random time from 0 to most.
func (t *Talk) jitter(most time.Duration) time.Duration {
	return time.Duration(t.rnd.Int64N(int64(most) + 1))
}
