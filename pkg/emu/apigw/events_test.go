package apigw_test

import (
	"bufio"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/coder/websocket"

	"kaiwa/pkg/emu/apigw"
)

func upgradeRequest(path string, headers ...string) string {
	lines := append([]string{"GET " + path + " HTTP/1.1", "Connection: upgrade", "Upgrade: websocket",
		"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}, headers...)
	return strings.Join(lines, "\r\n") + "\r\n\r\n"
}

// rawUpgrade sends an upgrade request with headers as given.
func rawUpgrade(r *rig, path string, headers ...string) (*http.Response, net.Conn) {
	r.t.Helper()
	addr := strings.TrimSuffix(strings.TrimPrefix(r.url, "ws://"), "/dev")
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = conn.Close() })
	if _, err := conn.Write([]byte(upgradeRequest(path, headers...))); err != nil {
		r.t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp, conn
}

// Events can be read with aws-lambda-go's types.
func TestEventsDecode(t *testing.T) {
	authorizer := make(chan received, 1)
	r := start(t, customAPI(apigw.Authorizer{}), functions{"authorizer": answering(authorizer, allowing(nil))}, nil)
	c := r.dial("?room=one", nil)
	c.send("{}")
	r.event() // CONNECT
	var e events.APIGatewayWebsocketProxyRequest
	if err := json.Unmarshal(r.event().raw, &e); err != nil || e.Body != "{}" || e.RequestContext.ConnectionID != c.id {
		t.Errorf("%+v, %v", e, err)
	}
	_ = c.Close(websocket.StatusNormalClosure, "bye")
	if err := json.Unmarshal(r.event().raw, &e); err != nil || e.RequestContext.DisconnectStatusCode != 1000 || *e.RequestContext.DisconnectReason != "bye" {
		t.Errorf("%+v, %v", e, err)
	}
	var a events.APIGatewayCustomAuthorizerRequestTypeRequest
	if err := json.Unmarshal((<-authorizer).raw, &a); err != nil || a.MethodArn != connectARN || a.QueryStringParameters["room"] != "one" {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestHeaderSpelling(t *testing.T) {
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
