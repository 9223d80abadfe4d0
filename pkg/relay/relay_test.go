package relay_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/relay"
	"kaiwa/pkg/wire"
)

// TestSpeed holds the promises of DESIGN §6 in virtual time: what the design of
// the relay alone allows. go run ./local bench measures the same on the machine.
func TestSpeed(t *testing.T) {
	tests := map[string]struct {
		delay time.Duration
		fault func(string, int) error
		most  float64
	}{
		"no delay":        {0, nil, 1.06},
		"20 ms":           {20 * time.Millisecond, nil, 1.10},
		"50 ms":           {50 * time.Millisecond, nil, 1.15},
		"20 ms, 429 of 5": {20 * time.Millisecond, everyFifth, 1.20},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, g, m := newDesk("a"), newGateway(tt.delay), tokens(200, 6*time.Millisecond)
				g.fault = tt.fault
				if err := run(t, d, g, m, nil, 15*time.Minute); err != nil {
					t.Fatal(err)
				}
				got := g.got["a"]
				ratio := float64(got[len(got)-1].at-got[0].at) / float64(199*6*time.Millisecond)
				if ratio > tt.most {
					t.Errorf("first delta to end is %.3f of the model's time, want at most %.2f", ratio, tt.most)
				}
				if first := got[0].at - 6*time.Millisecond - tt.delay; first > 0 {
					t.Errorf("first delta came %v late", first)
				}
				seconds := float64(got[len(got)-1].at) / float64(time.Second)
				if n := float64(g.calls["a"]); tt.fault == nil && n > 25*seconds+2 {
					t.Errorf("%v posts in %.2f s", n, seconds)
				}
				text, end := g.held(t, "a")
				if text != m.text() || end == nil || end.Stop != wire.StopEndTurn || !end.Saved {
					t.Errorf("held %d of %d bytes, end %+v", len(text), len(m.text()), end)
				}
				t.Logf("ratio %.3f, %d posts", ratio, g.calls["a"])
			})
		})
	}
}

func everyFifth(_ string, n int) error {
	if n%5 == 0 {
		return chat.E(chat.RateLimited, "slow down")
	}
	return nil
}

// TestSlowListener: a slow post slows neither the model's reader nor another
// listener.
func TestSlowListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, g, m := newDesk("fast", "slow"), newGateway(0), tokens(200, 6*time.Millisecond)
		p := &uneven{gateway: g, slow: "slow", delay: 900 * time.Millisecond}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := relay.New(d, m, p, nil).Run(ctx, "r"); err != nil {
			t.Fatal(err)
		}
		fast := g.got["fast"]
		if last := fast[len(fast)-1].at; last > 1300*time.Millisecond {
			t.Errorf("the fast listener had its end at %v", last)
		}
		for _, c := range []string{"fast", "slow"} {
			if text, end := g.held(t, c); text != m.text() || end == nil {
				t.Errorf("%s holds %d of %d bytes", c, len(text), len(m.text()))
			}
		}
		if n := g.calls["slow"]; n > 5 {
			t.Errorf("the slow listener took %d posts: nothing was merged", n)
		}
	})
}

type uneven struct {
	*gateway
	slow  string
	delay time.Duration
}

func (u *uneven) Post(ctx context.Context, conn string, data []byte) error {
	if conn == u.slow {
		if err := wait(ctx, u.delay); err != nil {
			return err
		}
	}
	return u.gateway.Post(ctx, conn, data)
}

func TestNeverSilent(t *testing.T) {
	for _, mode := range []string{"a", "plain:a"} {
		t.Run(mode, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := script{{after: 35 * time.Second, chunk: chat.Chunk{Text: "at last. "}}, {after: time.Minute, chunk: chat.Chunk{Text: "more"}},
					{chunk: chat.Chunk{Stop: wire.StopEndTurn}}}
				d, g := newDesk(mode), newGateway(10*time.Millisecond)
				if err := run(t, d, g, m, nil, 15*time.Minute); err != nil {
					t.Fatal(err)
				}
				var last time.Duration
				for _, p := range g.got["a"] {
					if p.at-last > 30*time.Second {
						t.Errorf("silent from %v to %v", last, p.at)
					}
					last = p.at
				}
				if mode == "plain:a" && g.got["a"][0].data != "… waiting 20 s" {
					t.Errorf("first line is %q", g.got["a"][0].data)
				}
			})
		})
	}
}

