package herald_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/dynamo"
	"kaiwa/pkg/emu/ddb"
	"kaiwa/pkg/herald"
	"kaiwa/pkg/notice"
	"kaiwa/pkg/wire"
)

// rig is the notify function in virtual time: the real delivery and table code on
// the embedded DynamoDB, between a simulated gateway and Lambda.
type rig struct {
	*herald.Herald
	t     *testing.T
	table *dynamo.Table
	ddb   *ddb.Server
	gate  *gate
	calls *calls
}

// timeout is that of the simulated function.
const timeout = 120 * time.Second

// function is the context of one invocation, and when Lambda kills it. After that
// nothing it still tries has an effect.
func function(ctx context.Context) (context.Context, context.CancelFunc) {
	end := time.Now().Add(timeout)
	return context.WithDeadline(context.WithValue(ctx, killed{}, end), end.Add(-herald.Settling))
}

type killed struct{}

var errDead = errors.New("this process is dead")

func alive(ctx context.Context) error {
	if end, ok := ctx.Value(killed{}).(time.Time); ok && !time.Now().Before(end) {
		return errDead
	}
	return nil
}

func bubble(t *testing.T, o *herald.Options, f func(*testing.T, *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server := ddb.New(nil)
		r := &rig{t: t, ddb: server, gate: &gate{conns: map[string]*line{}}}
		client := newClient(server)
		if _, err := client.CreateTable(t.Context(), dynamo.Schema("kaiwa")); err != nil {
			t.Fatal(err)
		}
		r.table = dynamo.New(client, "kaiwa", nil)
		r.calls = &calls{run: func(ctx context.Context, task herald.Task) error {
			_, err := r.Serve(ctx, task)
			return err
		}}
		r.Herald = herald.New(r.table, r.gate, r.calls, o)
		defer r.calls.wait()
		f(t, r)
	})
}

// The table is in as many shards as are served.
func TestShards(t *testing.T) {
	if herald.Shards != dynamo.Shards {
		t.Errorf("%d and %d", herald.Shards, dynamo.Shards)
	}
}

func newClient(server http.Handler) *dynamodb.Client {
	return dynamodb.NewFromConfig(aws.Config{Region: "us-east-1", BaseEndpoint: aws.String("http://table.test"), HTTPClient: inProcess{server},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		})})
}

type inProcess struct{ http.Handler }

func (p inProcess) Do(r *http.Request) (*http.Response, error) {
	if err := alive(r.Context()); err != nil {
		return nil, err
	}
	rec := httptest.NewRecorder()
	p.ServeHTTP(rec, r)
	res := rec.Result()
	res.Request = r
	return res, nil
}

// gate is API Gateway: what it accepted, and what it answers instead.
type gate struct {
	mu     sync.Mutex // protects following
	conns  map[string]*line
	posts  int
	most   int           // posts at the same time, at most
	now    int           // at the moment
	delay  time.Duration // of a post
	hang   func(conn string) bool
	answer func(conn string) error
	limit  *bucket
}

// line is one connection.
type line struct {
	gone  bool
	young time.Time // 410 until then
	got   []string
}

// bucket refuses what is over its rate, as an account does.
type bucket struct {
	rate, burst float64
	have        float64
	at          time.Time
	refused     int
}

func (b *bucket) take() bool {
	now := time.Now()
	if b.at.IsZero() {
		b.at, b.have = now, b.burst
	}
	b.have = min(b.burst, b.have+now.Sub(b.at).Seconds()*b.rate)
	b.at = now
	if b.have < 1 {
		b.refused++
		return false
	}
	b.have--
	return true
}

func (g *gate) Post(ctx context.Context, conn string, data []byte) error {
	g.mu.Lock()
	g.posts++
	g.now++
	g.most = max(g.most, g.now)
	delay := g.delay
	if g.hang != nil && g.hang(conn) {
		delay = time.Hour
	}
	g.mu.Unlock()
	err := chat.Join(pause(ctx, delay), alive(ctx))
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now--
	switch l := g.conns[conn]; {
	case errors.Is(err, context.DeadlineExceeded): // as pkg/callback says it
		return chat.E(chat.Unavailable, "no answer")
	case err != nil:
		return err
	case g.limit != nil && !g.limit.take():
		return chat.E(chat.RateLimited, "slow down")
	case l == nil || l.gone || time.Now().Before(l.young):
		return chat.ErrGone
	default:
		if g.answer != nil {
			if err := g.answer(conn); err != nil {
				return err
			}
		}
		l.got = append(l.got, string(data))
	}
	return nil
}

