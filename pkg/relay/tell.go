package relay

import (
	"context"
	"errors"
	"sync"
	"time"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/frame"
	"kaiwa/pkg/plain"
	"kaiwa/pkg/wire"
)

// Poster sends one message to one connection. chat.ErrGone means that it is
// closed; any other error may be repeated.
type Poster interface {
	Post(ctx context.Context, connection string, data []byte) error
}

// Endings is what ended replies need of the table.
type Endings interface {
	// Takeover ends a reply nobody works on (R6); mine tells whether this call did.
	Takeover(ctx context.Context, seen chat.Reply, by string) (img chat.Reply, mine bool, err error)
	// Text reads code points [from, to) of the stored text.
	Text(ctx context.Context, r chat.Reply, from, to int) (string, error)
	// Gone takes a connection that answered 410 out of everything it followed.
	Gone(ctx context.Context, connection, conversation string) error
	// Charge counts an ended reply's tokens on its user's account, once.
	Charge(ctx context.Context, r chat.Reply, tokens int) error
}

// Teller tells listeners of replies that have an end. Short-lived functions use
// it: their posts are repeated for a few seconds, in order, then given up, since
// a client asks again (R12).
type Teller struct {
	store  Endings
	poster Poster
	opt    Options
}

// NewTeller makes a Teller. A nil Options means all defaults.
func NewTeller(store Endings, poster Poster, o *Options) *Teller {
	return &Teller{store: store, poster: poster, opt: o.withDefaults()}
}

const (
	tellWithin  = 5 * time.Second
	serveWindow = 16 << 10 // code points read from the table at a time
)

// RefOf names a reply on its frames.
func RefOf(r chat.Reply) wire.Ref {
	return wire.Ref{ID: r.Prompt, Conversation: r.Conversation, Reply: r.ID}
}

// EndOf is the frame of a stored end.
func EndOf(r chat.Reply) wire.End {
	e := wire.End{Ref: RefOf(r), Length: r.Length, Saved: true, Stop: r.EndStop}
	if r.Usage != (chat.Usage{}) {
		e.Usage = &wire.Usage{InputTokens: r.Usage.Input, OutputTokens: r.Usage.Output,
			CacheReadTokens: r.Usage.CacheRead, CacheWriteTokens: r.Usage.CacheWrite}
	}
	if r.Timing.Total > 0 {
		e.Timing = &wire.Timing{FirstMs: int(r.Timing.First.Milliseconds()), TotalMs: int(r.Timing.Total.Milliseconds())}
	}
	return e
}

// Send posts a frame to a connection in its mode, repeating it for a few
// seconds. A frame that says nothing in plain mode is not sent. chat.ErrGone
// also takes the connection out of the table.
func (t *Teller) Send(ctx context.Context, conn string, m chat.Mode, f wire.Frame) error {
	return t.send(ctx, conn, encode(m, f), conversationOf(f))
}

// SendLine posts text that is for a person to read.
func (t *Teller) SendLine(ctx context.Context, conn, text string) error {
	return t.send(ctx, conn, []byte(plain.Line(text)), "")
}

// encode is a frame's bytes for a mode; none where plain mode is silent.
func encode(m chat.Mode, f wire.Frame) []byte {
	if m.Plain() {
		return []byte(plainText(f))
	}
	return wire.EncodeFrame(f)
}

func plainText(f wire.Frame) string {
	switch f := f.(type) {
	case wire.End:
		return plain.End(f)
	case wire.Error:
		return plain.Error(f)
	case wire.Keepalive:
		return plain.Waiting(f.Waited)
	case wire.Notification:
		return plain.Notification(f)
	case wire.Delta:
		return plain.Line(f.Text)
	}
	return ""
}

func conversationOf(f wire.Frame) string {
	switch f := f.(type) {
	case wire.End:
		return f.Conversation
	case wire.Delta:
		return f.Conversation
	case wire.Keepalive:
		return f.Conversation
	case wire.Accepted:
		return f.Conversation
	}
	return ""
}

func (t *Teller) send(ctx context.Context, conn string, data []byte, conversation string) error {
	if len(data) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, tellWithin)
	defer cancel()
	for n := 1; ; n++ {
		err := post(ctx, t.poster, conn, data, t.opt.PostTimeout)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, chat.ErrGone):
			return errors.Join(err, t.store.Gone(ctx, conn, conversation))
		case sleep(ctx, backoff(n)) != nil:
			return err
		}
	}
}

