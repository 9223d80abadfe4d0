package relay_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/frame"
	"kaiwa/pkg/relay"
	"kaiwa/pkg/wire"
)

// desk is a table of one reply, kept by the rules, with no faults but those a
// test asks for.
type desk struct {
	mu       sync.Mutex
	reply    chat.Reply
	segments []chat.Segment
	ticks    int
	rewrites int
	tickErr  func(n int) error
	endErr   func() error
	gone     []string
	charged  []int
	recent   []chat.Message
}

func newDesk(listeners ...string) *desk {
	d := &desk{reply: chat.Reply{ID: "r", Conversation: "c", Prompt: "p", User: "u", State: chat.Pending, Created: time.Now(),
		Listeners: map[string]chat.Listener{}}}
	for _, l := range listeners {
		name, plain := strings.CutPrefix(l, "plain:")
		d.reply.N++
		mode := chat.ModeJSON
		if plain {
			mode = chat.ModePlain
		}
		d.reply.Listeners[name] = chat.Listener{N: d.reply.N, Mode: mode}
	}
	d.recent = []chat.Message{{Role: chat.User, Text: "hello"}}
	return d
}

func (d *desk) image() chat.Reply {
	r := d.reply
	r.Listeners = map[string]chat.Listener{}
	for k, v := range d.reply.Listeners {
		r.Listeners[k] = v
	}
	return r
}

func (d *desk) ClaimReply(_ context.Context, _, owner string) (chat.Reply, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.reply.Claimable(time.Now()) {
		return d.image(), chat.ErrLost
	}
	d.reply.State, d.reply.Owner, d.reply.Seq, d.reply.Lease = chat.Running, owner, 1, time.Now().Add(chat.Lease)
	return d.image(), nil
}

func (d *desk) write(p chat.Progress) error {
	if d.reply.State != chat.Running || d.reply.Owner != p.Owner || d.reply.Seq >= p.Seq {
		return chat.ErrLost
	}
	if p.Length < d.reply.Length {
		return fmt.Errorf("length shrinks from %d to %d", d.reply.Length, p.Length)
	}
	d.reply.Seq, d.reply.Lease, d.reply.Length, d.reply.Base, d.reply.Tail = p.Seq, p.Lease, p.Length, p.Base, p.Tail
	return nil
}

func (d *desk) Tick(_ context.Context, p chat.Progress) (chat.Reply, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ticks++
	if d.tickErr != nil {
		if err := d.tickErr(d.ticks); err != nil {
			return chat.Reply{}, err
		}
	}
	err := d.write(p)
	return d.image(), err
}

// End takes its time, as a table does: what was stopped hears of it meanwhile.
func (d *desk) End(ctx context.Context, e chat.Ending) (chat.Reply, error) {
	if err := wait(ctx, 5*time.Millisecond); err != nil {
		return chat.Reply{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.endErr != nil {
		if err := d.endErr(); err != nil {
			return chat.Reply{}, err
		}
	}
	if e.OnlyIfN != nil && *e.OnlyIfN != d.reply.N {
		return d.image(), chat.ErrMoved
	}
	if err := d.write(e.Progress); err != nil {
		return d.image(), err
	}
	d.reply.State, d.reply.EndStop, d.reply.EndBy, d.reply.Usage, d.reply.Timing = chat.Ended, e.Stop, e.Owner, e.Usage, e.Timing
	return d.image(), nil
}

func (d *desk) PutSegment(_ context.Context, _ string, s chat.Segment) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, old := range d.segments {
		if old.Base == s.Base { // one item: the longer text stays
			if s.Length > old.Length {
				d.segments[i] = s
			}
			d.rewrites++
			return nil
		}
	}
	d.segments = append(d.segments, s)
	return nil
}

func (d *desk) Recent(context.Context, string, int) ([]chat.Message, error) { return d.recent, nil }

func (d *desk) Takeover(_ context.Context, seen chat.Reply, by string) (chat.Reply, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	mine := d.reply.State == seen.State && d.reply.Seq == seen.Seq
	if mine {
		d.reply.State, d.reply.EndStop, d.reply.EndBy = chat.Ended, wire.StopInterrupted, by
	}
	return d.image(), mine, nil
}

func (d *desk) Text(_ context.Context, r chat.Reply, from, to int) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return string([]rune(d.stored())[from:to]), nil
}

