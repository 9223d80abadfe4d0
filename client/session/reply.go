package session

import (
	"slices"
	"time"

	"kaiwa/pkg/frame"
	"kaiwa/pkg/wire"
)

// reply is what is known of one reply.
type reply struct {
	ref   wire.Ref
	join  frame.Join
	end   *wire.End // the end that counts so far
	cut   int
	err   error
	final bool
	heard time.Time // when its last frame came

	resumed time.Time // when the last resume went
	resumes int       // how many of them are unanswered
	stop    bool      // the user wants it to end
	stopped time.Time // when that was last said

	unasked time.Time // until then the prompt is looked for; zero: it was shown
	held    []Event   // that wait for it
}

// resumeAt is when a resume is due: for a gap at once, but at most one a second;
// after silence; and again while it stays unanswered.
func (r *reply) resumeAt() time.Time {
	switch {
	case r.final:
		return time.Time{}
	case r.resumes > 0:
		return r.resumed.Add(again(r.resumes))
	case r.join.Gap() && r.resumed.IsZero():
		return r.heard
	case r.join.Gap():
		return r.resumed.Add(wire.ResumeEvery)
	}
	return r.heard.Add(wire.SilenceMax)
}

// stopAt is when to say that the reply is to stop.
func (r *reply) stopAt() time.Time {
	switch {
	case !r.stop || r.final:
		return time.Time{}
	case r.stopped.IsZero():
		return r.heard
	}
	return r.stopped.Add(wire.StopEvery)
}

func (t *Talk) tickReply(now time.Time, r *reply) {
	if due(r.unasked, now) {
		t.unveil(r, "")
	}
	if due(r.resumeAt(), now) {
		t.resume(now, r)
	}
	if due(r.stopAt(), now) {
		r.stopped = now
		t.send(now, wire.Stop{Reply: r.ref.Reply})
	}
}

func (t *Talk) resume(now time.Time, r *reply) {
	r.resumed = now
	r.resumes++
	t.send(now, wire.Resume{Reply: r.ref.Reply, Conversation: r.ref.Conversation, Offset: r.join.Held()})
}

// heardOf finds the reply that a frame belongs to: nil if it is none of the
// current conversation. Any frame that names the prompt says that it is accepted:
// the accepted frame itself may be lost.
func (t *Talk) heardOf(now time.Time, ref wire.Ref) *reply {
	p := t.head()
	mine := p != nil && p.reply == nil && p.messages != nil && p.id == ref.ID && ref.ID != ""
	if mine {
		t.conversation = ref.Conversation
	}
	if ref.Reply == "" || ref.Conversation == "" || ref.Conversation != t.conversation {
		return nil
	}
	r := t.known[ref.Reply]
	if r == nil {
		r = &reply{ref: ref}
		t.known[ref.Reply] = r
		if !mine {
			t.overhear(now, r)
		}
	}
	if len(t.replies) == 0 || !r.final {
		t.keep(r)
	}
	if mine {
		p.reply, r.stop = r, p.stop
	}
	r.heard, r.resumes = now, 0
	t.attach = attach{}
	return r
}

// keep makes r one of the conversation's replies, and forgets the text of older
// ones that nothing more can come of.
func (t *Talk) keep(r *reply) {
	var kept []*reply
	for _, o := range t.replies {
		switch {
		case o == r:
			return
		case o.final && o.end != nil && o.end.Saved:
			t.unveil(o, "")
			o.join = frame.Join{}
		default:
			kept = append(kept, o)
		}
	}
	t.replies = append(kept, r)
}

func (t *Talk) delta(now time.Time, d wire.Delta) {
	r := t.heardOf(now, d.Ref)
	if r == nil || r.final {
		return
	}
	fresh, _ := r.join.Delta(d.Offset, d.Text)
	if fresh != "" {
		t.tries = min(t.tries, 1)
		t.tell(r, Text{Ref: r.ref, Text: fresh})
	}
	t.settle(now, r)
}

func (t *Talk) ended(now time.Time, e wire.End) {
	r := t.heardOf(now, e.Ref)
	if r == nil || r.end != nil && (r.end.Saved || r.final && !e.Saved) {
		return
	}
	r.end, r.final = &e, false
	r.join.End(e.Length, e.Saved)
	r.cut = r.join.Cut()
	t.settle(now, r)
}

// settle ends the reply if all of it is there.
func (t *Talk) settle(now time.Time, r *reply) {
	if r.join.Final() {
		t.finish(now, r)
	}
}

func (t *Talk) finish(now time.Time, r *reply) {
	r.final = true
	t.tell(r, Ended{End: *r.end, Cut: r.cut, Err: r.err})
	if p := t.head(); p != nil && p.reply == r {
		t.next(now)
	}
}

// attach is the wish to follow the conversation: after a new socket, which the
// service does not know yet, and for a conversation just opened.
type attach struct {
	reply  string // the newest one known; "": ask for the newest
	offset int
	at     time.Time // when to send it (again); zero: no wish
	tries  int
}

// maxAttach is how often it is said: a conversation without replies answers with
// an error that names nothing.
const maxAttach = 4

// follow asks for the conversation's newest reply, and to be told of later ones.
func (t *Talk) follow(now time.Time, newest *reply) {
	t.attach = attach{at: now}
	if newest != nil {
		t.attach.reply, t.attach.offset = newest.ref.Reply, newest.join.Held()
	}
}

// unfinished says whether more of a reply is to come.
func (t *Talk) unfinished() bool {
	return slices.ContainsFunc(t.replies, func(r *reply) bool { return !r.final })
}

// catchUp asks for what has begun in the conversation since the newest reply.
func (t *Talk) catchUp(now time.Time) {
	if t.conversation == "" {
		return
	}
	var newest *reply
	if n := len(t.replies); n > 0 {
		newest = t.replies[n-1]
	}
	t.follow(now, newest)
}

func (t *Talk) tickAttach(now time.Time) {
	a := &t.attach
	if !due(a.at, now) {
		return
	}
	t.send(now, wire.Resume{Reply: a.reply, Conversation: t.conversation, Offset: a.offset})
	a.tries++
	a.at = now.Add(again(a.tries))
	if a.tries == maxAttach {
		a.at = time.Time{}
	}
}