// TestEnds is every way a reply can end, and what the listener is told.
func TestEnds(t *testing.T) {
	throttled := &chat.Error{Kind: chat.ModelThrottled, Message: "busy"}
	tests := map[string]struct {
		model script
		wish  time.Duration
		stop  string
		code  wire.Code
		text  string
	}{
		"complete":             {model: tokens(2, time.Millisecond), stop: "end_turn", text: "tok0 tok1 "},
		"max_tokens":           {model: script{{chunk: chat.Chunk{Text: "a"}}, {chunk: chat.Chunk{Stop: "max_tokens"}}}, stop: "max_tokens", text: "a"},
		"refused at once":      {model: script{{err: throttled}}, stop: "interrupted", code: wire.CodeModelThrottled},
		"fails in the middle":  {model: script{{chunk: chat.Chunk{Text: "half"}}, {err: throttled}}, stop: "interrupted", code: wire.CodeModelThrottled, text: "half"},
		"cut without an error": {model: script{{chunk: chat.Chunk{Text: "half"}}, {err: io.EOF}}, stop: "interrupted", code: wire.CodeModelError, text: "half"},
		"stopped":              {model: tokens(5000, 5*time.Millisecond), wish: 700 * time.Millisecond, stop: "stopped", text: "*"},
		"usage never comes":    {model: script{{chunk: chat.Chunk{Text: "a"}}, {chunk: chat.Chunk{Stop: "end_turn"}}, {after: time.Hour}}, stop: "end_turn", text: "a"},
		"out of time":          {model: script{{chunk: chat.Chunk{Text: "a"}}, {after: time.Hour}}, stop: "interrupted", code: wire.CodeUnavailable, text: "a"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, g := newDesk("a"), newGateway(5*time.Millisecond)
				if tt.wish > 0 {
					time.AfterFunc(tt.wish, d.wish)
				}
				if err := run(t, d, g, tt.model, nil, 5*time.Minute); err != nil {
					t.Fatal(err)
				}
				text, end := g.held(t, "a")
				switch {
				case end == nil || end.Stop != tt.stop || end.Length != len([]rune(text)) || !end.Saved:
					t.Errorf("end is %+v", end)
				case tt.text == "*" && (text == "" || !strings.HasPrefix(tt.model.text(), text)), tt.text != "*" && text != tt.text:
					t.Errorf("text is %q", text)
				case d.stored() != text || d.reply.State != chat.Ended || d.reply.EndStop != tt.stop:
					t.Errorf("stored %s %s %q", d.reply.State, d.reply.EndStop, d.stored())
				case tt.wish > 0 && g.got["a"][len(g.got["a"])-1].at > tt.wish+1200*time.Millisecond:
					t.Errorf("stopped after %v", g.got["a"][len(g.got["a"])-1].at)
				}
				var code wire.Code
				for _, f := range g.frames(t, "a") {
					if e, ok := f.(wire.Error); ok {
						code = e.Code
						if e.Reply != "r" || e.ID != "p" {
							t.Errorf("error names nothing: %+v", e)
						}
					}
				}
				if code != tt.code {
					t.Errorf("error code %q, want %q", code, tt.code)
				}
			})
		})
	}
}

func TestGone(t *testing.T) {
	gone := func(_ string, n int) error {
		if n >= 3 {
			return chat.ErrGone
		}
		return nil
	}
	t.Run("finish goes on", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d, g, m := newDesk("a"), newGateway(0), tokens(2000, 10*time.Millisecond)
			g.fault = gone
			if err := run(t, d, g, m, nil, time.Minute); err != nil {
				t.Fatal(err)
			}
			if g.calls["a"] != 3 || len(d.gone) != 1 {
				t.Errorf("%d posts, %d removals, want 3 and 1", g.calls["a"], len(d.gone))
			}
			if d.stored() != m.text() || d.reply.EndStop != "end_turn" {
				t.Errorf("stored %d of %d bytes, %s", len(d.stored()), len(m.text()), d.reply.EndStop)
			}
		})
	})
	t.Run("abort stops the model", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d, g := newDesk("a"), newGateway(0)
			g.fault = gone
			begun := time.Now()
			if err := run(t, d, g, tokens(20000, 10*time.Millisecond), &relay.Options{Policy: relay.Abort}, 10*time.Minute); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(begun); took < 5*time.Second || took > 8*time.Second || d.reply.EndStop != "interrupted" {
				t.Errorf("ended %s after %v", d.reply.EndStop, took)
			}
		})
	})
	for name, at := range map[string]time.Duration{
		"a late listener keeps it alive":                            4500 * time.Millisecond,
		"so does one that comes after the last tick before the end": 5500 * time.Millisecond,
	} {
		t.Run(name, func(t *testing.T) { keptAlive(t, at) })
	}
}

// keptAlive: a listener that registers at a time keeps a reply that would be
// aborted.
func keptAlive(t *testing.T, at time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		d, g, m := newDesk("a"), newGateway(0), tokens(1000, 10*time.Millisecond)
		g.fault = func(conn string, n int) error {
			if conn == "a" && n >= 3 {
				return chat.ErrGone
			}
			return nil
		}
		time.AfterFunc(at, func() { d.listen("b", 7) })
		if err := run(t, d, g, m, &relay.Options{Policy: relay.Abort}, time.Minute); err != nil {
			t.Fatal(err)
		}
		first, ok := g.frames(t, "b")[0].(wire.Delta)
		if !ok || first.Offset != 7 || d.reply.EndStop != "end_turn" {
			t.Errorf("first frame %+v, ended %s", first, d.reply.EndStop)
		}
	})
}

