package apigw_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/coder/websocket"

	"kaiwa/local/conform/conformtest"
	"kaiwa/pkg/emu/apigw"
)

// functions is an Invoker of Go functions. An error is a thrown one.
type functions map[string]func(ctx context.Context, in []byte) (any, error)

func (f functions) Invoke(ctx context.Context, name string, in []byte) ([]byte, string, error) {
	fn, ok := f[name]
	if !ok {
		return nil, "", fmt.Errorf("function %s not found", name)
	}
	out, err := fn(ctx, in)
	if err != nil {
		b, _ := json.Marshal(map[string]string{"errorMessage": err.Error(), "errorType": "Error"})
		return b, "Unhandled", nil
	}
	b, err := json.Marshal(out)
	return b, "", err
}

// response is what a proxy function returns.
type response struct {
	StatusCode int               `json:"statusCode"`
	Headers    map[string]string `json:"headers,omitempty"`
	Body       string            `json:"body,omitempty"`
}

// received is what the tests read of an event.
type received struct {
	raw            []byte
	Headers        map[string]string
	Body           *string
	Type           string
	MethodArn      string
	RequestContext struct {
		RouteKey, EventType, ConnectionID, MessageID, RequestID, ExtendedRequestID string
		DisconnectStatusCode                                                       int
		DisconnectReason                                                           *string
		Authorizer                                                                 map[string]any
		Identity                                                                   map[string]any
	}
}

func decode(in []byte) received {
	r := received{raw: in}
	if err := json.Unmarshal(in, &r); err != nil {
		panic(err)
	}
	return r
}

// answering returns a function that records its events and answers r.
func answering(events chan<- received, r any) func(context.Context, []byte) (any, error) {
	return func(_ context.Context, in []byte) (any, error) {
		events <- decode(in)
		return r, nil
	}
}

func lambdaRoute(name string) apigw.Route {
	return apigw.Route{Integration: &apigw.Integration{Type: "AWS_PROXY", Function: name}}
}

func twoWay(r apigw.Route) apigw.Route {
	r.Response = true
	return r
}

// testAPI has the three lifecycle routes on functions of the same names, and
// "echo" answering on its route response.
func testAPI() apigw.API {
	return apigw.API{
		ID:                       "abc123",
		RouteSelectionExpression: "$request.body.action",
		Stage:                    apigw.Stage{Name: "dev"},
		Routes: map[string]apigw.Route{
			"$connect":    lambdaRoute("connect"),
			"$disconnect": lambdaRoute("disconnect"),
			"$default":    lambdaRoute("default"),
			"echo":        twoWay(lambdaRoute("echo")),
		},
	}
}

// rig is one gateway under test, and clients of it.
type rig struct {
	t      *testing.T
	url    string // ws://…/dev
	g      *apigw.Gateway
	http   *http.Client
	events chan received // of connect, disconnect and default
	// patience is how long event waits.
	patience time.Duration
}

// functions are the defaults under over.
func (r *rig) functions(over functions) functions {
	ok := response{StatusCode: 200}
	f := functions{
		"connect":    answering(r.events, ok),
		"disconnect": answering(r.events, ok),
		"default":    answering(r.events, ok),
		"echo": func(_ context.Context, in []byte) (any, error) {
			return response{StatusCode: 200, Body: *decode(in).Body}, nil
		},
	}
	for name, fn := range over {
		f[name] = fn
	}
	return f
}

// start runs a gateway on a real socket.
func start(t *testing.T, api apigw.API, over functions, o *apigw.Options) *rig {
	t.Helper()
	r := &rig{t: t, http: &http.Client{Transport: &http.Transport{}}, events: make(chan received, 2000), patience: 20 * time.Second}
	t.Cleanup(r.http.CloseIdleConnections)
	r.url, r.g = apigw.Start(t, api, r.functions(over), o)
	return r
}

// bubble runs f with a gateway whose clock is synctest's: hours take no time.
func bubble(t *testing.T, api apigw.API, over functions, o *apigw.Options, f func(*rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := conformtest.NewPipes()
		r := &rig{t: t, url: "ws://gateway/dev", events: make(chan received, 2000), patience: 5 * time.Hour}
		r.http = &http.Client{Transport: &http.Transport{DialContext: l.Dial, DisableKeepAlives: true}}
		var err error
		if r.g, err = apigw.New(api, r.functions(over), o); err != nil {
			t.Fatal(err)
		}
		srv := &http.Server{Handler: r.g}
		go func() { _ = apigw.Serve(srv, l) }()
		defer func() {
			if err := r.g.Close(context.Background()); err != nil {
				t.Error(err)
			}
			_ = srv.Close()
		}()
		f(r)
	})
}

