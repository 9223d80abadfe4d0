package herald

import (
	"context"
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
	reached []bool            // by place on the page
	failed  []chat.Connection // not now; they may be tried again
	err     error             // why the last of those failed
}

// posts sends to all connections of a page that may have it. hopeless errors end it.
func (h *Herald) posts(ctx context.Context, list []chat.Connection, n *note, d *chat.Delivery, t *Tally) (round, error) {
	r := round{reached: make([]bool, len(list))}
	var mu sync.Mutex // protects r.failed, r.err and t
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(h.opt.InFlight)
	for i, c := range list {
		switch {
		case c.ID == "" || !h.mayHave(c, n):
			continue
		case slices.Contains(d.Reached, c.ID):
			r.reached[i] = true
			continue
		}
		g.Go(func() error {
			reached, err := h.post(gctx, c, n)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil && (hopeless(err) || ctx.Err() != nil):
				return err
			case err != nil:
				r.failed, r.err = append(r.failed, c), err
				h.opt.Logger.WarnContext(ctx, "notification not delivered", "connection", c.ID, "error", err)
			case reached:
				r.reached[i] = true
				t.Delivered++
			default:
				list[i].Gone = true
				t.Gone++
			}
			return nil
		})
	}
	return r, g.Wait()
}

// mayHave tells whether a connection may hear a notification now: its token must
// not have run out, and must still allow the topic.
func (h *Herald) mayHave(c chat.Connection, n *note) bool {
	return !c.Gone && !c.Expired(time.Now()) && (n.frame.Topic == "" || c.MaySubscribe(h.opt.Topics, n.frame.Topic))
}

// toUser brings it to every open connection of a user, or to the inbox.
func (h *Herald) toUser(ctx context.Context, user string, n *note, d *chat.Delivery, t *Tally) error {
	if user != chat.Anonymous && len(d.Reached) == 0 { // who has it must not find it in the inbox
		home, err := h.store.Home(ctx, user)
		if err != nil {
			return err
		}
		if home.Waiting { // in order: behind what waits
			return h.keepAndFlush(ctx, user, n, t)
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
		for i, c := range list {
			if r.reached[i] {
				heard = true
				d.Reached = remember(d.Reached, c.ID)
			}
		}
		if err = chat.Join(err, r.err); err != nil {
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
	return h.keepAndFlush(ctx, user, n, t)
}

// remember adds a connection to those that have it, while there is room.
func remember(reached []string, conn string) []string {
	if len(reached) >= maxReached || slices.Contains(reached, conn) {
		return reached
	}
	return append(reached, conn)
}
