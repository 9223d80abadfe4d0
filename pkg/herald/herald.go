package herald

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/notice"
	"kaiwa/pkg/plain"
	"kaiwa/pkg/wire"
)

// Deliveries remember how far each notification has come.
type Deliveries interface {
	Deliver(ctx context.Context, d chat.Delivery) (chat.Delivery, error)
	Delivered(ctx context.Context, d chat.Delivery) error
}

// Lists give pages of connections, from behind a place to next, "" at the end.
type Lists interface {
	UserPage(ctx context.Context, user, behind string, limit int) (list []chat.Connection, next string, err error)
	TopicPage(ctx context.Context, topic string, shard int, behind string, limit int) (list []chat.Connection, next string, err error)
	AllPage(ctx context.Context, shard int, behind string, limit int) (list []chat.Connection, next string, err error)
}

// Directory looks things up.
type Directory interface {
	Connection(ctx context.Context, id string) (chat.Connection, error)
	Conversation(ctx context.Context, id string) (chat.Conversation, error)
	Home(ctx context.Context, user string) (chat.Home, error)
}

// Inboxes keep what users missed.
type Inboxes interface {
	Keep(ctx context.Context, user string, m chat.Missed) error
	Inbox(ctx context.Context, user string, behind *chat.Missed, limit int) ([]chat.Missed, error)
	Forget(ctx context.Context, user string, m chat.Missed) error
}

// Locks keep the emptying of an inbox to one.
type Locks interface {
	LockInbox(ctx context.Context, user, token string, until time.Time) (bool, error)
	UnlockInbox(ctx context.Context, user, token string) error
	Trim(ctx context.Context, user string) error
}

// Store is all of the table that a Herald needs.
type Store interface {
	Deliveries
	Lists
	Directory
	Inboxes
	Locks
	// Gone takes a connection that answered 410 out of everything.
	Gone(ctx context.Context, connection, conversation string) error
}

// Sockets are the open connections.
type Sockets interface {
	// Post sends one message. chat.ErrGone means that the connection is closed;
	// errors of kind RateLimited and Unavailable may pass.
	Post(ctx context.Context, connection string, data []byte) error
	// Connected reports when a connection was opened, chat.ErrGone if it is not.
	Connected(ctx context.Context, connection string) (time.Time, error)
}

// Invoker queues an event for this same function.
type Invoker interface {
	Invoke(ctx context.Context, payload []byte) error
}

// Settling is what Deliver and Serve may need after their context has ended, to
// write down how far they came. Whoever is killed at a certain moment, as a Lambda
// function is, ends their context that much earlier.
const Settling = 2 * time.Second

// Shards is over how many partitions topics and all connections are spread.
const Shards = 16

// Options of a Herald. The zero value is the default.
type Options struct {
	// Topics are the patterns of topics that connections may hear whose token does
	// not say it (see chat.Connection.MaySubscribe).
	Topics []string
	// Rate is the most posts a second of this function, all of its deliveries
	// together (300). A big broadcast makes Shards times as many.
	Rate int
	// InFlight is the most posts at the same time (64).
	InFlight int
	// InboxLife is how long a notification waits for its user (7 days), unless its
	// own TTL is shorter.
	InboxLife time.Duration
	// Ask starts a reply to a notification in a conversation. chat.Busy: try later.
	Ask    func(ctx context.Context, n notice.Notice, conversation chat.Conversation) error
	Logger *slog.Logger
}

// Herald delivers notifications. It is safe for concurrent use.
type Herald struct {
	store   Store
	sockets Sockets
	self    Invoker
	opt     Options
	pace    pace

	mu   sync.Mutex // protects following
	last time.Time  // stamp
}

