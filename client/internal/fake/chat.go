// Package fake is a kaiwa service for tests of the client: the rules of DESIGN
// §3 as far as one process and no table need them. Chat is the rules without
// sockets or clock; Server puts them behind a WebSocket.
package fake

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"kaiwa/pkg/wire"
)

// Script is the reply to one prompt.
type Script struct {
	Text  string
	Piece int           // code points made at a time; 0: all at once
	Every time.Duration // between pieces
	First time.Duration // before the first one
	Stop  string        // of the end; "": end_turn
	// Refuse, if it has a Code, is said instead of accepting.
	Refuse wire.Error
	// Fail, if it has a Code, is said before the end, which is interrupted.
	Fail wire.Error
	// Unsaved makes the end come unsaved first. Lose code points are gone when
	// the durable one comes, 3 s later.
	Unsaved bool
	Lose    int
	// Usage and Timing stand in the end.
	Usage  *wire.Usage
	Timing *wire.Timing
	// Hang never ends the reply.
	Hang bool
}

// Post is a frame on its way to a connection.
type Post struct {
	Conn  int
	Frame wire.Frame
}

// Chat is the service's state.
type Chat struct {
	// Answer makes the script for a prompt. nil: "You said: " and the prompt.
	Answer func(prompt string) Script
	// Token, if set, is the one that is valid now: whoever came with another is
	// told that it expired.
	Token string
	// Topics are those that may be subscribed to. nil: all.
	Topics []string

	tokens  map[int]string
	replies []*Reply
	claims  map[string]*Reply
	parts   map[string]map[int]string
	talks   int
	titles  map[string]string
	posts   []Post
	now     time.Time
}

// Reply is one reply as the service knows it.
type Reply struct {
	wire.Ref
	Prompt string
	End    wire.End // valid when Ended
	Ended  bool

	script    Script
	text      []rune
	made      int
	at        time.Time // when the next piece or the durable end is due
	listeners map[int]*listener
}

type listener struct {
	offset int
	told   time.Time
}

// Text is what has been made, or what the end left of it.
func (r *Reply) Text() string { return string(r.text[:r.made]) }

// Replies is all there ever were, oldest first.
func (c *Chat) Replies() []*Reply { return c.replies }

// Handle takes a request and gives what is to be posted.
func (c *Chat) Handle(now time.Time, conn int, q wire.Request) []Post {
	c.now = now
	if c.titles == nil {
		c.titles = map[string]string{}
	}
	if c.lapsed(conn, q) {
		return c.take()
	}
	switch q := q.(type) {
	case wire.Ping:
		c.post(conn, wire.Pong{})
	case wire.Auth:
		c.authorize(conn, q.Token)
	case wire.SendMessage:
		c.send(conn, q)
	case wire.Resume:
		c.resume(conn, q)
	case wire.Stop:
		c.stop(conn, q)
	case wire.Conversations:
		c.post(conn, page(c.conversations(), q.Before))
	case wire.History:
		if c.newest(q.Conversation) == nil {
			c.post(conn, wire.Error{Code: wire.CodeNotFound, Message: "there is no such conversation of yours"})
			break
		}
		c.post(conn, wire.HistoryPage{Conversation: q.Conversation, Messages: c.history(q.Conversation)})
	case wire.Rename:
		c.titles[q.Conversation] = q.Title
		c.post(conn, wire.Renamed(q))
	case wire.Delete:
		c.replies = slices.DeleteFunc(c.replies, func(r *Reply) bool { return q.All || r.Conversation == q.Conversation })
		c.post(conn, wire.Deleted(q))
	case wire.Subscribe:
		if c.Topics != nil && !slices.Contains(c.Topics, q.Topic) {
			c.post(conn, wire.Error{Code: wire.CodeUnauthorized, Message: "you may not subscribe to this topic"})
			break
		}
		c.post(conn, wire.Subscribed(q))
	case wire.Unsubscribe:
		c.post(conn, wire.Unsubscribed(q))
	}
	return c.take()
}

// post sends f to a connection.
func (c *Chat) post(conn int, f wire.Frame) { c.posts = append(c.posts, Post{conn, f}) }

func (c *Chat) take() []Post {
	p := c.posts
	c.posts = nil
	return p
}

// Closed forgets a connection.
func (c *Chat) Closed(conn int) {
	for _, r := range c.replies {
		delete(r.listeners, conn)
	}
}

func (c *Chat) send(conn int, m wire.SendMessage) {
	if m.Parts != nil {
		if c.parts == nil {
			c.parts = map[string]map[int]string{}
		}
		set := c.parts[m.ID]
		if set == nil {
			set = map[int]string{}
			c.parts[m.ID] = set
		}
		if set[m.Part] = m.Text; len(set) < *m.Parts {
			return
		}
		m.Text = ""
		for i := range *m.Parts {
			m.Text += set[i]
		}
	}
	if r := c.claims[m.ID]; r != nil {
		c.post(conn, wire.Accepted{Ref: r.Ref})
		c.serve(conn, r, 0)
		return
	}
	if m.Conversation == wire.NewConversation || m.Conversation == "" {
		c.talks++
		m.Conversation = fmt.Sprintf("c%d", c.talks)
	}
	if r := c.newest(m.Conversation); r != nil && !r.Ended {
		c.post(conn, wire.Error{Code: wire.CodeBusy, Message: "the last reply still runs; wait or stop it", ID: m.ID})
		return
	}
	c.accept(conn, m)
}

