package callback_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/coder/websocket"

	"kaiwa/pkg/callback"
	"kaiwa/pkg/chat"
	"kaiwa/pkg/emu/apigw"
)

// client is made as the functions' mains make theirs: the environment alone says
// where the API is.
func client(t *testing.T, endpoint string) *callback.Client {
	t.Helper()
	none := filepath.Join(t.TempDir(), "none")
	for k, v := range map[string]string{
		"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "",
		"AWS_CONFIG_FILE": none, "AWS_SHARED_CREDENTIALS_FILE": none, "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI": endpoint,
	} {
		t.Setenv(k, v)
	}
	cfg, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return callback.New(cfg)
}

// gateway is an API without functions and one open connection to it.
type gateway struct {
	*apigw.Gateway
	endpoint string // of @connections
	socket   *websocket.Conn
	id       string
}

func startGateway(t *testing.T, o *apigw.Options) *gateway {
	t.Helper()
	api := apigw.API{ID: "abc123", RouteSelectionExpression: "$request.body.action", Stage: apigw.Stage{Name: "dev"},
		Routes: map[string]apigw.Route{"$connect": {}}}
	url, g := apigw.Start(t, api, nil, o)
	ws, _, err := websocket.Dial(t.Context(), url, nil)
	if err != nil {
		t.Fatal(err)
	}
	ws.SetReadLimit(1 << 20)
	t.Cleanup(func() { _ = ws.CloseNow() })
	return &gateway{g, "http" + strings.TrimPrefix(url, "ws"), ws, g.Connections()[0].ID}
}

func TestPost(t *testing.T) {
	g := startGateway(t, nil)
	c := client(t, g.endpoint)
	for _, text := range []string{`{"type":"pong"}`, "日本語", strings.Repeat("x", 128<<10)} {
		if err := c.Post(t.Context(), g.id, []byte(text)); err != nil {
			t.Fatal(err)
		}
		_, got, err := g.socket.Read(t.Context())
		if err != nil || string(got) != text {
			t.Errorf("the client read %.20q of %d bytes, %v; want %.20q", got, len(got), err, text)
		}
	}
}

func TestHangUp(t *testing.T) {
	g := startGateway(t, nil)
	c := client(t, g.endpoint)
	if err := c.HangUp(t.Context(), g.id); err != nil {
		t.Fatal(err)
	}
	if _, _, err := g.socket.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusNormalClosure {
		t.Errorf("the client sees %v", err)
	}
	for _, id := range []string{g.id, "nobody="} { // closed already
		if err := c.HangUp(t.Context(), id); err != nil {
			t.Error(err)
		}
	}
	if err := client(t, "http://127.0.0.1:1/dev").HangUp(t.Context(), g.id); chat.KindOf(err) != chat.Unavailable {
		t.Errorf("nobody there: %v", err)
	}
}

// TestPostRefused has every way a post fails against the emulated gateway. Each
// costs exactly one request: whoever streams merges and repeats, not the SDK.
func TestPostRefused(t *testing.T) {
	status := func(code int) func(string) apigw.Fault {
		return func(string) apigw.Fault { return apigw.Fault{Status: code} }
	}
	tests := map[string]struct {
		fault  func(string) apigw.Fault
		id     string // instead of the open connection's
		size   int
		gone   bool
		kind   chat.Kind
		says   string
		status int // as counted by the gateway
	}{
		"unknown connection": {id: "AAAAAAAAAAAAAAA=", gone: true, status: 410},
		"no connection id":   {id: "a/b?c#d", gone: true, status: 410},
		"gone":               {fault: status(410), gone: true, status: 410},
		"too large":          {size: 128<<10 + 1, kind: chat.TooLarge, says: "128 KB", status: 413},
		"throttled":          {fault: status(429), kind: chat.RateLimited, says: "try again", status: 429},
		"500":                {fault: status(500), kind: chat.Unavailable, says: "try again", status: 500},
		"502":                {fault: status(502), kind: chat.Unavailable, says: "try again", status: 502},
		"503":                {fault: status(503), kind: chat.Unavailable, says: "try again", status: 503},
		"504":                {fault: status(504), kind: chat.Unavailable, says: "try again", status: 504},
		"forbidden":          {fault: status(403), kind: chat.Internal, status: 403},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			g := startGateway(t, &apigw.Options{PostFault: tt.fault})
			id := g.id
			if tt.id != "" {
				id = tt.id
			}
			err := client(t, g.endpoint).Post(t.Context(), id, []byte(strings.Repeat("x", max(1, tt.size))))
			if err == nil || errors.Is(err, chat.ErrGone) != tt.gone || !tt.gone && chat.KindOf(err) != tt.kind {
				t.Errorf("got %v, want gone %t or kind %v", err, tt.gone, tt.kind)
			}
			if e := chat.AsError(err); !strings.Contains(e.Message, tt.says) {
				t.Errorf("the message %q does not say %q", e.Message, tt.says)
			}
			if posts := g.Stats().Posts; len(posts) != 1 || posts[tt.status] != 1 {
				t.Errorf("posts by status %v, want one %d", posts, tt.status)
			}
		})
	}
}

