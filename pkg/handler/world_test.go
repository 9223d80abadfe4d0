package handler_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/dynamo"
	"kaiwa/pkg/emu/ddb"
	"kaiwa/pkg/handler"
	"kaiwa/pkg/relay"
)

// world is the whole service in virtual time: the real handlers, relay and table
// code on the embedded DynamoDB, between a simulated gateway, Lambda and model.
// Everything that can go wrong does, as the weather says.
type world struct {
	t       *testing.T
	ctx     context.Context // the life of the simulation
	weather weather
	table   *ddb.Server
	opt     relay.Options
	model   *model
	wg      sync.WaitGroup

	mu    sync.Mutex // protects following
	rng   *rand.Rand
	conns map[string]*socket
	nconn int
	kills int
	log   []string
	calm  time.Time // when the faults end
	posts int
	wrong []string
}

// weather is how likely each fault is, from 0 to 1.
type weather struct {
	tableThrottle, tableLost, tableLostAnswer         float64
	outage                                            time.Duration // of the whole table, somewhere in the middle
	p429, p500, p500Delivered, pTimeout, pLate, pGone float64
	pVanish                                           float64 // answered 200, never delivered
	postDelay                                         time.Duration
	killReply, killHandler, inboundLost               float64
	eventTwice, eventLost, eventSlow                  float64
	cuts                                              int
	stop, second, secondDevice, modelCut              float64
	skew                                              time.Duration
	policy                                            relay.Policy
}

func (w *world) chance(p float64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return p > 0 && time.Now().Before(w.calm) && w.rng.Float64() < p
}

func (w *world) between(lo, hi time.Duration) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if hi <= lo {
		return lo
	}
	return lo + time.Duration(w.rng.Int64N(int64(hi-lo)))
}

func (w *world) n(lo, hi int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return lo + w.rng.IntN(hi-lo+1)
}

func (w *world) logf(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log = append(w.log, time.Now().Format("04:05.000 ")+fmt.Sprintf(format, args...))
}

func (w *world) bad(format string, args ...any) {
	w.logf("WRONG "+format, args...)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
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

// process is one Lambda invocation. Once killed it has no effect on the world
// any more, whatever its goroutines still try.
type process struct {
	w    *world
	name string
	skew time.Duration
	kill context.CancelFunc
	mu   sync.Mutex
	dead bool
}

func (p *process) die() {
	p.mu.Lock()
	p.dead = true
	p.mu.Unlock()
	p.kill()
}

func (p *process) alive() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.dead
}

func (p *process) now() time.Time { return time.Now().Add(p.skew) }

var errDead = errors.New("this process is dead")

// Do is the network between a process and the table.
func (p *process) Do(r *http.Request) (*http.Response, error) {
	w, ctx := p.w, r.Context()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	apply := func() *http.Response {
		rec := httptest.NewRecorder()
		q := r.Clone(context.WithoutCancel(ctx))
		q.Body = io.NopCloser(bytes.NewReader(body))
		w.table.ServeHTTP(rec, q)
		return rec.Result()
	}
	if err := pause(ctx, w.between(time.Millisecond, 8*time.Millisecond)); err != nil {
		return nil, err
	}
	switch {
	case !p.alive():
		return nil, errDead
	case w.outage(), w.chance(w.weather.tableThrottle):
		return refusal(r, http.StatusBadRequest, "ProvisionedThroughputExceededException"), nil
	case w.chance(w.weather.tableLost):
		<-ctx.Done()
		return nil, ctx.Err()
	case w.chance(w.weather.tableLostAnswer):
		late := w.between(0, 15*time.Second)
		w.wg.Go(func() {
			if pause(w.ctx, late) == nil {
				apply()
			}
		})
		<-ctx.Done()
		return nil, ctx.Err()
	}
	res := apply()
	res.Request = r
	if err := pause(ctx, w.between(time.Millisecond, 8*time.Millisecond)); err != nil {
		return nil, err
	}
	return res, nil
}

