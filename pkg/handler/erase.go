package handler

import (
	"context"
	"errors"
	"iter"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/relay"
	"kaiwa/pkg/wire"
)

// Erasure names a user of whom nothing is to be left.
type Erasure struct {
	User string `json:"user"`
	// Connection is told when it is done; "" for none.
	Connection string `json:"connection,omitempty"`
}

// Eraser finds and removes what there is of a user.
type Eraser interface {
	Haltable
	relay.Endings
	Owned(ctx context.Context, user string) iter.Seq2[string, error]
	Conversation(ctx context.Context, id string) (chat.Conversation, error)
	Delete(ctx context.Context, user, conversation string) error
	Erase(ctx context.Context, user string) error
}

// Erased says how many conversations were removed.
type Erased struct {
	Conversations int `json:"conversations"`
}

// erase removes everything of a user: each conversation as delete does, then the
// rest. What is made meanwhile may stay. If it fails or its time is over, Lambda
// asks again, and it goes on with what is left.
func (h *Disconnect) erase(ctx context.Context, e Erasure) (Erased, error) {
	var done Erased
	if e.User == "" {
		return done, errors.New(`erase names no user; send {"erase":{"user":"alice"}}`)
	}
	tell := relay.NewTeller(h.Store, h.Poster, &relay.Options{Logger: h.Logger})
	for id, err := range h.Store.Owned(ctx, e.User) {
		if err != nil {
			return done, err
		}
		switch err := h.drop(ctx, tell, e.User, id); {
		case err == nil:
			done.Conversations++
		case chat.KindOf(err) != chat.NotFound: // else it is gone already
			return done, err
		}
	}
	if err := h.Store.Erase(ctx, e.User); err != nil {
		return done, err
	}
	orDiscard(h.Logger).InfoContext(ctx, "user erased", "conversations", done.Conversations)
	if e.Connection == "" {
		return done, nil
	}
	// Whoever asked by a line would not be told: there is no line that asks.
	if err := tell.Send(ctx, e.Connection, chat.ModeJSON, wire.Deleted{All: true}); err != nil {
		orDiscard(h.Logger).InfoContext(ctx, "deleted not delivered", "connection", e.Connection, "error", err)
	}
	return done, nil
}

// drop stops what still runs in a conversation, then removes it.
func (h *Disconnect) drop(ctx context.Context, tell *relay.Teller, user, id string) error {
	c, err := h.Store.Conversation(ctx, id)
	if err == nil && c.User == user && c.Active != "" {
		if _, err := halt(ctx, h.Store, tell, user, c.Active, ""); err != nil && chat.KindOf(err) != chat.NotFound {
			return err
		}
	}
	return h.Store.Delete(ctx, user, id)
}
