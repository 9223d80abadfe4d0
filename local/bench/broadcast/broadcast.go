// Package broadcast measures one notification to many connections: the service as
// it is deployed, its table, its functions, and API Gateway's account limits. Only
// the sockets are missing: a machine holds some ten thousand of them, so that posts
// to these connections are accepted, counted and thrown away.
package broadcast

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"kaiwa/local/stack"
	"kaiwa/pkg/emu/lambdart"
)

// Options of a run. The zero value is the default.
type Options struct {
	// Connections of the last row (1,000). Each row has ten times as many as the one
	// before, beginning with 1,000.
	Connections int
	// Topic has every connection's user subscribe, and sends to the topic; else the
	// notification is for all.
	Topic bool
	// Post is how long a post takes at the gateway (10 ms).
	Post time.Duration
}

// shards are the functions of a broadcast.
const shards = 16

// Crowd are connections without sockets.
type Crowd struct {
	posts []atomic.Int32 // by number
	last  atomic.Int64   // when, in nanoseconds
	peak  sync.Map       // MB by function
}

// NewCrowd makes room for n connections.
func NewCrowd(n int) *Crowd { return &Crowd{posts: make([]atomic.Int32, n)} }

// Accepts counts a post to one of them; it is stack.Options.Accepts.
func (c *Crowd) Accepts(connection string) bool {
	var i int
	if _, err := fmt.Sscanf(connection, "crowd%09d=", &i); err != nil || i >= len(c.posts) {
		return false
	}
	c.posts[i].Add(1)
	c.last.Store(time.Now().UnixNano())
	return true
}

// Report notes the memory of processes; it is stack.Options.Report.
func (c *Crowd) Report(r lambdart.Report) {
	for {
		was, loaded := c.peak.LoadOrStore(r.Function, r.MaxMemoryMB)
		if !loaded || was.(int) >= r.MaxMemoryMB || c.peak.CompareAndSwap(r.Function, was, r.MaxMemoryMB) {
			return
		}
	}
}

func name(i int) string { return fmt.Sprintf("crowd%09d=", i) }

// row is one measurement.
type row struct {
	connections         int
	took                time.Duration
	reads, writes       float64 // units
	queries, invoked    int64
	gbSeconds           float64
	throttled, repeated int64
	memory              int // MB
}

// Run measures and prints a table to out.
func Run(ctx context.Context, s *stack.Stack, c *Crowd, rate int, o Options, out io.Writer) error {
	if o.Connections == 0 {
		o.Connections = 1000
	}
	to := `"all":true`
	if o.Topic {
		to = `"topic":"crowd"`
	}
	fmt.Fprintf(out, "one notification {%s}, at most %d posts a second, %v a post\n\n", to, rate, o.Post)
	fmt.Fprintf(out, "%12s %9s %9s %11s %9s %9s %8s %9s %9s %7s %8s %9s\n", "connections", "seconds", "posts/s", "read units", "queries", "writes", "invokes", "GB-s", "$", "429s", "twice", "MB")
	var rows []row
	have := 0
	for n := min(1000, o.Connections); ; n = min(10*n, o.Connections) {
		if err := seed(ctx, s, have, n, o.Topic); err != nil {
			return err
		}
		have = n
		r, err := measure(ctx, s, c, n, to)
		if err != nil {
			return err
		}
		rows = append(rows, r)
		r.print(out, "")
		if n == o.Connections {
			break
		}
	}
	if len(rows) > 1 {
		extrapolate(rows, rate).print(out, " (by calculation)")
	}
	fmt.Fprintf(out, "\nMB is the most that a notify process had, its runtime included; $ at the prices of docs/cost.md.\n")
	return nil
}

// seed opens connections by invoking connect, as API Gateway does.
func seed(ctx context.Context, s *stack.Stack, from, to int, topic bool) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(16)
	for i := from; i < to; i++ {
		g.Go(func() error {
			about := fmt.Sprintf(`"connectionId":%q,"connectedAt":%d,"requestId":"r","domainName":"d","stage":"dev"`, name(i), time.Now().UnixMilli())
			event := fmt.Sprintf(`{"queryStringParameters":{"user":"u%d"},"requestContext":{"routeKey":"$connect","eventType":"CONNECT",%s}}`, i, about)
			if err := succeed(ctx, s, "connect", event); err != nil || !topic {
				return err
			}
			event = fmt.Sprintf(`{"body":"{\"action\":\"subscribe\",\"topic\":\"crowd\"}","requestContext":{"routeKey":"$default","eventType":"MESSAGE",%s}}`, about)
			return succeed(ctx, s, "sendmessage", event)
		})
	}
	return g.Wait()
}