func refusal(r *http.Request, code int, kind string) *http.Response {
	b, _ := json.Marshal(map[string]string{"__type": "com.amazonaws.dynamodb.v20120810#" + kind, "message": "slow down"})
	return &http.Response{StatusCode: code, Request: r, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body: io.NopCloser(bytes.NewReader(b))}
}

// outage is one hole in the table's service, in the middle of the storm.
func (w *world) outage() bool {
	left := time.Until(w.calm)
	return left > 0 && left < 60*time.Second && left > 60*time.Second-w.weather.outage
}

func (p *process) client() *dynamodb.Client {
	return dynamodb.NewFromConfig(aws.Config{Region: "us-east-1", BaseEndpoint: aws.String("http://table.test"), HTTPClient: p,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		})})
}

func (p *process) store() *dynamo.Table {
	return dynamo.New(p.client(), "kaiwa", &dynamo.Options{Now: p.now})
}

// socket is one WebSocket connection as the gateway sees it.
type socket struct {
	id     string
	client *client
	open   bool // the client still reads
	gone   bool // the gateway has noticed
	at     time.Time
}

// Post is the network between a process and API Gateway.
func (p *process) Post(ctx context.Context, id string, data []byte) error {
	w := p.w
	if !p.alive() {
		return errDead
	}
	w.mu.Lock()
	w.posts++
	s := w.conns[id]
	gone, open := s.gone, s.open
	w.mu.Unlock()
	d := w.between(w.weather.postDelay/2, w.weather.postDelay) + time.Millisecond
	unavailable := chat.E(chat.Unavailable, "gateway")
	deliver := func(after time.Duration) {
		w.wg.Go(func() {
			if pause(w.ctx, after) == nil {
				s.client.receive(s, data)
			}
		})
	}
	refuse := func(err error) error {
		if e := pause(ctx, d); e != nil {
			return e
		}
		return err
	}
	switch {
	case gone:
		return refuse(chat.ErrGone)
	case !open: // a dead peer: accepted all the same
		return refuse(nil)
	case w.chance(w.weather.p429):
		return refuse(chat.E(chat.RateLimited, "slow down"))
	case w.chance(w.weather.p500):
		return refuse(unavailable)
	case w.chance(w.weather.p500Delivered):
		deliver(d)
		return refuse(unavailable)
	case w.chance(w.weather.pTimeout):
		<-ctx.Done()
		return ctx.Err()
	case w.chance(w.weather.pLate):
		deliver(w.between(time.Millisecond, 15*time.Second))
		<-ctx.Done()
		return ctx.Err()
	case w.chance(w.weather.pGone):
		return refuse(chat.ErrGone)
	case w.chance(w.weather.pVanish):
		return refuse(nil)
	}
	deliver(d - time.Millisecond)
	return refuse(nil)
}

// Invoke is Lambda's asynchronous Invoke: at least once, perhaps late.
func (p *process) Invoke(ctx context.Context, payload []byte) error {
	w := p.w
	if err := pause(ctx, w.between(2*time.Millisecond, 15*time.Millisecond)); err != nil {
		return err
	}
	if !p.alive() {
		return errDead
	}
	w.deliver(payload, 0, 0)
	if w.chance(w.weather.eventTwice) {
		w.deliver(payload, w.between(0, 90*time.Second), 0)
	}
	return nil
}

// deliver runs the reply function for an event, and again after an error or a
// kill, as Lambda does: after one minute, then two.
func (w *world) deliver(payload []byte, after time.Duration, tries int) {
	if w.chance(w.weather.eventLost) {
		return
	}
	after += w.between(3*time.Millisecond, 60*time.Millisecond)
	if w.chance(w.weather.eventSlow) {
		after += w.between(time.Second, time.Minute)
	}
	w.wg.Go(func() {
		if pause(w.ctx, after) != nil {
			return
		}
		err := w.runReply(payload)
		if err != nil && tries < 2 && w.ctx.Err() == nil {
			w.logf("reply function failed, retried in %d min: %v", tries+1, err)
			w.deliver(payload, time.Duration(tries+1)*time.Minute+w.between(0, 3*time.Second), tries+1)
		}
	})
}

