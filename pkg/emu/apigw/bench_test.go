package apigw_test

import (
	"context"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"kaiwa/pkg/emu/apigw"
)

// unbounded lets a benchmark pass the account's rates.
var unbounded = apigw.Options{ConnectRate: apigw.Throttle{Rate: -1}, AccountRate: apigw.Throttle{Rate: -1}}

func benchDial(b *testing.B, url string) *websocket.Conn {
	b.Helper()
	ws, _, err := websocket.Dial(b.Context(), url, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = ws.CloseNow() })
	return ws
}

func echoInvoker() functions {
	answer := func(_ context.Context, in []byte) (any, error) {
		if body := decode(in).Body; body != nil {
			return response{StatusCode: 200, Body: *body}, nil
		}
		return response{StatusCode: 200}, nil
	}
	return functions{"connect": answer, "disconnect": answer, "default": answer, "echo": answer}
}

// BenchmarkEcho is one client's round trip through a route response.
func BenchmarkEcho(b *testing.B) {
	url, _ := apigw.Start(b, testAPI(), echoInvoker(), &unbounded)
	ws := benchDial(b, url)
	msg := []byte(`{"action":"echo","text":"hello"}`)
	for b.Loop() {
		if err := ws.Write(b.Context(), websocket.MessageText, msg); err != nil {
			b.Fatal(err)
		}
		if _, _, err := ws.Read(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMock is a hundred clients' round trips through a MOCK integration, which
// go run ./local bench gateway sets beside a server that does nothing else.
func BenchmarkMock(b *testing.B) {
	api := testAPI()
	api.Routes["ping"] = apigw.Route{Response: true, Integration: &apigw.Integration{Type: "MOCK", TemplateSelectionExpression: `\$default`,
		RequestTemplates: map[string]string{"$default": `{"statusCode":200}`},
		Responses: map[string]apigw.IntegrationResponse{"$default": {TemplateSelectionExpression: `\$default`,
			Templates: map[string]string{"$default": `{"type":"pong","connection":"$context.connectionId"}`}}}}}
	url, _ := apigw.Start(b, api, echoInvoker(), &unbounded)
	sockets := make(chan *websocket.Conn, 100)
	for range cap(sockets) {
		sockets <- benchDial(b, url)
	}
	msg := []byte(`{"action":"ping","text":"0123456789"}`)
	b.SetParallelism(cap(sockets) / runtime.GOMAXPROCS(0))
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		ws := <-sockets
		for pb.Next() {
			if err := ws.Write(b.Context(), websocket.MessageText, msg); err != nil {
				b.Error(err)
				return
			}
			if _, _, err := ws.Read(b.Context()); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkPost is POSTs to one connection, from one caller and delivered.
func BenchmarkPost(b *testing.B) {
	url, g := apigw.Start(b, testAPI(), echoInvoker(), &unbounded)
	ws := benchDial(b, url)
	target := strings.Replace(url, "ws://", "http://", 1) + "/@connections/" + g.Connections()[0].ID
	client := &http.Client{Transport: &http.Transport{}}
	b.Cleanup(client.CloseIdleConnections)
	for b.Loop() {
		req, err := http.NewRequest("POST", target, strings.NewReader("hello"))
		if err != nil {
			b.Fatal(err)
		}
		req.Header.Set("Authorization", "AWS4-HMAC-SHA256 x")
		resp, err := client.Do(req)
		if err != nil || resp.StatusCode != 200 {
			b.Fatal(resp, err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if _, _, err := ws.Read(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "posts/s")
}
