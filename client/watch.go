package main

import (
	"context"
	"fmt"
	"os"
	"slices"

	"kaiwa/client/session"
	"kaiwa/pkg/plain"
	"kaiwa/pkg/wire"
)

// watch prints notifications, and nothing else, until it is told to end. A topic
// is subscribed to for good: what comes while nobody watches is kept. What is of
// another topic goes to stderr: it has been delivered now, and comes to nobody else.
func watch(ctx context.Context, _ *session.Query, f *flags) error {
	show := func(n wire.Notification) {
		switch {
		case len(f.topics) > 0 && !slices.Contains(f.topics, n.Topic):
			say(os.Stderr, "%s", plain.Notification(n))
		case f.json:
			_ = writeJSON(f.out, notificationJSON(n)) // output keeps its error
		default:
			fmt.Fprintln(f.out, plain.Safe(plain.Notification(n)))
		}
	}
	config := *f.config
	config.Topics = f.topics
	s, err := session.Dial(ctx, f.url, &config)
	if err != nil {
		return err
	}
	defer s.Close()
	p := &pipe{err: os.Stderr}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case e, ok := <-s.Events():
			if !ok {
				return session.ErrClosed
			}
			switch e := e.(type) {
			case session.Notified:
				show(e.Notification)
			case session.Unheard:
				return e.Err
			case session.Gone:
				return e.Err
			default:
				p.aside(e)
			}
		}
	}
}

// unwatch ends subscriptions.
func unwatch(ctx context.Context, q *session.Query, f *flags) error {
	for _, topic := range f.words {
		if _, err := q.Ask(ctx, wire.Unsubscribe{Topic: topic}); err != nil {
			return err
		}
	}
	return nil
}
