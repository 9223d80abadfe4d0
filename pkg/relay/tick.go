package relay

import (
	"context"
	"errors"
	"unicode/utf8"

	"kaiwa/pkg/chat"
)

// tickResult is what one tick learnt.
type tickResult struct {
	img  chat.Reply
	base int // what is safe in segments now
	err  error
}

// startTick persists the text so far, in its own goroutine: a slow table holds
// up neither the words nor a stop. Exactly one result is sent.
func (t *turn) startTick(ctx context.Context, results chan<- tickResult) {
	p, text := t.progress()
	go func() {
		p, _ := t.shelve(ctx, p, text)
		p.Lease = t.r.opt.Now().Add(chat.Lease)
		img, err := t.r.store.Tick(ctx, p)
		results <- tickResult{img: img, base: p.Base, err: err}
	}()
}

// progress opens the next write: a new seq, and the text that stands in no
// segment yet.
func (t *turn) progress() (chat.Progress, string) {
	t.seq++
	t.mu.Lock()
	defer t.mu.Unlock()
	return chat.Progress{Reply: t.ref.Reply, Owner: t.owner, Seq: t.seq, Base: t.base},
		t.text.Slice(t.base, t.text.Len())
}

// shelve puts text that is too long for a tail into segments and completes p.
// When a segment cannot be written, p holds as much as a tail may: the lease is
// renewed all the same, and the length never shrinks.
func (t *turn) shelve(ctx context.Context, p chat.Progress, text string) (chat.Progress, error) {
	var err error
	for len(text) > tailBytes {
		s := chat.Segment{Base: p.Base, Text: prefix(text, segmentBytes)}
		s.Length = runes(s.Text)
		if err = t.r.store.PutSegment(ctx, p.Reply, s); err != nil {
			text = prefix(text, tailBytes)
			break
		}
		p.Base += s.Length
		text = text[len(s.Text):]
	}
	p.Tail = text
	p.Length = p.Base + runes(text)
	return p, err
}

// ticked takes a tick's result. It returns the stored reply if somebody else
// ended it. A table that cannot be reached is not a lost lease: words keep
// flowing.
func (t *turn) ticked(posts context.Context, res tickResult) *chat.Reply {
	t.base = max(t.base, res.base)
	switch {
	case res.err == nil:
		t.seq = max(t.seq, res.img.Seq)
		t.apply(posts, res.img)
	case errors.Is(res.err, chat.ErrLost):
		return &res.img
	default:
		t.r.opt.Logger.Warn("tick failed", "reply", t.ref.Reply, "seq", t.seq, "error", res.err)
	}
	return nil
}

// prefix is the longest prefix of s of at most n bytes that ends at a code point.
func prefix(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

func runes(s string) int { return utf8.RuneCountInString(s) }
