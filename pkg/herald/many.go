package herald

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/notice"
	"kaiwa/pkg/wire"
)

const (
	// few is how many entries of each shard are served at once, without functions
	// of their own.
	few = 25
	// handOver is how long before its deadline a function begins no other page: one
	// with connections that are tried to the end mostly fits. What does not is left
	// in the middle.
	handOver = 30 * time.Second
	// maxHops bounds the functions that follow one another: Lambda stops a chain
	// after about 16 (issue 7).
	maxHops = 12
	// maxStray is how many connections of a page may fail by themselves. More are
	// not their own fault: the page is tried again.
	maxStray = 16
)

// Task is work that a function hands to a fresh one of its kind. Exactly one field
// is set.
type Task struct {
	Shard   *Shard   `json:"shard,omitempty"`
	One     *One     `json:"one,omitempty"`
	Welcome *Welcome `json:"welcome,omitempty"`
}

// Shard is one shard of a broadcast.
type Shard struct {
	Out
	Shard int `json:"shard"`
	// Hop counts the functions that worked on it before.
	Hop int `json:"hop,omitempty"`
	// Reached have it from before there were so many (see chat.Delivery).
	Reached []string `json:"reached,omitempty"`
}

// One is one connection of a page or of an inbox's user that could not be reached
// in time.
type One struct {
	Out
	Connection string `json:"connection"`
	// User keeps it if the connection is gone by then or takes nothing; "" if nobody
	// does, or another connection of the user has it. If the user has still others,
	// they may hear it twice.
	User string `json:"user,omitempty"`
}

// Welcome empties the inbox of a user who has just connected.
type Welcome struct {
	User       string `json:"user"`
	Connection string `json:"connection"`
	// Refused is when Connection took nothing, so that the inbox has what was for it.
	// It is tried again while Lambda repeats the event; then the inbox keeps it.
	Refused time.Time `json:"refused,omitzero"`
}

// Out is a notification on its way.
type Out struct {
	Key   string            `json:"key,omitempty"`
	To    notice.To         `json:"to"`
	Frame wire.Notification `json:"frame"`
	// At is its place in inboxes, Expires when they drop it.
	At      time.Time `json:"at"`
	Expires time.Time `json:"expires"`
	// Until is when it is worth nothing any more; zero: never.
	Until time.Time `json:"until,omitzero"`
}

func noticeTo(f wire.Notification) notice.To {
	return notice.To{Topic: f.Topic, Conversation: f.Conversation}
}

// envelope tells a Task from everything that other systems send.
type envelope struct {
	Task *Task `json:"kaiwa"`
}

// Payload is a Task as an event.
func (t Task) Payload() ([]byte, error) { return json.Marshal(envelope{&t}) }

// ReadTask finds the Task in an event; false for any other event.
func ReadTask(event []byte) (Task, bool) {
	var e envelope
	if json.Unmarshal(event, &e) != nil || e.Task == nil {
		return Task{}, false
	}
	return *e.Task, true
}

func (h *Herald) invoke(ctx context.Context, t Task) error {
	b, err := t.Payload()
	if err != nil {
		return err
	}
	return h.self.Invoke(ctx, b)
}

// Serve does a Task. After an error it may be given again.
func (h *Herald) Serve(ctx context.Context, task Task) (t Tally, err error) {
	switch {
	case task.Shard != nil:
		err = h.shard(ctx, *task.Shard, &t)
	case task.One != nil:
		err = h.one(ctx, *task.One, &t)
	case task.Welcome != nil:
		err = h.welcome(ctx, *task.Welcome, &t)
	default:
		err = errors.New("a task without anything to do")
	}
	return t, err
}

// one tries one connection again. If it has gone meanwhile, or still takes nothing,
// the user's inbox takes the notification.
func (h *Herald) one(ctx context.Context, o One, t *Tally) error {
	n := o.note()
	if n.stale() {
		t.Expired++
		return nil
	}
	reached, err := h.toConnection(ctx, o.Connection, n, t)
	switch {
	case o.User == "" || hopeless(err):
		return err
	case reached: // an attempt that failed afterwards may have kept it
		return h.store.Forget(ctx, o.User, chat.Missed{ID: n.Frame.ID, At: n.At})
	case err == nil: // gone
		return h.keepAndFlush(ctx, o.User, n, &chat.Delivery{}, t)
	}
	// Nothing more into a connection that has just refused: every notification for it
	// would wait here for all those before.
	if err := h.keep(ctx, o.User, n, t); err != nil {
		return err
	}
	return h.invoke(ctx, Task{Welcome: &Welcome{User: o.User, Connection: o.Connection, Refused: time.Now()}})
}

const (
	// respite is how long a connection that took nothing is left alone: until Lambda
	// repeats the event, after one minute and two more (Lambda developer guide, "How
	// Lambda handles errors and retries with asynchronous invocation").
	respite = 30 * time.Second
	// patience is when that was the last repeat: another error would make a dead letter
	// of what is safe in an inbox.
	patience = 150 * time.Second
)

