// Package bench measures a running service against the model's own pace, beside
// the way most samples do it: one post per token. Both run in one process, one
// after the other, under the same delays and faults, so their ratio means
// something on a machine that is shared.
package bench

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"kaiwa/local/faults"
	"kaiwa/local/stack"
)

// Stack is the running service.
type Stack interface {
	URL() string
	Stats() stack.Stats
	UseFaults(p *faults.Plan)
}

// Options of a run. The zero value is the default.
type Options struct {
	// Tokens of a reply (200) and Every between them (6 ms).
	Tokens int
	Every  time.Duration
	// Rounds of each case (5); the medians are shown.
	Rounds int
}

// scenario is one line of the table, measured for kaiwa and for the baseline.
type scenario struct {
	faults     string
	concurrent int
}

var scenarios = []scenario{
	{"", 1},
	{"post.delay=20ms", 1},
	{"post.delay=50ms", 1},
	{"post.delay=20ms,post.429=1/5", 1},
	{"post.delay=20ms", 10},
	{"post.delay=20ms", 50},
}

// sample is one reply.
type sample struct {
	prompt time.Duration // prompt sent to first delta, less what the model itself took
	first  time.Duration // the model's first token to the first delta
	stream time.Duration // first delta to end
	model  time.Duration // the model's first to last token
	posts  float64
	over   float64 // bytes posted beyond the encoded text, per post
	writes float64 // table writes
}

// way is a way of getting a reply from the model to a socket.
type way struct {
	name string
	ask  func(ctx context.Context, s Stack, tag string, o Options) (sample, error)
}

// Run measures every scenario and prints a table to out.
func Run(ctx context.Context, s Stack, o Options, out io.Writer) error {
	if o.Tokens == 0 {
		o.Tokens = 200
	}
	if o.Every == 0 {
		o.Every = 6 * time.Millisecond
	}
	if o.Rounds == 0 {
		o.Rounds = 5
	}
	fmt.Fprintf(out, "%d tokens, one every %v; medians of %d rounds\n\n", o.Tokens, o.Every, o.Rounds)
	fmt.Fprintf(out, "%-30s %8s  %-14s %8s %9s %9s %7s %10s %7s\n", "faults", "replies", "way", "ratio", "first ms", "prompt ms", "posts", "+bytes/post", "writes")
	for _, sc := range scenarios {
		plan, err := faults.Parse(sc.faults)
		if err != nil {
			return err
		}
		for _, w := range []way{{"kaiwa", askKaiwa}, {"post per token", askPerToken}} {
			got, err := measure(ctx, s, sc, w, plan, o)
			if err != nil {
				return fmt.Errorf("%s, %d replies, %s: %w", sc.faults, sc.concurrent, w.name, err)
			}
			print(out, sc, w, got)
		}
	}
	return nil
}

func measure(ctx context.Context, s Stack, sc scenario, w way, plan *faults.Plan, o Options) ([]sample, error) {
	defer s.UseFaults(nil)
	var all []sample
	for round := range o.Rounds + 1 {
		s.UseFaults(plan)
		before := s.Stats()
		got := make([]sample, sc.concurrent)
		g, gctx := errgroup.WithContext(ctx)
		for i := range got {
			g.Go(func() (err error) {
				got[i], err = w.ask(gctx, s, fmt.Sprintf("b%d", time.Now().UnixNano()+int64(i)), o)
				return err
			})
		}
		if err := g.Wait(); err != nil {
			return nil, err
		}
		after := s.Stats()
		writes := float64(writesOf(after)-writesOf(before)) / float64(sc.concurrent)
		for i := range got {
			got[i].writes = writes
		}
		if round > 0 { // the first warms processes and connections up
			all = append(all, got...)
		}
	}
	return all, nil
}

func writesOf(s stack.Stats) int {
	n := 0
	for _, op := range []string{"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem"} {
		n += s.Table[op].Calls
	}
	return n
}

func print(out io.Writer, sc scenario, w way, got []sample) {
	name := sc.faults
	if name == "" {
		name = "none"
	}
	ms := func(f func(sample) time.Duration) float64 {
		return median(got, func(s sample) float64 { return float64(f(s)) / float64(time.Millisecond) })
	}
	fmt.Fprintf(out, "%-30s %8d  %-14s %8.3f %9.1f %9.1f %7.0f %10.0f %7.1f\n", name, sc.concurrent, w.name,
		median(got, func(s sample) float64 { return float64(s.stream) / float64(s.model) }),
		ms(func(s sample) time.Duration { return s.first }), ms(func(s sample) time.Duration { return s.prompt }),
		median(got, func(s sample) float64 { return s.posts }), median(got, func(s sample) float64 { return s.over }),
		median(got, func(s sample) float64 { return s.writes }))
}

func median(list []sample, f func(sample) float64) float64 {
	v := make([]float64, len(list))
	for i, s := range list {
		v[i] = f(s)
	}
	slices.Sort(v)
	return v[len(v)/2]
}