func TestPostToClosedConnection(t *testing.T) {
	closed := make(chan apigw.Post, 1)
	g := startGateway(t, &apigw.Options{Posted: func(p apigw.Post) { closed <- p }})
	c := client(t, g.endpoint)
	g.CutSocket(g.id)
	if err := c.Post(t.Context(), g.id, []byte("x")); !errors.Is(err, chat.ErrGone) {
		t.Errorf("got %v, want ErrGone", err)
	}
	if p := <-closed; p.Status != 410 {
		t.Errorf("the gateway answered %d", p.Status)
	}
}

// TestStatusAlone: the kind must not hang on X-Amzn-ErrorType, without which the
// SDK types nothing (aws-facts §4).
func TestStatusAlone(t *testing.T) {
	tests := []struct {
		status int
		want   chat.Kind
		gone   bool
	}{
		{status: 410, gone: true}, {status: 413, want: chat.TooLarge}, {status: 429, want: chat.RateLimited},
		{status: 500, want: chat.Unavailable}, {status: 599, want: chat.Unavailable}, {status: 400, want: chat.Internal}, {status: 404, want: chat.Internal},
	}
	for _, tt := range tests {
		var requests atomic.Int32
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			requests.Add(1)
			w.WriteHeader(tt.status)
		}))
		err := client(t, server.URL).Post(t.Context(), "id=", []byte("x"))
		server.Close()
		if err == nil || errors.Is(err, chat.ErrGone) != tt.gone || !tt.gone && chat.KindOf(err) != tt.want {
			t.Errorf("%d: got %v, want gone %t or kind %v", tt.status, err, tt.gone, tt.want)
		}
		if n := requests.Load(); n != 1 {
			t.Errorf("%d: %d requests for one post", tt.status, n)
		}
	}
}

// TestPostOnTheWire: the path and body are those of aws-facts §4, below whatever
// path the endpoint has, as behind a custom domain.
func TestPostOnTheWire(t *testing.T) {
	var got *http.Request
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r }))
	defer server.Close()
	if err := client(t, server.URL+"/chat/v1").Post(t.Context(), "R0oXAdfD0kwCH6w=", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if got.Method != "POST" || got.RequestURI != "/chat/v1/@connections/R0oXAdfD0kwCH6w%3D" {
		t.Errorf("%s %s", got.Method, got.RequestURI)
	}
	if a := got.Header.Get("Authorization"); !strings.Contains(a, "/us-east-1/execute-api/aws4_request") {
		t.Errorf("signed as %q", a)
	}
}

func TestPostStopsWithContext(t *testing.T) {
	var asked atomic.Int32
	g := startGateway(t, &apigw.Options{PostFault: func(string) apigw.Fault {
		asked.Add(1)
		return apigw.Fault{Delay: time.Hour}
	}})
	c := client(t, g.endpoint)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := c.Post(ctx, g.id, []byte("x"))
	if !isUnavailable(err) || !errors.Is(err, context.DeadlineExceeded) || asked.Load() != 1 {
		t.Errorf("got %v after %d requests, want Unavailable by the deadline after one", err, asked.Load())
	}
}

func TestUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close() // nobody listens there now
	c := client(t, "http://"+l.Addr().String()+"/dev")
	if err := c.Post(t.Context(), "id=", []byte("x")); !isUnavailable(err) {
		t.Errorf("got %v, want Unavailable", err)
	}
}

// isUnavailable does not take chat.KindOf's word, which makes a deadline
// Unavailable by itself.
func isUnavailable(err error) bool {
	e, ok := errors.AsType[*chat.Error](err)
	return ok && e.Kind == chat.Unavailable && strings.Contains(e.Message, "try again")
}

func TestWrongStageIsNoPassingError(t *testing.T) {
	g := startGateway(t, nil)
	err := client(t, strings.TrimSuffix(g.endpoint, "dev")+"prod").Post(t.Context(), g.id, []byte("x"))
	if chat.KindOf(err) != chat.Internal || !strings.Contains(err.Error(), "403") {
		t.Errorf("got %v, want an internal error that shows the 403", err)
	}
}

func TestConnected(t *testing.T) {
	g := startGateway(t, nil)
	c := client(t, g.endpoint)
	at, err := c.Connected(t.Context(), g.id)
	if want := g.Connections()[0].ConnectedAt; err != nil || !at.Equal(want.Truncate(time.Millisecond)) {
		t.Errorf("connected at %v, %v; want %v", at, err, want)
	}
	g.CutSocket(g.id)
	if _, err := c.Connected(t.Context(), g.id); !errors.Is(err, chat.ErrGone) {
		t.Errorf("a closed connection: got %v, want ErrGone", err)
	}
	if at, err := c.Connected(t.Context(), "AAAAAAAAAAAAAAA="); !errors.Is(err, chat.ErrGone) || !at.IsZero() {
		t.Errorf("an unknown connection: got %v %v, want ErrGone", at, err)
	}
}

// TestConnectedIsRepeated: unlike a post, asking may be repeated by the SDK.
func TestConnectedIsRepeated(t *testing.T) {
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if requests.Add(1) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte(`{"connectedAt":"2026-11-22T10:00:00.123Z"}`))
	}))
	defer server.Close()
	at, err := client(t, server.URL).Connected(t.Context(), "id=")
	if want := time.Date(2026, 11, 22, 10, 0, 0, 123e6, time.UTC); err != nil || !at.Equal(want) || requests.Load() != 2 {
		t.Errorf("got %v, %v after %d requests; want %v after 2", at, err, requests.Load(), want)
	}
}