// retry empties the inbox of a user whose connection took nothing, if it does now
// or another one is there. It does not wait for whoever is emptying it: one is enough,
// however many notifications were refused. What nobody has taken in the end stays
// until the user connects again, or something comes for that user alone.
func (h *Herald) retry(ctx context.Context, w Welcome, t *Tally) error {
	list, _, err := h.store.UserPage(ctx, w.User, "", pageSize)
	if err != nil {
		return err
	}
	since := time.Since(w.Refused)
	other := func(c chat.Connection) bool { return c.ID != w.Connection && !c.Gone && !c.Expired(time.Now()) }
	if since < respite && !slices.ContainsFunc(list, other) {
		return chat.E(chat.Unavailable, "the connection takes nothing; it is tried again later")
	}
	err = h.flush(ctx, w.User, false, t)
	if err != nil && !hopeless(err) && since > patience {
		h.opt.Logger.WarnContext(ctx, "inbox not emptied", "error", err)
		return nil
	}
	return err
}

// welcome waits until the connection is really there, at most 5 s, and empties the
// inbox.
func (h *Herald) welcome(ctx context.Context, w Welcome, t *Tally) error {
	if !w.Refused.IsZero() {
		return h.retry(ctx, w, t)
	}
	for began := time.Now(); w.Connection != ""; {
		_, err := h.sockets.Connected(ctx, w.Connection)
		if err == nil {
			break
		}
		if time.Since(began) > youthTries {
			if errors.Is(err, chat.ErrGone) {
				break // perhaps another connection is there
			}
			return err
		}
		if err := sleep(ctx, jitter(youthPoll)); err != nil {
			return err
		}
	}
	return h.flush(ctx, w.User, true, t)
}

