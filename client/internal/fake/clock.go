package fake

import (
	"maps"
	"slices"
	"time"

	"kaiwa/pkg/wire"
)

const (
	keepalive = 20 * time.Second
	durable   = 3 * time.Second // from an unsaved end to the saved one
)

// Tick makes what is due and gives what is to be posted.
func (c *Chat) Tick(now time.Time) []Post {
	c.now = now
	for _, r := range c.replies {
		c.advance(r)
	}
	return c.take()
}

// Next is when Tick has something to do, zero if nothing is to come.
func (c *Chat) Next() (at time.Time) {
	first := func(t time.Time) {
		if at.IsZero() || t.Before(at) {
			at = t
		}
	}
	for _, r := range c.replies {
		if r.over() {
			continue
		}
		if !r.script.Hang || r.made < len(r.text) {
			first(r.at)
		}
		for _, l := range r.listeners {
			first(l.told.Add(keepalive))
		}
	}
	return at
}

// over says that nothing more comes of r by itself.
func (r *Reply) over() bool { return r.Ended && r.End.Saved }

// advance makes the pieces that are due.
func (c *Chat) advance(r *Reply) {
	for !r.Ended && r.made < len(r.text) && !r.at.After(c.now) {
		n := r.script.Piece
		if n <= 0 {
			n = len(r.text)
		}
		r.made = min(r.made+n, len(r.text))
		r.at = r.at.Add(r.script.Every)
	}
	if r.over() {
		return
	}
	if r.Ended && !r.at.After(c.now) {
		r.made -= min(r.script.Lose, r.made)
		r.End.Length, r.End.Saved = r.made, true
		c.tell(r, r.End)
		return
	}
	for _, conn := range slices.Sorted(maps.Keys(r.listeners)) {
		l := r.listeners[conn]
		c.flush(conn, r, l)
		if c.now.Sub(l.told) >= keepalive {
			c.post(conn, wire.Keepalive{Ref: r.Ref, Waited: int(c.now.Sub(l.told) / time.Second)})
			l.told = c.now
		}
	}
	if !r.Ended && r.made == len(r.text) && !r.script.Hang && !r.at.After(c.now) {
		c.finish(r, r.script.Stop)
	}
}

// finish ends r where it is.
func (c *Chat) finish(r *Reply, stop string) {
	if stop == "" {
		stop = wire.StopEndTurn
	}
	if e := r.script.Fail; e.Code != "" {
		e.ID, e.Reply, stop = r.ID, r.Reply, wire.StopInterrupted
		c.tell(r, e)
	}
	r.Ended, r.at = true, c.now.Add(durable)
	r.End = wire.End{Ref: r.Ref, Length: r.made, Saved: !r.script.Unsaved, Stop: stop, Usage: r.script.Usage, Timing: r.script.Timing}
	c.tell(r, r.End)
}

// tell posts a frame to everybody who listens.
func (c *Chat) tell(r *Reply, f wire.Frame) {
	for _, conn := range slices.Sorted(maps.Keys(r.listeners)) {
		c.post(conn, f)
	}
}
