// Package gateway measures emu/apigw: how many connections it holds and what each
// costs, and how fast it echoes, beside servers that do as little as possible. All
// of it happens in one run on one machine, and clients have a process of their own,
// so that the ratios mean something on a machine that is shared.
package gateway

import (
	"context"
	"fmt"
	"io"
	"runtime/debug"
	"time"

	"kaiwa/local/stack"
)

// Options of a run. The zero value is the default.
type Options struct {
	Idle        int           // connections that are only held (10,000)
	Connections int           // connections that echo (100)
	For         time.Duration // of each measurement (3 s)
	Rounds      int           // of each pair; the medians are shown (3)
	Function    []string      // the command line of the program echo
	Clients     []string      // the command line of a process that calls Load
}

// what is sent, and what the MOCK integration answers: about as long.
const (
	mockMessage = `{"action":"mock","text":"0123456789"}`
	echoMessage = `{"action":"echo","text":"0123456789"}`
)

// Run measures s, which runs template.yaml of this folder without throttles, and
// prints what it found to out.
func Run(ctx context.Context, s *stack.Stack, o Options, out io.Writer) error {
	if o.Idle == 0 {
		o.Idle = 10_000
	}
	if o.Connections == 0 {
		o.Connections = 100
	}
	if o.For == 0 {
		o.For = 3 * time.Second
	}
	if o.Rounds == 0 {
		o.Rounds = 3
	}
	r := runner{s, o, out}
	if err := r.idle(ctx); err != nil {
		return fmt.Errorf("idle connections: %w", err)
	}
	bare, err := startBare()
	if err != nil {
		return err
	}
	defer bare.close()
	fmt.Fprintf(out, "\n%d connections echo, %v each, medians of %d rounds\n\n", o.Connections, o.For, o.Rounds)
	fmt.Fprintf(out, "%-46s %10s %8s %8s %7s %7s\n", "", "echoes/s", "p50 ms", "p99 ms", "ratio", "target")
	if err := r.pair(ctx, "bare coder/websocket echo", r.clients(bare.url, mockMessage), "gateway, MOCK integration", r.clients(s.URL(), mockMessage), 0.6); err != nil {
		return err
	}
	loop, err := startLoop(o.Function)
	if err != nil {
		return err
	}
	defer loop.close()
	if err := r.pair(ctx, "bare loop: Runtime API, function, SDK post", r.loop(loop), "gateway, function answers by PostToConnection", r.clients(s.URL(), echoMessage), 0.7); err != nil {
		return err
	}
	return r.after()
}

type runner struct {
	stack *stack.Stack
	o     Options
	out   io.Writer
}

// idle opens connections and looks at the memory of this process.
func (r runner) idle(ctx context.Context) error {
	before, err := resident()
	if err != nil {
		return err
	}
	c, err := r.start(ctx, job{URL: r.stack.URL(), Connections: r.o.Idle})
	if err != nil {
		return err
	}
	got, err := c.report()
	if err != nil {
		return c.end(err)
	}
	debug.FreeOSMemory() // what the handshakes needed and nothing holds any more
	held, err := resident()
	if err != nil {
		return c.end(err)
	}
	fmt.Fprintf(r.out, "%d idle connections: %.0f MB resident, %.1f KB each; opened in %.1f s, %.0f/s\n", r.o.Idle,
		mega(held), float64(held-before)/float64(r.o.Idle)/1024, got.OpenedIn.Seconds(), float64(r.o.Idle)/got.OpenedIn.Seconds())
	return c.end(nil)
}

// measurement is one way of echoing.
type measurement func(ctx context.Context) (report, error)

func (r runner) clients(url, message string) measurement {
	return func(ctx context.Context) (report, error) {
		c, err := r.start(ctx, job{URL: url, Connections: r.o.Connections, Message: message, For: r.o.For})
		if err != nil {
			return report{}, err
		}
		got, err := c.report()
		return got, c.end(err)
	}
}

func (r runner) loop(l *loop) measurement {
	return func(ctx context.Context) (report, error) { return l.run(ctx, r.o.Connections, r.o.For) }
}

// pair measures two ways in turn, so that what else happens on the machine happens
// to both.
func (r runner) pair(ctx context.Context, baseName string, base measurement, name string, way measurement, target float64) error {
	var bases, ways []report
	var ratios []float64
	for round := range r.o.Rounds + 1 {
		b, err := base(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", baseName, err)
		}
		w, err := way(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if round == 0 { // starts processes and connections
			continue
		}
		bases, ways, ratios = append(bases, b), append(ways, w), append(ratios, w.rate()/b.rate())
	}
	r.line(baseName, bases, "", "")
	r.line(name, ways, fmt.Sprintf("%.2f", median(ratios)), fmt.Sprintf("%.2f", target))
	return nil
}

func (r runner) line(name string, reports []report, ratio, target string) {
	of := func(f func(report) float64) float64 {
		var v []float64
		for _, one := range reports {
			v = append(v, f(one))
		}
		return median(v)
	}
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	fmt.Fprintf(r.out, "%-46s %10.0f %8.2f %8.2f %7s %7s\n", name, of(report.rate),
		of(func(r report) float64 { return ms(r.P50) }), of(func(r report) float64 { return ms(r.P99) }), ratio, target)
}

// after tells what the load has left.
func (r runner) after() error {
	debug.FreeOSMemory()
	own, err := resident()
	if err != nil {
		return err
	}
	processes := r.stack.Stats().Processes
	fmt.Fprintf(r.out, "\nafter the load: %.0f MB resident (target 150), and %d processes of the function\n", mega(own), processes)
	return nil
}

func mega(bytes int64) float64 { return float64(bytes) / (1 << 20) }
