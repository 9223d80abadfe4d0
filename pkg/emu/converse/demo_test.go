package converse_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kaiwa/pkg/emu/converse"
)

const ms = time.Millisecond

func TestPace(t *testing.T) {
	for _, test := range []struct {
		prompt string
		want   []time.Duration // of each delta, then of the End if there is one
	}{
		{"@demo tokens=3 every=6ms first=35s", []time.Duration{35000 * ms, 35006 * ms, 35012 * ms, 35012 * ms}},
		{"@demo tokens=3", []time.Duration{200 * ms, 220 * ms, 240 * ms, 240 * ms}},
		{"@demo tokens=3 every=0s first=0s", []time.Duration{0, 0, 0, 0}},
		{"@demo tokens=0 first=1s", []time.Duration{1000 * ms}},
		{"@demo size=900 first=1s", []time.Duration{1000 * ms, 1000 * ms}},
		{"@demo tokens=4 every=10ms first=0s stall=60s@2", []time.Duration{0, 10 * ms, 60020 * ms, 60030 * ms, 60030 * ms}},
		{"@demo tokens=2 every=10ms first=0s stall=60s@2", []time.Duration{0, 10 * ms, 60010 * ms}},
		{"@demo tokens=2 every=10ms first=5ms stall=60s@0", []time.Duration{60005 * ms, 60015 * ms, 60015 * ms}},
		{"@demo tokens=2 every=10ms first=0s stall=60s@3", []time.Duration{0, 10 * ms, 10 * ms}},
		{"@demo tokens=9 every=10ms first=0s cut@2", []time.Duration{0, 10 * ms}},
	} {
		synctest.Test(t, func(t *testing.T) {
			_, at, err := demoAt(t.Context(), request(test.prompt))
			if !slices.Equal(at, test.want) || err != nil {
				t.Errorf("%s: %v, %v; want %v", test.prompt, at, err, test.want)
			}
		})
	}
}

// TestPaceDoesNotDrift: a slow reader delays tokens, but not those after it has caught up.
func TestPaceDoesNotDrift(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		began := time.Now()
		err := converse.Demo().Stream(t.Context(), request("@demo tokens=200 every=6ms first=0s"), func(converse.Event) error {
			at = append(at, time.Since(began))
			if len(at)%20 == 1 {
				<-time.After(50 * ms)
			} else {
				<-time.After(ms)
			}
			return nil
		})
		if err != nil || at[199] != 199*6*ms {
			t.Errorf("token 199 at %v, %v; want %v", at[199], err, 199*6*ms)
		}
	})
}

func TestDemoErrorTiming(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		events, at, err := demoAt(t.Context(), request("@demo tokens=9 every=10ms first=1s error=throttling@3"))
		var e *converse.Error
		if !errors.As(err, &e) || e.Exception != converse.Throttling || len(events) != 3 || at[2] != 1020*ms || time.Since(began) != at[2] {
			t.Errorf("%d events, %v, %v", len(events), at, err)
		}
		began = time.Now()
		if _, _, err = demoAt(t.Context(), request("@demo first=1h error=internal@0")); err == nil || time.Since(began) != 0 {
			t.Errorf("refused with %v after %v", err, time.Since(began))
		}
	})
}

func TestDemoStopsAtOnce(t *testing.T) {
	for _, prompt := range []string{"@demo first=1h", "@demo first=0s every=1h", "@demo first=0s every=0s stall=1h@9", "hello"} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 100*ms)
			defer cancel()
			began := time.Now()
			_, _, err := demoAt(ctx, request(prompt))
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 100*ms {
				t.Errorf("%s: %v after %v", prompt, err, time.Since(began))
			}
		})
	}
	full := errors.New("full")
	calls := 0
	err := converse.Demo().Stream(t.Context(), request("@demo first=0s"), func(converse.Event) error { calls++; return full })
	if !errors.Is(err, full) || calls != 1 {
		t.Errorf("a failing emit: %v after %d calls", err, calls)
	}
}