// succeed invokes until the answer is 200: on a busy machine a table call may run
// into its deadline, and a client would try again as well.
func succeed(ctx context.Context, s *stack.Stack, function, event string) error {
	var answer []byte
	for range 10 {
		var err error
		if answer, err = s.Invoke(ctx, function, []byte(event)); err != nil {
			return err
		}
		if strings.Contains(string(answer), `"statusCode":200`) {
			return nil
		}
	}
	return fmt.Errorf("%s answers %s", function, answer)
}

// measure sends one notification and waits until the last connection has it and all
// functions are done.
func measure(ctx context.Context, s *stack.Stack, c *Crowd, n int, to string) (row, error) {
	for i := range c.posts {
		c.posts[i].Store(0)
	}
	c.peak.Clear()
	before := s.Stats()
	began := time.Now()
	answer, err := s.Invoke(ctx, "notify", fmt.Appendf(nil, `{"to":{%s},"id":"n%d","title":"broadcast","text":"to %d connections"}`, to, began.UnixNano(), n))
	if err != nil {
		return row{}, err
	}
	var tally struct{ Delivered, Shards int }
	if err := json.Unmarshal(answer, &tally); err != nil {
		return row{}, fmt.Errorf("notify answered %s", answer)
	}
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for {
		// An event waits or runs until it is done: then nobody else will get it.
		f := s.Stats().Functions["local-NotifyFunction"]
		if f.InFlight == 0 && f.Queued == 0 {
			break
		}
		if f.Dropped > before.Functions["local-NotifyFunction"].Dropped {
			return row{}, fmt.Errorf("%d events were dropped", f.Dropped)
		}
		select {
		case <-ctx.Done():
			return row{}, context.Cause(ctx)
		case <-poll.C:
		}
	}
	r := difference(before, s.Stats())
	r.connections, r.took = n, time.Unix(0, c.last.Load()).Sub(began)
	if mb, ok := c.peak.Load("local-NotifyFunction"); ok {
		r.memory = mb.(int)
	}
	for i := range n {
		switch k := c.posts[i].Load(); {
		case k == 0:
			return row{}, fmt.Errorf("connection %s has not got it", name(i))
		case k > 1:
			r.repeated++
		}
	}
	return r, nil
}

func difference(before, after stack.Stats) row {
	var r row
	for op, t := range after.Table {
		r.reads += t.ReadUnits - before.Table[op].ReadUnits
		r.writes += t.WriteUnits - before.Table[op].WriteUnits
	}
	for _, op := range []string{"Query", "BatchGetItem"} {
		r.queries += int64(after.Table[op].Calls - before.Table[op].Calls)
	}
	a, b := after.Functions["local-NotifyFunction"], before.Functions["local-NotifyFunction"]
	r.invoked, r.gbSeconds = a.Invocations-b.Invocations, a.GBSeconds-b.GBSeconds
	r.throttled = after.Posts[http.StatusTooManyRequests] - before.Posts[http.StatusTooManyRequests]
	return r
}

// AWS's list prices (docs/cost.md), in dollars.
const (
	perMessage = 1.00 / 1e6
	perGBs     = 0.0000133334
	perRequest = 0.20 / 1e6
	perRead    = 0.125 / 1e6
	perWrite   = 0.625 / 1e6
)

func (r row) dollars() float64 {
	return float64(r.connections)*perMessage + r.gbSeconds*perGBs + float64(r.invoked)*perRequest + r.reads*perRead + r.writes*perWrite
}

func (r row) print(out io.Writer, note string) {
	fmt.Fprintf(out, "%12d %9.1f %9.0f %11.0f %9d %9.0f %8d %9.1f %9.4f %7d %8d %9d%s\n", r.connections, r.took.Seconds(), float64(r.connections)/r.took.Seconds(),
		r.reads, r.queries, r.writes, r.invoked, r.gbSeconds, r.dollars(), r.throttled, r.repeated, r.memory, note)
}

// extrapolate is a million connections: what grows with them grows from the last
// two rows on, and posts go at the rate, which is what bounds them.
func extrapolate(rows []row, rate int) row {
	const million = 1_000_000
	first, last := rows[len(rows)-2], rows[len(rows)-1]
	grow := func(of func(row) float64) float64 {
		slope := (of(last) - of(first)) / float64(last.connections-first.connections)
		return of(last) + slope*float64(million-last.connections)
	}
	took := time.Duration(float64(million) / float64(rate) * float64(time.Second))
	const hop = 90 * time.Second // of a function of 120 s
	return row{
		connections: million, took: took,
		reads: grow(func(r row) float64 { return r.reads }), writes: grow(func(r row) float64 { return r.writes }),
		queries: int64(grow(func(r row) float64 { return float64(r.queries) })),
		invoked: 1 + shards*(1+int64(took/hop)), gbSeconds: shards * took.Seconds() * 0.5,
		memory: slices.MaxFunc(rows, func(a, b row) int { return a.memory - b.memory }).memory,
	}
}
