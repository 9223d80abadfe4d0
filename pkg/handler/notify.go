package handler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/relay"
	"kaiwa/pkg/wire"
)

// NotifyStore finds connections.
type NotifyStore interface {
	Connection(ctx context.Context, id string) (chat.Connection, error)
	UserConnections(ctx context.Context, user string) ([]chat.Connection, error)
	relay.Endings
}

// Notify serves a direct Invoke: one message to a connection, or to all open
// connections of a user.
type Notify struct {
	Store  NotifyStore
	Poster relay.Poster
	Logger *slog.Logger
}

// Notice is the message that Notify takes.
type Notice struct {
	To struct {
		User       string `json:"user"`
		Connection string `json:"connection"`
	} `json:"to"`
	ID    string          `json:"id"`
	Title string          `json:"title"`
	Text  string          `json:"text"`
	Level string          `json:"level"`
	Data  json.RawMessage `json:"data"`
}

// Delivered says how many connections took a notification.
type Delivered struct {
	Delivered int `json:"delivered"`
	Gone      int `json:"gone"`
}

// Handle posts the notification. A connection that is gone is no error.
func (h *Notify) Handle(ctx context.Context, event json.RawMessage) (Delivered, error) {
	var n Notice
	if err := json.Unmarshal(event, &n); err != nil {
		return Delivered{}, fmt.Errorf(`decode notification: %w; send {"to":{"user":"alice"},"text":"hello"}`, err)
	}
	if n.Text == "" && n.Title == "" {
		return Delivered{}, errors.New(`the notification has no text; send {"to":{"user":"alice"},"text":"hello"}`)
	}
	conns, err := h.targets(ctx, n)
	if err != nil {
		return Delivered{}, err
	}
	if n.ID == "" {
		n.ID = chat.NewID()
	}
	f := wire.Notification{ID: n.ID, Title: n.Title, Text: n.Text, Level: n.Level, At: time.Now().UTC().Truncate(time.Millisecond), Data: n.Data}
	if size := len(wire.EncodeFrame(f)); size > wire.MaxMessage {
		return Delivered{}, fmt.Errorf("the notification is %d bytes; at most %d fit a message", size, wire.MaxMessage)
	}
	return h.deliver(ctx, conns, f)
}

func (h *Notify) deliver(ctx context.Context, conns []chat.Connection, f wire.Frame) (Delivered, error) {
	tell := relay.NewTeller(h.Store, h.Poster, &relay.Options{Logger: h.Logger})
	var d Delivered
	var faults []error
	for _, c := range conns {
		switch err := tell.Send(ctx, c.ID, c.Mode, f); {
		case err == nil:
			d.Delivered++
		case errors.Is(err, chat.ErrGone):
			d.Gone++
		default:
			faults = append(faults, err)
		}
	}
	return d, errors.Join(faults...)
}

func (h *Notify) targets(ctx context.Context, n Notice) ([]chat.Connection, error) {
	switch {
	case n.To.User != "" && n.To.Connection != "":
		return nil, errors.New("to names both user and connection; name one")
	case n.To.User != "":
		return h.Store.UserConnections(ctx, n.To.User)
	case n.To.Connection != "":
		c, err := h.Store.Connection(ctx, n.To.Connection)
		if chat.KindOf(err) == chat.NotFound && err != nil {
			return nil, nil
		}
		return []chat.Connection{c}, err
	}
	return nil, errors.New(`the notification has no target; send {"to":{"user":"alice"},"text":"hello"}`)
}