// toMany serves a topic or all: at once if they are few, else by shards.
func (h *Herald) toMany(ctx context.Context, n *note, d *chat.Delivery, t *Tally) error {
	pages := make([][]chat.Connection, Shards)
	more := make([]bool, Shards)
	g, gctx := errgroup.WithContext(ctx)
	for i := range pages {
		g.Go(func() error {
			list, next, err := h.list(gctx, n, i, "", few)
			pages[i], more[i] = list, next != ""
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, m := range more {
		if m {
			return h.plan(ctx, n, d, pages, more, t)
		}
	}
	// Side by side: one that is tried to the end must not take the others' time.
	if err := h.page(ctx, slices.Concat(pages...), true, &place{}, n, d, t); err != nil {
		return err
	}
	d.Reached = nil // nobody will ask
	return nil
}

func (h *Herald) list(ctx context.Context, n *note, shard int, behind string, limit int) ([]chat.Connection, string, error) {
	if n.To.All {
		return h.store.AllPage(ctx, shard, behind, limit)
	}
	return h.store.TopicPage(ctx, n.To.Topic, shard, behind, limit)
}

// plan hands each shard that has anybody to a function of its own. Doing it again
// does no harm: a shard that is done or being served says so.
func (h *Herald) plan(ctx context.Context, n *note, d *chat.Delivery, pages [][]chat.Connection, more []bool, t *Tally) error {
	out := n.Out
	out.Key = cmp.Or(out.Key, keyOf(n.To, n.Frame.ID))
	g, gctx := errgroup.WithContext(ctx)
	for i := range pages {
		if len(pages[i]) == 0 && !more[i] {
			continue
		}
		t.Shards++
		g.Go(func() error { return h.invoke(gctx, Task{Shard: &Shard{Out: out, Shard: i, Reached: d.Reached}}) })
	}
	return g.Wait()
}

// shard walks through one shard of a broadcast.
func (h *Herald) shard(ctx context.Context, s Shard, t *Tally) error {
	d, err := h.take(ctx, chat.Delivery{Key: s.Key, Part: fmt.Sprintf("%02d", s.Shard), At: s.At})
	if errors.Is(err, chat.ErrDuplicate) {
		t.Duplicates++
		return nil
	}
	if err != nil {
		return err
	}
	d.Done, err = h.walk(ctx, s, &d, t)
	over := err == nil && !d.Done
	if err = chat.Join(err, h.settle(ctx, d)); err == nil && over {
		err = h.next(ctx, s)
	}
	return err
}

// next hands the rest of a shard over.
func (h *Herald) next(ctx context.Context, s Shard) error {
	if s.Hop++; s.Hop > maxHops {
		return fmt.Errorf("the shard is not done after %d functions; raise the rate", maxHops)
	}
	return h.invoke(ctx, Task{Shard: &s})
}

// walk serves page after page, and notes after each how far it came. Not done: its
// time is nearly over; in the middle of a page, d.Reached are those that have it.
func (h *Herald) walk(ctx context.Context, s Shard, d *chat.Delivery, t *Tally) (done bool, err error) {
	n := s.note()
	p := parsePlace(d.After)
	stop := time.Now().Add(time.Hour)
	if end, ok := ctx.Deadline(); ok {
		stop = end.Add(-min(handOver, time.Until(end)/2))
	}
	for {
		switch {
		case n.stale():
			t.Expired++
			return true, nil
		case time.Now().After(stop):
			return false, nil
		}
		for _, who := range s.Reached {
			d.Reached = remember(d.Reached, who)
		}
		list, next, err := h.list(ctx, n, s.Shard, p.behind, pageSize)
		if err != nil {
			return false, err
		}
		err = h.page(ctx, list, next == "", &p, n, d, t)
		switch {
		case errors.Is(err, errLate):
			return false, nil
		case err != nil:
			return false, err
		}
		d.Reached = nil
		if next == "" {
			return true, nil
		}
		p.behind = next
		d.After = p.String()
		d.Lease = lease(ctx)
		if err := h.store.Delivered(ctx, *d); err != nil {
			return false, err
		}
	}
}

// page serves one page of a shard, but for those who are in d. A few connections
// that cannot be reached now are left to functions of their own. errLate: another
// function goes on with the same page and d.
func (h *Herald) page(ctx context.Context, list []chat.Connection, last bool, p *place, n *note, d *chat.Delivery, t *Tally) error {
	r, err := h.posts(ctx, list, n, d, t)
	switch {
	case err != nil:
		return err
	case r.late:
		return errLate
	}
	err = h.strays(ctx, list, r, n, d)
	return chat.Join(err, h.keepForAway(ctx, list, r, p, last, n, d, t))
}

// strays leaves those that failed by themselves to functions of their own.
func (h *Herald) strays(ctx context.Context, list []chat.Connection, r round, n *note, d *chat.Delivery) error {
	failed := 0
	heard := map[string]bool{}
	for i, c := range list {
		if r.failed[i] {
			failed++
		}
		heard[c.User] = heard[c.User] || r.reached[i]
	}
	if failed > maxStray {
		return fmt.Errorf("%d of %d connections not reached: %w", failed, len(list), r.err)
	}
	for i, c := range list {
		if !r.failed[i] {
			continue
		}
		one := One{Out: n.Out, Connection: c.ID}
		if n.To.Topic != "" && c.User != chat.Anonymous && !heard[c.User] {
			one.User = c.User
		}
		if err := h.invoke(ctx, Task{One: &one}); err != nil {
			return err
		}
		d.Reached = remember(d.Reached, c.ID) // taken care of
	}
	return nil
}

// place is how far a shard has been served, and what is known of the user whose
// connections may go on behind it.
type place struct {
	behind              string
	user                string // of the last entry
	subscribed, reached bool   // reached: or will be tried again
}

// String is a place as it is stored.
func (p place) String() string {
	flags := []byte("--")
	if p.subscribed {
		flags[0] = 's'
	}
	if p.reached {
		flags[1] = 'r'
	}
	return string(flags) + p.user + "\n" + p.behind
}

func parsePlace(s string) place {
	if len(s) < 2 {
		return place{}
	}
	user, behind, _ := strings.Cut(s[2:], "\n")
	return place{behind: behind, user: user, subscribed: s[0] == 's', reached: s[1] == 'r'}
}

// keepForAway puts the notification into the inboxes of those users of a page of
// whom no connection has it, and adds them to d. A user's entries stand together,
// subscription first, but may go on on the next page: then p knows.
func (h *Herald) keepForAway(ctx context.Context, list []chat.Connection, r round, p *place, last bool, n *note, d *chat.Delivery, t *Tally) error {
	var away []string
	leave := func() {
		if p.subscribed && !p.reached && p.user != chat.Anonymous {
			away = append(away, p.user)
		}
	}
	for i, c := range list {
		if c.User != p.user {
			leave()
			p.user, p.subscribed, p.reached = c.User, c.ID == "", false
		}
		p.reached = p.reached || r.served(i)
	}
	if last {
		leave()
	}
	had := d.Reached
	var mu sync.Mutex    // protects d and t
	var g errgroup.Group // not to be cut short: each is kept or not, and known
	g.SetLimit(h.opt.InFlight)
	for _, user := range away {
		if slices.Contains(had, inInbox(user)) { // by the last attempt
			g.Go(func() error { return h.wake(ctx, user, n) })
			continue
		}
		g.Go(func() error {
			var one Tally
			if err := h.keep(ctx, user, n, &one); err != nil {
				return err
			}
			mu.Lock()
			t.Add(one)
			d.Reached = remember(d.Reached, inInbox(user))
			mu.Unlock()
			return h.wake(ctx, user, n)
		})
	}
	return g.Wait()
}
