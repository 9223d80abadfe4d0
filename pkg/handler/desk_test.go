package handler_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/dynamo"
	"kaiwa/pkg/emu/ddb"
	"kaiwa/pkg/handler"
	"kaiwa/pkg/wire"
)

// canary is in every text that the tests send. It must never be logged.
const canary = "kumquat"

// desk is the sendmessage function with the real table code on the emulated
// DynamoDB, a gateway that writes down what is posted, and a reply function that
// is only invoked: tests play its part.
type desk struct {
	*handler.SendMessage
	t      *testing.T
	table  *dynamo.Table
	ddb    *ddb.Server
	log    *syncBuffer
	fault  *faults
	posts  *postbox
	calls  *callbox
	orders *callbox             // to the disconnect function
	tasks  *callbox             // the notify function
	opens  map[string]time.Time // when a connection was opened
	most   int                  // connections of a user
}

// newDesk reaches its table over a real socket, found by the environment alone.
func newDesk(t *testing.T) *desk {
	t.Helper()
	fault := &faults{}
	endpoint, server := ddb.Start(t, &ddb.Options{Faults: fault.of})
	t.Setenv("AWS_ENDPOINT_URL_DYNAMODB", endpoint)
	return deskOn(t, server, fault, loadConfig(t))
}

// loadConfig is what the functions' mains load.
func loadConfig(t *testing.T) aws.Config {
	t.Helper()
	none := filepath.Join(t.TempDir(), "none")
	for k, v := range map[string]string{
		"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "",
		"AWS_CONFIG_FILE": none, "AWS_SHARED_CREDENTIALS_FILE": none, "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(k, v)
	}
	cfg, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	cfg.HTTPClient = &http.Client{Transport: unhurried{transport}}
	return cfg
}

// unhurried hides from net/http that the SDK's request body can WriteTo: smithy-go
// 1.28.8 closes it as soon as an answer begins, WriteTo then fails, and net/http
// closes the connection under an answer that came within microseconds, as the
// emulator's do.
type unhurried struct{ http.RoundTripper }

func (u unhurried) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Body = struct{ io.ReadCloser }{r.Body}
	return u.RoundTripper.RoundTrip(r)
}

// bubble runs f with a desk in virtual time, its table reached without a socket.
func bubble(t *testing.T, f func(*desk)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(deskInProcess(t)) })
}

// deskInProcess reaches its table without a socket.
func deskInProcess(t *testing.T) *desk {
	t.Helper()
	fault := &faults{}
	server := ddb.New(&ddb.Options{Faults: fault.of})
	return deskOn(t, server, fault, aws.Config{Region: "us-east-1", BaseEndpoint: aws.String("http://table.test"), HTTPClient: inProcess{server},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		})})
}

type inProcess struct{ http.Handler }

func (p inProcess) Do(r *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	p.ServeHTTP(rec, r)
	res := rec.Result()
	res.Request = r
	return res, nil
}

func deskOn(t *testing.T, server *ddb.Server, fault *faults, cfg aws.Config) *desk {
	t.Helper()
	client := dynamodb.NewFromConfig(cfg)
	if _, err := client.CreateTable(t.Context(), dynamo.Schema("kaiwa")); err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, ddb: server, fault: fault, table: dynamo.New(client, "kaiwa", nil), log: &syncBuffer{}, opens: map[string]time.Time{},
		posts: &postbox{gone: map[string]bool{}, at: map[string][][]byte{}}, calls: &callbox{}, orders: &callbox{}, tasks: &callbox{}}
	d.SendMessage = &handler.SendMessage{Store: d.table, Poster: d.posts, Sockets: d.posts, Reply: d.calls, Notify: d.tasks, Disconnect: d.orders, Auth: "none", Logger: d.log.logger()}
	t.Cleanup(func() {
		if s := d.log.String(); strings.Contains(s, canary) {
			t.Errorf("a message's text was logged:\n%s", s)
		}
		if n := server.Counts()["Scan"].Calls; n > 0 {
			t.Errorf("%d scans", n)
		}
	})
	return d
}

