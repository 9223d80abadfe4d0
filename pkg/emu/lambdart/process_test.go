package lambdart_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kaiwa/pkg/emu/lambdart"
)

func TestInitFailures(t *testing.T) {
	r := start(t, nil,
		lambdart.Function{Name: "exit", Command: []string{program, "init-exit"}},
		lambdart.Function{Name: "error", Command: []string{program, "init-error"}},
		lambdart.Function{Name: "missing", Command: []string{"./no-such-program"}},
	)
	for function, want := range map[string]string{
		"exit":    "Error: Runtime exited with error: exit status 3",
		"error":   `{"errorType":"Function.Boom","errorMessage":"no database"}`,
		"missing": `"errorType":"Runtime.InvalidEntrypoint"`,
	} {
		out, functionError := r.call(t, function, "{}")
		if functionError != "Unhandled" || !strings.Contains(out, want) {
			t.Errorf("%s: %s %s, want %s", function, functionError, out, want)
		}
		if s := r.Stats()[function]; s.Processes != 0 || s.Errors != 1 {
			t.Errorf("%s: stats = %+v", function, s)
		}
	}
}

func TestNoBaseURL(t *testing.T) {
	h := lambdart.New(nil)
	defer h.Close(t.Context())
	if err := h.Add(lambdart.Function{Name: "f", Command: []string{program}}); err != nil {
		t.Fatal(err)
	}
	out, functionError, err := h.Invoke(t.Context(), "f", nil)
	if err != nil || functionError != "Unhandled" || !strings.Contains(string(out), "call SetBaseURL") {
		t.Errorf("%s %s %v", out, functionError, err)
	}
}

func TestIdleProcessIsReaped(t *testing.T) {
	r := start(t, &lambdart.Options{IdleTimeout: 20 * time.Millisecond}, lambdart.Function{Name: "f"})
	r.call(t, "f", "{}")
	r.waitEvent(t, "process ended f")
	if s := r.Stats()["f"]; s.Processes != 0 || s.Crashes != 0 {
		t.Errorf("stats = %+v", s)
	}
	if out, _ := r.call(t, "f", "3"); out != "3" {
		t.Errorf("afterwards: %s", out)
	}
}

// An idle process that dies by itself is no invocation's error.
func TestIdleProcessDies(t *testing.T) {
	r := start(t, nil, lambdart.Function{Name: "f"})
	for range 5 {
		pid, _ := r.call(t, "f", `{"Do":"pid"}`)
		kill(t, decode[int](t, pid))
		r.waitEvent(t, "process ended f")
		if out, functionError := r.call(t, "f", "4"); out != "4" || functionError != "" {
			t.Fatalf("%s %s", out, functionError)
		}
	}
}

func kill(t testing.TB, pid int) {
	t.Helper()
	p, err := os.FindProcess(pid)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
}

func TestLogs(t *testing.T) {
	r := start(t, nil, lambdart.Function{Name: "f", Timeout: 2 * time.Second})
	r.call(t, "f", `{"Do":"log","Text":"first\nsecond\r\n\nrest"}`)
	id := r.waitLog(t, "first").requestID
	if len(id) != 36 {
		t.Errorf("request id = %q", id)
	}
	for _, want := range []string{"second", ""} {
		if l := <-r.logs; l != (logLine{"f", id, want}) {
			t.Errorf("line = %+v, want %q", l, want)
		}
	}
	r.call(t, "f", `{"Do":"sleep","Ms":60000}`)
	r.waitLog(t, "restsleeping") // a line may span invocations
	l := wait(t, r.logs, "timeout", func(l logLine) bool { return strings.HasSuffix(l.text, "Task timed out after 2.00 seconds") })
	if l.requestID == id || !strings.Contains(l.text, l.requestID) {
		t.Errorf("line = %+v", l)
	}
	r.call(t, "f", `{"Do":"exit","N":9}`)
	wait(t, r.logs, "exit", func(l logLine) bool {
		return l.text == "RequestId: "+l.requestID+" Error: Runtime exited with error: exit status 9 Runtime.ExitError"
	})
}

func TestClose(t *testing.T) {
	for _, c := range []struct {
		name    string
		command []string
		grace   time.Duration
	}{
		{"plain", []string{program}, time.Hour},
		{"SIGTERM callback", []string{program, "sigterm"}, 200 * time.Millisecond},
		{"SIGTERM ignored", []string{program, "stubborn"}, 10 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := start(t, &lambdart.Options{Grace: c.grace}, lambdart.Function{Name: "f", Command: c.command})
			r.call(t, "f", "{}")
			result := make(chan string, 1)
			go func() {
				out, _, _ := r.Invoke(context.Background(), "f", []byte(`{"Do":"sleep","Ms":60000}`))
				result <- string(out)
			}()
			r.waitLog(t, "sleeping")
			if err := r.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			if s := r.Stats()["f"]; s.Processes != 0 || s.InFlight != 0 {
				t.Errorf("stats = %+v", s)
			}
			if out := <-result; !strings.Contains(out, "Runtime exited with error: signal: ") {
				t.Errorf("the invocation under way: %s", out)
			}
			if c.name == "SIGTERM callback" {
				r.waitLog(t, "got SIGTERM")
			}
		})
	}
}