// TestResume: a connection that registers again gets the text from its offset,
// or a sign of life, at the next tick.
func TestResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := append(tokens(100, 10*time.Millisecond)[:100], step{after: 4 * time.Second, chunk: chat.Chunk{Stop: "end_turn"}})
		d, g := newDesk("a"), newGateway(0)
		time.AfterFunc(2500*time.Millisecond, func() { d.listen("a", len(m.text())) }) // has all
		time.AfterFunc(2600*time.Millisecond, func() { d.listen("b", 0) })             // has nothing
		if err := run(t, d, g, m, nil, time.Minute); err != nil {
			t.Fatal(err)
		}
		answered := false
		for i, f := range g.frames(t, "a") {
			if _, ok := f.(wire.Keepalive); ok {
				answered = g.got["a"][i].at < 3600*time.Millisecond
			}
		}
		if !answered {
			t.Error("a resume that misses nothing got no answer")
		}
		if text, end := g.held(t, "b"); text != m.text() || end == nil {
			t.Errorf("b holds %d bytes, end %v", len(text), end)
		}
	})
}

// TestLastMoment: a listener that registers after the last tick is in the image
// of the end's own write, and is served from it to the end.
func TestLastMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := tokens(30, 10*time.Millisecond)
		d, g := newDesk("a"), newGateway(time.Millisecond)
		time.AfterFunc(250*time.Millisecond, func() { d.listen("b", 5) })
		if err := run(t, d, g, m, nil, time.Minute); err != nil {
			t.Fatal(err)
		}
		fs := g.frames(t, "b")
		if len(fs) < 2 {
			t.Fatalf("b got %d frames", len(fs))
		}
		first, _ := fs[0].(wire.Delta)
		_, ended := fs[len(fs)-1].(wire.End)
		if first.Offset != 5 || !ended {
			t.Errorf("first %+v, ended %t", fs[0], ended)
		}
	})
}

// TestRegisteredWhilePosting: a resume that arrives while a post is on its way
// sets the cursor; the post's outcome belongs to the old registration.
func TestRegisteredWhilePosting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := tokens(300, 10*time.Millisecond)
		d, g := newDesk("a"), newGateway(1500*time.Millisecond)
		time.AfterFunc(500*time.Millisecond, func() { d.listen("a", 0) })
		if err := run(t, d, g, m, nil, time.Minute); err != nil {
			t.Fatal(err)
		}
		from0 := 0
		for _, f := range g.frames(t, "a") {
			if d, ok := f.(wire.Delta); ok && d.Offset == 0 {
				from0++
			}
		}
		if text, _ := g.held(t, "a"); from0 != 2 || text != m.text() {
			t.Errorf("%d posts from 0, want 2: the resume was not served", from0)
		}
	})
}

