package handler_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"kaiwa/pkg/frame"
	"kaiwa/pkg/wire"
)

// client is a device that keeps rule R12 to the letter.
type client struct {
	w    *world
	name string
	// conversation is shared by a user's devices: here the second learns it from
	// the first, as from a list.
	conversation *shared

	mu      sync.Mutex // protects following
	socket  *socket
	prompts []*prompt
	views   map[string]*view
	// attach: this device follows the conversation without a prompt of its own.
	attach   bool
	attached bool
	attachAt time.Time
	// receiveNothing is set once the device is judged.
	receiveNothing bool
}

type shared struct {
	mu sync.Mutex
	id string
}

func (s *shared) get() string   { s.mu.Lock(); defer s.mu.Unlock(); return s.id }
func (s *shared) set(id string) { s.mu.Lock(); defer s.mu.Unlock(); s.id = id }

// prompt is sent again under its id until it is accepted.
type prompt struct {
	id, text string
	accepted bool
	reply    string
	next     time.Time
	stop     bool // the user wants it stopped
}

// view is what one device holds of one reply.
type view struct {
	reply, conversation string
	join                frame.Join
	heard               time.Time
	resumed             time.Time
	tries               int
	gap, saved          bool
	wantStop            bool
	stopped             time.Time
}

func newClient(w *world, name string, conv *shared) *client {
	return &client{w: w, name: name, conversation: conv, views: map[string]*view{}}
}

func (c *client) send(r wire.Request) {
	if c.socket != nil {
		c.w.message(c.socket, wire.EncodeRequest(r))
	}
}

// connect opens a socket and picks up what is unfinished.
func (c *client) connect() {
	s := c.w.connect(c)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.socket = s
	c.attached = false
	c.w.logf("%s is %s", c.name, s.id)
	for _, v := range c.views {
		if !v.final() {
			c.resume(v)
		}
	}
	for _, p := range c.prompts {
		p.next = time.Now()
	}
}

// cut loses the socket; the gateway notices later.
func (c *client) cut() {
	c.mu.Lock()
	s := c.socket
	c.socket = nil
	c.mu.Unlock()
	if s == nil {
		return
	}
	c.w.logf("%s loses %s", c.name, s.id)
	c.w.mu.Lock()
	s.open = false
	c.w.mu.Unlock()
	after := c.w.between(0, 30*time.Second)
	c.w.wg.Go(func() {
		if pause(c.w.ctx, after) == nil {
			c.w.mu.Lock()
			s.gone = true
			c.w.mu.Unlock()
		}
	})
}

func (v *view) final() bool { return v.join.Final() && v.saved }

// resume is called with c.mu held.
func (c *client) resume(v *view) {
	if c.socket == nil {
		return
	}
	v.resumed = time.Now()
	v.tries++
	c.w.logf("%s resumes %.4s at %d", c.name, v.reply, v.join.Held())
	c.send(wire.Resume{Reply: v.reply, Offset: v.join.Held()})
}

func (c *client) view(ref wire.Ref) *view {
	v := c.views[ref.Reply]
	if v == nil {
		v = &view{reply: ref.Reply, conversation: ref.Conversation, heard: time.Now()}
		c.views[ref.Reply] = v
	}
	c.conversation.set(ref.Conversation)
	for _, p := range c.prompts {
		if p.id == ref.ID && !p.accepted {
			p.accepted, p.reply = true, ref.Reply
			v.wantStop = p.stop
		}
	}
	return v
}

// receive takes one frame from a socket, perhaps late, twice or out of order.
func (c *client) receive(s *socket, data []byte) {
	c.w.mu.Lock()
	open := s.open
	c.w.mu.Unlock()
	if !open {
		return
	}
	f, err := wire.DecodeFrame(data)
	if err != nil {
		c.w.bad("%s got %q: %v", c.name, data, err)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.receiveNothing {
		return
	}
	c.w.logf("%s gets %.120s", c.name, data)
	switch f := f.(type) {
	case wire.Accepted:
		c.heard(s, f.Ref)
	case wire.Keepalive:
		c.heard(s, f.Ref)
	case wire.Delta:
		v := c.heard(s, f.Ref)
		if _, gap := v.join.Delta(f.Offset, f.Text); gap {
			v.gap = true
		}
	case wire.End:
		v := c.heard(s, f.Ref)
		if f.Saved {
			c.w.model.ended(c.w, f)
			v.saved = true
		}
		if !v.join.End(f.Length, f.Saved) {
			v.gap = true
		}
	case wire.Error:
		c.refused(f)
	}
}

func (c *client) heard(s *socket, ref wire.Ref) *view {
	v := c.view(ref)
	v.heard, v.tries, v.gap = time.Now(), 0, false
	c.attached = c.attached || s == c.socket
	return v
}

func (c *client) refused(f wire.Error) {
	switch {
	case f.Code == wire.CodeBusy:
		for _, p := range c.prompts {
			if p.id == f.ID && !p.accepted {
				p.next = time.Now().Add(3 * time.Second)
			}
		}
	case f.Code == wire.CodeBadRequest, f.Code == wire.CodeInternal, f.Code == wire.CodeUnauthorized:
		c.w.bad("%s was told %+v", c.name, f)
	case f.Code == wire.CodeNotFound && f.Reply == "" && strings.Contains(f.Message, "no reply yet"):
		c.attached = true
	}
}

// ask queues a prompt.
func (c *client) ask(stop bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := fmt.Sprintf("%s-p%d", c.name, len(c.prompts))
	c.prompts = append(c.prompts, &prompt{id: id, text: "prompt " + id, next: time.Now(), stop: stop})
}

// tick does what the clock asks for.
func (c *client) tick() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.socket == nil {
		return
	}
	now := time.Now()
	for _, p := range c.prompts {
		if !p.accepted && !now.Before(p.next) {
			p.next = now.Add(wire.AcceptWithin)
			c.w.logf("%s sends %s", c.name, p.id)
			c.send(wire.SendMessage{ID: p.id, Text: p.text, Conversation: c.conversation.get()})
		}
	}
	for _, v := range c.views {
		if !v.final() {
			c.watch(v, now)
		}
	}
	if conv := c.conversation.get(); c.attach && !c.attached && conv != "" && now.Sub(c.attachAt) > 5*time.Second {
		c.attachAt = now
		c.send(wire.Resume{Conversation: conv})
	}
}

// watch is the silence rule, the gap rule and the stop rule.
func (c *client) watch(v *view, now time.Time) {
	since := now.Sub(v.resumed)
	switch {
	case v.gap && since > wire.ResumeEvery:
		c.resume(v)
	case v.tries > 0 && since > min(5*time.Second<<(v.tries-1), 20*time.Second):
		c.resume(v)
	case v.tries == 0 && now.Sub(v.heard) > wire.SilenceMax:
		c.resume(v)
	}
	if v.wantStop && now.Sub(v.stopped) > wire.StopEvery {
		v.stopped = now
		c.w.model.stopAsked(v.reply)
		c.send(wire.Stop{Reply: v.reply})
	}
}

// done tells whether the device has nothing left to wait for.
func (c *client) done() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, v := range c.views {
		if !v.final() {
			return false
		}
	}
	return !slices.ContainsFunc(c.prompts, func(p *prompt) bool { return !p.accepted })
}
