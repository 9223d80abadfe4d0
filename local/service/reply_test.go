package service_test

import (
	"strings"
	"testing"
	"time"

	"kaiwa/local/stack"
	"kaiwa/pkg/frame"
	"kaiwa/pkg/wire"
)

// TestResume: the same reply on another connection, from the middle and from the
// beginning, while it runs and after it has ended; every socket gets all of it.
func TestResume(t *testing.T) {
	s := service(t, nil, nil)
	const prompt = "@demo tokens=150 every=20ms first=50ms lang=ja"
	want := said(t, prompt)
	one := dial(t, s, "?user=ann")
	accepted := one.ask(wire.SendMessage{ID: "p1", Text: prompt})
	var first frame.Join
	for first.Held() < 30 {
		d := until[wire.Delta](one)
		first.Delta(d.Offset, d.Text)
	}
	two, three := dial(t, s, "?user=ann"), dial(t, s, "?user=ann")
	two.send(wire.Resume{Reply: accepted.Reply, Offset: first.Held()})
	three.send(wire.Resume{Conversation: accepted.Conversation})
	d := until[wire.Delta](two)
	if d.Offset != first.Held() {
		t.Errorf("resumed from %d, want %d", d.Offset, first.Held())
	}
	var tail frame.Join
	tail.Delta(0, string([]rune(want)[:first.Held()]))
	tail.Delta(d.Offset, d.Text)
	var whole frame.Join
	for name, got := range map[string]*frame.Join{"the prompter": &first, "from the middle": &tail, "from the beginning": &whole} {
		p := map[string]*peer{"the prompter": one, "from the middle": two, "from the beginning": three}[name]
		if end := p.rest(accepted.Reply, got); got.Text() != want || end.Stop != wire.StopEndTurn {
			t.Errorf("%s holds %d of %d characters, end %+v", name, got.Held(), len([]rune(want)), end)
		}
	}
	four := dial(t, s, "?user=ann")
	four.send(wire.Resume{Reply: accepted.Reply, Offset: 5})
	var late frame.Join
	late.Delta(0, string([]rune(want)[:5]))
	if four.rest(accepted.Reply, &late); late.Text() != want {
		t.Errorf("after the end: %d characters", late.Held())
	}
	stranger := dial(t, s, "?user=bob")
	stranger.send(wire.Resume{Reply: accepted.Reply})
	if e, ok := stranger.next().(wire.Error); !ok || e.Code != wire.CodeNotFound {
		t.Errorf("a stranger gets %+v", e)
	}
}

// TestStop: any connection of the user stops a reply within about a second, the
// text is kept and the next prompt goes on from it.
func TestStop(t *testing.T) {
	s := service(t, nil, nil)
	const prompt = "@demo tokens=5000 every=10ms first=50ms"
	one, two := dial(t, s, "?user=ann"), dial(t, s, "?user=ann")
	a := one.ask(wire.SendMessage{ID: "p1", Text: prompt})
	var j frame.Join
	d := until[wire.Delta](one)
	j.Delta(d.Offset, d.Text)
	two.send(wire.Stop{Reply: a.Reply})
	end := one.rest(a.Reply, &j)
	if end.Stop != wire.StopStopped || j.Text() == "" || !strings.HasPrefix(said(t, prompt), j.Text()) {
		t.Errorf("end %+v with %d characters", end, j.Held())
	}
	if got := s.Stats().Model; got.Cancelled != 1 {
		t.Errorf("the model was not stopped: %+v", got)
	}
	b := one.ask(wire.SendMessage{ID: "p2", Text: "what did I say before?"})
	var next frame.Join
	if one.rest(b.Reply, &next); b.Conversation != a.Conversation || !strings.Contains(next.Text(), "@demo") {
		t.Errorf("the next reply knows nothing of it: %q", next.Text())
	}
	one.send(wire.History{})
	page := until[wire.HistoryPage](one)
	if len(page.Messages) != 4 || page.Messages[2].Text != j.Text() || page.Messages[2].Stop != wire.StopStopped {
		t.Errorf("history %+v", page.Messages)
	}
}

