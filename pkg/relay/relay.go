package relay

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"math/rand/v2"
	"time"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/wire"
)

// Ledger is the fence around a reply: every write carries the writer's token
// (R3). Each returns the item as it stands afterwards, or chat.ErrLost with the
// item of whoever has it.
type Ledger interface {
	ClaimReply(ctx context.Context, reply, owner string) (chat.Reply, error)
	Tick(ctx context.Context, p chat.Progress) (chat.Reply, error)
	End(ctx context.Context, e chat.Ending) (chat.Reply, error)
}

// Segments takes text that no longer changes.
type Segments interface {
	PutSegment(ctx context.Context, reply string, s chat.Segment) error
}

// History gives what was said, newest first, within a number of tokens.
type History interface {
	Recent(ctx context.Context, conversation string, tokens int) ([]chat.Message, error)
}

// Store is all that Run needs of the table.
type Store interface {
	Ledger
	Segments
	History
	Endings
}

// Model answers a prompt.
type Model interface {
	// Converse calls each for every chunk, in order, from the calling goroutine,
	// and returns when the answer has ended or ctx is done. Whether it is complete
	// is told by a chunk with Stop, not by a nil error (DESIGN §3.7). It may retry
	// until the first chunk, never after.
	Converse(ctx context.Context, p chat.Prompt, each func(chat.Chunk)) error
}

// Policy says what becomes of a reply nobody listens to any more.
type Policy string

// The policies.
const (
	// Finish goes on: the answer is there when the client comes back.
	Finish Policy = "finish"
	// Abort stops the model after 5 s without a live listener (R13).
	Abort Policy = "abort"
)

// Options tune a Relay. The zero value is the default everywhere.
type Options struct {
	// Flush is the least time between the starts of two text posts to one
	// listener (40 ms: at most 25 posts a second).
	Flush time.Duration
	// Piece is the most bytes of one post (32 KB: one frame, one billed unit), from
	// 1 KB to 128 KB.
	Piece int
	// Keepalive is how long a listener may hear nothing (20 s).
	Keepalive time.Duration
	// PostTimeout bounds one post (5 s).
	PostTimeout time.Duration
	// Policy for replies without a listener (Finish).
	Policy Policy
	// HistoryTokens bounds the history sent to the model (16,000).
	HistoryTokens int
	// Grace is how long before ctx's deadline a reply is ended (15 s, at most a
	// fifth of the time there is).
	Grace time.Duration
	// Now is the wall clock of leases (time.Now).
	Now func() time.Time
	// Logger gets what went wrong, never text (discarded).
	Logger *slog.Logger
}

// Fixed times of the rules.
const (
	tickEvery    = time.Second      // R4
	unsavedAfter = 10 * time.Second // R5: the end is posted unsaved after this
	abandonAfter = 5 * time.Second  // R13
	claimWithin  = 20 * time.Second
	closeWithin  = 30 * time.Second // for the last posts of slow listeners
	tailBytes    = 4 << 10          // R4: a longer tail becomes a segment
	segmentBytes = 300 << 10        // R4: the most bytes of a segment
	minPiece     = 1 << 10          // room for a delta's ids and some text
)

func (o *Options) withDefaults() Options {
	var v Options
	if o != nil {
		v = *o
	}
	def(&v.Flush, 40*time.Millisecond)
	def(&v.Piece, wire.MaxFrame)
	v.Piece = min(max(v.Piece, minPiece), wire.MaxMessage)
	def(&v.Keepalive, 20*time.Second)
	def(&v.PostTimeout, 5*time.Second)
	def(&v.Policy, Finish)
	def(&v.HistoryTokens, 16000)
	def(&v.Grace, 15*time.Second)
	if v.Now == nil {
		v.Now = time.Now
	}
	if v.Logger == nil {
		v.Logger = slog.New(slog.DiscardHandler)
	}
	return v
}

func def[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// Relay makes replies. It holds no state of its own between them.
type Relay struct {
	store  Store
	model  Model
	poster Poster
	teller *Teller
	opt    Options
}

// New makes a Relay. A nil Options means all defaults.
func New(store Store, model Model, poster Poster, o *Options) *Relay {
	opt := o.withDefaults()
	return &Relay{store: store, model: model, poster: poster, opt: opt,
		teller: NewTeller(store, poster, &opt)}
}

// Run makes the reply: claim, stream, end. It returns nil when nothing is left
// to do, also when somebody else has the reply; an error asks for the event to
// be delivered again (R14). ctx's deadline is the function's.
func (r *Relay) Run(ctx context.Context, reply string) error {
	owner := chat.NewID()
	img, err := r.claim(ctx, reply, owner)
	switch {
	case errors.Is(err, chat.ErrLost):
		return r.foreign(ctx, img)
	case err != nil:
		return err
	}
	return newTurn(r, img, owner).run(ctx, img)
}

// claim repeats an unanswered claim: the token tells whether an earlier try came
// through (R3).
func (r *Relay) claim(ctx context.Context, reply, owner string) (chat.Reply, error) {
	ctx, cancel := context.WithTimeout(ctx, claimWithin)
	defer cancel()
	for {
		img, err := r.store.ClaimReply(ctx, reply, owner)
		if err == nil || errors.Is(err, chat.ErrLost) || chat.KindOf(err) != chat.Unavailable {
			return img, err
		}
		if sleep(ctx, jitter(50*time.Millisecond, 400*time.Millisecond)) != nil {
			return img, err
		}
	}
}

// foreign is a reply that somebody else has or had (R2).
func (r *Relay) foreign(ctx context.Context, img chat.Reply) error {
	switch {
	case img.State == chat.Ended:
		if img.Owner == "" { // ended while it waited, and all were told then; a line would only come twice
			maps.DeleteFunc(img.Listeners, func(_ string, l chat.Listener) bool { return l.Mode.Plain() })
		}
		r.teller.Tell(ctx, img, "", nil)
		return nil
	case !img.Expired(r.opt.Now()):
		return nil // alive; Lambda's own retry of a crashed run comes later than lease and margin
	}
	_, err := r.teller.Finish(ctx, img, "")
	return err
}

// jitter is a random time in [lo, hi).
func jitter(lo, hi time.Duration) time.Duration {
	return lo + rand.N(hi-lo)
}

// backoff is the wait after the nth failure in a row, n from 1.
func backoff(n int) time.Duration {
	top := min(20*time.Millisecond<<min(n, 10), 2*time.Second)
	return jitter(top/2, top)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