func (g *gate) Connected(_ context.Context, conn string) (time.Time, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if l := g.conns[conn]; l == nil || l.gone || time.Now().Before(l.young) {
		return time.Time{}, chat.ErrGone
	}
	return time.Now(), nil
}

func (g *gate) hangUp(conn string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.conns[conn].gone = true
}

// to is what a connection got, the texts alone.
func (g *gate) to(conn string) (texts []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range g.conns[conn].got {
		if strings.HasPrefix(s, "{") {
			f, err := wire.DecodeFrame([]byte(s))
			n, ok := f.(wire.Notification)
			if err != nil || !ok {
				s = "no notification: " + s
			} else {
				s = n.Text
			}
		}
		texts = append(texts, s)
	}
	return texts
}

func (g *gate) set(f func(*gate)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f(g)
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// calls is Lambda's asynchronous Invoke: a failure is tried again after one minute
// and two more.
type calls struct {
	run   func(ctx context.Context, t herald.Task) error
	all   sync.WaitGroup
	mu    sync.Mutex // protects following
	tasks []herald.Task
	dead  []error
	fails int // how many invokes fail from now on
}

var errInvoke = errors.New("no answer from Lambda")

func (c *calls) Invoke(ctx context.Context, payload []byte) error {
	if err := alive(ctx); err != nil {
		return err
	}
	task, ok := herald.ReadTask(payload)
	if !ok {
		return fmt.Errorf("not a task: %s", payload)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fails > 0 {
		c.fails--
		return errInvoke
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	c.tasks = append(c.tasks, task)
	c.all.Go(func() {
		var err error
		for _, after := range []time.Duration{20 * time.Millisecond, time.Minute, 2 * time.Minute} {
			time.Sleep(after)
			ctx, cancel := function(context.Background())
			err = c.run(ctx, task)
			cancel()
			if err == nil {
				return
			}
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.dead = append(c.dead, err)
	})
	return nil
}

func (c *calls) wait() { c.all.Wait() }

func (c *calls) count() (shards, hops, ones, welcomes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.tasks {
		switch {
		case t.Shard != nil:
			shards++
			hops = max(hops, t.Shard.Hop)
		case t.One != nil:
			ones++
		case t.Welcome != nil:
			welcomes++
		}
	}
	return shards, hops, ones, welcomes
}

// connect does what the connect function does. conn opens for the gateway after
// the handshake, which takes a moment.
func (r *rig) connect(user string, conns ...string) {
	r.t.Helper()
	for _, c := range conns {
		r.gate.set(func(g *gate) { g.conns[c] = &line{young: time.Now().Add(50 * time.Millisecond)} })
		r.opens(chat.Connection{ID: c, User: user, Mode: chat.ModeJSON, At: time.Now()})
	}
}

func (r *rig) opens(c chat.Connection) {
	r.t.Helper()
	must(r.t, r.table.Open(r.t.Context(), c))
	if c.User == chat.Anonymous {
		return
	}
	home, err := r.table.Home(r.t.Context(), c.User)
	must(r.t, err)
	must(r.t, r.table.Join(r.t.Context(), c.User, c.ID, home.Topics))
	if home.Waiting {
		b, err := herald.Task{Welcome: &herald.Welcome{User: c.User, Connection: c.ID}}.Payload()
		must(r.t, err)
		must(r.t, r.calls.Invoke(r.t.Context(), b))
	}
}

// leave is a socket that ends, told or not.
func (r *rig) leave(conn string, told bool) {
	r.t.Helper()
	r.gate.hangUp(conn)
	if told {
		must(r.t, r.table.Close(r.t.Context(), conn))
	}
}

// send delivers as the notify function would.
func (r *rig) send(n notice.Notice) (herald.Tally, error) {
	ctx, cancel := function(r.t.Context())
	defer cancel()
	return r.Deliver(ctx, n)
}

func (r *rig) sends(n notice.Notice, want herald.Tally) {
	r.t.Helper()
	if got, err := r.send(n); err != nil || got != want {
		r.t.Errorf("%q: %+v, %v; want %+v", n.Text, got, err, want)
	}
}

func (r *rig) got(conn string, want ...string) {
	r.t.Helper()
	if got := r.gate.to(conn); !slices.Equal(got, want) {
		r.t.Errorf("%s got %q, want %q", conn, got, want)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func toUser(user, id, text string) notice.Notice {
	return notice.Notice{To: notice.To{User: user}, ID: id, Text: text}
}
