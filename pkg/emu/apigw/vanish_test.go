package apigw_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"kaiwa/pkg/emu/apigw"
)

// frame is a masked client frame with a first byte, 0x81 for a whole text, and a
// declared length, of which only payload is sent.
func frame(first byte, length uint16, payload string) []byte {
	b := []byte{first, 0x80 | 126}
	b = binary.BigEndian.AppendUint16(b, length)
	return append(append(b, 0, 0, 0, 0), payload...) // masked with zeros
}

// A thousand clients, each waiting for an answer, vanish at once: half of them
// with a FIN, half with a RST.
func TestThousandClientsVanish(t *testing.T) {
	const clients = 1000
	asked, leave := make(chan struct{}, clients), make(chan struct{})
	slow := functions{"echo": func(context.Context, []byte) (any, error) {
		asked <- struct{}{}
		<-leave
		return response{StatusCode: 200, Body: strings.Repeat("too late ", 1000)}, nil
	}}
	off := apigw.Throttle{Rate: -1}
	r := start(t, testAPI(), slow, &apigw.Options{ConnectRate: off, AccountRate: off})
	before := runtime.NumGoroutine()
	conns := make([]net.Conn, clients)
	for i := range conns {
		resp, conn := rawUpgrade(r, "/dev", "Host: x")
		if resp.StatusCode != 101 {
			t.Fatalf("status %d", resp.StatusCode)
		}
		if _, err := conn.Write(frame(0x81, 17, `{"action":"echo"}`)); err != nil {
			t.Fatal(err)
		}
		conns[i] = conn
	}
	for range clients {
		<-asked
	}
	open := r.g.Connections()
	for i, conn := range conns {
		if i%2 == 0 {
			_ = conn.(*net.TCPConn).SetLinger(0)
		}
		_ = conn.Close()
	}
	gone := map[string]int{}
	for len(gone) < clients {
		if e := r.event(); e.RequestContext.EventType == "DISCONNECT" {
			gone[e.RequestContext.ConnectionID]++
			if e.RequestContext.DisconnectStatusCode != 1006 {
				t.Errorf("DISCONNECT %d", e.RequestContext.DisconnectStatusCode)
			}
		}
	}
	close(leave)
	for _, c := range open {
		if gone[c.ID] != 1 {
			t.Errorf("%s: %d DISCONNECT events", c.ID, gone[c.ID])
		}
	}
	if got := r.post(open[0].ID, "x"); got != 410 || len(r.g.Connections()) != 0 {
		t.Errorf("post %d, %d connections", got, len(r.g.Connections()))
	}
	r.http.CloseIdleConnections()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for runtime.NumGoroutine() > before {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}

// A client that does not read any more harms nobody else, costs SendBuffer and is
// closed in time. When the bubble ends, no goroutine is left.
func TestClientStopsReading(t *testing.T) {
	bubble(t, testAPI(), nil, &apigw.Options{SendBuffer: 100 << 10}, func(r *rig) {
		deaf, began := r.dial("", nil), time.Now()
		other := r.dial("", nil)
		part := strings.Repeat("x", 40<<10)
		for n, want := range []int{200, 200, 429, 429} {
			if got := r.post(deaf.id, part); got != want {
				t.Errorf("post %d: %d, want %d", n, got, want)
			}
		}
		// It still talks; what would not fit is dropped.
		for range 100 {
			deaf.send(`{"action":"echo","text":"` + strings.Repeat("y", 1000) + `"}`)
		}
		if got := r.post(other.id, "hello"); got != 200 || other.recv() != "hello" {
			t.Errorf("the other client: %d", got)
		}
		synctest.Wait()
		if took := time.Since(began); took != 0 {
			t.Errorf("somebody waited for %v", took)
		}
		other.send("still here")
		if code, reason := r.disconnect(); code != 1001 || reason != "Going away" {
			t.Errorf("DISCONNECT %d %q", code, reason)
		}
		if took := time.Since(began); took < 10*time.Minute || took > 10*time.Minute+6*time.Second {
			t.Errorf("closed after %v", took)
		}
		if got := r.post(deaf.id, "x"); got != 410 {
			t.Errorf("post afterwards: %d", got)
		}
	})
}

// The same for a client whose answers come from a MOCK, which the gateway writes
// while it reads.
func TestMockClientStopsReading(t *testing.T) {
	api := testAPI()
	api.Routes["mock"] = twoWay(apigw.Route{Integration: &apigw.Integration{Type: "MOCK",
		RequestTemplates: map[string]string{"$default": `{"statusCode":200}`},
		Responses:        map[string]apigw.IntegrationResponse{"$default": {Templates: map[string]string{"$default": "pong"}}}}})
	bubble(t, api, nil, nil, func(r *rig) {
		deaf, began := r.dial("", nil), time.Now()
		go func() { // it may come to a stop as well
			for deaf.Write(context.Background(), websocket.MessageText, []byte(`{"action":"mock"}`)) == nil {
			}
		}()
		if code, _ := r.disconnect(); code != 1001 {
			t.Errorf("DISCONNECT %d", code)
		}
		if took := time.Since(began); took < 10*time.Minute || took > 10*time.Minute+6*time.Second {
			t.Errorf("closed after %v", took)
		}
	})
}

// A client that stops in the middle of a message is idle, whatever else comes.
func TestHalfAMessage(t *testing.T) {
	for _, tt := range []struct {
		name        string
		first, more []byte
	}{
		{"in a frame", frame(0x81, 1000, "hello"), nil},
		{"with empty frames after it", frame(0x01, 5, "hello"), []byte{0x00, 0x80, 0, 0, 0, 0}},
		{"with pings after it", frame(0x01, 5, "hello"), []byte{0x89, 0x80, 0, 0, 0, 0}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, testAPI(), nil, nil, func(r *rig) {
				conn, began := r.rawDial(), time.Now()
				go func() { _, _ = io.Copy(io.Discard, conn) }() // pongs and the close frame
				_, err := conn.Write(tt.first)
				for tt.more != nil && err == nil {
					<-time.After(time.Second)
					_, err = conn.Write(tt.more)
				}
				if code, _ := r.disconnect(); code != 1001 {
					t.Errorf("DISCONNECT %d", code)
				}
				if took := time.Since(began); took < 10*time.Minute || took > 10*time.Minute+6*time.Second {
					t.Errorf("closed after %v", took)
				}
			})
		})
	}
}

// A client that vanishes while $connect runs: $disconnect follows, since $connect
// has said yes.
func TestVanishDuringConnect(t *testing.T) {
	entered, leave := make(chan string), make(chan struct{})
	wait := functions{"connect": func(_ context.Context, in []byte) (any, error) {
		entered <- decode(in).RequestContext.ConnectionID
		<-leave
		return response{StatusCode: 200}, nil
	}}
	r := start(t, testAPI(), wait, nil)
	conn, err := net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(r.url, "ws://"), "/dev"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte(upgradeRequest("/dev", "Host: x"))); err != nil {
		t.Fatal(err)
	}
	id := <-entered
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
	close(leave)
	if e := r.event(); e.RequestContext.EventType != "DISCONNECT" || e.RequestContext.ConnectionID != id || e.RequestContext.DisconnectStatusCode != 1006 {
		t.Errorf("%s", e.raw)
	}
	if got := r.post(id, "x"); got != 410 || len(r.g.Connections()) != 0 {
		t.Errorf("post %d, %d connections", got, len(r.g.Connections()))
	}
}
