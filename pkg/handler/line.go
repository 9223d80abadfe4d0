package handler

import (
	"context"
	"time"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/plain"
	"kaiwa/pkg/wire"
)

// listed is how many conversations /list shows and /open can reach.
const listed = 20

// line serves what somebody typed in wscat: a command, or a prompt.
func (m *message) line(ctx context.Context, line string) error {
	switch c := plain.Parse(line).(type) {
	case plain.Say:
		return m.sendMessage(ctx, wire.SendMessage{Text: c.Text})
	case plain.New:
		return m.newConversation(ctx, c.Text)
	case plain.List:
		return m.list(ctx)
	case plain.Open:
		return m.open(ctx, c.N)
	case plain.Stop:
		return m.stop(ctx, "")
	case plain.Help:
		return m.say(ctx, plain.HelpText())
	case plain.Bad:
		return chat.E(chat.BadRequest, "%s", c.Message)
	}
	return nil
}

func (m *message) say(ctx context.Context, text string) error {
	return m.tell.SendLine(ctx, m.conn.ID, text)
}

// newConversation only chooses: the first prompt makes it.
func (m *message) newConversation(ctx context.Context, text string) error {
	if text != "" {
		return m.sendMessage(ctx, wire.SendMessage{Text: text, Conversation: wire.NewConversation})
	}
	if err := m.enter(ctx, chat.NewID()); err != nil {
		return err
	}
	return m.say(ctx, plain.Created())
}

func (m *message) list(ctx context.Context) error {
	page, err := m.titles(ctx, "", listed)
	if err != nil {
		return err
	}
	return m.say(ctx, plain.ListText(page.Conversations, time.Now(), m.conn.Conversation))
}

// open goes back to a conversation of the list and shows how it ended.
func (m *message) open(ctx context.Context, n int) error {
	titles, err := m.titles(ctx, "", listed)
	if err != nil {
		return err
	}
	if n < 1 || n > len(titles.Conversations) {
		return chat.E(chat.NotFound, "there is no conversation %d; /list shows them", n)
	}
	c := titles.Conversations[n-1]
	followed, err := m.h.Store.Follow(ctx, c.ID, m.conn.ID, m.mode)
	if err != nil {
		return conversationError(err)
	}
	if err := m.enter(ctx, c.ID); err != nil {
		return err
	}
	page, err := m.page(ctx, c.ID, "", 2)
	if err != nil {
		return err
	}
	if err := m.say(ctx, plain.Opened(c.Title, page.Messages)); err != nil || followed.Active == "" {
		return err
	}
	return m.goOn(ctx, followed.Active)
}

// goOn follows a reply that still runs, from where its stored text ends.
func (m *message) goOn(ctx context.Context, reply string) error {
	img, err := m.h.Store.Reply(ctx, reply)
	if err != nil || img.State == chat.Ended {
		return ignoreNotFound(err)
	}
	return m.listen(ctx, reply, img.Length, true)
}
