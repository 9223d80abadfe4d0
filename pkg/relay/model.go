package relay

import (
	"context"
	"time"

	"kaiwa/pkg/chat"
)

// usageWithin is how long a complete answer waits for its token counts, which
// come last (aws-facts §8).
const usageWithin = 2 * time.Second

// read asks the model and gathers its answer until it ends or ctx does. It never
// waits for a post or a table write.
func (t *turn) read(ctx context.Context) {
	a := t.readAll(ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	a.done, a.halted = true, ctx.Err() != nil
	if !a.halted {
		t.text.Flush()
	}
	t.answer = a
	t.wakeAll()
	nudge(t.changed)
}

func (t *turn) readAll(ctx context.Context) answer {
	prompt, err := t.prompt(ctx)
	if err != nil {
		return answer{err: err}
	}
	t.mu.Lock()
	t.asked = prompt.Tokens()
	t.mu.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var a answer
	var usage *time.Timer
	err = t.r.model.Converse(ctx, prompt, func(c chat.Chunk) {
		if c.Stop != "" {
			a.stop = c.Stop
			usage = time.AfterFunc(usageWithin, cancel)
		}
		if c.Usage != nil {
			a.usage = *c.Usage
		}
		t.grow(ctx, c.Text)
	})
	if usage != nil {
		usage.Stop()
	}
	switch {
	case a.stop != "": // complete; only its usage can be missing
	case err != nil:
		a.err = err
	default:
		a.err = chat.ErrCut
	}
	return a
}

// prompt loads the history. The table may be out of reach for a while: the
// listeners wait with keepalives.
func (t *turn) prompt(ctx context.Context) (chat.Prompt, error) {
	for n := 1; ; n++ {
		msgs, err := t.r.store.Recent(ctx, t.ref.Conversation, t.r.opt.HistoryTokens)
		if err == nil {
			return chat.Arrange(msgs), nil
		}
		if chat.KindOf(err) != chat.Unavailable || n == 60 || sleep(ctx, backoff(n)) != nil {
			return chat.Prompt{}, err
		}
	}
}

// grow appends text and wakes the senders, unless ctx is done: then the text is
// frozen.
func (t *turn) grow(ctx context.Context, s string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if ctx.Err() != nil || s == "" {
		return
	}
	if t.first.IsZero() {
		t.first = time.Now()
	}
	t.text.Append(s)
	t.wakeAll()
}
