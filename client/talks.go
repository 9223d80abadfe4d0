package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"kaiwa/client/markdown"
	"kaiwa/client/session"
	"kaiwa/pkg/plain"
	"kaiwa/pkg/wire"
)

// talks gives the user's conversations, newest first.
func talks(ctx context.Context, q *session.Query) iter.Seq2[wire.ConversationInfo, error] {
	return func(yield func(wire.ConversationInfo, error) bool) {
		for before := ""; ; {
			f, err := q.Ask(ctx, wire.Conversations{Before: before})
			page, _ := f.(wire.ConversationsPage)
			if err != nil {
				yield(wire.ConversationInfo{}, err)
				return
			}
			for _, c := range page.Conversations {
				if !yield(c, nil) {
					return
				}
			}
			if before = page.Before; before == "" {
				return
			}
		}
	}
}

// find finds a conversation by its id, its title (the newest that has it), or a part
// of its title that no other has. exact: by its id, or a whole title that no other
// has.
func find(ctx context.Context, q *session.Query, which string, exact bool) (wire.ConversationInfo, error) {
	if strings.TrimSpace(which) == "" {
		return wire.ConversationInfo{}, usageError("say which conversation, by its id or its title")
	}
	var like []wire.ConversationInfo
	var same []wire.ConversationInfo
	for c, err := range talks(ctx, q) {
		switch {
		case err != nil:
			return c, err
		case c.ID == which || c.Title == which && !exact:
			return c, nil
		case c.Title == which:
			same = append(same, c)
		case !exact && strings.Contains(strings.ToLower(c.Title), strings.ToLower(which)):
			like = append(like, c)
		}
	}
	switch {
	case len(same) == 1:
		return same[0], nil
	case len(same) > 1:
		return wire.ConversationInfo{}, usageError(fmt.Sprintf("%d conversations are called %q, %s and %s among them: say which by its id", len(same), which, same[0].ID, same[1].ID))
	case len(like) == 1:
		return like[0], nil
	case len(like) == 0:
		return wire.ConversationInfo{}, usageError(fmt.Sprintf("there is no conversation %q; kaiwa ls shows them", which))
	}
	return wire.ConversationInfo{}, usageError(fmt.Sprintf("%q is in the titles of %d conversations, %q and %q among them", which, len(like), like[0].Title, like[1].Title))
}

// usageError is the user's own mistake.
type usageError string

func (e usageError) Error() string { return string(e) }

