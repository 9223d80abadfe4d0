package herald_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
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

var runs = flag.Int("runs", 4, "number of random schedules")

// TestNothingIsLost: users come and go, the table, the gateway and Lambda fail, posts
// hang, functions are killed and events come twice; the topic may have more
// listeners than a function serves at once, or has time for. At last every user has
// every notification that was for it, those of a FIFO group in order; where nothing
// fails, once.
func TestNothingIsLost(t *testing.T) {
	for seed := range *runs {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { newStorm(t, uint64(seed)).run() })
		})
	}
}

// storm is a world in which everything goes wrong until calm.
type storm struct {
	t     *testing.T
	ddb   *ddb.Server
	calm  time.Time
	bad   float64 // how likely each fault is
	mob   int     // connections of one more user
	rate  int     // posts a second of a function
	all   sync.WaitGroup
	mu    sync.Mutex // protects following
	rng   *rand.Rand
	lines map[string]*stormLine
	sent  map[string][]string // texts by user, in order
	n     int
}

type stormLine struct {
	user string
	gone bool
	full time.Time // its buffer, until then
	got  []string
	at   []time.Time // when it got that
}

func newStorm(t *testing.T, seed uint64) *storm {
	s := &storm{t: t, ddb: ddb.New(nil), rng: rand.New(rand.NewPCG(seed, 7)), lines: map[string]*stormLine{}, sent: map[string][]string{}}
	s.bad = []float64{0, 0.02, 0.1, 0.25}[seed%4]
	size := (seed + seed/4) % 3
	s.mob, s.rate = []int{115, 30, 0}[size], []int{1, 100, 100}[size] // 115 posts take longer than a function has
	client := newClient(s.ddb)
	if _, err := client.CreateTable(t.Context(), dynamo.Schema("kaiwa")); err != nil {
		t.Fatal(err)
	}
	for _, u := range append(users, mob) {
		must(t, dynamo.New(client, "kaiwa", nil).Subscribe(t.Context(), u, "t"))
	}
	for range s.mob {
		s.connect(mob)
	}
	time.Sleep(time.Minute)
	s.calm = time.Now().Add(80 * time.Second)
	return s
}

func (s *storm) chance(p float64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Before(s.calm) && s.rng.Float64() < p
}

func (s *storm) between(lo, hi time.Duration) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return lo + time.Duration(s.rng.Int64N(int64(hi-lo)))
}

var users = []string{"ann", "bob", "eve"}

// mob is a user whose connections stay, and hear the topic.
const mob = "mob"

func (s *storm) run() {
	for _, u := range users {
		for range 2 {
			s.all.Go(func() { s.comeAndGo(u) })
		}
	}
	s.all.Go(s.publish)
	s.all.Go(s.fifo)
	s.all.Go(s.fill)
	s.all.Wait()
	for id, l := range s.lines {
		for _, text := range s.sent[l.user] {
			if l.user == mob && !slices.Contains(l.got, text) {
				s.t.Errorf("%s never got %s", id, text)
			}
		}
	}
	s.inOrder("ann", "fifo ")
	for _, u := range users {
		// All of them are here: nothing may be left for their next connection.
		if h, err := s.process().table.Home(s.t.Context(), u); err != nil || h.Waiting {
			s.t.Errorf("%s is here, and something waits: %+v, %v", u, h, err)
		}
		for _, text := range s.sent[u] {
			if !s.has(u, text) {
				s.t.Errorf("%s never got %s", u, text)
			}
		}
	}
	if s.bad == 0 {
		s.once()
	}
	if s.ddb.Counts()["Scan"].Calls > 0 {
		s.t.Error("a scan")
	}
}

func (s *storm) has(user, text string) bool {
	for _, l := range s.lines {
		for _, got := range l.got {
			if l.user == user && got == text {
				return true
			}
		}
	}
	return false
}

// inOrder: what was sent to a user one after the other came so for the first time.
func (s *storm) inOrder(user, prefix string) {
	var last time.Time
	for _, text := range s.sent[user] {
		if !strings.HasPrefix(text, prefix) {
			continue
		}
		var first time.Time
		for _, l := range s.lines {
			if i := slices.Index(l.got, text); l.user == user && i >= 0 && (first.IsZero() || l.at[i].Before(first)) {
				first = l.at[i]
			}
		}
		if first.Before(last) {
			s.t.Errorf("%s got %s before the one before", user, text)
		}
		last = first
	}
}

