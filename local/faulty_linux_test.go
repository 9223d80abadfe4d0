package main

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"kaiwa/local/stack"
)

const faulty = "testdata/faulty/template.yaml"

// Whatever a function does, its message is answered, the next one works, and
// nothing is left in the end: no process, no goroutine, no waiting.
func TestFaultyFunction(t *testing.T) {
	r := serve(t, "-serve", "-addr", "127.0.0.1:0", "-template", faulty)
	ws, _, err := websocket.Dial(t.Context(), r.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.CloseNow()
	say := func(text string) string {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if err := ws.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		_, answer, err := ws.Read(ctx)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return string(answer)
	}
	if got := say("fine"); got != "done" {
		t.Errorf("fine: %q", got)
	}
	before := statsOf(t, r)
	for _, fault := range []struct{ message, answer, log string }{
		{"panic", "Internal server error", "failed in"},
		{"exit", "Internal server error", "Runtime exited with error: exit status 0"},
		{"kill", "Internal server error", "Runtime exited with error: signal: killed"},
		{"hang", "Internal server error", "timed out after"},
		{"garbage", "Internal server error", "malformed proxy response"},
		{"nothing", "Internal server error", "malformed proxy response"},
		{"huge", "Internal server error", "Response payload size exceeded maximum allowed payload size"},
		{"eat", "Internal server error", "more than its MemorySize of 128 MB: killed"},
		{"flood", "done", `\x00\x01\x02`},
		{"child", "done", "ended in"},
		{"close", "done", "ended in"},
	} {
		if got := say(fault.message); !strings.Contains(got, fault.answer) {
			t.Errorf("%s: %q, want %q", fault.message, got, fault.answer)
		}
		r.stderr.await(t, fault.log)
		if got := say("fine"); got != "done" {
			t.Errorf("after %s: %q", fault.message, got)
		}
	}
	after := statsOf(t, r)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for i := 0; i < 100 && (after.Goroutines > before.Goroutines+5 || after.Processes > 2); i++ {
		<-tick.C // what has been answered may still be tidying up
		after = statsOf(t, r)
	}
	if after.Connections != 1 || after.Goroutines > before.Goroutines+5 || after.Processes > 2 {
		t.Errorf("before %d goroutines, %d processes; after %d and %d, %d connections",
			before.Goroutines, before.Processes, after.Goroutines, after.Processes, after.Connections)
	}
	if strings.ContainsAny(r.stderr.String(), "\x00\x1b") {
		t.Error("what a function prints reaches the terminal as it is")
	}
	if err := ws.Write(t.Context(), websocket.MessageText, []byte("hang")); err != nil {
		t.Fatal(err)
	}
	r.stopsWith(t, syscall.SIGTERM)
}

// ^C finds processes that ignore signals and never end, and a child that left their
// group; none outlives the run, which does not hang.
func TestInterruptFaulty(t *testing.T) {
	r := serve(t, "-serve", "-addr", "127.0.0.1:0", "-template", faulty)
	if got := ask(t, r.url, "child"); got != "done" {
		t.Errorf("child: %q", got)
	}
	ws, _, err := websocket.Dial(t.Context(), r.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.CloseNow()
	for range 3 {
		if err := ws.Write(t.Context(), websocket.MessageText, []byte("hang")); err != nil {
			t.Fatal(err)
		}
	}
	if len(leftovers(t)) < 2 {
		t.Error("there is no child to look for")
	}
	r.stopsWith(t, os.Interrupt)
}

// stopsWith ends the run, in time and with nothing left.
func (r *running) stopsWith(t *testing.T, sig os.Signal) {
	t.Helper()
	began := time.Now()
	if code := r.signalled(t, sig); code != 0 {
		t.Errorf("%v: exit %d", sig, code)
	}
	if took := time.Since(began); took > forEnd {
		t.Errorf("%v: took %v to end", sig, took)
	}
	if left := leftovers(t); len(left) > 0 {
		t.Errorf("%v: left behind: %q", sig, left)
	}
}

// leftovers are the processes that run a program that was built here.
func leftovers(t *testing.T) (left []string) {
	t.Helper()
	running, err := exec.Command("ps", "-A", "-o", "command=").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(running)) {
		if strings.HasPrefix(line, cacheFolder) {
			left = append(left, line)
		}
	}
	return left
}

func statsOf(t *testing.T, r *running) (s stack.Stats) {
	t.Helper()
	res, err := http.Get("http://" + strings.TrimSuffix(strings.TrimPrefix(r.url, "ws://"), "/dev") + "/_local/stats")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&s); err != nil {
		t.Fatal(err)
	}
	http.DefaultClient.CloseIdleConnections()
	return s
}