func list(ctx context.Context, q *session.Query, f *flags) error {
	for c, err := range talks(ctx, q) {
		if err != nil {
			return err
		}
		if f.json {
			if err := writeJSON(f.out, c); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(f.out, "%s  %s  %s\n", plain.Safe(c.ID), c.At.Local().Format("2006-01-02 15:04"), oneLine(plain.Safe(c.Title)))
	}
	return nil
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// messages gives a conversation's messages, oldest first, each whole.
func messages(ctx context.Context, q *session.Query, conversation string) ([]wire.Message, error) {
	var all []wire.Message
	for before := ""; ; {
		f, err := q.Ask(ctx, wire.History{Conversation: conversation, Before: before})
		if err != nil {
			return nil, err
		}
		page, _ := f.(wire.HistoryPage)
		all = append(all, page.Messages...)
		if before = page.Before; before == "" {
			break
		}
	}
	slices.Reverse(all)
	for i, m := range all {
		if m.Role != "assistant" || m.Reply == "" || utf8.RuneCountInString(m.Text) >= m.Length {
			continue
		}
		text, err := q.Text(ctx, m.Reply, conversation)
		if err != nil {
			return nil, err
		}
		all[i].Text = text
	}
	return all, nil
}

// transcript is a whole conversation.
type transcript struct {
	wire.ConversationInfo
	Messages []wire.Message `json:"messages"`
}

func read(ctx context.Context, q *session.Query, which string) (t transcript, err error) {
	if t.ConversationInfo, err = find(ctx, q, which, false); err != nil {
		return t, err
	}
	t.Messages, err = messages(ctx, q, t.ID)
	return t, err
}

// show prints a conversation as it looked in the chat.
func show(ctx context.Context, q *session.Query, f *flags) error {
	t, err := read(ctx, q, f.words[0])
	switch {
	case err != nil:
		return err
	case f.json:
		return writeJSON(f.out, t)
	}
	for i, m := range t.Messages {
		text := plain.Safe(whole(m))
		if m.Role == "user" && i > 0 {
			fmt.Fprintln(f.out)
		}
		switch {
		case m.Role == "user":
			text = "> " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n> ") + "\n"
		case atTerminal() && !f.plain:
			text = rendered(text, f)
		}
		fmt.Fprintln(f.out, text)
	}
	return nil
}

// rendered is a markdown text as the chat shows it.
func rendered(text string, f *flags) string {
	r := &markdown.Renderer{Color: f.getenv("NO_COLOR") == "", Patient: true}
	cols, _ := size()
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		out = append(out, r.Line(line, cmp.Or(cols, 80))...)
	}
	return strings.Join(append(out, r.End(cmp.Or(cols, 80))...), "\n")
}

// export prints a conversation to keep: as markdown, or as one JSON object.
func export(ctx context.Context, q *session.Query, f *flags) error {
	if f.json && f.markdown {
		return usageError("--md and --json are two formats; choose one")
	}
	t, err := read(ctx, q, f.words[0])
	switch {
	case err != nil:
		return err
	case f.json:
		return indented(f.out, t)
	}
	fmt.Fprintf(f.out, "# %s\n\n%s, %s\n", oneLine(plain.Safe(t.Title)), t.At.UTC().Format("2006-01-02 15:04 MST"), plain.Safe(t.ID))
	for _, m := range t.Messages {
		fmt.Fprintf(f.out, "\n## %s\n\n%s\n", plain.Safe(m.Role), strings.TrimRight(plain.Safe(whole(m)), "\n"))
	}
	return nil
}

// whole is a message's text, with a word about what is missing.
func whole(m wire.Message) string {
	if n := utf8.RuneCountInString(m.Text); n < m.Length {
		return fmt.Sprintf("%s\n[the service shows %d of %d characters]\n", m.Text, n, m.Length)
	}
	return m.Text
}

func indented(out io.Writer, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = out.Write(append(harmlessJSON(b), '\n'))
	return err
}

func rename(ctx context.Context, q *session.Query, f *flags) error {
	c, err := find(ctx, q, f.words[0], false)
	if err == nil {
		_, err = q.Ask(ctx, wire.Rename{Conversation: c.ID, Title: strings.Join(f.words[1:], " ")})
	}
	return err
}

// remove deletes conversations, which must be named exactly.
func remove(ctx context.Context, q *session.Query, f *flags) error {
	switch {
	case f.all && len(f.words) > 0, !f.all && len(f.words) == 0:
		return usageError("it goes like this: " + verbs()["rm"].usage + ", or kaiwa rm --all")
	case f.all && !f.yes:
		return usageError("that is every conversation of yours, every topic and every missed notification, for good; if you mean it say --yes as well")
	case f.all:
		return removeAll(ctx, q)
	}
	for _, which := range f.words {
		c, err := find(ctx, q, which, true)
		if err != nil {
			return err
		}
		if _, err := q.Ask(ctx, wire.Delete{Conversation: c.ID}); err != nil {
			return err
		}
	}
	return nil
}

// removeAll deletes everything there is of the user. That may take longer than an
// answer may: asked again the service goes on where it is.
func removeAll(ctx context.Context, q *session.Query) error {
	for {
		_, err := q.Ask(ctx, wire.Delete{All: true})
		if !errors.Is(err, session.ErrNoAnswer) {
			return err
		}
		say(os.Stderr, "the service is still at it")
	}
}
