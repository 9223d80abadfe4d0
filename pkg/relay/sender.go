package relay

import (
	"context"
	"errors"
	"time"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/frame"
	"kaiwa/pkg/plain"
	"kaiwa/pkg/wire"
)

// sender posts one reply to one connection, at that connection's pace. Its
// fields are protected by the turn's mu.
type sender struct {
	conn    string
	mode    chat.Mode
	n       int64 // newest registration
	cursor  int   // code points posted
	answer  bool  // a resume waits for a sign of life
	gone    bool  // 410: silent until a newer registration
	done    bool  // has the end
	whySent bool
	started time.Time // start of the last text post
	heard   time.Time // last successful post
	retryAt time.Time
	fails   int
	wake    chan struct{}
}

// plainHold is how many bytes of an unfinished sentence are held back at most.
const plainHold = 8 << 10

// job is one post.
type job struct {
	data   []byte
	cursor int   // where the listener stands afterwards
	n      int64 // the registration it answers
	why    bool
	end    *wire.End // the end that the listener has afterwards
}

// send is a sender's life: it ends with posts, or when the turn closes and the
// listener has all or is gone.
func (t *turn) send(posts context.Context, s *sender) {
	idle := time.NewTimer(0)
	defer idle.Stop()
	for {
		t.mu.Lock()
		j, wait, leave := t.next(s)
		t.mu.Unlock()
		switch {
		case leave || posts.Err() != nil:
			return
		case j.data != nil:
			t.posted(posts, s, j, post(posts, t.r.poster, s.conn, j.data, t.r.opt.PostTimeout))
			continue
		}
		idle.Reset(wait)
		select {
		case <-s.wake:
		case <-idle.C:
		case <-posts.Done():
			return
		}
	}
}

// next decides what to post now, or how long to wait, or that the sender may
// leave. Called with t.mu held.
func (t *turn) next(s *sender) (j job, wait time.Duration, leave bool) {
	now := time.Now()
	if s.gone || s.done {
		return job{}, time.Hour, t.closing
	}
	if wait := s.retryAt.Sub(now); wait > 0 {
		return job{}, wait, false
	}
	silence := s.heard.Add(t.r.opt.Keepalive).Sub(now)
	if limit := t.limit(); s.cursor < limit {
		if wait := s.started.Add(t.r.opt.Flush).Sub(now); wait > 0 {
			return job{}, wait, false
		}
		if j, ok := t.textJob(s, limit, silence <= 0); ok {
			s.started = now
			return j, 0, false
		}
	}
	if t.end != nil {
		return t.endJob(s)
	}
	if s.answer || silence <= 0 {
		k := wire.Keepalive{Ref: t.ref, Waited: int(now.Sub(s.heard) / time.Second)}
		return job{data: encode(s.mode, k), cursor: s.cursor, n: s.n}, 0, false
	}
	return job{}, silence, false
}

// limit is how much of the text listeners may have. Called with t.mu held.
func (t *turn) limit() int {
	if t.end != nil {
		return min(t.text.Len(), t.end.Length)
	}
	return t.text.Len()
}

// textJob posts the next piece. In plain mode it waits for the end of a line or
// a sentence unless all must go. Called with t.mu held.
func (t *turn) textJob(s *sender, limit int, due bool) (job, bool) {
	for s.cursor < limit {
		text := t.text.Slice(s.cursor, min(limit, s.cursor+t.r.opt.Piece))
		if !s.mode.Plain() {
			piece := frame.Cut(text, frame.DeltaLimit(t.ref, t.r.opt.Piece))
			return job{data: wire.EncodeFrame(wire.Delta{Ref: t.ref, Offset: s.cursor, Text: piece}),
				cursor: s.cursor + runes(piece), n: s.n}, true
		}
		if all := due || t.answer.done || t.end != nil || len(text) > plainHold; !all {
			text = text[:plain.Ready(text)]
		}
		piece := plain.Cut(text, t.r.opt.Piece)
		if piece == "" {
			return job{}, false
		}
		if line := plain.Line(piece); line != "" {
			return job{data: []byte(line), cursor: s.cursor + runes(piece), n: s.n}, true
		}
		s.cursor += runes(piece) // blank: nothing to say
	}
	return job{}, false
}

// endJob posts why a reply failed, then its end; somebody who reads lines gets
// one of the two. Called with t.mu held.
func (t *turn) endJob(s *sender) (j job, wait time.Duration, leave bool) {
	f := wire.Frame(*t.end)
	why := t.why != nil && !s.whySent
	if why {
		f = *t.why
	}
	var end *wire.End
	if !why || s.mode.Plain() {
		end = t.end
	}
	data := encode(s.mode, f)
	if len(data) == 0 {
		s.done = true
		return job{}, time.Hour, t.closing
	}
	return job{data: data, cursor: s.cursor, n: s.n, why: why, end: end}, 0, false
}

// posted takes a post's outcome (R8).
func (t *turn) posted(posts context.Context, s *sender, j job, err error) {
	t.mu.Lock()
	now := time.Now()
	gone := false
	switch {
	case s.n != j.n: // registered anew meanwhile: the cursor is another
	case err == nil:
		s.cursor, s.heard, s.answer, s.fails = j.cursor, now, false, 0
		s.whySent = s.whySent || j.why
		s.done = s.done || j.end != nil && j.end == t.end // an unsaved end may have got its durable one meanwhile
	case errors.Is(err, chat.ErrGone):
		s.gone, gone = true, true
		t.countLive()
		nudge(t.changed)
	default:
		if s.fails++; s.fails == 1 {
			t.r.opt.Logger.WarnContext(posts, "post failed, repeated", "reply", t.ref.Reply, "connection", s.conn, "error", err)
		}
		s.retryAt = now.Add(backoff(s.fails))
	}
	t.mu.Unlock()
	if gone {
		if err := t.r.store.Gone(posts, s.conn, t.ref.Conversation); err != nil {
			t.r.opt.Logger.WarnContext(posts, "gone connection stays", "connection", s.conn, "error", err)
		}
	}
}
