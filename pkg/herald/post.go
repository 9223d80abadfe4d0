package herald

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"kaiwa/pkg/chat"
)

const (
	// postTimeout is the deadline of one post.
	postTimeout = 5 * time.Second
	// postTries is how often one connection is tried: about 12 s. "Client buffer
	// full" is a 429 too (aws-facts §4), so that one slow reader must not stop all.
	postTries = 9
	// postSpent bounds it where each try takes its whole time and says nothing.
	postSpent = 20 * time.Second
	// youth: API Gateway answers 410 for a connection whose $connect has not
	// returned yet (aws-facts §4). One this young is not given up at once.
	youth      = 10 * time.Second
	youthTries = 5 * time.Second
	youthPoll  = 250 * time.Millisecond
)

// errLate: the time that is left would not do for another post. One that is cut
// short may have arrived, and nobody would know.
var errLate = chat.E(chat.Unavailable, "the function's time is nearly over")

// post sends to one connection at the function's pace, and tries again what may
// pass. Neither reached nor an error: the connection is gone, and taken out.
// errLate: not in this function.
func (h *Herald) post(ctx context.Context, c chat.Connection, n *note) (reached bool, err error) {
	began := time.Now()
	var spent time.Duration // on this connection: waiting for its turn does not count
	for try := 1; ; try++ {
		if err := h.pace.wait(ctx); err != nil {
			return false, err
		}
		sent := time.Now()
		err := h.postOnce(ctx, c, n)
		pause := backoff(try)
		spent += time.Since(sent) + pause
		switch kind := chat.KindOf(err); {
		case err == nil:
			h.pace.accepted()
			return true, nil
		case errors.Is(err, chat.ErrGone):
			if time.Since(c.At) > youth || time.Since(began) > youthTries {
				return false, h.store.Gone(ctx, c.ID, "")
			}
			pause = jitter(youthPoll)
			try-- // each of them is answered at once
		case kind == chat.RateLimited:
			h.pace.refused()
		case kind != chat.Unavailable:
			return false, err // a fault of the deployment: no post will succeed
		}
		if try >= postTries || spent > postSpent {
			return false, err
		}
		if e := sleep(ctx, pause); e != nil {
			return false, chat.Join(err, e)
		}
	}
}

func (h *Herald) postOnce(ctx context.Context, c chat.Connection, n *note) error {
	ctx, cancel := context.WithTimeout(ctx, postTimeout)
	defer cancel()
	return h.sockets.Post(ctx, c.ID, n.bytes(c.Mode))
}

// hopeless tells whether an error is about all connections, not about this one.
func hopeless(err error) bool {
	switch chat.KindOf(err) {
	case chat.RateLimited, chat.Unavailable:
		return false
	}
	return err != nil && !errors.Is(err, context.DeadlineExceeded)
}

// pace spaces posts evenly. Refused ones (429) slow all of them down, accepted
// ones let it recover, as TCP does.
type pace struct {
	base time.Duration // between two posts at full speed

	mu    sync.Mutex    // protects following
	every time.Duration // between two posts now
	next  time.Time     // when the next may go
}

// slowest is how many times slower than its full speed a pace gets.
const slowest = 32

// wait waits for a post's turn. errLate: it would not end before ctx does.
func (p *pace) wait(ctx context.Context) error {
	p.mu.Lock()
	now := time.Now()
	at := p.next
	if at.Before(now) {
		at = now
	}
	if end, ok := ctx.Deadline(); ok && at.Add(postTimeout).After(end) {
		p.mu.Unlock()
		return errLate
	}
	p.next = at.Add(max(p.base, p.every))
	p.mu.Unlock()
	return sleep(ctx, time.Until(at))
}

func (p *pace) refused() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.every = min(2*max(p.base, p.every), slowest*p.base)
}

func (p *pace) accepted() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.every = max(p.base, p.every-p.every/32)
}

// backoff is a jittered wait after attempt 1, 2, 3 …: about 0.1, 0.2, 0.4 … 3 s.
func backoff(try int) time.Duration {
	return jitter(min(100*time.Millisecond<<min(try-1, 5), 3*time.Second))
}

// jitter is d, give or take a half.
func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d) }

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