func TestTable(t *testing.T) {
	t.Run("a table outage does not stop the words", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d, g, m := newDesk("a"), newGateway(0), tokens(900, 10*time.Millisecond)
			d.tickErr = func(int) error { return chat.E(chat.Unavailable, "down") }
			if err := run(t, d, g, m, nil, time.Minute); err != nil {
				t.Fatal(err)
			}
			got := g.got["a"]
			for i := 1; i < len(got); i++ {
				if gap := got[i].at - got[i-1].at; gap > 100*time.Millisecond {
					t.Errorf("a gap of %v at %v", gap, got[i].at)
				}
			}
		})
	})
	t.Run("an end that cannot be stored is told after 10 s, and again when it is", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d, g := newDesk("a"), newGateway(0)
			down := time.Now().Add(17 * time.Second)
			d.endErr = func() error {
				if time.Now().Before(down) {
					return chat.E(chat.Unavailable, "down")
				}
				return nil
			}
			if err := run(t, d, g, tokens(3, time.Millisecond), nil, 5*time.Minute); err != nil {
				t.Fatal(err)
			}
			var saved []bool
			for _, f := range g.frames(t, "a") {
				if e, ok := f.(wire.End); ok {
					saved = append(saved, e.Saved)
				}
			}
			if fmt.Sprint(saved) != "[false true]" {
				t.Errorf("ends saved: %v", saved)
			}
		})
	})
	t.Run("the durable end is not lost behind a slow unsaved one", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d, g := newDesk("a"), newGateway(4500*time.Millisecond)
			down := time.Now().Add(12 * time.Second) // while the unsaved end is on its way
			d.endErr = func() error {
				if time.Now().Before(down) {
					return chat.E(chat.Unavailable, "down")
				}
				return nil
			}
			if err := run(t, d, g, tokens(3, time.Millisecond), nil, 5*time.Minute); err != nil {
				t.Fatal(err)
			}
			if _, end := g.held(t, "a"); end == nil || !end.Saved {
				t.Errorf("last end %+v", end)
			}
		})
	})
	t.Run("an end that is never stored is an error, so that Lambda tries again", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d, g := newDesk("a"), newGateway(0)
			d.endErr = func() error { return chat.E(chat.Unavailable, "down") }
			if err := run(t, d, g, tokens(3, time.Millisecond), nil, time.Minute); err == nil {
				t.Error("no error")
			}
		})
	})
	t.Run("writes are few", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := script{}
			for range 1000 { // 100 bytes every 10 ms: 100 KB in 10 s
				m = append(m, step{after: 10 * time.Millisecond, chunk: chat.Chunk{Text: strings.Repeat("0123456789", 10)}})
			}
			m = append(m, step{chunk: chat.Chunk{Stop: "end_turn"}})
			d, g := newDesk("a"), newGateway(20*time.Millisecond)
			if err := run(t, d, g, m, nil, time.Minute); err != nil {
				t.Fatal(err)
			}
			writes, most := d.ticks+len(d.segments)+d.rewrites, 10+100_000/4096+1
			if writes > most || d.stored() != m.text() {
				t.Errorf("%d writes, want at most %d; stored %d bytes", writes, most, len(d.stored()))
			}
			if len(d.reply.Tail) > 4096 {
				t.Errorf("the tail is %d bytes", len(d.reply.Tail))
			}
		})
	})
	t.Run("another owner's end is told, not ours", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d, g := newDesk("a"), newGateway(0)
			time.AfterFunc(1500*time.Millisecond, func() {
				d.mu.Lock()
				defer d.mu.Unlock()
				d.reply.State, d.reply.EndStop, d.reply.EndBy = chat.Ended, "interrupted", "other"
			})
			if err := run(t, d, g, tokens(1000, 10*time.Millisecond), nil, time.Minute); err != nil {
				t.Fatal(err)
			}
			fs := g.frames(t, "a")
			end, ok := fs[len(fs)-1].(wire.End)
			if !ok || end.Stop != "interrupted" || end.Length != d.reply.Length {
				t.Errorf("last frame %+v, stored length %d", end, d.reply.Length)
			}
		})
	})
}

// TestForeign is what a second delivery of the event does.
func TestForeign(t *testing.T) {
	tests := map[string]struct {
		reply func(*chat.Reply)
		posts int
		state chat.State
	}{
		"ended: its end is posted":         {func(r *chat.Reply) { r.State, r.EndStop = chat.Ended, "end_turn" }, 1, chat.Ended},
		"running and live: nothing":        {func(r *chat.Reply) { r.State, r.Owner, r.Lease = chat.Running, "x", time.Now() }, 0, chat.Running},
		"running and expired: taken over":  {func(r *chat.Reply) { r.State, r.Owner, r.Lease = chat.Running, "x", time.Now().Add(-6*time.Second) }, 2, chat.Ended},
		"pending for too long: taken over": {func(r *chat.Reply) { r.Created = time.Now().Add(-121 * time.Second) }, 2, chat.Ended},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, g := newDesk("a"), newGateway(0)
				tt.reply(&d.reply)
				m := script{{chunk: chat.Chunk{Text: "generated twice"}}}
				if err := run(t, d, g, m, nil, time.Minute); err != nil {
					t.Fatal(err)
				}
				if n := len(g.got["a"]); n != tt.posts || d.reply.State != tt.state {
					t.Errorf("%d posts, state %s; want %d, %s", n, d.reply.State, tt.posts, tt.state)
				}
			})
		})
	}
}

func TestPlainMode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := script{}
		for _, s := range []string{"Hello", ", wor", "ld. How ", "are\n", "you", "。今日は", "良い天気。\x1b[2J", "last", " words"} {
			m = append(m, step{after: 100 * time.Millisecond, chunk: chat.Chunk{Text: s}})
		}
		m = append(m, step{chunk: chat.Chunk{Stop: "end_turn"}})
		d, g := newDesk("plain:a"), newGateway(time.Millisecond)
		if err := run(t, d, g, m, nil, time.Minute); err != nil {
			t.Fatal(err)
		}
		var lines []string
		for _, p := range g.got["a"] {
			lines = append(lines, p.data)
		}
		want := []string{"Hello, world.", "How are", "you。", "今日は良い天気。", "last words"}
		if strings.Join(lines, "|") != strings.Join(want, "|") {
			t.Errorf("lines %q, want %q", lines, want)
		}
	})
}