// connect opens a connection of a user, with a subprotocol or none.
func (d *desk) connect(conn, user, protocol string) {
	d.t.Helper()
	if status := d.handshake(conn, user, protocol); status != http.StatusOK {
		d.t.Fatalf("connect %s: %d", conn, status)
	}
}

// handshake gives the status that API Gateway would answer with.
func (d *desk) handshake(conn, user, protocol string) int {
	d.t.Helper()
	d.opens[conn] = time.Now()
	ev := events.APIGatewayWebsocketProxyRequest{QueryStringParameters: map[string]string{"user": user}, RequestContext: d.context(conn)}
	if protocol != "" {
		ev.Headers = map[string]string{"Sec-WebSocket-Protocol": protocol}
	}
	res, err := d.door().Handle(d.t.Context(), ev)
	if err != nil {
		d.t.Fatalf("connect %s: %v", conn, err)
	}
	return res.StatusCode
}

// door is the connect function for whoever says a name.
func (d *desk) door() *handler.Connect {
	return &handler.Connect{Store: d.table, Auth: "none", Topics: d.Topics, Notify: d.tasks, Most: d.most, Logger: d.Logger}
}

func (d *desk) context(conn string) events.APIGatewayWebsocketProxyRequestContext {
	return events.APIGatewayWebsocketProxyRequestContext{ConnectionID: conn, ConnectedAt: d.opens[conn].UnixMilli()}
}

// raw hands over one message and gives what was posted to its sender meanwhile.
func (d *desk) raw(conn, body string) []string {
	d.t.Helper()
	before := len(d.posts.to(conn))
	res, err := d.Handle(d.t.Context(), events.APIGatewayWebsocketProxyRequest{Body: body, RequestContext: d.context(conn)})
	if err != nil || res.StatusCode != http.StatusOK || res.Body != "" {
		d.t.Fatalf("%.80s: answered %+v, %v; want an empty 200 always", body, res, err)
	}
	return d.posts.to(conn)[before:]
}

// send is raw for JSON: the frames.
func (d *desk) send(conn string, r wire.Request) []wire.Frame {
	d.t.Helper()
	return decodeAll(d.t, d.raw(conn, string(wire.EncodeRequest(r))))
}

func decodeAll(t *testing.T, posts []string) []wire.Frame {
	t.Helper()
	var frames []wire.Frame
	for _, p := range posts {
		f, err := wire.DecodeFrame([]byte(p))
		if err != nil {
			t.Fatalf("posted %q: %v", p, err)
		}
		frames = append(frames, f)
	}
	return frames
}

// one is for requests with exactly one answer.
func one[F wire.Frame](d *desk, conn string, r wire.Request) F {
	d.t.Helper()
	return only[F](d.t, d.send(conn, r))
}

func only[F wire.Frame](t *testing.T, frames []wire.Frame) F {
	t.Helper()
	var f F
	if len(frames) == 1 {
		var ok bool
		if f, ok = frames[0].(F); ok {
			return f
		}
	}
	t.Fatalf("got %+v, want one %T", frames, f)
	return f
}

// refuses is for requests that must be answered with one error.
func (d *desk) refuses(conn string, r wire.Request, code wire.Code) wire.Error {
	d.t.Helper()
	e := one[wire.Error](d, conn, r)
	if e.Code != code {
		d.t.Errorf("%+v: got %+v, want %s", r, e, code)
	}
	return e
}

// prompt sends a text that must be accepted.
func (d *desk) ask(conn, id, conversation, text string) wire.Accepted {
	d.t.Helper()
	return one[wire.Accepted](d, conn, wire.SendMessage{ID: id, Conversation: conversation, Text: text + " " + canary})
}

