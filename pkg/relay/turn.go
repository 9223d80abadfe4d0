package relay

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/frame"
	"kaiwa/pkg/wire"
)

// turn is one reply while this function owns it.
type turn struct {
	r     *Relay
	ref   wire.Ref
	held  chat.Reply // what of the image Charge needs
	start time.Time
	wg    sync.WaitGroup // senders

	// Owned by run's goroutine: the fence and what is stored.
	owner string
	seq   int64
	base  int // code points safe in segments

	// changed wakes run; a sender has its own wake.
	changed chan struct{}

	mu       sync.Mutex // protects following
	text     frame.Text
	first    time.Time // of the first text
	answer   answer
	asked    int // tokens of the prompt, estimated cautiously; 0 until the model is asked
	senders  map[string]*sender
	seenN    int64
	claimed  bool // the listeners of the claim are registered
	stopWish bool
	lonely   time.Time   // since when nobody listens, zero if somebody does
	end      *wire.End   // known: it is posted once the text is out
	why      *wire.Error // posted before end
	closing  bool        // senders leave once they are done
}

// answer is what the model has said about its own end.
type answer struct {
	done   bool
	stop   string // set: the answer is complete
	err    error
	halted bool // by us: err is no fault of the model's
	usage  chat.Usage
}

func newTurn(r *Relay, img chat.Reply, owner string) *turn {
	return &turn{r: r, ref: RefOf(img), held: chat.Reply{ID: img.ID, User: img.User, Held: img.Held}, owner: owner, seq: img.Seq, start: time.Now(),
		changed: make(chan struct{}, 1), senders: map[string]*sender{}}
}

// run drives the reply to its end. All writes to the table happen here.
func (t *turn) run(ctx context.Context, img chat.Reply) error {
	posts, stopPosts := context.WithCancel(ctx)
	defer t.wg.Wait()
	defer stopPosts()
	t.apply(posts, img)

	model, stopModel := context.WithCancel(ctx)
	var reading sync.WaitGroup
	defer reading.Wait()
	defer stopModel()
	if !img.StopWish {
		reading.Go(func() { t.read(model) })
	}

	saved, err := t.stream(ctx, posts, stopModel)
	t.finishPosts(ctx)
	if err == nil && !saved {
		err = errors.New("end of reply " + t.ref.Reply + " is not saved")
	}
	return err
}

// stream persists the text once a second until there is a reason to end, then
// ends the reply. It reports whether the end is stored.
func (t *turn) stream(ctx, posts context.Context, stopModel func()) (bool, error) {
	deadline, stopDeadline := t.deadline(ctx)
	defer stopDeadline()
	for {
		reason := t.persist(ctx, posts, deadline)
		if reason.abandon {
			if done, err := t.abandon(ctx, posts); done {
				stopModel()
				return err == nil, err
			}
			continue
		}
		stopModel()
		if reason.cause != nil {
			t.r.opt.Logger.ErrorContext(ctx, "model failed", "reply", t.ref.Reply, "error", reason.cause)
		}
		return t.finish(ctx, posts, reason)
	}
}

// deadline is when the reply must be ended to be in time for ctx's own.
func (t *turn) deadline(ctx context.Context) (<-chan time.Time, func()) {
	at, ok := ctx.Deadline()
	if !ok {
		return nil, func() {}
	}
	left := time.Until(at)
	timer := time.NewTimer(left - min(t.r.opt.Grace, left/5))
	return timer.C, func() { timer.Stop() }
}

// reason is why a reply ends.
type reason struct {
	stop    string      // wire.End.Stop
	cause   error       // for the log
	why     *wire.Error // posted before the end
	stored  *chat.Reply // somebody else ended it: this is the truth
	abandon bool        // nobody listens (R13)
}

