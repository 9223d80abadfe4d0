package handler

import (
	"cmp"
	"context"
	"encoding/json"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/wire"
)

const (
	pageDefault = 20
	pageMax     = 100
	// pageRoom is what a page of history takes beside its messages, encoded.
	pageRoom = 200
)

func pageSize(n int) int {
	if n == 0 {
		return pageDefault
	}
	return min(n, pageMax)
}

// history sends a page of a conversation, newest first.
func (m *message) history(ctx context.Context, r wire.History) error {
	conversation := cmp.Or(r.Conversation, m.conn.Conversation)
	if _, err := m.mine(ctx, conversation); err != nil {
		if r.Conversation == "" && chat.KindOf(err) == chat.NotFound {
			return chat.E(chat.NotFound, "nothing was said on this connection yet; name a conversation")
		}
		return err
	}
	page, err := m.page(ctx, conversation, r.Before, pageSize(r.Limit))
	if err != nil {
		return err
	}
	return m.send(ctx, page)
}

// page reads until a page is full. It stops at 32 KB; a single longer text is cut,
// and its length tells.
func (m *message) page(ctx context.Context, conversation, before string, limit int) (wire.HistoryPage, error) {
	p := wire.HistoryPage{Conversation: conversation, Messages: []wire.Message{}}
	msgs, next, err := m.h.Store.Messages(ctx, conversation, before, limit, wire.MaxHistoryPage-pageRoom)
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

// titles reads a page of conversations: fewer than limit if their titles are so
// long that they would not fit a frame.
func (m *message) titles(ctx context.Context, before string, limit int) (wire.ConversationsPage, error) {
	for {
		p := wire.ConversationsPage{Conversations: []wire.ConversationInfo{}}
		cs, next, err := m.h.Store.Conversations(ctx, m.conn.User, before, limit)
		if err != nil {
			return p, err
		}
		for _, c := range cs {
			p.Conversations = append(p.Conversations, wire.ConversationInfo{ID: c.ID, Title: c.Title, At: c.At.UTC()})
		}
		p.Before = next
		if limit == 1 || len(wire.EncodeFrame(p)) <= wire.MaxFrame {
			return p, nil
		}
		limit /= 2
	}
}

func (m *message) rename(ctx context.Context, r wire.Rename) error {
	if err := m.h.Store.Rename(ctx, m.conn.User, r.Conversation, r.Title); err != nil {
		return conversationError(err)
	}
	return m.send(ctx, wire.Renamed(r))
}

// delete stops what still runs in a conversation, then removes it. One that was
// removed in part before is removed to the end. The next prompt makes another.
func (m *message) delete(ctx context.Context, r wire.Delete) error {
	if r.All {
		return m.deleteAll(ctx)
	}
	conversation := r.Conversation
	if c, err := m.mine(ctx, conversation); err == nil && c.Active != "" {
		if _, err := m.halt(ctx, c.Active); err != nil && chat.KindOf(err) != chat.NotFound {
			return err
		}
	}
	if err := m.h.Store.Delete(ctx, m.conn.User, conversation); err != nil {
		return conversationError(err)
	}
	if conversation == m.conn.Conversation {
		if err := m.enter(ctx, chat.NewID()); err != nil {
			return err
		}
	}
	return m.send(ctx, wire.Deleted{Conversation: conversation})
}

// deleteAll has somebody else do it, who has the time and answers in the end. From
// now on this connection talks of something new.
func (m *message) deleteAll(ctx context.Context) error {
	if err := m.enter(ctx, chat.NewID()); err != nil {
		return err
	}
	order, err := json.Marshal(Order{Erase: &Erasure{User: m.conn.User, Connection: m.conn.ID}})
	if err != nil {
		return err
	}
	return m.h.Disconnect.Invoke(ctx, order)
}