func (d *desk) stored() string {
	var b strings.Builder
	for _, s := range d.segments {
		if s.Base == len([]rune(b.String())) && s.Base < d.reply.Base {
			b.WriteString(s.Text)
		}
	}
	return b.String() + d.reply.Tail
}

func (d *desk) Gone(_ context.Context, conn, _ string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gone = append(d.gone, conn)
	return nil
}

func (d *desk) Charge(_ context.Context, r chat.Reply, tokens int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r.ID != d.reply.ID || r.User != d.reply.User || r.Held != d.reply.Held {
		return fmt.Errorf("charged for %+v", r)
	}
	d.charged = append(d.charged, tokens)
	return errors.New("it is only logged")
}

// listen registers a connection, as resume does.
func (d *desk) listen(conn string, offset int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reply.N++
	d.reply.Listeners[conn] = chat.Listener{Offset: offset, N: d.reply.N, Mode: chat.ModeJSON}
}

func (d *desk) wish() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reply.StopWish = true
}

// post is one message that reached a listener.
type post struct {
	at   time.Duration
	data string
}

// gateway answers posts after a while; fault decides what goes wrong.
type gateway struct {
	mu    sync.Mutex
	begun time.Time
	delay time.Duration
	fault func(conn string, n int) error
	calls map[string]int
	got   map[string][]post
}

func newGateway(delay time.Duration) *gateway {
	return &gateway{begun: time.Now(), delay: delay, calls: map[string]int{}, got: map[string][]post{}}
}

func (g *gateway) Post(ctx context.Context, conn string, data []byte) error {
	g.mu.Lock()
	g.calls[conn]++
	n := g.calls[conn]
	g.mu.Unlock()
	if err := wait(ctx, g.delay); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.fault != nil {
		if err := g.fault(conn, n); err != nil {
			return err
		}
	}
	g.got[conn] = append(g.got[conn], post{time.Since(g.begun), string(data)})
	return nil
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// frames decodes what a listener got.
func (g *gateway) frames(t *testing.T, conn string) []wire.Frame {
	t.Helper()
	var list []wire.Frame
	for _, p := range g.got[conn] {
		f, err := wire.DecodeFrame([]byte(p.data))
		if err != nil {
			t.Fatalf("%q: %v", p.data, err)
		}
		list = append(list, f)
	}
	return list
}

// held is the text a listener has, and its end.
func (g *gateway) held(t *testing.T, conn string) (string, *wire.End) {
	t.Helper()
	var j frame.Join
	var end *wire.End
	for _, f := range g.frames(t, conn) {
		switch f := f.(type) {
		case wire.Delta:
			if end != nil {
				t.Errorf("%s: delta after end", conn)
			}
			j.Delta(f.Offset, f.Text)
		case wire.End:
			end = &f
			j.End(f.Length, f.Saved)
		}
	}
	return j.Text(), end
}

// script is a model that says what it is told, when it is told.
type script []step

type step struct {
	after time.Duration
	chunk chat.Chunk
	err   error
}

func (s script) Converse(ctx context.Context, _ chat.Prompt, each func(chat.Chunk)) error {
	for _, st := range s {
		if err := wait(ctx, st.after); err != nil {
			return err
		}
		if st.err != nil {
			if errors.Is(st.err, io.EOF) {
				return nil
			}
			return st.err
		}
		each(st.chunk)
	}
	return nil
}

func tokens(n int, every time.Duration) script {
	var s script
	for i := range n {
		s = append(s, step{after: every, chunk: chat.Chunk{Text: fmt.Sprintf("tok%d ", i)}})
	}
	return append(s, step{chunk: chat.Chunk{Stop: wire.StopEndTurn}}, step{chunk: chat.Chunk{Usage: &chat.Usage{Input: 3, Output: n}}})
}

func (s script) text() string {
	var b strings.Builder
	for _, st := range s {
		b.WriteString(st.chunk.Text)
	}
	return b.String()
}

func run(t *testing.T, d *desk, g *gateway, m relay.Model, o *relay.Options, within time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	return relay.New(d, m, g, o).Run(ctx, "r")
}