// persist ticks until something ends the reply.
func (t *turn) persist(ctx, posts context.Context, deadline <-chan time.Time) reason {
	ticks := time.NewTicker(tickEvery)
	defer ticks.Stop()
	calls, cancel := context.WithCancel(ctx)
	results := make(chan tickResult, 1)
	inFlight := false
	defer func() {
		cancel() // an unanswered tick does not hold up the end; its token makes it harmless
		if inFlight {
			res := <-results
			t.base = max(t.base, res.base)
		}
	}()
	for {
		if r, ok := t.over(); ok {
			return r
		}
		select {
		case <-t.changed:
		case <-deadline:
			return reason{stop: wire.StopInterrupted, why: &wire.Error{Code: wire.CodeUnavailable,
				Message: "the reply ran into the time limit of the service; say continue to go on", Retryable: true}}
		case <-ctx.Done():
			return reason{stop: wire.StopInterrupted}
		case <-ticks.C:
			if !inFlight {
				inFlight = true
				t.startTick(calls, results)
			}
		case res := <-results:
			inFlight = false
			if lost := t.ticked(posts, res); lost != nil {
				return reason{stored: lost}
			}
		}
	}
}

// over tells whether the model, the user or the lack of listeners ends the reply.
func (t *turn) over() (reason, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.stopWish:
		return reason{stop: wire.StopStopped}, true
	case t.answer.done && t.answer.stop != "":
		return reason{stop: t.answer.stop}, true
	case t.answer.done:
		return reason{stop: wire.StopInterrupted, why: modelFault(t.answer.err), cause: t.answer.err}, true
	case t.r.opt.Policy == Abort && !t.lonely.IsZero() && time.Since(t.lonely) >= abandonAfter:
		return reason{abandon: true}, true
	}
	return reason{}, false
}

// modelFault is what listeners are told of a failed answer.
func modelFault(err error) *wire.Error {
	if errors.Is(err, chat.ErrCut) {
		return &wire.Error{Code: wire.CodeModelError, Message: "the model's answer broke off; what came is kept, ask again for the rest", Retryable: true}
	}
	f := ErrorFrame(err)
	return &f
}

// seconds rounds up, so that nobody comes back too early.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

// apply takes what an image of the item says about the stop wish and the
// listeners (R4, R7). The owner never takes listeners from anywhere else.
func (t *turn) apply(posts context.Context, img chat.Reply) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stopWish = t.stopWish || img.StopWish
	if img.N < t.seenN {
		return
	}
	t.seenN = img.N
	keep := newest(img.Listeners)
	for conn, s := range t.senders {
		if _, ok := keep[conn]; !ok {
			s.gone = true
		}
	}
	for conn, l := range keep {
		t.register(posts, conn, l)
	}
	t.claimed = true
	t.countLive()
	t.wakeAll()
}

// newest are the at most eight newest listeners (R7).
func newest(all map[string]chat.Listener) map[string]chat.Listener {
	if len(all) <= chat.MaxListeners {
		return all
	}
	conns := slices.SortedFunc(maps.Keys(all), func(a, b string) int { return cmp.Compare(all[b].N, all[a].N) })
	keep := make(map[string]chat.Listener, chat.MaxListeners)
	for _, c := range conns[:chat.MaxListeners] {
		keep[c] = all[c]
	}
	return keep
}

// register makes or resets a listener's sender. Called with t.mu held.
func (t *turn) register(posts context.Context, conn string, l chat.Listener) {
	s := t.senders[conn]
	if s != nil && l.N <= s.n {
		return
	}
	if s == nil {
		s = &sender{conn: conn, wake: make(chan struct{}, 1)}
		t.senders[conn] = s
		t.wg.Go(func() { t.send(posts, s) })
	}
	s.n, s.mode = l.N, l.Mode
	s.cursor = min(l.Offset, t.text.Len())
	s.gone, s.done, s.whySent = false, false, false
	s.heard = time.Now()
	// A resume is owed an answer at once. Who was there at the claim hears from
	// the model soon enough.
	s.answer = t.claimed && !l.Mode.Plain()
}

// countLive keeps the time since when nobody listens. Called with t.mu held.
func (t *turn) countLive() {
	for _, s := range t.senders {
		if !s.gone {
			t.lonely = time.Time{}
			return
		}
	}
	if t.lonely.IsZero() {
		t.lonely = time.Now()
	}
}

// wakeAll lets every sender look again. Called with t.mu held.
func (t *turn) wakeAll() {
	for _, s := range t.senders {
		nudge(s.wake)
	}
}

func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
