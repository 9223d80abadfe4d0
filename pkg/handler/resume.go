package handler

import (
	"context"
	"errors"
	"time"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/relay"
	"kaiwa/pkg/wire"
)

// listenTries is how often a reply that changes while it is looked at is looked
// at again.
const listenTries = 4

// resume finds the reply that is meant and follows it (R9).
func (m *message) resume(ctx context.Context, r wire.Resume) error {
	conversation := r.Conversation
	if r.Reply != "" {
		img, err := m.h.Store.Reply(ctx, r.Reply)
		if err != nil {
			return replyError(err, r.Reply)
		}
		if img.User != m.conn.User || conversation != "" && conversation != img.Conversation {
			return noReply(r.Reply)
		}
		conversation = img.Conversation
	} else if _, err := m.mine(ctx, conversation); err != nil {
		return err
	}
	return m.follow(ctx, conversation, r.Reply, r.Offset)
}

// mine reads a conversation of the user's own. That of somebody else is unknown.
func (m *message) mine(ctx context.Context, conversation string) (chat.Conversation, error) {
	c, err := m.h.Store.Conversation(ctx, conversation)
	if err == nil && c.User != m.conn.User {
		return chat.Conversation{}, noConversation()
	}
	return c, conversationError(err)
}

// follow makes the connection a listener: first the conversation learns it, then
// its newest reply, then the named one is served if it is another. reply "" means
// the newest.
func (m *message) follow(ctx context.Context, conversation, reply string, offset int) error {
	c, err := m.h.Store.Follow(ctx, conversation, m.conn.ID, m.mode)
	if err != nil {
		return replyError(conversationError(err), reply)
	}
	if err := m.enter(ctx, conversation); err != nil {
		return replyError(err, reply)
	}
	if c.Active == "" {
		return chat.E(chat.NotFound, "this conversation has no reply yet")
	}
	if reply == "" || reply == c.Active {
		return m.listen(ctx, c.Active, offset, false)
	}
	if err := m.listen(ctx, c.Active, 0, true); err != nil {
		return replyError(err, reply)
	}
	return m.listen(ctx, reply, offset, false)
}

// listen registers with a reply, or serves it if it has ended: only its end, if
// that is all that is wanted.
func (m *message) listen(ctx context.Context, reply string, offset int, endOnly bool) error {
	var why *wire.Error
	for range listenTries {
		img, err := m.h.Store.Listen(ctx, reply, m.conn.ID, offset, m.mode)
		if err != nil {
			return replyError(err, reply)
		}
		if img.Expired(time.Now()) {
			if img, err = m.tell.Finish(ctx, img, m.conn.ID); err != nil {
				return replyError(err, reply)
			}
			if img.State != chat.Ended {
				continue // it lived after all: register again
			}
			why = relay.CutShort(img)
		}
		switch {
		case img.State == chat.Ended && endOnly:
			return m.send(ctx, relay.EndOf(img))
		case img.State == chat.Ended:
			return replyError(m.tell.Serve(ctx, img, m.conn.ID, m.mode, offset, why), reply)
		case img.State == chat.Pending:
			return replyError(m.waiting(ctx, img), reply)
		}
		return nil // running: its owner answers within a second
	}
	return replyError(chat.E(chat.Unavailable, "the reply is changing hands; try again"), reply)
}

// waiting says that the reply has not been claimed yet, and invokes its function
// again if the last Invoke is old: it may have been lost.
func (m *message) waiting(ctx context.Context, img chat.Reply) error {
	now := time.Now()
	err := m.send(ctx, wire.Keepalive{Ref: relay.RefOf(img), Waited: int(now.Sub(img.Created).Seconds())})
	if now.Sub(img.Invoked) <= chat.ReinvokeAfter {
		return err
	}
	return errors.Join(err, m.reinvoke(ctx, img))
}

// reinvoke invokes a reply once more, unless somebody else just has.
func (m *message) reinvoke(ctx context.Context, img chat.Reply) error {
	again, err := m.h.Store.Reinvoked(ctx, img.ID, img.Invoked)
	if err == nil && again {
		err = m.invoke(ctx, img.ID)
	}
	return err
}

// stop ends a reply; without a name the newest of the current conversation.
func (m *message) stop(ctx context.Context, reply string) error {
	if reply == "" {
		c, err := m.mine(ctx, m.conn.Conversation)
		if err != nil && chat.KindOf(err) != chat.NotFound {
			return err
		}
		if c.Active == "" {
			return chat.E(chat.NotFound, "there is no reply to stop")
		}
		reply = c.Active
	}
	img, err := m.halt(ctx, reply)
	if err != nil {
		return replyError(err, reply)
	}
	if img.State != chat.Ended {
		return nil // its owner ends it within a second
	}
	return m.send(ctx, relay.EndOf(img))
}

// Haltable are replies that can be ended before their time.
type Haltable interface {
	Reply(ctx context.Context, id string) (chat.Reply, error)
	Wish(ctx context.Context, reply, by string) (chat.Reply, error)
}

// halt ends a reply of the user's own and tells everybody but one connection, or
// wishes that its owner does (R11).
func halt(ctx context.Context, store Haltable, tell *relay.Teller, user, reply, except string) (chat.Reply, error) {
	seen, err := store.Reply(ctx, reply)
	switch {
	case err != nil:
		return seen, err
	case seen.User != user:
		return seen, noReply(reply)
	case seen.State == chat.Ended:
		return seen, nil
	}
	img, err := store.Wish(ctx, reply, chat.NewID())
	switch {
	case err != nil:
		return img, err
	case img.Expired(time.Now()):
		return tell.Finish(ctx, img, except)
	case img.State == chat.Ended:
		tell.Charge(ctx, img, img.Used())
		tell.Tell(ctx, img, except, nil)
	}
	return img, nil
}

func (m *message) halt(ctx context.Context, reply string) (chat.Reply, error) {
	return halt(ctx, m.h.Store, m.tell, m.conn.User, reply, m.conn.ID)
}

// replyError names the reply in an error's frame.
func replyError(err error, reply string) error {
	if err == nil || reply == "" || errors.Is(err, chat.ErrGone) {
		return err
	}
	e := *chat.AsError(err)
	if e.Kind == chat.NotFound {
		return noReply(reply)
	}
	e.Reply = reply
	return &e
}

// noReply names the reply that was asked for, unless that could be none of ours.
func noReply(reply string) error {
	e := chat.E(chat.NotFound, "there is no such reply of yours; history shows what was said")
	if len(reply) <= wire.MaxID {
		e.Reply = reply
	}
	return e
}

// conversationError makes no difference between a conversation that is unknown
// and one that is somebody else's.
func conversationError(err error) error {
	if chat.KindOf(err) == chat.NotFound {
		return noConversation()
	}
	return err
}

func noConversation() error {
	return chat.E(chat.NotFound, "there is no such conversation of yours; leave conversation out to go on with the current one")
}
