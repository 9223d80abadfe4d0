package herald

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
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
	// handOver is how long before its deadline a function hands the rest over: a
	// page with connections that are tried to the end must fit.
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
}

// One is one connection of a broadcast that could not be reached in time.
type One struct {
	Out
	Connection string `json:"connection"`
}

// Welcome empties the inbox of a user who has just connected.
type Welcome struct {
	User       string `json:"user"`
	Connection string `json:"connection"`
}

// Out is a notification on its way.
type Out struct {
	Key     string            `json:"key,omitempty"`
	To      notice.To         `json:"to"`
	Frame   wire.Notification `json:"frame"`
	At      time.Time         `json:"at"`
	Expires time.Time         `json:"expires"`
}

func (o Out) note() *note { return newNote(o.To, o.Frame, o.At, o.Expires) }

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
		err = h.toConnection(ctx, task.One.Connection, task.One.note(), &t)
	case task.Welcome != nil:
		err = h.welcome(ctx, *task.Welcome, &t)
	default:
		err = errors.New("a task without anything to do")
	}
	return t, err
}

// welcome waits until the connection is really there, at most 5 s, and empties the
// inbox.
func (h *Herald) welcome(ctx context.Context, w Welcome, t *Tally) error {
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
	return h.flush(ctx, w.User, t)
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
	var failed []error
	for _, list := range pages {
		r, err := h.posts(ctx, list, n, d, t)
		for i, c := range list {
			if r.reached[i] {
				d.Reached = remember(d.Reached, c.ID)
			}
		}
		if err = chat.Join(err, r.err); err == nil {
			err = h.keepForAway(ctx, list, r, &place{}, true, n, t)
		}
		failed = append(failed, err)
	}
	if err := chat.Join(failed...); err != nil {
		return err
	}
	d.Reached = nil
	return nil
}

func (h *Herald) list(ctx context.Context, n *note, shard int, behind string, limit int) ([]chat.Connection, string, error) {
	if n.to.All {
		return h.store.AllPage(ctx, shard, behind, limit)
	}
	return h.store.TopicPage(ctx, n.to.Topic, shard, behind, limit)
}

// plan hands each shard that has anybody to a function of its own. Doing it again
// does no harm: a shard that is done or being served says so.
func (h *Herald) plan(ctx context.Context, n *note, d *chat.Delivery, pages [][]chat.Connection, more []bool, t *Tally) error {
	out := Out{Key: d.Key, To: n.to, Frame: n.frame, At: n.at, Expires: n.expires}
	if out.Key == "" {
		out.Key = keyOf(n.to, n.frame.ID)
	}
	g, gctx := errgroup.WithContext(ctx)
	for i := range pages {
		if len(pages[i]) == 0 && !more[i] {
			continue
		}
		t.Shards++
		g.Go(func() error { return h.invoke(gctx, Task{Shard: &Shard{Out: out, Shard: i}}) })
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
	done, err := h.walk(ctx, s, &d, t)
	if err == nil && !done {
		err = h.next(ctx, s)
		d.Lease = time.Time{}
		return chat.Join(err, h.store.Delivered(context.WithoutCancel(ctx), d))
	}
	return chat.Join(err, h.settle(ctx, d, err))
}

// next hands the rest of a shard over.
func (h *Herald) next(ctx context.Context, s Shard) error {
	if s.Hop++; s.Hop > maxHops {
		return fmt.Errorf("the shard is not done after %d functions; raise the rate", maxHops)
	}
	return h.invoke(ctx, Task{Shard: &s})
}

// walk serves page after page, and notes after each how far it came. Not done: its
// time is nearly over.
func (h *Herald) walk(ctx context.Context, s Shard, d *chat.Delivery, t *Tally) (done bool, err error) {
	n := s.note()
	p := parsePlace(d.After)
	stop := time.Now().Add(time.Hour)
	if end, ok := ctx.Deadline(); ok {
		stop = end.Add(-min(handOver, time.Until(end)/2))
	}
	for {
		if time.Now().After(stop) {
			return false, nil
		}
		list, next, err := h.list(ctx, n, s.Shard, p.behind, pageSize)
		if err != nil {
			return false, err
		}
		if err := h.page(ctx, s, list, next == "", &p, n, t); err != nil {
			return false, err
		}
		if next == "" {
			return true, nil
		}
		p.behind = next
		d.After = p.String()
		d.Lease = lease(ctx, *d)
		if err := h.store.Delivered(ctx, *d); err != nil {
			return false, err
		}
	}
}

// page serves one page of a shard. A few connections that cannot be reached now are
// left to functions of their own.
func (h *Herald) page(ctx context.Context, s Shard, list []chat.Connection, last bool, p *place, n *note, t *Tally) error {
	r, err := h.posts(ctx, list, n, &chat.Delivery{}, t)
	if err != nil {
		return err
	}
	if len(r.failed) > maxStray {
		return fmt.Errorf("%d of %d connections not reached: %w", len(r.failed), len(list), r.err)
	}
	for _, c := range r.failed {
		if err := h.invoke(ctx, Task{One: &One{Out: s.Out, Connection: c.ID}}); err != nil {
			return err
		}
		for i := range list { // taken care of
			r.reached[i] = r.reached[i] || list[i].ID == c.ID
		}
	}
	return h.keepForAway(ctx, list, r, p, last, n, t)
}

// place is how far a shard has been served, and what is known of the user whose
// connections may go on behind it.
type place struct {
	behind              string
	user                string // of the last entry
	subscribed, reached bool
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
// whom no connection has it. A user's entries stand together, subscription first,
// but may go on on the next page: then p knows.
func (h *Herald) keepForAway(ctx context.Context, list []chat.Connection, r round, p *place, last bool, n *note, t *Tally) error {
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
		p.reached = p.reached || r.reached[i]
	}
	if last {
		leave()
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(h.opt.InFlight)
	kept := make([]Tally, len(away))
	for i, user := range away {
		g.Go(func() error {
			here, err := h.keep(gctx, user, n, &kept[i])
			if err == nil && here {
				err = h.invoke(gctx, Task{Welcome: &Welcome{User: user}})
			}
			return err
		})
	}
	err := g.Wait()
	for _, k := range kept {
		t.Add(k)
	}
	return err
}
