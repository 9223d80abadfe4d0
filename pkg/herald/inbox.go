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
	// it renews it with every entry, and has entryTime for the posts of one.
	inboxLease = 45 * time.Second
	entryTime  = 25 * time.Second
	// lockPoll is how often one that is locked is tried again.
	lockPoll = 250 * time.Millisecond
)

// keep puts a notification into a user's inbox.
func (h *Herald) keep(ctx context.Context, user string, n *note, t *Tally) error {
	err := h.store.Keep(ctx, user, chat.Missed{ID: n.Frame.ID, At: n.At, Frame: n.json, Expires: n.Expires})
	if err == nil {
		t.Kept++
	}
	return err
}

// here tells whether somebody whose inbox has a notification is here after all.
func (h *Herald) here(ctx context.Context, user string, n *note) (bool, error) {
	list, _, err := h.store.UserPage(ctx, user, "", pageSize)
	return slices.ContainsFunc(list, func(c chat.Connection) bool { return h.mayHave(c, n) }), err
}

// wake has another function empty the inbox of a user who is here after all.
func (h *Herald) wake(ctx context.Context, user string, n *note) error {
	here, err := h.here(ctx, user, n)
	if err != nil || !here {
		return err
	}
	return h.invoke(ctx, Task{Welcome: &Welcome{User: user}})
}

// keepAndFlush puts a notification into a user's inbox and empties that if the user
// is here. Once it is kept d says so: a repeat that kept it again might do so after
// it was handed out. Emptying that fails is left to another function.
func (h *Herald) keepAndFlush(ctx context.Context, user string, n *note, d *chat.Delivery, t *Tally) error {
	if err := h.keep(ctx, user, n, t); err != nil {
		return err
	}
	d.Reached = remember(d.Reached, inInbox(user))
	here, err := h.here(ctx, user, n)
	if err != nil || !here {
		return err
	}
	flushing, cancel := sooner(ctx, postTimeout)
	defer cancel()
	if err := h.flush(flushing, user, true, t); err != nil {
		h.opt.Logger.WarnContext(ctx, "inbox not emptied", "error", err)
		return h.invoke(ctx, Task{Welcome: &Welcome{User: user}})
	}
	return nil
}

// sooner is a context that ends before ctx does.
func sooner(ctx context.Context, by time.Duration) (context.Context, context.CancelFunc) {
	if end, ok := ctx.Deadline(); ok {
		return context.WithDeadline(ctx, end.Add(-by))
	}
	return context.WithCancel(ctx)
}

// errBusy: another function is emptying the inbox.
var errBusy = chat.E(chat.Unavailable, "the inbox is being emptied")

// flush empties a user's inbox into the open connections, oldest first. While
// another function does, it waits, or gives errBusy: that one may have looked before
// the last entry came, or have nobody to give them to.
func (h *Herald) flush(ctx context.Context, user string, wait bool, t *Tally) (err error) {
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
		if !wait {
			return errBusy
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
	var hung []chat.Connection // took nothing: their tries hold up one entry, not each
	for {
		list, _, err := h.store.UserPage(ctx, user, "", pageSize)
		if err != nil || len(list) == 0 {
			return err // away again: it stays
		}
		page, err := h.store.Inbox(ctx, user, behind, inboxPage)
		if err != nil || len(page) == 0 {
			return err
		}
		list = without(list, hung)
		for i := range page {
			if !slices.ContainsFunc(list, func(c chat.Connection) bool { return !c.Gone }) {
				if len(hung) > 0 {
					return errHung
				}
				return nil
			}
			if ok, err := lock(); err != nil || !ok {
				return chat.Join(err, errors.New("the inbox was taken over")) // its time ran out
			}
			failed, err := h.hand(ctx, user, home.Topics, list, hung, page[i], t)
			if err != nil {
				return err
			}
			list, hung = without(list, failed), append(hung, failed...)
		}
		behind = &page[len(page)-1]
	}
}

// errHung: what waits is tried again, for whoever took nothing may do so then.
var errHung = chat.E(chat.Unavailable, "the connections that are left take nothing")

// without takes some connections out of a list.
func without(list, some []chat.Connection) []chat.Connection {
	return slices.DeleteFunc(list, func(c chat.Connection) bool {
		return slices.ContainsFunc(some, func(s chat.Connection) bool { return s.ID == c.ID })
	})
}

// hand gives one entry of an inbox to the connections that may have it, and takes
// it out when one has; those that could not be reached, and those that hang, are left
// to functions of their own. What nobody may have stays; what nobody wants any more
// goes.
func (h *Herald) hand(ctx context.Context, user string, topics []string, list, hung []chat.Connection, m chat.Missed, t *Tally) (failed []chat.Connection, err error) {
	f, err := wire.DecodeFrame(m.Frame)
	n, ok := f.(wire.Notification)
	if err != nil || !ok || !time.Now().Before(m.Expires) || n.Topic != "" && !slices.Contains(topics, n.Topic) {
		return nil, h.store.Forget(ctx, user, m)
	}
	out := Out{To: noticeTo(n), Frame: n, At: m.At, Expires: m.Expires, Until: m.Expires}
	posting, cancel := context.WithTimeout(ctx, entryTime)
	r, err := h.posts(posting, list, out.note(), &chat.Delivery{}, t)
	cancel()
	if !slices.Contains(r.reached, true) {
		return nil, r.err
	}
	for i, c := range list {
		if r.failed[i] {
			failed = append(failed, c)
		}
	}
	for _, c := range slices.Concat(failed, hung) {
		if err := h.invoke(ctx, Task{One: &One{Out: out, Connection: c.ID}}); err != nil {
			return nil, err
		}
	}
	return failed, chat.Join(h.store.Forget(ctx, user, m), err)
}
