package relay

import (
	"context"
	"errors"
	"time"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/wire"
)

// finish writes the end before anybody hears of it, until it is stored or ctx
// ends (R5). Listeners do not wait longer than 10 s: they get an unsaved end and
// the durable one later. It reports whether an end is stored.
func (t *turn) finish(ctx, posts context.Context, why reason) (bool, error) {
	defer t.charge(ctx)
	if why.stored != nil {
		t.fenced(posts, *why.stored)
		return true, nil
	}
	begun := time.Now()
	for n := 1; ; n++ {
		img, err := t.writeEnd(ctx, why.stop, nil)
		switch {
		case err == nil:
			t.settle(posts, img, why.why)
			return true, nil
		case errors.Is(err, chat.ErrLost):
			t.fenced(posts, img)
			return true, nil
		}
		t.r.opt.Logger.WarnContext(ctx, "end not stored", "reply", t.ref.Reply, "try", n, "error", err)
		if time.Since(begun) >= unsavedAfter {
			t.settleUnsaved(why)
		}
		if sleep(ctx, backoff(n)) != nil {
			return false, err
		}
	}
}

// abandon ends a reply without listeners, unless one has come meanwhile (R13).
// The model goes on until that is certain. done is false when it was refused or
// could not be tried: the turn goes on.
func (t *turn) abandon(ctx, posts context.Context) (done bool, err error) {
	t.mu.Lock()
	n := t.seenN
	t.mu.Unlock()
	img, err := t.writeEnd(ctx, wire.StopInterrupted, &n)
	switch {
	case err == nil:
		t.settle(posts, img, nil)
		t.charge(ctx)
		return true, nil
	case errors.Is(err, chat.ErrLost):
		t.fenced(posts, img)
		t.charge(ctx)
		return true, nil
	case errors.Is(err, chat.ErrMoved):
		t.apply(posts, img)
	default:
		t.r.opt.Logger.WarnContext(ctx, "abandoned reply not ended", "reply", t.ref.Reply, "error", err)
	}
	t.mu.Lock()
	if !t.lonely.IsZero() {
		t.lonely = time.Now()
	}
	t.mu.Unlock()
	return false, nil
}

// writeEnd tries once to store all text and the end.
func (t *turn) writeEnd(ctx context.Context, stop string, onlyIfN *int64) (chat.Reply, error) {
	p, text := t.progress()
	p, err := t.shelve(ctx, p, text)
	t.base = p.Base
	if err != nil {
		return chat.Reply{}, err
	}
	p.Lease = t.r.opt.Now()
	e := chat.Ending{Progress: p, Stop: stop, OnlyIfN: onlyIfN}
	t.mu.Lock()
	e.Usage, e.Timing = t.answer.usage, t.timing()
	t.mu.Unlock()
	img, err := t.r.store.End(ctx, e)
	t.seq = max(t.seq, img.Seq)
	return img, err
}

// charge counts what the model used, also where somebody else ended the reply. What
// it has not said, because it was stopped or broke off, is estimated, cautiously; a
// model that failed by itself before its first word costs nothing. The posts do not
// wait for it.
func (t *turn) charge(ctx context.Context) {
	t.mu.Lock()
	n := t.answer.usage.Total()
	failed := t.answer.err != nil && !t.answer.halted
	if n == 0 && (!failed || t.text.Len() > 0) {
		n = t.asked + chat.CautiousTokens(t.text.Slice(0, t.text.Len()))
	}
	t.mu.Unlock()
	t.r.teller.Charge(ctx, t.held, n)
}

// timing is measured from the claim. Called with t.mu held.
func (t *turn) timing() chat.Timing {
	d := chat.Timing{Total: time.Since(t.start)}
	if !t.first.IsZero() {
		d.First = t.first.Sub(t.start)
	}
	return d
}

// fenced serves the stored end, never this function's own. An item that is no
// more was deleted with its conversation.
func (t *turn) fenced(posts context.Context, img chat.Reply) {
	img.ID, img.Conversation, img.Prompt = t.ref.Reply, t.ref.Conversation, t.ref.ID
	if img.State != chat.Ended {
		img.EndStop = wire.StopInterrupted
	}
	t.settle(posts, img, CutShort(img))
}

// settle makes a stored end known. Listeners that were told an unsaved one hear
// again; those that registered at the last moment are in the image.
func (t *turn) settle(posts context.Context, img chat.Reply, why *wire.Error) {
	t.apply(posts, img)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.end != nil {
		for _, s := range t.senders {
			s.done = false
		}
	}
	end := EndOf(img)
	t.end, t.why = &end, t.about(why)
	t.wakeAll()
}

// settleUnsaved posts the end that could not be stored. Once is enough.
func (t *turn) settleUnsaved(why reason) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.end != nil {
		return
	}
	end := EndOf(chat.Reply{ID: t.ref.Reply, Conversation: t.ref.Conversation, Prompt: t.ref.ID,
		Length: t.text.Len(), EndStop: why.stop, Usage: t.answer.usage, Timing: t.timing()})
	end.Saved = false
	t.end, t.why = &end, t.about(why.why)
	t.wakeAll()
}

// about names the reply in an error.
func (t *turn) about(e *wire.Error) *wire.Error {
	if e == nil {
		return nil
	}
	c := *e
	c.ID, c.Reply = t.ref.ID, t.ref.Reply
	return &c
}

// finishPosts gives the senders a while to bring everything out.
func (t *turn) finishPosts(ctx context.Context) {
	t.mu.Lock()
	t.closing = true
	t.wakeAll()
	t.mu.Unlock()
	out := make(chan struct{})
	go func() {
		t.wg.Wait()
		close(out)
	}()
	limit := time.NewTimer(closeWithin)
	defer limit.Stop()
	select {
	case <-out:
		return
	case <-limit.C:
	case <-ctx.Done():
	}
	t.r.opt.Logger.WarnContext(ctx, "listeners left without the end; they resume", "reply", t.ref.Reply)
}