func post(ctx context.Context, p Poster, conn string, data []byte, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	return p.Post(ctx, conn, data)
}

// Tell posts the stored end to every listener of the image except one, after the
// error that led to it where there is one; to all at once, so that a slow one
// costs no other's time. Listeners that cannot be reached ask later.
func (t *Teller) Tell(ctx context.Context, img chat.Reply, except string, why *wire.Error) {
	var all sync.WaitGroup
	defer all.Wait()
	for conn, l := range img.Listeners {
		if conn == except {
			continue
		}
		all.Go(func() {
			if err := t.tellOne(ctx, conn, l.Mode, EndOf(img), why); err != nil {
				t.opt.Logger.InfoContext(ctx, "end not delivered", "reply", img.ID, "connection", conn, "error", err)
			}
		})
	}
}

// tellOne posts why and end; a person reading lines gets one of the two.
func (t *Teller) tellOne(ctx context.Context, conn string, m chat.Mode, end wire.End, why *wire.Error) error {
	if why != nil {
		if err := t.Send(ctx, conn, m, *why); err != nil || m.Plain() {
			return err
		}
	}
	return t.Send(ctx, conn, m, end)
}

// Serve posts an ended reply's text from offset, then why it failed (nil for
// nothing) and its end, to one connection.
func (t *Teller) Serve(ctx context.Context, img chat.Reply, conn string, m chat.Mode, offset int, why *wire.Error) error {
	ref := RefOf(img)
	for offset < img.Length {
		text, err := t.store.Text(ctx, img, offset, min(img.Length, offset+serveWindow))
		if err != nil {
			return err
		}
		for text != "" {
			piece := cut(text, m, ref, t.opt.Piece)
			if err := t.Send(ctx, conn, m, wire.Delta{Ref: ref, Offset: offset, Text: piece}); err != nil {
				return err
			}
			text = text[len(piece):]
			offset += runes(piece)
		}
	}
	return t.tellOne(ctx, conn, m, EndOf(img), why)
}

// cut is the longest prefix that fits one post.
func cut(text string, m chat.Mode, ref wire.Ref, piece int) string {
	if m.Plain() {
		return plain.Cut(text, piece)
	}
	return frame.Cut(text, frame.DeltaLimit(ref, piece))
}

// Finish is the takeover (R6): it ends a reply that nobody works on, and tells
// everybody but one if it was this call that did. It never generates. The image
// returned may turn out to be alive: then it was only slow.
func (t *Teller) Finish(ctx context.Context, img chat.Reply, except string) (chat.Reply, error) {
	by := chat.NewID()
	for try := 1; ; try++ {
		got, mine, err := t.store.Takeover(ctx, img, by)
		if err == nil {
			if mine {
				t.Charge(ctx, got, got.Used())
				t.Tell(ctx, got, except, CutShort(got))
			}
			return got, nil
		}
		if chat.KindOf(err) != chat.Unavailable || try == 12 {
			return img, err
		}
		if sleep(ctx, jitter(100*time.Millisecond, 800*time.Millisecond)) != nil {
			return img, err
		}
	}
}

// Charge counts what an ended reply used. If that fails its user has less for a
// while: until the account notices by itself that the reply cannot run any more.
func (t *Teller) Charge(ctx context.Context, r chat.Reply, tokens int) {
	if err := t.store.Charge(ctx, r, tokens); err != nil {
		t.opt.Logger.WarnContext(ctx, "reply not charged for", "reply", r.ID, "error", err)
	}
}

// CutShort is the error that goes before the end of a reply whose function was
// lost; nil when the reply was being stopped anyway.
func CutShort(img chat.Reply) *wire.Error {
	if img.EndStop != wire.StopInterrupted {
		return nil
	}
	e := &wire.Error{Code: wire.CodeUnavailable, Message: "the reply was cut short; what came is kept, ask again for the rest",
		Retryable: true, ID: img.Prompt, Reply: img.ID}
	if img.Length == 0 {
		e.Message = "the reply could not be made; ask again"
	}
	return e
}
