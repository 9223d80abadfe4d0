package apigw_test

import (
	"context"
	"io"
	"net/http"
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