func TestDemoEnds(t *testing.T) {
	whole := converse.Text(converse.Knobs{Tokens: 40, Seed: 1})
	for _, test := range []struct {
		name, prompt string
		change       func(*converse.Request)
		text, reason string
		output       int
	}{
		{"all", "@demo tokens=40", nil, whole, "end_turn", 40},
		{"stop", "@demo tokens=40 stop=max_tokens", nil, whole, "max_tokens", 40},
		{"maxTokens", "@demo tokens=40", func(r *converse.Request) { r.MaxTokens = 5 }, "Light travels far, sound", "max_tokens", 5},
		{"maxTokens enough", "@demo tokens=40", func(r *converse.Request) { r.MaxTokens = 40 }, whole, "end_turn", 40},
		{"stop sequence", "@demo tokens=40", func(r *converse.Request) { r.StopSequences = []string{"both", "sound tr"} }, "Light travels far, ", "stop_sequence", 5},
		{"stop sequence first", "@demo tokens=40", func(r *converse.Request) { r.StopSequences = []string{"Light"} }, "", "stop_sequence", 0},
		{"stop sequence absent", "@demo tokens=40", func(r *converse.Request) { r.StopSequences = []string{"dragon"} }, whole, "end_turn", 40},
		{"stop sequence too late", "@demo tokens=40", func(r *converse.Request) { r.MaxTokens, r.StopSequences = 2, []string{"sound"} }, "Light travels", "max_tokens", 2},
		{"huge", "@demo size=40", func(r *converse.Request) { r.MaxTokens = 1 }, converse.Text(converse.Knobs{Size: 40, Seed: 1}), "end_turn", 10},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				req := request(test.prompt)
				if test.change != nil {
					test.change(&req)
				}
				events, _, err := demoAt(t.Context(), req)
				if err != nil {
					t.Fatal(err)
				}
				var text strings.Builder
				for _, e := range events[:len(events)-1] {
					text.WriteString(e.(converse.Delta).Text)
				}
				end := events[len(events)-1].(converse.End)
				if text.String() != test.text || end.Reason != test.reason || end.Usage.Output != test.output {
					t.Errorf("%q %s %d\nwant %q %s %d", text.String(), end.Reason, end.Usage.Output, test.text, test.reason, test.output)
				}
			})
		})
	}
}

func TestUsage(t *testing.T) {
	text := func(s string) converse.Block { return converse.Block{Text: s} }
	point := converse.Block{CachePoint: true}
	message := func(role string, blocks ...converse.Block) converse.Message {
		return converse.Message{Role: role, Content: blocks}
	}
	const prompt = "@demo tokens=0 first=0s" // 23 characters are 6 tokens, and a message is 3 more
	for _, test := range []struct {
		name string
		req  converse.Request
		want converse.Usage
	}{
		{"plain", converse.Request{Messages: []converse.Message{message("user", text(prompt))}}, converse.Usage{Input: 9}},
		{"japanese", converse.Request{System: []converse.Block{text("日本語ok")}, Messages: []converse.Message{message("user", text(prompt))}}, converse.Usage{Input: 13}},
		{"first turn writes", converse.Request{System: []converse.Block{text("12345678"), point}, Messages: []converse.Message{message("user", text(prompt))}},
			converse.Usage{Input: 9, CacheWrite: 2, Cached: true}},
		{"later turns read", converse.Request{System: []converse.Block{text("12345678"), point},
			Messages: []converse.Message{message("user", text("a")), message("assistant", text("b")), message("user", text(prompt))}},
			converse.Usage{Input: 17, CacheRead: 2, Cached: true}},
		{"and write what is new", converse.Request{System: []converse.Block{text("12345678"), point},
			Messages: []converse.Message{message("user", text("a")), message("assistant", text("b"), point), message("user", text(prompt))}},
			converse.Usage{Input: 9, CacheRead: 6, CacheWrite: 4, Cached: true}},
		{"nothing before the point", converse.Request{System: []converse.Block{point}, Messages: []converse.Message{message("user", text(prompt))}},
			converse.Usage{Input: 9, Cached: true}},
	} {
		events, _, err := demoAt(t.Context(), test.req)
		if err != nil {
			t.Fatal(err)
		}
		if got := events[0].(converse.End).Usage; got != test.want {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
	}
}