func TestCloseGivesUpWithItsContext(t *testing.T) {
	r := start(t, &lambdart.Options{Grace: time.Hour}, lambdart.Function{Name: "f", Command: []string{program, "stubborn"}})
	r.call(t, "f", "{}")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := r.Close(ctx); err != nil { // it had nothing to do
		t.Errorf("err = %v", err)
	}
	if s := r.Stats()["f"]; s.Processes != 0 {
		t.Errorf("stats = %+v", s)
	}
}

// Whoever has to be killed while somebody waits for it is named.
func TestCloseNamesWhoIsKilled(t *testing.T) {
	stubborn := func(name, id string) lambdart.Function {
		return lambdart.Function{Name: name, LogicalID: id, Command: []string{program, "stubborn"}, Timeout: time.Minute}
	}
	r := start(t, &lambdart.Options{Grace: time.Hour}, stubborn("f", "Fn"), stubborn("g", ""), stubborn("event", ""), stubborn("idle", ""))
	r.call(t, "idle", "{}")
	var waiting sync.WaitGroup
	for _, name := range []string{"g", "f", "f"} {
		waiting.Go(func() { r.Invoke(t.Context(), name, []byte(`{"Do":"sleep","Ms":60000}`)) })
	}
	if err := r.InvokeAsync("event", []byte(`{"Do":"sleep","Ms":60000}`)); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		r.waitLog(t, "sleeping")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	var killed *lambdart.KilledError
	if err := r.Close(ctx); !errors.As(err, &killed) || !slices.Equal(killed.Functions, []string{"Fn", "g"}) {
		t.Errorf("err = %v", err)
	}
	waiting.Wait()
}

// held listens for processes that hold a connection as long as they live.
func held(t *testing.T) (addr string, conns <-chan net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := make(chan net.Conn)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			c <- conn
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String(), c
}

// gone waits until the process at the other end is no more.
func gone(t *testing.T, conn net.Conn) {
	t.Helper()
	defer conn.Close()
	conn.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := conn.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the process lives on")
	}
}

func TestChildrenOfAProcessDieWithIt(t *testing.T) {
	addr, conns := held(t)
	r := start(t, nil, lambdart.Function{Name: "f"})
	r.call(t, "f", fmt.Sprintf(`{"Do":"child","Addr":%q}`, addr))
	child := <-conns
	r.call(t, "f", `{"Do":"exit"}`)
	gone(t, child)
}

func TestProcessesDieWithTheHost(t *testing.T) {
	addr, conns := held(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	host := exec.Command(self)
	host.Env = append(os.Environ(), "LAMBDART_TEST_HOST="+addr, "LAMBDART_TEST_PROGRAM="+program)
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
	function := <-conns
	if err := host.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	host.Wait()
	gone(t, function)
}

// hostForever is the other process of TestProcessesDieWithTheHost.
func hostForever(addr string) {
	h := lambdart.New(nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go http.Serve(l, h)
	h.SetBaseURL(l.Addr().String())
	h.Add(lambdart.Function{Name: "f", Command: []string{os.Getenv("LAMBDART_TEST_PROGRAM")}, Timeout: time.Minute})
	h.Invoke(context.Background(), "f", []byte(fmt.Sprintf(`{"Do":"dial","Addr":%q}`, addr)))
	os.Exit(1)
}

// The Runtime API's own refusals, spoken by hand.
func TestRuntimeAPIRefuses(t *testing.T) {
	r := start(t, nil, lambdart.Function{Name: "f"})
	out, _ := r.call(t, "f", `{"Do":"env"}`)
	var base string
	for _, e := range decode[[]string](t, out) {
		if v, ok := strings.CutPrefix(e, "AWS_LAMBDA_RUNTIME_API="); ok {
			base = "http://" + v
		}
	}
	for _, c := range []struct {
		method, url, body string
		status            int
		want              string
	}{
		{"POST", base + "/2018-06-01/runtime/invocation/1234/response", "{}", 400, `{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}`},
		{"POST", base + "/2018-06-01/runtime/invocation/1234/error", "{}", 400, `{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}`},
		{"GET", base + "/2018-06-01/runtime/invocation/next", "", 403, `{"errorMessage":"the last invocation is not answered yet","errorType":"InvalidStateTransition"}`},
		{"POST", base + "/2018-06-01/runtime/init/error", "{}", 403, `{"errorMessage":"init is over","errorType":"InvalidStateTransition"}`},
		{"POST", base + "/2020-01-01/extension/register", `{"events":["INVOKE"]}`, 403, `{"errorMessage":"extension events are not emulated","errorType":"Extension.InvalidEventType"}`},
		{"POST", base + "/2020-01-01/extension/register", `{`, 400, `{"errorMessage":"the body is not JSON","errorType":"InvalidRequestFormat"}`},
		{"GET", base + "/2018-06-01/runtime/restore/next", "", 404, "is not emulated"},
		{"GET", r.server.URL + "/_runtime/wrong/2018-06-01/runtime/invocation/next", "", 403, `{"errorMessage":"no such process","errorType":"Forbidden"}`},
	} {
		req, err := http.NewRequestWithContext(t.Context(), c.method, c.url, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := r.server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != c.status || !strings.Contains(string(body), c.want) {
			t.Errorf("%s %s: %d %s %v, want %d %s", c.method, c.url, resp.StatusCode, body, err, c.status, c.want)
		}
	}
	if out, _ := r.call(t, "f", "5"); out != "5" {
		t.Errorf("afterwards: %s", out)
	}
}