// TestBig: one delta of 500,000 characters, and prompts in several frames and
// parts, two of them on one socket with their parts mixed.
func TestBig(t *testing.T) {
	s := service(t, nil, nil)
	p := dial(t, s, "")
	for _, prompt := range []string{"@demo size=500000 first=10ms", "@demo size=100000 first=10ms lang=ja", "@demo size=60000 first=10ms escape=1"} {
		a := p.ask(wire.SendMessage{ID: prompt, Text: prompt})
		var j frame.Join
		if p.rest(a.Reply, &j); j.Text() != said(t, prompt) {
			t.Errorf("%s: %d characters arrived", prompt, j.Held())
		}
	}
	frames := wire.SendMessage{ID: "frames", Text: strings.Repeat("多", 30000)} // 90 KB: three frames
	p.send(frames)
	var j frame.Join
	p.rest(p.ref().Reply, &j)
	one := parts(t, wire.SendMessage{ID: "parts1", Conversation: wire.NewConversation, Text: strings.Repeat("0123456789", 40000)})
	two := parts(t, wire.SendMessage{ID: "parts2", Conversation: wire.NewConversation, Text: strings.Repeat("\x01語", 30000)})
	for i := max(len(one), len(two)) - 1; i >= 0; i-- { // backwards, mixed, each twice but the completing ones
		for _, set := range [][]wire.SendMessage{one, two} {
			if i < len(set) {
				p.send(set[i])
				if i > 0 {
					p.send(set[i])
				}
			}
		}
	}
	ended := map[string]bool{}
	for len(ended) < 2 {
		if e := until[wire.End](p); e.Saved {
			ended[e.ID] = e.Stop == wire.StopEndTurn
		}
	}
	if !ended["parts1"] || !ended["parts2"] {
		t.Errorf("ended %v", ended)
	}
	// The newest page holds the answer, the next the prompt, cut to the page's 32 KB
	// with its whole length told.
	p.send(wire.History{Limit: 1})
	answer := until[wire.HistoryPage](p)
	p.send(wire.History{Limit: 1, Before: answer.Before})
	page := until[wire.HistoryPage](p)
	if n := page.Messages[0].Length; page.Messages[0].Role != "user" || n != 400_000 && n != 60_000 {
		t.Errorf("the stored prompt is %s's with %d characters", page.Messages[0].Role, n)
	}
}

func parts(t *testing.T, m wire.SendMessage) []wire.SendMessage {
	t.Helper()
	list, err := frame.Parts(m, wire.MaxMessage)
	if err != nil || len(list) < 2 {
		t.Fatalf("%d parts, %v", len(list), err)
	}
	return list
}

// TestFaults: whatever the gateway, the table and Lambda do, the reply arrives
// whole.
func TestFaults(t *testing.T) {
	s := service(t, nil, nil)
	for _, text := range []string{
		"post.delay=20ms,post.429=1/3", "post.500=1/4", "post.410=7", "ddb.throttle=1/5", "ddb.lost=1/9", "invoke.duplicate=1/1",
		"post.delay=20ms,post.429=1/5,post.500=1/7,ddb.throttle=1/9,invoke.duplicate=1/2",
	} {
		t.Run(text, func(t *testing.T) {
			const prompt = "@demo tokens=120 every=5ms first=20ms"
			p := dial(t, s, "?user="+strings.NewReplacer("=", "", ",", "", "/", "", ".", "").Replace(text))
			use(t, s, text)
			defer s.UseFaults(nil)
			a := p.ask(wire.SendMessage{ID: "p", Text: prompt})
			if text == "post.410=7" { // told gone though it is not: a message brings it back
				back := time.AfterFunc(700*time.Millisecond, func() { p.send(wire.Resume{Reply: a.Reply}) })
				defer back.Stop()
			}
			p.send(wire.Resume{Reply: a.Reply})
			var j frame.Join
			if end := p.rest(a.Reply, &j); j.Text() != said(t, prompt) || end.Stop != wire.StopEndTurn {
				t.Errorf("%d characters, end %+v", j.Held(), end)
			}
		})
	}
}

