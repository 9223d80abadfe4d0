package handler

import (
	"context"
	"unicode/utf8"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/wire"
)

const (
	pageDefault = 20
	pageMax     = 100
	// entryRoom is what a history entry takes beside its text, encoded.
	entryRoom = 220
)

func pageSize(n int) int {
	if n == 0 {
		return pageDefault
	}
	return min(n, pageMax)
}

// history sends a page of a conversation, newest first.
func (m *message) history(ctx context.Context, r wire.History) error {
	conversation := r.Conversation
	if conversation == "" {
		conversation = m.conn.Conversation
	}
	if err := m.mine(ctx, conversation); err != nil {
		return err
	}
	page, err := m.page(ctx, conversation, r.Before, pageSize(r.Limit))
	if err != nil {
		return err
	}
	return m.send(ctx, page)
}

// page reads until a page is full. Pages stop at 32 KB; a single longer text is
// cut, and its length tells.
func (m *message) page(ctx context.Context, conversation, before string, limit int) (wire.HistoryPage, error) {
	p := wire.HistoryPage{Conversation: conversation, Messages: []wire.Message{}}
	limit = min(limit, wire.MaxHistoryPage/entryRoom/2)
	msgs, next, err := m.h.Store.Messages(ctx, conversation, before, limit, wire.MaxHistoryPage-entryRoom*(limit+1))
	if err != nil {
		return p, err
	}
	for _, c := range msgs {
		p.Messages = append(p.Messages, wire.Message{ID: c.ID, Role: string(c.Role), Text: c.Text, At: c.At.UTC(),
			Reply: c.Reply, Stop: c.Stop, Length: c.Length})
	}
	p.Before = next
	return p, nil
}

func (m *message) conversations(ctx context.Context, r wire.Conversations) error {
	page, err := m.titles(ctx, r.Before, pageSize(r.Limit))
	if err != nil {
		return err
	}
	return m.send(ctx, page)
}

func (m *message) titles(ctx context.Context, before string, limit int) (wire.ConversationsPage, error) {
	p := wire.ConversationsPage{Conversations: []wire.ConversationInfo{}}
	cs, next, err := m.h.Store.Conversations(ctx, m.conn.User, before, limit)
	if err != nil {
		return p, err
	}
	for _, c := range cs {
		p.Conversations = append(p.Conversations, wire.ConversationInfo{ID: c.ID, Title: c.Title, At: c.At.UTC()})
	}
	p.Before = next
	return p, nil
}

func (m *message) rename(ctx context.Context, r wire.Rename) error {
	if !utf8.ValidString(r.Title) {
		return chat.E(chat.BadRequest, "title must be valid UTF-8")
	}
	if err := m.h.Store.Rename(ctx, m.conn.User, r.Conversation, r.Title); err != nil {
		return err
	}
	return m.send(ctx, wire.Renamed{Conversation: r.Conversation, Title: r.Title})
}

// delete stops what still runs in a conversation, then removes it.
func (m *message) delete(ctx context.Context, conversation string) error {
	if err := m.h.Store.Delete(ctx, m.conn.User, conversation); err != nil {
		return err
	}
	return m.send(ctx, wire.Deleted{Conversation: conversation})
}
