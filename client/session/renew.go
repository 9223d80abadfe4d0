package session

import (
	"fmt"
	"time"

	"kaiwa/pkg/wire"
)

// renewal is how a connection that is open gets a newer token: the service checks
// it with every message, API Gateway only at the handshake (aws-facts §5).
type renewal struct {
	expires   time.Time  // of the token in use; zero: unknown
	renewAt   time.Time  // when to get a newer one; zero: not planned
	lapseAt   time.Time  // when to tell that nothing new is heard; zero: never
	warned    bool       // that there is no newer token yet
	late      bool       // the token being handed over comes after the old one ran out
	renewed   time.Time  // when the service took the last one
	renewing  bool       // Output.Renew was said, and Renewed has not answered
	token     string     // being handed over; "": none
	handAgain time.Time  // when to hand it over (again)
	refusal   wire.Error // of the last token that was handed over: it may come twice
	told      bool       // that the token ran out and cannot be replaced
}

// Expires says when the token runs out with which the newest socket was opened;
// zero: nobody knows.
func (t *Talk) Expires(now, at time.Time) {
	t.expires, t.renewAt, t.lapseAt, t.warned = at, time.Time{}, time.Time{}, false
	switch left := at.Sub(now); {
	case at.IsZero() || left <= 0:
	case t.opt.Renews:
		t.renewAt = at.Add(-min(left/10, time.Minute))
	default:
		t.lapseAt = at.Add(leeway)
	}
}

const (
	// leeway is how long after its end a service may still take a token: clocks
	// differ.
	leeway = 30 * time.Second
	// renewAgain is when to try again after a token could not be had, while the old
	// one is still good.
	renewAgain = 10 * time.Second
)

// Renewed answers Output.Renew with a newer token, or says why there is none.
func (t *Talk) Renewed(now time.Time, token string, expires time.Time, err error) {
	if t.gone || !t.renewing {
		return
	}
	t.renewing = false
	switch old := t.expires; {
	case err != nil && now.Before(old) && !t.holds():
		t.renewAt = now.Add(min(renewAgain, old.Sub(now)))
		if t.warned {
			break
		}
		t.warned = true
		t.emit(Trouble{fmt.Errorf("the token runs out at %s, and there is no new one: %w", old.Format(time.TimeOnly), err)})
	case err != nil:
		t.release(now, err)
	case t.live == 0: // the next handshake has it
	default:
		t.token, t.handAgain, t.refusal = token, now, wire.Error{}
		t.late = !old.IsZero() && !now.Before(old)
		if t.Expires(now, expires); !expires.After(old) {
			t.renewAt = time.Time{} // the next would be no newer either
		}
	}
	t.Tick(now)
}

func (t *Talk) tickRenewal(now time.Time) {
	if due(t.renewAt, now) {
		t.renew()
	}
	if due(t.lapseAt, now) {
		t.lapse(now)
	}
	if t.token != "" && due(t.handAgain, now) {
		t.send(now, wire.Auth{Token: t.token})
		t.handAgain = now.Add(wire.AcceptWithin)
	}
}

func (t *Talk) renew() {
	t.renewAt = time.Time{}
	if !t.renewing && t.token == "" {
		t.renewing, t.out.Renew = true, true
	}
}

// lapse tells that the token ran out. Whoever only listens would not notice: what
// was begun goes on, what others begin is not heard.
func (t *Talk) lapse(now time.Time) {
	t.lapseAt = time.Time{}
	switch {
	case t.unfinished():
		t.lapseAt = now.Add(renewAgain)
	case !t.told:
		t.told = true
		t.emit(Trouble{lapsed(wire.Error{Code: wire.CodeExpired}, nil)})
	}
}

// authorized handles the service's yes to a token: what may have been refused for
// want of it goes again.
func (t *Talk) authorized(now time.Time) {
	if t.token == "" {
		return
	}
	t.token, t.renewed, t.topics.askAt = "", now, now
	if t.holds() {
		t.head().held, t.head().at = false, now
	}
	for _, r := range t.replies {
		r.stopped = time.Time{}
		if !r.final && r.resumes > 0 {
			t.resume(now, r)
		}
	}
	if t.late && !t.unfinished() {
		t.catchUp(now) // replies began that were not for an old token
	}
	t.late = false
}

// stale is how long after a newer token was taken the service may still be heard
// to refuse what was sent before: it serves messages side by side.
const stale = 5 * time.Second

// expired handles the service's word that the token ran out.
func (t *Talk) expired(now time.Time, e wire.Error) {
	if !t.renewed.IsZero() && now.Sub(t.renewed) < stale {
		return // if it is true after all, the same comes of the next try
	}
	if p := t.head(); p != nil && p.reply == nil && p.inFlight && (e.ID == "" || e.ID == p.id) {
		p.inFlight, p.held, p.at, p.err = false, true, time.Time{}, e
	}
	if !t.opt.Renews {
		t.release(now, nil)
		return
	}
	t.renew()
}

// refusedToken handles the service's no to a newer token. One that does not take
// tokens over an open connection gets a new connection.
func (t *Talk) refusedToken(now time.Time, e wire.Error) {
	t.token, t.refusal = "", e
	if e.Code == wire.CodeBadRequest {
		t.handAt = now
		return
	}
	t.release(now, e)
}

// holds says whether a prompt waits for a newer token.
func (t *Talk) holds() bool { return t.head() != nil && t.head().held }

// release gives up what waits for a newer token: why there is none, nil if
// nothing could be tried.
func (t *Talk) release(now time.Time, why error) {
	err := lapsed(wire.Error{Code: wire.CodeExpired}, why)
	switch {
	case t.holds():
		err.ID = t.head().id
		t.refuse(now, t.head(), err)
	case !t.told:
		t.told = true
		t.emit(Trouble{err})
	}
}

// lapsed is e in words for whoever signed in. why is why it could not be
// replaced, nil if nothing was tried.
func lapsed(e wire.Error, why error) wire.Error {
	e.Retryable = false
	e.Message = "the sign-in has run out, or was withdrawn; start again, with a new token if one is needed (token-command gets them by itself)"
	if why != nil {
		e.Message = "the sign-in has run out, and there is no new token: " + why.Error()
	}
	return e
}