// once: where nothing fails nobody gets anything twice.
func (s *storm) once() {
	for id, l := range s.lines {
		seen := map[string]bool{}
		for _, text := range l.got {
			if seen[text] {
				s.t.Errorf("%s got %s twice", id, text)
			}
			seen[text] = true
		}
	}
}

// publish sends to users and to the topic; each message until it is served, some
// twice.
func (s *storm) publish() {
	for i := 0; time.Now().Before(s.calm.Add(20 * time.Second)); i++ {
		time.Sleep(s.between(0, 6*time.Second))
		n := notice.Notice{ID: fmt.Sprint("n", i), Text: fmt.Sprint("text ", i), To: notice.To{Topic: "t"}}
		if i%3 > 0 {
			n.To = notice.To{User: users[i%len(users)]}
			s.note(n.Text, n.To.User)
		} else {
			s.note(n.Text, append(users, mob)...)
		}
		for range 1 + i%2 {
			s.all.Go(func() {
				s.untilServed(func(ctx context.Context, h *herald.Herald) error {
					_, err := h.Deliver(ctx, n)
					return err
				})
			})
		}
	}
}

func (s *storm) note(text string, users ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range users {
		s.sent[u] = append(s.sent[u], text)
	}
}

// fifo sends to one user, each when the last is served, as Lambda reads a FIFO
// queue's group one message at a time.
func (s *storm) fifo() {
	for i := 0; time.Now().Before(s.calm.Add(20 * time.Second)); i++ {
		time.Sleep(s.between(0, 4*time.Second))
		n := notice.Notice{ID: fmt.Sprint("f", i), Text: fmt.Sprint("fifo ", i), To: notice.To{User: "ann"}}
		s.note(n.Text, "ann")
		s.untilServed(func(ctx context.Context, h *herald.Herald) error {
			_, err := h.Deliver(ctx, n)
			return err
		})
	}
}

// untilServed is a queue: a function that fails or dies leaves the message in it.
func (s *storm) untilServed(f func(context.Context, *herald.Herald) error) {
	for {
		p := s.process()
		ctx, cancel := function(context.Background())
		if s.chance(s.bad) {
			after := s.between(0, 400*time.Millisecond)
			if s.chance(0.3) {
				after = s.between(0, timeout)
			}
			s.all.Go(func() {
				if pause(ctx, after) == nil {
					p.die()
					cancel()
				}
			})
		}
		end := time.AfterFunc(timeout, p.die)
		h := herald.New(p.table, p, p, &herald.Options{Topics: open, Rate: s.rate})
		err := f(ctx, h)
		end.Stop()
		p.die()
		cancel()
		if err == nil {
			return
		}
		time.Sleep(s.between(20*time.Second, 90*time.Second))
	}
}

// fill fills buffers: a connection refuses all for a while. Of users only where
// something fails anyway: one that then dies may cost another a repetition.
func (s *storm) fill() {
	for time.Now().Before(s.calm) {
		time.Sleep(s.between(0, 10*time.Second))
		share := 0.03
		if s.chance(0.2) {
			share = 0.6 // more than can be let go alone
		}
		until := time.Now().Add(s.between(time.Second, time.Minute))
		s.mu.Lock()
		for _, id := range slices.Sorted(maps.Keys(s.lines)) {
			if l := s.lines[id]; s.rng.Float64() < share && (l.user == mob || s.bad > 0) {
				l.full = until
			}
		}
		s.mu.Unlock()
	}
}

// comeAndGo is a user's device. Its last connection, made in the storm, stays.
func (s *storm) comeAndGo(user string) {
	for {
		id := s.connect(user)
		time.Sleep(s.between(0, 30*time.Second))
		if time.Until(s.calm) < 10*time.Second {
			return
		}
		s.mu.Lock()
		s.lines[id].gone = true
		s.mu.Unlock()
		if !s.chance(0.5) { // $disconnect is not guaranteed
			p := s.process()
			_ = p.table.Close(s.t.Context(), id)
		}
		time.Sleep(s.between(0, 40*time.Second))
	}
}

// connect does what the connect function does, until it succeeds.
func (s *storm) connect(user string) string {
	for {
		s.mu.Lock()
		s.n++
		id := fmt.Sprint("c", s.n)
		s.mu.Unlock()
		if err := s.handshake(user, id); err == nil {
			return id
		}
		time.Sleep(time.Second)
	}
}

