package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"kaiwa/client/session"
	"kaiwa/pkg/plain"
	"kaiwa/pkg/wire"
)

// verb is a command: a first word with a meaning of its own.
type verb struct {
	usage       string
	least, most int // how many words follow; most < 0: any number
	run         func(ctx context.Context, q *session.Query, f *flags) error
}

// verbs are the words that are commands.
func verbs() map[string]verb {
	return map[string]verb{
		"ls":         {"kaiwa ls [--json]", 0, 0, list},
		"show":       {"kaiwa show ID|TITLE", 1, 1, show},
		"export":     {"kaiwa export ID|TITLE [--md|--json]", 1, 1, export},
		"rename":     {"kaiwa rename ID TITLE", 2, -1, rename},
		"rm":         {"kaiwa rm ID...", 0, -1, remove},
		"watch":      {"kaiwa watch [--topic T] [--json]", 0, 0, watch},
		"unwatch":    {"kaiwa unwatch TOPIC...", 1, -1, unwatch},
		"raw":        {"kaiwa raw URL [MESSAGE...]", 0, -1, rawCommand},
		"url":        {"kaiwa url [--presign [--expires 5m]] [URL]", 0, 0, printURL},
		"config":     {"kaiwa config show", 1, 1, showConfig},
		"completion": {"kaiwa completion bash|zsh|fish", 1, 1, completion},
		"help":       {"kaiwa help", 0, 0, help},
		"version":    {"kaiwa version", 0, 0, version},
	}
}

func help(_ context.Context, _ *session.Query, f *flags) error {
	_, err := io.WriteString(f.out, usage)
	return err
}

// check says what is wrong with the words after the command.
func (v verb) check(f *flags) error {
	if n := len(f.words); n < v.least || v.most >= 0 && n > v.most {
		return fmt.Errorf("it goes like this: %s; to ask this as a question, put it in quotes", v.usage)
	}
	return nil
}

// command runs a command.
func command(f *flags, config *session.Config) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if f.timeout > 0 && f.command != "watch" {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, f.timeout, errLate)
		defer cancel()
	}
	f.config = config
	q := newQuery(f, config)
	defer q.Close()
	err := verbs()[f.command].run(ctx, q, f)
	switch {
	case err == nil:
		return exitOK
	case ctx.Err() != nil:
		return complain(cause(ctx), exitInterrupted)
	}
	return complain(err, exitConnect)
}

func newQuery(f *flags, config *session.Config) *session.Query {
	q := session.NewQuery(f.url, config)
	q.Note = func(n wire.Notification) { fmt.Fprintln(os.Stderr, plain.Safe(plain.Notification(n))) }
	return q
}

// resumed is the conversation that -c or -r names; without an id if neither is
// given, or there is none to continue.
func resumed(ctx context.Context, f *flags, config *session.Config) (c wire.ConversationInfo, err error) {
	if !f.last && f.resume == "" {
		return c, nil
	}
	if f.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, f.timeout, errLate)
		defer cancel()
	}
	q := newQuery(f, config)
	defer q.Close()
	if f.resume != "" {
		return find(ctx, q, f.resume, false)
	}
	for c, err = range talks(ctx, q) {
		return c, err
	}
	say(os.Stderr, "there is no conversation to continue: this begins one")
	return c, nil
}