// answer plays the reply function: it claims the reply and ends it with text.
func (d *desk) answer(reply, text, stop string) {
	d.t.Helper()
	d.claim(reply)
	n := 0
	for piece := range slices.Chunk([]rune(text), 70_000) {
		s := chat.Segment{Base: n, Length: len(piece), Text: string(piece)}
		if err := d.table.PutSegment(d.t.Context(), reply, s); err != nil {
			d.t.Fatal(err)
		}
		n += len(piece)
	}
	p := chat.Progress{Reply: reply, Owner: "owner", Seq: 2, Lease: time.Now(), Length: n, Base: n}
	if _, err := d.table.End(d.t.Context(), chat.Ending{Progress: p, Stop: stop, Usage: chat.Usage{Input: 3, Output: 4}}); err != nil {
		d.t.Fatal(err)
	}
}

// claim leaves a reply running.
func (d *desk) claim(reply string) {
	d.t.Helper()
	if _, err := d.table.ClaimReply(d.t.Context(), reply, "owner"); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) reply(id string) chat.Reply {
	d.t.Helper()
	r, err := d.table.Reply(d.t.Context(), id)
	if err != nil {
		d.t.Fatal(err)
	}
	return r
}

func (d *desk) connection(id string) chat.Connection {
	d.t.Helper()
	c, err := d.table.Connection(d.t.Context(), id)
	if err != nil {
		d.t.Fatal(err)
	}
	return c
}

// items counts what is stored, for tests that ask what is left.
func (d *desk) items() int { return len(d.ddb.Items("kaiwa")) }

// faults are what the table's operations fail with.
type faults struct {
	mu sync.Mutex // protects following
	op map[string]error
}

func (f *faults) of(op, _ string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.op[op]
}

func (f *faults) set(op string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.op = map[string]error{op: err}
}

// postbox is API Gateway's side of the callbacks.
type postbox struct {
	mu     sync.Mutex // protects following
	at     map[string][][]byte
	gone   map[string]bool
	fail   error    // what every post fails with, unless nil
	hungUp []string // what the service closed
}

// HangUp closes a connection from the service's side.
func (p *postbox) HangUp(_ context.Context, conn string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail != nil {
		return p.fail
	}
	p.hungUp = append(p.hungUp, conn)
	p.gone[conn] = true
	return nil
}

func (p *postbox) closed() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.hungUp)
}

func (p *postbox) failWith(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fail = err
}

func (p *postbox) Post(_ context.Context, conn string, data []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.gone[conn]:
		return chat.ErrGone
	case p.fail != nil:
		return p.fail
	case len(data) == 0 || len(data) > wire.MaxMessage:
		return errors.New("no message of this size can be posted")
	}
	p.at[conn] = append(p.at[conn], bytes.Clone(data))
	return nil
}

func (p *postbox) Connected(_ context.Context, conn string) (time.Time, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone[conn] {
		return time.Time{}, chat.ErrGone
	}
	return time.Now(), nil
}

func (p *postbox) hangUp(conn string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone[conn] = true
}

func (p *postbox) to(conn string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []string
	for _, b := range p.at[conn] {
		all = append(all, string(b))
	}
	return all
}

// callbox is Lambda: it notes for which replies the function was invoked.
type callbox struct {
	mu       sync.Mutex // protects following
	payloads []json.RawMessage
	replies  []string
	fails    int // how many invokes fail from now on
	tried    int
}

func (c *callbox) Invoke(_ context.Context, payload []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tried++
	if c.fails > 0 {
		c.fails--
		return chat.E(chat.Unavailable, "this could not be started; try again")
	}
	var event struct{ Reply string }
	if err := json.Unmarshal(payload, &event); err != nil {
		return err
	}
	c.replies = append(c.replies, event.Reply)
	c.payloads = append(c.payloads, payload)
	return nil
}

func (c *callbox) all() []json.RawMessage {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.payloads)
}

// take gives what was queued, and forgets it.
func (c *callbox) take() []json.RawMessage {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.payloads
	c.payloads = nil
	return all
}

func (c *callbox) invoked() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.replies...)
}

// syncBuffer takes a log.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func (s *syncBuffer) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(s, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
