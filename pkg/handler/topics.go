package handler

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"unicode"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/herald"
	"kaiwa/pkg/wire"
)

// Subscriptions are the topics of users.
type Subscriptions interface {
	Home(ctx context.Context, user string) (chat.Home, error)
	Subscribe(ctx context.Context, user, topic string) error
	Unsubscribe(ctx context.Context, user, topic string) error
}

// TopicLists are the open connections that hear topics.
type TopicLists interface {
	Join(ctx context.Context, user, connection string, topics []string) error
	Leave(ctx context.Context, user, connection, topic string) error
	UserConnections(ctx context.Context, user string) ([]chat.Connection, error)
}

// Topics are both.
type Topics interface {
	Subscriptions
	TopicLists
}

// moveIn puts a connection on the lists of those of its user's topics that it may
// hear, and renews them where they would expire before long. What waits for the user
// it has notify hand over.
func moveIn(ctx context.Context, store Topics, patterns []string, c chat.Connection, notify Invoker, log *slog.Logger) error {
	if c.User == chat.Anonymous {
		return nil
	}
	home, err := store.Home(ctx, c.User)
	if err != nil {
		return err
	}
	for _, topic := range home.Topics {
		if !home.Stale {
			break
		}
		if err := store.Subscribe(ctx, c.User, topic); err != nil {
			return err
		}
	}
	may := slices.DeleteFunc(slices.Clone(home.Topics), func(topic string) bool { return !c.MaySubscribe(patterns, topic) })
	if err := store.Join(ctx, c.User, c.ID, may); err != nil || !home.Waiting {
		return err
	}
	// If this fails it goes on waiting, for the next connection or notification.
	b, err := herald.Task{Welcome: &herald.Welcome{User: c.User, Connection: c.ID}}.Payload()
	if err == nil {
		err = notify.Invoke(ctx, b)
	}
	if err != nil {
		log.ErrorContext(ctx, "what waits is not handed over", "connection", c.ID, "error", err)
	}
	return nil
}

// moveIn is that for a connection that is back, or has a new token.
func (m *message) moveIn(ctx context.Context, c chat.Connection) error {
	return moveIn(ctx, m.h.Store, m.h.Topics, c, m.h.Notify, m.log)
}

// subscribe adds a topic to the user's, and all the user's open connections that may
// hear it to its list. Who did not say who it is subscribes this connection alone.
func (m *message) subscribe(ctx context.Context, topic string) error {
	switch {
	case strings.ContainsFunc(topic, unicode.IsControl):
		return chat.E(chat.BadRequest, "a topic has no control characters")
	case !m.conn.MaySubscribe(m.h.Topics, topic):
		return chat.E(chat.Unauthorized, "you may not subscribe to this topic; ask whoever runs this service")
	}
	conns := []chat.Connection{m.conn}
	if m.conn.User != chat.Anonymous {
		if err := m.h.Store.Subscribe(ctx, m.conn.User, topic); err != nil {
			return err
		}
		var err error
		if conns, err = m.h.Store.UserConnections(ctx, m.conn.User); err != nil {
			return err
		}
	}
	for _, c := range conns {
		if !c.MaySubscribe(m.h.Topics, topic) {
			continue
		}
		if err := m.h.Store.Join(ctx, c.User, c.ID, []string{topic}); err != nil {
			return err
		}
	}
	return m.send(ctx, wire.Subscribed{Topic: topic})
}

// unsubscribe undoes it. A topic nobody subscribed to is no error.
func (m *message) unsubscribe(ctx context.Context, topic string) error {
	conns := []chat.Connection{m.conn}
	if m.conn.User != chat.Anonymous {
		if err := m.h.Store.Unsubscribe(ctx, m.conn.User, topic); err != nil {
			return err
		}
		var err error
		if conns, err = m.h.Store.UserConnections(ctx, m.conn.User); err != nil {
			return err
		}
	}
	for _, c := range conns {
		if err := m.h.Store.Leave(ctx, c.User, c.ID, topic); err != nil {
			return err
		}
	}
	return m.send(ctx, wire.Unsubscribed{Topic: topic})
}