// New makes a Herald. self is the function it runs in. A nil Options means all
// defaults.
func New(store Store, sockets Sockets, self Invoker, o *Options) *Herald {
	h := &Herald{store: store, sockets: sockets, self: self}
	if o != nil {
		h.opt = *o
	}
	h.opt.Rate = cmp.Or(h.opt.Rate, 300)
	h.opt.InFlight = cmp.Or(h.opt.InFlight, 64)
	h.opt.InboxLife = cmp.Or(h.opt.InboxLife, 7*24*time.Hour)
	if h.opt.Logger == nil {
		h.opt.Logger = slog.New(slog.DiscardHandler)
	}
	h.pace.base = time.Second / time.Duration(h.opt.Rate)
	return h
}

// Tally says what became of a notification.
type Tally struct {
	// Delivered and Gone count connections, Kept users whose inbox has it.
	Delivered int `json:"delivered"`
	Gone      int `json:"gone"`
	Kept      int `json:"kept,omitempty"`
	// Shards were handed to functions of their own, which count for themselves.
	Shards int `json:"shards,omitempty"`
	// Duplicates were delivered before, Expired came too late.
	Duplicates int `json:"duplicates,omitempty"`
	Expired    int `json:"expired,omitempty"`
}

// Add adds o.
func (t *Tally) Add(o Tally) {
	t.Delivered += o.Delivered
	t.Gone += o.Gone
	t.Kept += o.Kept
	t.Shards += o.Shards
	t.Duplicates += o.Duplicates
	t.Expired += o.Expired
}

// note is a notification ready to go out.
type note struct {
	Out
	json, line []byte // the frame for a mode
}

func (o Out) note() *note {
	return &note{Out: o, json: wire.EncodeFrame(o.Frame), line: []byte(plain.Notification(o.Frame))}
}

// stale tells whether it comes too late.
func (o Out) stale() bool { return !o.Until.IsZero() && time.Now().After(o.Until) }

func (n *note) bytes(m chat.Mode) []byte {
	if m.Plain() {
		return n.line
	}
	return n.json
}

// Deliver takes a notification on and brings it to its target. After an error it
// may be given again, and goes on where it stopped.
func (h *Herald) Deliver(ctx context.Context, n notice.Notice) (t Tally, err error) {
	if n.TTL > 0 && !n.At.IsZero() && time.Since(n.At) > n.TTL { // costs nothing
		return Tally{Expired: 1}, nil
	}
	d := chat.Delivery{At: h.stamp()}
	if n.ID != "" {
		d.Key = keyOf(n.To, n.ID)
		d, err = h.take(ctx, d)
		if errors.Is(err, chat.ErrDuplicate) {
			return Tally{Duplicates: 1}, nil
		}
		if err != nil {
			return Tally{}, err
		}
	}
	out := h.out(n, d.At)
	out.Key = d.Key
	if out.stale() {
		t.Expired++
	} else {
		err = h.bring(ctx, n, out.note(), &d, &t)
	}
	d.Done = err == nil
	return t, chat.Join(err, h.settle(ctx, d))
}

// out is a notification as it goes out that was taken on at a time.
func (h *Herald) out(n notice.Notice, at time.Time) Out {
	o := Out{To: n.To, Frame: n.Frame(), At: at, Expires: at.Add(h.opt.InboxLife)}
	o.Frame.ID = cmp.Or(o.Frame.ID, chat.NewID())
	if o.Frame.At.IsZero() {
		o.Frame.At = at
	}
	o.Frame.At = o.Frame.At.UTC().Truncate(time.Millisecond)
	if n.TTL > 0 {
		o.Until = o.Frame.At.Add(n.TTL)
		if at.Before(o.Frame.At) { // that of a dead letter
			o.Until = at.Add(n.TTL)
		}
		if o.Until.Before(o.Expires) {
			o.Expires = o.Until
		}
	}
	return o
}

