package herald

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/wire"
)

const (
	// inboxPage is how many entries are read at a time.
	inboxPage = 25
	// inboxLease is how long a function that empties an inbox is believed alive;
	// it renews it with every entry.
	inboxLease = 30 * time.Second
	// lockPoll is how often one that is locked is tried again.
	lockPoll = 250 * time.Millisecond
)

// keep puts a notification into a user's inbox and tells whether the user is here
// after all.
func (h *Herald) keep(ctx context.Context, user string, n *note, t *Tally) (here bool, err error) {
	m := chat.Missed{ID: n.frame.ID, At: n.at, Frame: n.json, Expires: n.expires}
	if err := h.store.Keep(ctx, user, m); err != nil {
		return false, err
	}
	t.Kept++
	list, _, err := h.store.UserPage(ctx, user, "", pageSize)
	return slices.ContainsFunc(list, func(c chat.Connection) bool { return h.mayHave(c, n) }), err
}

func (h *Herald) keepAndFlush(ctx context.Context, user string, n *note, t *Tally) error {
	here, err := h.keep(ctx, user, n, t)
	if err != nil || !here {
		return err
	}
	return h.flush(ctx, user, t)
}

// flush empties a user's inbox into the open connections, oldest first. While
// another function does, it waits: that one may have looked before the last entry
// came, or have nobody to give them to.
func (h *Herald) flush(ctx context.Context, user string, t *Tally) (err error) {
	token := chat.NewID()
	lock := func() (bool, error) {
		return h.store.LockInbox(ctx, user, token, time.Now().Add(inboxLease))
	}
	for {
		ok, err := lock()
		if err != nil {
			return err
		}
		if ok {
			break
		}
		if err := sleep(ctx, jitter(lockPoll)); err != nil {
			return fmt.Errorf("wait for the inbox: %w", err)
		}
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleWithin)
		defer cancel()
		err = chat.Join(err, h.store.UnlockInbox(ctx, user, token))
	}()
	if err := h.store.Trim(ctx, user); err != nil {
		return err
	}
	home, err := h.store.Home(ctx, user)
	if err != nil {
		return err
	}
	var behind *chat.Missed
	for {
		list, _, err := h.store.UserPage(ctx, user, "", pageSize)
		if err != nil || len(list) == 0 {
			return err // away again: it stays
		}
		page, err := h.store.Inbox(ctx, user, behind, inboxPage)
		if err != nil || len(page) == 0 {
			return err
		}
		for i := range page {
			if !slices.ContainsFunc(list, func(c chat.Connection) bool { return !c.Gone }) {
				return nil
			}
			if ok, err := lock(); err != nil || !ok {
				return chat.Join(err, errors.New("the inbox was taken over")) // its time ran out
			}
			if err := h.hand(ctx, user, home.Topics, list, page[i], t); err != nil {
				return err
			}
		}
		behind = &page[len(page)-1]
	}
}

// hand gives one entry of an inbox to the connections that may have it, and takes
// it out when one has. What nobody may have stays; what nobody wants any more goes.
func (h *Herald) hand(ctx context.Context, user string, topics []string, list []chat.Connection, m chat.Missed, t *Tally) error {
	f, err := wire.DecodeFrame(m.Frame)
	n, ok := f.(wire.Notification)
	if err != nil || !ok || !time.Now().Before(m.Expires) || n.Topic != "" && !slices.Contains(topics, n.Topic) {
		return h.store.Forget(ctx, user, m)
	}
	out := newNote(noticeTo(n), n, m.At, m.Expires)
	r, err := h.posts(ctx, list, out, &chat.Delivery{}, t)
	switch {
	case slices.Contains(r.reached, true):
		return chat.Join(h.store.Forget(ctx, user, m), err)
	case err != nil:
		return err
	}
	return r.err
}
