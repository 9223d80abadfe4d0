package dynamo_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/dynamo"
)

// world is a table of its own, on the embedded DynamoDB or, to compare, on the
// one at KAIWA_CONTRACT_ENDPOINT.
type world struct {
	*dynamo.Table
	t      *testing.T
	name   string
	client *dynamodb.Client
	net    *network
	clock  *clock
	// units gives the read and write units used so far; nil on a contract endpoint.
	units func() (reads, writes float64)
}

func newWorld(t *testing.T, o dynamo.Options) *world {
	t.Helper()
	w := &world{t: t, name: "kaiwa-" + rand.Text(), net: &network{calls: map[string]int{}}, clock: &clock{}}
	endpoint := os.Getenv("KAIWA_CONTRACT_ENDPOINT")
	if endpoint == "" {
		endpoint, w.units = startEmbedded(t)
	}
	w.client = dynamodb.New(dynamodb.Options{
		BaseEndpoint: &endpoint,
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider("id", "secret", ""),
		HTTPClient:   &http.Client{Transport: w.net},
	})
	if _, err := w.client.CreateTable(t.Context(), dynamo.Schema(w.name)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(http.DefaultTransport.(*http.Transport).CloseIdleConnections)
	w.clock.now = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	o.Now = w.clock.Now
	if o.Timeout == 0 {
		o.Timeout = time.Minute // a busy machine is no reason to fail
	}
	w.Table = dynamo.New(w.client, w.name, &o)
	return w
}

// raw reads an item as it is stored; nil if there is none.
func (w *world) raw(pk, sk string) map[string]types.AttributeValue {
	w.t.Helper()
	out, err := w.client.GetItem(w.t.Context(), &dynamodb.GetItemInput{
		TableName: &w.name, ConsistentRead: aws.Bool(true),
		Key: map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: pk}, "sk": &types.AttributeValueMemberS{Value: sk}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return out.Item
}

// forget deletes an item behind the table's back.
func (w *world) forget(pk, sk string) {
	w.t.Helper()
	if _, err := w.client.DeleteItem(w.t.Context(), &dynamodb.DeleteItemInput{TableName: &w.name,
		Key: map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: pk}, "sk": &types.AttributeValueMemberS{Value: sk}}}); err != nil {
		w.t.Fatal(err)
	}
}

// everything is the keys of all items, for tests that ask what is left.
func (w *world) everything() []string {
	w.t.Helper()
	out, err := w.client.Scan(w.t.Context(), &dynamodb.ScanInput{TableName: &w.name})
	if err != nil {
		w.t.Fatal(err)
	}
	var keys []string
	for _, it := range out.Items {
		keys = append(keys, text(it["pk"])+" "+text(it["sk"]))
	}
	return keys
}

func text(v types.AttributeValue) string {
	s, _ := v.(*types.AttributeValueMemberS)
	if s == nil {
		return ""
	}
	return s.Value
}

// turn makes a prompt to a new conversation, as the handler would.
func (w *world) turn(user, conn, prompt, text string) chat.Turn {
	at := w.clock.Now()
	return chat.Turn{
		User: user, Connection: conn, Mode: chat.ModeJSON, Prompt: prompt, Hash: "hash of " + prompt, Text: text,
		Conversation: chat.NewOrderedID(at), New: true, Message: chat.NewOrderedID(at), Reply: chat.NewOrderedID(at), At: at,
	}
}

// next makes a prompt to a conversation that exists.
func (w *world) next(conv chat.Conversation, conn, prompt, text string) chat.Turn {
	turn := w.turn(conv.User, conn, prompt, text)
	turn.Conversation, turn.New, turn.Seen = conv.ID, false, conv
	return turn
}

