package session

import (
	"errors"
	"slices"
	"time"

	"kaiwa/pkg/wire"
)

// Frame takes what came over a socket. Frames of a socket that is being left
// count like any other. Types it does not know are ignored.
func (t *Talk) Frame(now time.Time, n int, f wire.Frame) {
	if t.gone {
		return
	}
	if n == t.live {
		t.hears(now)
	}
	switch f := f.(type) {
	case wire.Accepted:
		t.heardOf(now, f.Ref)
	case wire.Delta:
		t.delta(now, f)
	case wire.Keepalive:
		if r := t.heardOf(now, f.Ref); r != nil && !r.final {
			t.tell(r, Waiting{Ref: r.ref, For: time.Duration(f.Waited) * time.Second})
		}
	case wire.End:
		t.ended(now, f)
	case wire.Error:
		t.failed(now, f)
	case wire.Gateway:
		t.complained(now, f)
	case wire.Notification:
		t.notify(f)
	case wire.Goaway:
		if n == t.live {
			t.goaway(now, f.In)
		}
	case wire.Authorized:
		t.authorized(now)
	case wire.Subscribed:
		t.subscribed(now, f.Topic)
	case wire.ConversationsPage:
		t.emit(Listed{f})
	case wire.Renamed:
		t.emit(Titled{f})
	case wire.HistoryPage:
		t.overheard(f)
		t.showed(now, f)
	}
	t.Tick(now)
}

// failed handles the service's error frames: about a reply, about the prompt, or
// about anything else.
func (t *Talk) failed(now time.Time, e wire.Error) {
	switch {
	case e.Code == wire.CodeExpired:
		t.expired(now, e)
		return
	case t.token != "" && e.ID == "" && e.Reply == "" && !e.Retryable:
		t.refusedToken(now, e)
		return
	case e == t.refusal, t.refusesTopic(now, e), t.openingFailed(e):
		return
	}
	if e.Reply != "" && e.Code != wire.CodeBusy { // busy names the reply that is in the prompt's way
		t.replyFailed(now, e)
		return
	}
	p := t.head()
	waiting := p != nil && p.reply == nil && p.inFlight
	switch {
	case waiting && e.ID == p.id:
		t.refused(now, p, e)
	case e.ID != "": // about a prompt that is settled
	case e.Code == wire.CodeNotFound && t.attach.tries > 0:
		t.attach = attach{} // a conversation without replies
	case waiting && !e.Retryable: // nothing else is likely meant
		t.refused(now, p, e)
	default:
		t.emit(Trouble{e})
	}
}

// replyFailed handles an error about a reply. Its end follows, unless it cannot
// be found: then nothing ever will.
func (t *Talk) replyFailed(now time.Time, e wire.Error) {
	r := t.known[e.Reply]
	switch {
	case r == nil:
		t.emit(Trouble{e})
	case r.final:
	case e.Code == wire.CodeNotFound:
		t.emit(Trouble{e})
		r.err, r.cut = e, 0
		r.end = &wire.End{Ref: r.ref, Length: r.join.Held(), Saved: true, Stop: wire.StopInterrupted}
		t.finish(now, r)
	case e.Code == wire.CodeUnavailable && r.resumes > 0: // the resume is repeated anyway
	default:
		r.err = e
		t.emit(Trouble{e})
	}
}

// API Gateway's own complaints (aws-facts §3).
const (
	gatewayTimeout   = "Endpoint request timed out" // the function goes on, and so do its posts
	gatewayForbidden = "Forbidden"                  // the stage has no such route
)

// complained handles what API Gateway itself says, which names no prompt.
func (t *Talk) complained(now time.Time, g wire.Gateway) {
	p := t.head()
	waiting := p != nil && p.reply == nil
	switch {
	case g.Message == gatewayTimeout:
		return
	case g.Message == gatewayForbidden && waiting:
		t.refuse(now, p, errForbidden)
		return
	case waiting && p.inFlight:
		p.inFlight = false
		t.delay(now, p, gatewayError(g.Message), 0)
		return
	case waiting: // it came in parts, and each of them failed
		return
	}
	if t.gateway != g.Message { // once is enough
		t.gateway = g.Message
		t.emit(Trouble{gatewayError(g.Message)})
	}
}

var errForbidden = errors.New("the service has no route for this message; is the API deployed?")

func gatewayError(message string) error {
	if message == gatewayForbidden {
		return errForbidden
	}
	return errors.New("API Gateway says: " + message)
}

// notify passes a notification on, once: while two sockets are open it may come
// over both.
func (t *Talk) notify(n wire.Notification) {
	const most = 64
	if n.ID != "" && slices.Contains(t.notified, n.ID) {
		return
	}
	t.notified = append(t.notified, n.ID)
	if len(t.notified) > most {
		t.notified = slices.Delete(t.notified, 0, len(t.notified)-most)
	}
	t.emit(Notified{n})
}