// functionTimeout is short, so that some replies run into it.
const functionTimeout = 90 * time.Second

func (w *world) runReply(payload []byte) error {
	p, ctx := w.spawn("reply", functionTimeout)
	defer p.kill()
	if w.chance(w.weather.killReply) {
		at := w.between(0, []time.Duration{60 * time.Millisecond, 3 * time.Second, 30 * time.Second}[w.n(0, 2)])
		w.wg.Go(func() {
			if pause(ctx, at) == nil {
				w.mu.Lock()
				w.kills++
				w.mu.Unlock()
				w.logf("KILL %s", payload)
				p.die()
			}
		})
	}
	opt := w.opt
	opt.Now = p.now
	opt.Policy = w.weather.policy
	h := &handler.Reply{Relay: relay.New(p.store(), w.model, p, &opt)}
	err := h.Handle(ctx, payload)
	if !p.alive() {
		return errDead
	}
	p.die() // what it left running is frozen
	return err
}

func (w *world) spawn(name string, timeout time.Duration) (*process, context.Context) {
	ctx, cancel := context.WithTimeout(w.ctx, timeout)
	p := &process{w: w, name: name, kill: cancel}
	if w.weather.skew > 0 {
		p.skew = w.between(-w.weather.skew, w.weather.skew)
	}
	return p, ctx
}

// message is API Gateway handing a frame to the sendmessage function.
func (w *world) message(s *socket, body []byte) {
	if w.chance(w.weather.inboundLost) {
		return
	}
	delay := w.between(2*time.Millisecond, 40*time.Millisecond)
	w.wg.Go(func() {
		if pause(w.ctx, delay) != nil {
			return
		}
		p, ctx := w.spawn("sendmessage", 29*time.Second)
		defer p.die()
		if w.chance(w.weather.killHandler) {
			at := w.between(0, 60*time.Millisecond)
			w.wg.Go(func() {
				if pause(ctx, at) == nil {
					p.die()
				}
			})
		}
		h := &handler.SendMessage{Store: p.store(), Poster: p, Reply: p, Auth: "none", Limits: generous, Logger: w.logger()}
		if _, err := h.Handle(ctx, events.APIGatewayWebsocketProxyRequest{Body: string(body),
			RequestContext: events.APIGatewayWebsocketProxyRequestContext{ConnectionID: s.id, ConnectedAt: s.at.UnixMilli()}}); err != nil {
			w.bad("handler returned an error: %v", err)
		}
	})
}

// generous limits count everything and are in nobody's way.
var generous = handler.Limits{PerSecond: 1000, Quota: chat.Quota{Replies: 100, Prompts: 1000, Tokens: 1_000_000, Conversations: 100, MaxTokens: 5000}}

// connect is the handshake, which has no faults here: a client that fails to
// connect tries again.
func (w *world) connect(c *client) *socket {
	w.mu.Lock()
	w.nconn++
	s := &socket{id: fmt.Sprintf("conn%d", w.nconn), client: c, open: true, at: time.Now()}
	w.conns[s.id] = s
	w.mu.Unlock()
	h := &handler.Connect{Store: w.calmly().store(), Auth: "none", Logger: w.logger()}
	res, err := h.Handle(w.ctx, events.APIGatewayWebsocketProxyRequest{QueryStringParameters: map[string]string{"user": "alice"},
		RequestContext: events.APIGatewayWebsocketProxyRequestContext{ConnectionID: s.id, ConnectedAt: s.at.UnixMilli()}})
	if err != nil || res.StatusCode != http.StatusOK {
		w.bad("connect: %d %v", res.StatusCode, err)
	}
	return s
}

func (w *world) logger() *slog.Logger { return slog.New(slog.DiscardHandler) }