func (c *Chat) accept(conn int, m wire.SendMessage) {
	script := Script{Text: "You said: " + m.Text}
	if c.Answer != nil {
		script = c.Answer(m.Text)
	}
	if script.Refuse.Code != "" {
		script.Refuse.ID = m.ID
		c.post(conn, script.Refuse)
		return
	}
	r := &Reply{
		Ref:    wire.Ref{ID: m.ID, Conversation: m.Conversation, Reply: fmt.Sprintf("r%d", len(c.replies)+1)},
		Prompt: m.Text, script: script, text: []rune(script.Text), at: c.now.Add(script.First),
		listeners: map[int]*listener{conn: {told: c.now}},
	}
	if last := c.newest(m.Conversation); last != nil { // whoever listens to the conversation hears it too
		for other := range last.listeners {
			r.listeners[other] = &listener{told: c.now}
		}
	}
	c.replies = append(c.replies, r)
	if c.claims == nil {
		c.claims = map[string]*Reply{}
	}
	c.claims[m.ID] = r
	c.post(conn, wire.Accepted{Ref: r.Ref})
	c.advance(r)
}

// newest is a conversation's newest reply, nil if it has none.
func (c *Chat) newest(conversation string) *Reply {
	for _, r := range slices.Backward(c.replies) {
		if r.Conversation == conversation {
			return r
		}
	}
	return nil
}

func (c *Chat) resume(conn int, q wire.Resume) {
	r := c.newest(q.Conversation)
	for _, o := range c.replies {
		if q.Reply != "" && o.Reply == q.Reply {
			r = o
		}
	}
	if r == nil {
		c.post(conn, wire.Error{Code: wire.CodeNotFound, Message: "there is no such reply", Reply: q.Reply})
		return
	}
	if a := c.newest(r.Conversation); a != r && !a.Ended {
		c.serve(conn, a, 0)
	}
	c.serve(conn, r, q.Offset)
}

// serve sends a reply's text from offset on, and its end if it has one.
func (c *Chat) serve(conn int, r *Reply, offset int) {
	l := &listener{offset: min(offset, r.made), told: c.now}
	r.listeners[conn] = l
	if l.offset == r.made && !r.Ended {
		c.post(conn, wire.Keepalive{Ref: r.Ref})
	}
	c.flush(conn, r, l)
	if r.Ended {
		c.post(conn, r.End)
	}
}

// flush posts what the listener has not got.
func (c *Chat) flush(conn int, r *Reply, l *listener) {
	const most = 4000 // code points: 32 KB of any text
	for l.offset < r.made {
		n := min(most, r.made-l.offset)
		c.post(conn, wire.Delta{Ref: r.Ref, Offset: l.offset, Text: string(r.text[l.offset : l.offset+n])})
		l.offset += n
		l.told = c.now
	}
}

func (c *Chat) stop(conn int, q wire.Stop) {
	for _, r := range c.replies {
		if r.Reply != q.Reply {
			continue
		}
		if !r.Ended {
			c.finish(r, wire.StopStopped)
		}
		c.serve(conn, r, r.made)
	}
}

func (c *Chat) conversations() (list []wire.ConversationInfo) {
	seen := map[string]bool{}
	for _, r := range slices.Backward(c.replies) {
		if !seen[r.Conversation] {
			seen[r.Conversation] = true
			list = append(list, wire.ConversationInfo{ID: r.Conversation, Title: cmp.Or(c.titles[r.Conversation], "about "+r.Prompt)})
		}
	}
	return list
}

// perPage is how many conversations a page has: few, so that tests turn pages.
const perPage = 2

func page(all []wire.ConversationInfo, before string) wire.ConversationsPage {
	i := 0
	for before != "" && i < len(all) && all[i].ID != before {
		i++
	}
	if rest := all[i:]; len(rest) > perPage {
		return wire.ConversationsPage{Conversations: rest[:perPage], Before: rest[perPage].ID}
	}
	return wire.ConversationsPage{Conversations: all[i:]}
}

// mostShown is where a text of the history is cut, as one over 32 KB is.
const mostShown = 10_000

func (c *Chat) history(conversation string) (list []wire.Message) {
	for _, r := range slices.Backward(c.replies) {
		if r.Conversation != conversation {
			continue
		}
		if r.Ended {
			list = append(list, wire.Message{Role: "assistant", Text: string(r.text[:min(r.made, mostShown)]), Reply: r.Reply, Length: r.made, Stop: r.End.Stop})
		}
		list = append(list, wire.Message{Role: "user", Text: r.Prompt, Reply: r.Reply, Length: len([]rune(r.Prompt))})
	}
	return list
}

// String tells about a post in one line.
func (p Post) String() string {
	return fmt.Sprintf("%d %s", p.Conn, strings.TrimSpace(string(wire.EncodeFrame(p.Frame))))
}
