package herald

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"kaiwa/pkg/chat"
)

const (
	// pageSize is how many connections are read, and held, at a time.
	pageSize = 200
	// maxReached bounds what a delivery remembers: a set of 1,000 ids is 16 KB.
	maxReached = 1000
)

// round is what posting to one page came to.
type round struct {
	reached []bool // by place on the page: has it
	failed  []bool // has it not; may be tried again
	late    bool   // some of those because there was no time
	err     error  // why the last of those failed
}

// served tells whether a place has it or will be tried again.
func (r round) served(i int) bool { return r.reached[i] || r.failed[i] }

// posts sends to all connections of a page that may have it, and adds those that
// have it to d. hopeless errors end it.
func (h *Herald) posts(ctx context.Context, list []chat.Connection, n *note, d *chat.Delivery, t *Tally) (round, error) {
	r := round{reached: make([]bool, len(list)), failed: make([]bool, len(list))}
	had := d.Reached
	var mu sync.Mutex // protects r, d and t
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(h.opt.InFlight)
	for i, c := range list {
		switch {
		case c.ID == "" || !h.mayHave(c, n) || slices.Contains(had, inInbox(c.User)):
			continue
		case slices.Contains(had, c.ID):
			r.reached[i] = true
			continue
		}
		g.Go(func() error {
			reached, err := h.post(gctx, c, n)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, errLate):
				r.failed[i], r.err, r.late = true, err, true
			case err != nil:
				r.failed[i], r.err = true, err
				h.opt.Logger.WarnContext(ctx, "notification not delivered", "connection", c.ID, "error", err)
				if hopeless(err) {
					return err
				}
			case reached:
				r.reached[i] = true
				d.Reached = remember(d.Reached, c.ID)
				t.Delivered++
			default:
				list[i].Gone = true
				t.Gone++
			}
			return nil
		})
	}
	err := g.Wait()
	return r, err
}

// mayHave tells whether a connection may hear a notification now: its token must
// not have run out, and must still allow the topic.
func (h *Herald) mayHave(c chat.Connection, n *note) bool {
	return !c.Gone && !c.Expired(time.Now()) && (n.Frame.Topic == "" || c.MaySubscribe(h.opt.Topics, n.Frame.Topic))
}

// toUser brings it to every open connection of a user, or to the inbox.
func (h *Herald) toUser(ctx context.Context, user string, n *note, d *chat.Delivery, t *Tally) error {
	if slices.Contains(d.Reached, inInbox(user)) { // before the last attempt failed
		return h.wake(ctx, user, n)
	}
	if user != chat.Anonymous && len(d.Reached) == 0 { // who has it must not find it in the inbox
		home, err := h.store.Home(ctx, user)
		if err != nil {
			return err
		}
		if home.Waiting { // in order: behind what waits
			return h.keepAndFlush(ctx, user, n, d, t)
		}
	}
	heard := len(d.Reached) > 0
	var failed []error
	for behind := ""; ; {
		list, next, err := h.store.UserPage(ctx, user, behind, pageSize)
		if err != nil {
			return err
		}
		r, err := h.posts(ctx, list, n, d, t)
		heard = heard || slices.Contains(r.reached, true)
		if err == nil {
			err = r.err
		}
		if err != nil {
			failed = append(failed, err)
		}
		if behind = next; next == "" {
			break
		}
	}
	switch {
	case len(failed) > 0:
		return chat.Join(failed...)
	case heard:
		d.Reached = nil // nobody will ask
		return nil
	case user == chat.Anonymous:
		return nil // nothing is kept for nobody in particular
	}
	return h.keepAndFlush(ctx, user, n, d, t)
}

// remember adds a connection to those that have it, or a user whose inbox has it,
// while there is room.
func remember(reached []string, who string) []string {
	if len(reached) >= maxReached || slices.Contains(reached, who) {
		return reached
	}
	return append(reached, who)
}

// inInbox is a user's name among chat.Delivery's Reached; no connection id has a
// colon.
func inInbox(user string) string { return "u:" + user }