// TestModelFaults: each way the model fails is a typed error and an honest end,
// with what came before it.
func TestModelFaults(t *testing.T) {
	t.Parallel() // it mostly waits
	s := service(t, nil, nil)
	p := dial(t, s, "")
	tests := map[string]wire.Code{
		"error=throttling@20": wire.CodeModelThrottled, "error=internal@20": wire.CodeModelError, "error=modelStream@20": wire.CodeModelError,
		"error=validation@20": wire.CodeModelError, "error=unavailable@20": wire.CodeUnavailable, "cut@20": wire.CodeModelError,
		"error=throttling@0": wire.CodeModelThrottled, "error=accessDenied@0": wire.CodeModelError,
	}
	for knob, code := range tests {
		t.Run(knob, func(t *testing.T) {
			prompt := "@demo tokens=60 every=2ms first=10ms "
			a := p.ask(wire.SendMessage{ID: knob, Conversation: wire.NewConversation, Text: prompt + knob})
			var j frame.Join
			var failed wire.Error
			for {
				switch f := p.next().(type) {
				case wire.Delta:
					j.Delta(f.Offset, f.Text)
				case wire.Error:
					failed = f
				case wire.End:
					if f.Stop != wire.StopInterrupted || !f.Saved || f.Length != j.Held() || failed.Reply != a.Reply {
						t.Errorf("end %+v after %+v, %d held", f, failed, j.Held())
					}
					if failed.Code != code && !(code == wire.CodeModelError && failed.Code == wire.CodeUnavailable) {
						t.Errorf("error %+v, want %s", failed, code)
					}
					if !strings.HasPrefix(said(t, prompt), j.Text()) || strings.HasSuffix(knob, "@20") && j.Text() == "" {
						t.Errorf("kept %q", j.Text())
					}
					return
				}
			}
		})
	}
}

// TestNeverSilent is the thirty-second promise, six times as fast: the gateway
// closes what is idle for 5 s, the model says nothing for 7 s and stalls for 12.
func TestNeverSilent(t *testing.T) {
	t.Parallel() // it mostly waits
	s := service(t, map[string]string{"KeepaliveSeconds": "3"}, &stack.Options{Idle: 5 * time.Second})
	p := dial(t, s, "")
	const prompt = "@demo tokens=30 every=10ms first=7s stall=12s@10"
	a := p.ask(wire.SendMessage{ID: "p", Text: prompt})
	var j frame.Join
	if end := p.rest(a.Reply, &j); j.Text() != said(t, prompt) || end.Stop != wire.StopEndTurn {
		t.Errorf("%d characters, end %+v", j.Held(), end)
	}
}

// TestKilled: the function dies in the middle; the client hears an honest end, and
// the conversation goes on.
func TestKilled(t *testing.T) {
	t.Parallel() // it mostly waits
	s := service(t, nil, &stack.Options{AsyncRetry: 16 * time.Second})
	p := dial(t, s, "")
	p.send(wire.SendMessage{ID: "warm", Text: "hello"})
	var warm frame.Join
	p.rest(p.ref().Reply, &warm)
	const prompt = "@demo tokens=2000 every=10ms first=20ms"
	use(t, s, "invoke.kill=2") // the first invocation is sendmessage's, the second the reply
	a := p.ask(wire.SendMessage{ID: "p", Text: prompt})
	var j frame.Join
	end := p.rest(a.Reply, &j)
	s.UseFaults(nil)
	if end.Stop != wire.StopInterrupted || !strings.HasPrefix(said(t, prompt), j.Text()) {
		t.Errorf("end %+v with %d characters", end, j.Held())
	}
	p.send(wire.SendMessage{ID: "q", Text: "hello again"})
	var k frame.Join
	if end := p.rest(p.ref().Reply, &k); end.Stop != wire.StopEndTurn {
		t.Errorf("the conversation does not go on: %+v", end)
	}
}