func (s *storm) handshake(user, id string) error {
	p, ctx := s.process(), s.t.Context()
	if err := p.table.Open(ctx, chat.Connection{ID: id, User: user, Mode: chat.ModeJSON, At: time.Now()}); err != nil {
		return err
	}
	home, err := p.table.Home(ctx, user)
	if err != nil {
		return err
	}
	if err := p.table.Join(ctx, user, id, home.Topics); err != nil {
		return err
	}
	if home.Waiting {
		b, err := herald.Task{Welcome: &herald.Welcome{User: user, Connection: id}}.Payload()
		if err != nil {
			return err
		}
		if err := p.Invoke(ctx, b); err != nil {
			return err
		}
	}
	time.Sleep(s.between(0, 300*time.Millisecond)) // until the gateway knows
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines[id] = &stormLine{user: user}
	return nil
}

// mortal is one invocation. Once it is dead nothing it still tries has an effect.
type mortal struct {
	s     *storm
	table *dynamo.Table
	mu    sync.Mutex // protects dead
	dead  bool
}

func (s *storm) process() *mortal {
	p := &mortal{s: s}
	p.table = dynamo.New(dynamodb.NewFromConfig(aws.Config{Region: "us-east-1", BaseEndpoint: aws.String("http://table.test"), HTTPClient: p,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		})}), "kaiwa", nil)
	return p
}

func (p *mortal) die() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dead = true
}

func (p *mortal) alive() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.dead
}

// Do is the way to the table and back.
func (p *mortal) Do(r *http.Request) (*http.Response, error) {
	if err := pause(r.Context(), p.s.between(time.Millisecond, 15*time.Millisecond)); err != nil {
		return nil, err
	}
	if !p.alive() {
		return nil, errDead
	}
	if p.s.chance(p.s.bad) {
		return &http.Response{StatusCode: 400, Request: r, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
			Body: io.NopCloser(strings.NewReader(`{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"}`))}, nil
	}
	rec := httptest.NewRecorder()
	p.s.ddb.ServeHTTP(rec, r)
	if p.s.chance(p.s.bad / 2) { // done, and nobody told
		return nil, errors.New("connection reset")
	}
	res := rec.Result()
	res.Request = r
	return res, nil
}

// Post is the way to a connection.
func (p *mortal) Post(ctx context.Context, conn string, data []byte) error {
	if err := pause(ctx, p.s.between(5*time.Millisecond, 60*time.Millisecond)); err != nil {
		return err
	}
	if !p.alive() {
		return errDead
	}
	if p.s.chance(p.s.bad) {
		return chat.E(chat.RateLimited, "slow down")
	}
	if p.s.chance(p.s.bad / 4) {
		if err := pause(ctx, time.Minute); errors.Is(err, context.DeadlineExceeded) {
			return chat.E(chat.Unavailable, "no answer")
		} else {
			return err
		}
	}
	f, err := wire.DecodeFrame(data)
	if err != nil {
		return err
	}
	p.s.mu.Lock()
	l := p.s.lines[conn]
	gone := l == nil || l.gone
	full := !gone && time.Now().Before(l.full)
	if !gone && !full {
		l.got, l.at = append(l.got, strings.Clone(f.(wire.Notification).Text)), append(l.at, time.Now())
	}
	p.s.mu.Unlock()
	switch {
	case gone:
		return chat.ErrGone
	case full:
		return chat.E(chat.RateLimited, "client buffer full")
	case p.s.chance(p.s.bad): // delivered, and not told
		return chat.E(chat.Unavailable, "gateway")
	}
	return nil
}

func (p *mortal) Connected(ctx context.Context, conn string) (time.Time, error) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	if l := p.s.lines[conn]; l == nil || l.gone {
		return time.Time{}, chat.ErrGone
	}
	return time.Now(), nil
}

// Invoke queues a task, perhaps twice.
func (p *mortal) Invoke(_ context.Context, payload []byte) error {
	if !p.alive() {
		return errDead
	}
	if p.s.chance(p.s.bad) {
		return chat.E(chat.Unavailable, "no answer from Lambda")
	}
	task, _ := herald.ReadTask(payload)
	times := 1
	if p.s.chance(p.s.bad) {
		times = 2
	}
	for range times {
		p.s.all.Go(func() {
			p.s.untilServed(func(ctx context.Context, h *herald.Herald) error {
				_, err := h.Serve(ctx, task)
				return err
			})
		})
	}
	return nil
}