// rawDial connects by hand in a bubble.
func (r *rig) rawDial() net.Conn {
	r.t.Helper()
	transport := r.http.Transport.(*http.Transport)
	conn, err := transport.DialContext(r.t.Context(), "tcp", "")
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = conn.Close() })
	if _, err := conn.Write([]byte(upgradeRequest("/dev", "Host: x"))); err != nil {
		r.t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || resp.StatusCode != 101 {
		r.t.Fatalf("%v, %v", resp, err)
	}
	return conn
}

// client is one WebSocket client; id is its connectionId.
type client struct {
	*websocket.Conn
	t  *testing.T
	id string
}

// dial connects; query and o may be empty.
func (r *rig) dial(query string, o *websocket.DialOptions) *client {
	r.t.Helper()
	known := map[string]bool{}
	for _, c := range r.g.Connections() {
		known[c.ID] = true
	}
	ws, status := r.tryDial(query, o)
	if ws == nil {
		r.t.Fatalf("dial: status %d", status)
	}
	for _, c := range r.g.Connections() {
		if !known[c.ID] {
			return &client{ws, r.t, c.ID}
		}
	}
	r.t.Fatal("dialled, but no connection is known")
	return nil
}

// tryDial returns nil and the handshake's status if refused.
func (r *rig) tryDial(query string, o *websocket.DialOptions) (*websocket.Conn, int) {
	r.t.Helper()
	if o == nil {
		o = &websocket.DialOptions{}
	}
	o.HTTPClient = r.http
	ws, resp, err := websocket.Dial(r.t.Context(), r.url+query, o)
	if err != nil {
		if resp == nil {
			r.t.Fatalf("dial: %v", err)
		}
		return nil, resp.StatusCode
	}
	ws.SetReadLimit(1 << 20)
	r.t.Cleanup(func() { _ = ws.CloseNow() })
	return ws, resp.StatusCode
}

func (c *client) send(text string) {
	c.t.Helper()
	if err := c.Write(c.t.Context(), websocket.MessageText, []byte(text)); err != nil {
		c.t.Fatalf("send: %v", err)
	}
}

func (c *client) recv() string {
	c.t.Helper()
	typ, b, err := c.Read(c.t.Context())
	if err != nil || typ != websocket.MessageText {
		c.t.Fatalf("receive: type %v, %v", typ, err)
	}
	return string(b)
}

// closed waits for the end and returns the close frame; 1006 if there is none.
func (c *client) closed() (code int, reason string) {
	c.t.Helper()
	for {
		_, _, err := c.Read(c.t.Context())
		var ce websocket.CloseError
		switch {
		case errors.As(err, &ce):
			return int(ce.Code), ce.Reason
		case err != nil:
			return 1006, ""
		}
	}
}

// event waits for the next event of connect, disconnect or default.
func (r *rig) event() received {
	r.t.Helper()
	select {
	case e := <-r.events:
		return e
	case <-time.After(r.patience):
	}
	r.t.Fatal("no event")
	return received{}
}

// disconnect waits for the next DISCONNECT event.
func (r *rig) disconnect() (code int, reason string) {
	r.t.Helper()
	for {
		if e := r.event(); e.RequestContext.EventType == "DISCONNECT" {
			return e.RequestContext.DisconnectStatusCode, *e.RequestContext.DisconnectReason
		}
	}
}

// do calls @connections without the SDK, marked as signed, and reads the whole
// answer. It may run beside the test; a failure is status 0.
func (r *rig) do(method, path, body string) *http.Response {
	r.t.Helper()
	url := strings.Replace(r.url, "ws://", "http://", 1) + path
	req, err := http.NewRequestWithContext(r.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		r.t.Error(err)
		return &http.Response{}
	}
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=x")
	resp, err := r.http.Do(req)
	if err != nil {
		r.t.Error(err)
		return &http.Response{}
	}
	b, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		r.t.Error(err)
	}
	resp.Body = io.NopCloser(strings.NewReader(string(b)))
	return resp
}

func (r *rig) post(id, body string) int {
	r.t.Helper()
	return r.do("POST", "/@connections/"+strings.ReplaceAll(id, "=", "%3D"), body).StatusCode
}

// sdk is the real management client, with one attempt a call.
func (r *rig) sdk(secret string) *sdk.Client {
	return sdk.New(sdk.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(strings.Replace(r.url, "ws://", "http://", 1)),
		Credentials:  credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", secret, ""),
		HTTPClient:   r.http,
		Retryer:      aws.NopRetryer{},
	})
}