func (w *world) create(turn chat.Turn) chat.Reply {
	w.t.Helper()
	r, _, err := w.CreateTurn(w.t.Context(), turn)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) conversation(id string) chat.Conversation {
	w.t.Helper()
	c, err := w.Conversation(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// running makes a reply that owner has claimed.
func (w *world) running(owner string) chat.Reply {
	w.t.Helper()
	r := w.create(w.turn("ann", "c1", chat.NewID(), "hello"))
	r, err := w.ClaimReply(w.t.Context(), r.ID, owner)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) progress(r chat.Reply, seq int64, text string) chat.Progress {
	return chat.Progress{
		Reply: r.ID, Owner: r.Owner, Seq: seq, Lease: w.clock.Now().Add(chat.Lease), Length: len([]rune(text)), Tail: text,
	}
}

// answer claims a reply and ends it with text, in segments of at most 100 KB and
// a tail.
func (w *world) answer(reply, text string) chat.Reply {
	w.t.Helper()
	ctx := w.t.Context()
	r, err := w.ClaimReply(ctx, reply, chat.NewID())
	if err != nil {
		w.t.Fatal(err)
	}
	runes, base := []rune(text), 0
	for len(runes)-base > 1000 {
		n := min(25000, len(runes)-base-500)
		if err := w.PutSegment(ctx, reply, chat.Segment{Base: base, Length: n, Text: string(runes[base : base+n])}); err != nil {
			w.t.Fatal(err)
		}
		base += n
	}
	r, err = w.End(ctx, chat.Ending{Stop: "end_turn", Progress: chat.Progress{
		Reply: reply, Owner: r.Owner, Seq: 2, Lease: r.Lease, Length: len(runes), Base: base, Tail: string(runes[base:]),
	}})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func wantKind(t *testing.T, err error, k chat.Kind) {
	t.Helper()
	if err == nil || chat.KindOf(err) != k {
		t.Fatalf("got %v, want an error of kind %v", err, k)
	}
}

func wantIs(t *testing.T, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("got %v, want %v", err, target)
	}
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// network stands between the SDK and the table: it counts calls and makes them
// fail, whichever DynamoDB is behind.
type network struct {
	mu    sync.Mutex
	calls map[string]int
	fault func(op string) fault // nil: none
}

type fault int

const (
	none       fault = iota
	lostAnswer       // carried out, answered 500
	throttled        // not carried out, answered 400
	conflict         // not carried out, as if a transaction held the item
	noImage          // not carried out, answered as a failed condition without the item
	silence          // not carried out, never answered
)

// once makes the next call of an operation fail.
func (n *network) once(op string, f fault) { n.times(1, op, f) }

// times makes the next k calls of an operation fail.
func (n *network) times(k int, op string, f fault) {
	n.set(func(called string) fault {
		if called != op || k == 0 {
			return none
		}
		k--
		return f
	})
}

// set decides by function which calls fail; nil: none.
func (n *network) set(f func(op string) fault) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.fault = f
}

func (n *network) count() map[string]int {
	n.mu.Lock()
	defer n.mu.Unlock()
	c := n.calls
	n.calls = map[string]int{}
	return c
}

func (n *network) next(r *http.Request) fault {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	n.calls[op]++
	if n.fault == nil {
		return none
	}
	return n.fault(op)
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	// smithy-go 1.28.8 closes a body that can WriteTo as soon as an answer begins.
	// net/http then closes the connection under an answer that came within
	// microseconds, as the emulator's do, and the SDK asks again: a call too many.
	r = r.Clone(r.Context())
	r.Body = struct{ io.ReadCloser }{r.Body}
	switch n.next(r) {
	case throttled:
		return answer(r, 400, `{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"slow down"}`), nil
	case noImage:
		return answer(r, 400, `{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","message":"refused"}`), nil
	case conflict:
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".TransactWriteItems") {
			return answer(r, 400, `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","Message":"canceled",`+
				`"CancellationReasons":[{"Code":"None"},{"Code":"TransactionConflict"},{"Code":"None"},{"Code":"None"}]}`), nil
		}
		return answer(r, 400, `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionConflictException","message":"ongoing"}`), nil
	case silence:
		<-r.Context().Done()
		return nil, context.Cause(r.Context())
	case lostAnswer:
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		resp.Body.Close()
		return answer(r, 500, `{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"lost"}`), nil
	}
	return http.DefaultTransport.RoundTrip(r)
}

func answer(r *http.Request, status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Request: r, ProtoMajor: 1, ProtoMinor: 1, ContentLength: int64(len(body)),
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body:   io.NopCloser(bytes.NewBufferString(body)),
	}
}

// plain turns maps into their sizes and leaves strings and numbers as they are
// written.
func plain(it map[string]types.AttributeValue) map[string]any {
	m := map[string]any{}
	for name, v := range it {
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			m[name] = v.Value
		case *types.AttributeValueMemberN:
			m[name] = v.Value
		case *types.AttributeValueMemberM:
			m[name] = len(v.Value)
		}
	}
	return m
}
