package apigw_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"flag"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/coder/websocket"

	"kaiwa/pkg/emu/apigw"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// rawUpgrade sends an upgrade request with headers as given.
func rawUpgrade(r *rig, path string, headers ...string) (*http.Response, net.Conn) {
	r.t.Helper()
	addr := strings.TrimSuffix(strings.TrimPrefix(r.url, "ws://"), "/dev")
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = conn.Close() })
	lines := append([]string{"GET " + path + " HTTP/1.1", "Connection: upgrade", "Upgrade: websocket",
		"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}, headers...)
	if _, err := conn.Write([]byte(strings.Join(lines, "\r\n") + "\r\n\r\n")); err != nil {
		r.t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp, conn
}

// scrub replaces what is random in an event, after checking its form.
func scrub(t *testing.T, raw []byte) any {
	t.Helper()
	var e map[string]any
	if err := json.Unmarshal(raw, &e); err != nil {
		t.Fatal(err)
	}
	rc := e["requestContext"].(map[string]any)
	if rc["requestId"] != rc["extendedRequestId"] {
		t.Error("requestId differs from extendedRequestId")
	}
	for _, name := range []string{"connectionId", "requestId", "extendedRequestId", "messageId"} {
		if id, ok := rc[name].(string); ok {
			checkID(t, id)
			rc[name] = name
		}
	}
	if a, ok := rc["authorizer"].(map[string]any); ok {
		a["integrationLatency"] = a["integrationLatency"].(float64) * 0
	}
	const trace = "X-Amzn-Trace-Id"
	if h, ok := e["headers"].(map[string]any); ok && h[trace] != nil {
		if id := h[trace].(string); !strings.HasPrefix(id, "Root=1-65abb491-") || len(id) != 40 {
			t.Errorf("trace id %s", id)
		}
		h[trace] = "trace"
		e["multiValueHeaders"].(map[string]any)[trace] = []any{"trace"}
	}
	return e
}

func checkID(t *testing.T, id string) {
	t.Helper()
	if b, err := base64.URLEncoding.DecodeString(id); err != nil || len(b) != 11 || len(id) != 16 {
		t.Errorf("id %q", id)
	}
}

// goldenEvents compares all four kinds with testdata, field by field, and reads
// them with aws-lambda-go's types.
func goldenEvents(t *testing.T) {
	api := customAPI(apigw.Authorizer{})
	at := time.Date(2024, 1, 20, 11, 54, 57, 419e6, time.UTC)
	authorizer := make(chan received, 1)
	allow := allowing(map[string]any{"tier": "gold", "seats": 3, "trial": false})
	r := start(t, api, functions{"authorizer": answering(authorizer, allow)}, &apigw.Options{Now: func() time.Time { return at }})
	resp, conn := rawUpgrade(r, "/dev?room=one&room=two%20b", "Host: abc123.execute-api.us-east-1.amazonaws.com",
		"user-agent: tester/1", "X-tRACE-me: yes")
	if resp.StatusCode != 101 {
		t.Fatalf("status %d", resp.StatusCode)
	}
	// One masked text frame, {}, and a close frame without a status.
	if _, err := conn.Write([]byte{0x81, 0x82, 0, 0, 0, 0, '{', '}', 0x88, 0x80, 0, 0, 0, 0}); err != nil {
		t.Fatal(err)
	}
	got := map[string]received{"authorizer": <-authorizer}
	for range 3 {
		e := r.event()
		got[strings.ToLower(e.RequestContext.EventType)] = e
	}
	for _, kind := range []string{"authorizer", "connect", "message", "disconnect"} {
		golden(t, kind, scrub(t, got[kind].raw))
	}
	var e events.APIGatewayWebsocketProxyRequest
	if err := json.Unmarshal(got["disconnect"].raw, &e); err != nil || e.RequestContext.DisconnectStatusCode != 1005 {
		t.Errorf("as aws-lambda-go: %+v, %v", e, err)
	}
	if err := json.Unmarshal(got["message"].raw, &e); err != nil || e.Body != "{}" {
		t.Errorf("as aws-lambda-go: %+v, %v", e, err)
	}
	var a events.APIGatewayCustomAuthorizerRequestTypeRequest
	if err := json.Unmarshal(got["authorizer"].raw, &a); err != nil || !strings.HasSuffix(a.MethodArn, "/dev/$connect") {
		t.Errorf("as aws-lambda-go: %+v, %v", a, err)
	}
}

func golden(t *testing.T, kind string, got any) {
	t.Helper()
	file := filepath.Join("testdata", kind+".json")
	if *update {
		b, err := json.MarshalIndent(got, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var want any
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		g, _ := json.MarshalIndent(got, "", "  ")
		t.Errorf("%s differs; got\n%s", file, g)
	}
}

func headerSpelling(t *testing.T) {
	r := start(t, testAPI(), nil, nil)
	resp, _ := rawUpgrade(r, "/dev", "hOsT: x", "x-LOWER-upper: 1", "x-two: a", "X-Two: b", "x-forwarded-for: 9.9.9.9")
	if resp.StatusCode != 101 {
		t.Fatalf("status %d", resp.StatusCode)
	}
	h := r.event().Headers
	for name, want := range map[string]string{
		"Host": "x", "x-LOWER-upper": "1", "x-two": "b", "X-Forwarded-For": "9.9.9.9, 127.0.0.1",
		"X-Forwarded-Proto": "https", "X-Forwarded-Port": "443",
	} {
		if h[name] != want {
			t.Errorf("%s is %q in %v", name, h[name], h)
		}
	}
	for _, name := range []string{"X-Lower-Upper", "X-Two", "x-forwarded-for", "Connection", "Upgrade"} {
		if _, ok := h[name]; ok {
			t.Errorf("%s is there too: %v", name, h)
		}
	}
}

// A refused handshake keeps its TCP connection; the next one is spelled anew.
func TestHeaderSpellingSecondRequest(t *testing.T) {
	r := start(t, testAPI(), nil, nil)
	addr := strings.TrimSuffix(strings.TrimPrefix(r.url, "ws://"), "/dev")
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	for _, request := range []string{
		"POST /dev/@connections/x HTTP/1.1\r\nHost: a\r\nx-One: 1\r\nAuthorization: AWS4-HMAC-SHA256 x\r\nContent-Length: 40000\r\n\r\n" + strings.Repeat("y", 40000),
		"GET /dev HTTP/1.1\r\nHost: a\r\nx-oNE: 2\r\n\r\n",
		"GET /dev HTTP/1.1\r\nHost: a\r\nx-onE: 3\r\nConnection: upgrade\r\nUpgrade: websocket\r\n" +
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
	} {
		if _, err := conn.Write([]byte(request)); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	if h := r.event().Headers; h["x-onE"] != "3" {
		t.Errorf("%v", h)
	}
}

func userAgentAbsent(t *testing.T) {
	r := start(t, testAPI(), nil, nil)
	rawUpgrade(r, "/dev", "Host: x")
	if _, ok := r.event().RequestContext.Identity["userAgent"]; ok {
		t.Error("userAgent without a User-Agent")
	}
}

func queryParameters(t *testing.T) {
	r := start(t, testAPI(), nil, nil)
	r.dial("", nil)
	if e := r.event(); strings.Contains(string(e.raw), "ueryStringParameters") {
		t.Errorf("query without a query: %s", e.raw)
	}
	r.dial("?a=1&a=2&b=%C3%A9", nil)
	var e events.APIGatewayWebsocketProxyRequest
	if err := json.Unmarshal(r.event().raw, &e); err != nil {
		t.Fatal(err)
	}
	if e.QueryStringParameters["a"] != "2" || len(e.MultiValueQueryStringParameters["a"]) != 2 || e.QueryStringParameters["b"] != "é" {
		t.Errorf("%v %v", e.QueryStringParameters, e.MultiValueQueryStringParameters)
	}
}

func stageVariables(t *testing.T) {
	api := testAPI()
	api.Stage.Variables = map[string]string{"env": "test"}
	r := start(t, api, nil, nil)
	c := r.dial("", nil)
	c.send("hi")
	_ = c.Close(websocket.StatusNormalClosure, "")
	for range 3 {
		if e := r.event(); !strings.Contains(string(e.raw), `"stageVariables":{"env":"test"}`) {
			t.Errorf("%s", e.raw)
		}
	}
}

func idFormats(t *testing.T) {
	r := start(t, testAPI(), nil, nil)
	c := r.dial("", nil)
	c.send("hi")
	c.send("hi")
	seen := map[string]bool{}
	for range 3 {
		rc := r.event().RequestContext
		for id, kind := range map[string]byte{rc.ConnectionID: 2, rc.MessageID: 2, rc.RequestID: 5} {
			if id == "" { // CONNECT has no messageId
				continue
			}
			checkID(t, id)
			if b, _ := base64.URLEncoding.DecodeString(id); b[8] != kind {
				t.Errorf("byte 8 of %s is %d", id, b[8])
			}
		}
		if rc.MessageID != "" && rc.MessageID[12:] != rc.ConnectionID[12:] {
			t.Errorf("%s does not end like %s", rc.MessageID, rc.ConnectionID)
		}
		if seen[rc.RequestID] || rc.MessageID != "" && seen[rc.MessageID] {
			t.Errorf("an id twice: %+v", rc)
		}
		seen[rc.RequestID], seen[rc.MessageID] = true, true
	}
	if again := r.dial("", nil); again.id <= c.id {
		t.Errorf("%s is not after %s", again.id, c.id)
	}
}
