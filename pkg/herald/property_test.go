package herald_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
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

// TestNothingIsLost: users come and go, the table, the gateway and Lambda fail,
// functions are killed and events come twice; at last every user has every
// notification that was for it.
func TestNothingIsLost(t *testing.T) {
	for seed := range *runs {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { newStorm(t, uint64(seed)).run() })
		})
	}
}

// storm is a world in which everything goes wrong until calm.
type storm struct {
	t     *testing.T
	ddb   *ddb.Server
	calm  time.Time
	all   sync.WaitGroup
	mu    sync.Mutex // protects following
	rng   *rand.Rand
	bad   float64 // how likely each fault is
	lines map[string]*stormLine
	sent  map[string][]string // texts by user
	n     int
}

type stormLine struct {
	user string
	gone bool
	got  []string
}

func newStorm(t *testing.T, seed uint64) *storm {
	s := &storm{t: t, ddb: ddb.New(nil), rng: rand.New(rand.NewPCG(seed, 7)), calm: time.Now().Add(2 * time.Minute),
		lines: map[string]*stormLine{}, sent: map[string][]string{}}
	s.bad = []float64{0, 0.02, 0.1, 0.25}[seed%4]
	client := newClient(s.ddb)
	if _, err := client.CreateTable(t.Context(), dynamo.Schema("kaiwa")); err != nil {
		t.Fatal(err)
	}
	for _, u := range users {
		must(t, dynamo.New(client, "kaiwa", nil).Subscribe(t.Context(), u, "t"))
	}
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

func (s *storm) run() {
	for _, u := range users {
		for range 2 {
			s.all.Go(func() { s.comeAndGo(u) })
		}
	}
	s.all.Go(s.publish)
	s.all.Wait()
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

// once: where nothing fails nobody gets anything twice, and one connection gets a
// user's own things in order.
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
			s.sent[n.To.User] = append(s.sent[n.To.User], n.Text)
		} else {
			for _, u := range users {
				s.sent[u] = append(s.sent[u], n.Text)
			}
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

// untilServed is a queue: a function that fails or dies leaves the message in it.
func (s *storm) untilServed(f func(context.Context, *herald.Herald) error) {
	for {
		p := s.process()
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		if s.chance(s.bad) {
			after := s.between(0, 400*time.Millisecond)
			s.all.Go(func() {
				if pause(ctx, after) == nil {
					p.die()
					cancel()
				}
			})
		}
		h := herald.New(p.table, p, p, &herald.Options{Topics: open})
		err := f(ctx, h)
		p.die()
		cancel()
		if err == nil {
			return
		}
		time.Sleep(s.between(20*time.Second, 90*time.Second))
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
	f, err := wire.DecodeFrame(data)
	if err != nil {
		return err
	}
	p.s.mu.Lock()
	l := p.s.lines[conn]
	gone := l == nil || l.gone
	if !gone {
		l.got = append(l.got, strings.Clone(f.(wire.Notification).Text))
	}
	p.s.mu.Unlock()
	switch {
	case gone:
		return chat.ErrGone
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