// keyOf names a notification: the same id may go to several targets.
func keyOf(to notice.To, id string) string {
	sum := sha256.Sum256([]byte(to.String() + "\x00" + id))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// stamp is now, and never the same twice: it orders what one function keeps.
func (h *Herald) stamp() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now().UTC().Truncate(time.Millisecond)
	if !now.After(h.last) {
		now = h.last.Add(time.Millisecond)
	}
	h.last = now
	return now
}

const (
	// leaseSlack is how much longer than its function a delivery is left alone.
	leaseSlack = time.Second
	// leaseDefault is for a function without a deadline.
	leaseDefault = 45 * time.Second
	// claimPoll is how often somebody else's delivery is looked at.
	claimPoll = 250 * time.Millisecond
)

// take takes a delivery on. While somebody else works on it, it waits: that one may
// die, and if this event counted as served then nobody would be left.
func (h *Herald) take(ctx context.Context, d chat.Delivery) (chat.Delivery, error) {
	d.Token = chat.NewID()
	for {
		d.Lease = lease(ctx)
		got, err := h.store.Deliver(ctx, d)
		if !errors.Is(err, chat.ErrLost) {
			return got, err
		}
		if e := sleep(ctx, jitter(claimPoll)); e != nil {
			return d, &chat.Error{Kind: chat.Unavailable, Message: "the notification is being delivered; try again", Err: chat.Join(err, e)}
		}
	}
}

// lease is until when a function may be at work on a delivery: as long as it lives.
func lease(ctx context.Context) time.Time {
	if end, ok := ctx.Deadline(); ok {
		return end.Add(Settling + leaseSlack)
	}
	return time.Now().Add(leaseDefault)
}

// settle notes how far a delivery has come, and leaves it to the next attempt if it
// is not done.
func (h *Herald) settle(ctx context.Context, d chat.Delivery) error {
	if d.Key == "" {
		return nil
	}
	d.Lease = time.Time{}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleWithin)
	defer cancel()
	return h.store.Delivered(ctx, d)
}

// settleWithin is how long it takes at most, and so does giving an inbox back: both
// together are Settling.
const settleWithin = Settling/2 - 100*time.Millisecond

func (h *Herald) bring(ctx context.Context, n notice.Notice, out *note, d *chat.Delivery, t *Tally) error {
	switch {
	case n.To.Connection != "":
		_, err := h.toConnection(ctx, n.To.Connection, out, t)
		return err
	case n.To.User != "":
		return h.toUser(ctx, n.To.User, out, d, t)
	case n.To.Conversation != "":
		return h.toConversation(ctx, n, out, d, t)
	}
	return h.toMany(ctx, out, d, t)
}

func (h *Herald) toConnection(ctx context.Context, id string, out *note, t *Tally) (reached bool, err error) {
	c, err := h.store.Connection(ctx, id)
	switch {
	case err != nil && chat.KindOf(err) == chat.NotFound:
		return false, nil
	case err != nil:
		return false, err
	case !h.mayHave(c, out):
		t.Gone++
		return false, nil
	}
	reached, err = h.post(ctx, c, out)
	switch {
	case err != nil:
		return false, err
	case reached:
		t.Delivered++
	default:
		t.Gone++
	}
	return reached, nil
}

// posted marks a delivery of which only the question is left.
const posted = "posted"

// toConversation brings it to the owner, then asks. A reply that still runs there
// is waited for in the queue: the notification itself was not held up by it.
func (h *Herald) toConversation(ctx context.Context, n notice.Notice, out *note, d *chat.Delivery, t *Tally) error {
	conv, err := h.store.Conversation(ctx, n.To.Conversation)
	if err != nil {
		return fmt.Errorf("conversation of a notification: %w", err)
	}
	if d.After != posted {
		if err := h.toUser(ctx, conv.User, out, d, t); err != nil {
			return err
		}
	}
	if !n.Ask || h.opt.Ask == nil {
		return nil
	}
	d.After = posted
	n.ID = out.Frame.ID
	return h.opt.Ask(ctx, n, conv)
}
