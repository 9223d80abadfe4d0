package lambdart_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"kaiwa/pkg/emu/lambdart"
)

// program is the built testdata/fn.
var program string

func TestMain(m *testing.M) {
	if addr := os.Getenv("LAMBDART_TEST_HOST"); addr != "" {
		hostForever(addr)
	}
	if os.Getenv("LAMBDART_TEST_EXIT") != "" {
		os.Exit(0)
	}
	os.Exit(testMain(m))
}

func testMain(m *testing.M) int {
	// go test caches by the files the test itself opens, not by those go build does.
	if _, err := os.ReadFile("testdata/fn/main.go"); err != nil {
		fmt.Println(err)
		return 1
	}
	dir, err := os.MkdirTemp("", "lambdart")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "fn.exe")
	build := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", program, "./testdata/fn")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Printf("build testdata/fn: %v\n%s", err, out)
		return 1
	}
	code := m.Run()
	if leaked := leakedGoroutines(); code == 0 && leaked != "" {
		fmt.Println("goroutines left behind:\n" + leaked)
		return 1
	}
	return code
}

// leakedGoroutines gives goroutines that are on their way out five seconds.
func leakedGoroutines() string {
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 500 {
		if runtime.NumGoroutine() <= 1 {
			return ""
		}
		<-tick.C
	}
	buf := make([]byte, 1<<20)
	return string(buf[:runtime.Stack(buf, true)])
}

// rig is a host on a listener, with its output on channels.
type rig struct {
	*lambdart.Host
	server *httptest.Server
	logs   chan logLine // lines of the processes
	events chan string  // "process started FUNCTION" and so on
}

type logLine struct{ function, requestID, text string }

// start serves functions until the test ends. Functions without a command run
// the program.
func start(t testing.TB, o *lambdart.Options, functions ...lambdart.Function) *rig {
	t.Helper()
	r := &rig{logs: make(chan logLine, 10000), events: make(chan string, 10000)}
	var opt lambdart.Options
	if o != nil {
		opt = *o
	}
	opt.Logs = func(function, id string, line []byte) { r.logs <- logLine{function, id, string(line)} }
	opt.Logger = slog.New(eventHandler(r.events))
	r.Host = lambdart.New(&opt)
	for _, f := range functions {
		if f.Command == nil {
			f.Command = []string{program}
		}
		if err := r.Add(f); err != nil {
			t.Fatal(err)
		}
	}
	r.server = httptest.NewServer(r.Host)
	r.SetBaseURL(r.server.URL)
	t.Cleanup(func() {
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
		r.server.Close()
	})
	return r
}

// eventHandler turns what a host logs into short strings on a channel.
type eventHandler chan string

func (h eventHandler) Enabled(context.Context, slog.Level) bool { return true }
func (h eventHandler) WithAttrs([]slog.Attr) slog.Handler       { return h }
func (h eventHandler) WithGroup(string) slog.Handler            { return h }
func (h eventHandler) Handle(_ context.Context, r slog.Record) error {
	text := r.Message
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "function" || a.Key == "condition" {
			text += " " + a.Value.String()
		}
		return true
	})
	h <- text
	return nil
}

// sdk returns a real Lambda client that does not retry.
func (r *rig) sdk() *lambda.Client {
	return lambda.New(lambda.Options{
		Region: "us-east-1", BaseEndpoint: &r.server.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
		HTTPClient:  r.server.Client(),
	})
}

// call invokes a function with what do says and expects it to run.
func (r *rig) call(t testing.TB, function, do string) (out, functionError string) {
	t.Helper()
	b, functionError, err := r.Invoke(t.Context(), function, []byte(do))
	if err != nil {
		t.Fatalf("invoke %s %s: %v", function, do, err)
	}
	return string(b), functionError
}

// wait reads a channel until want says so.
func wait[T any](t testing.TB, c <-chan T, what string, want func(T) bool) T {
	t.Helper()
	limit := time.After(time.Minute)
	var seen []string
	for {
		select {
		case v := <-c:
			if want(v) {
				return v
			}
			seen = append(seen, fmt.Sprint(v))
		case <-limit:
			t.Fatalf("no %s; seen:\n%s", what, strings.Join(seen, "\n"))
		}
	}
}

func (r *rig) waitEvent(t testing.TB, text string) {
	t.Helper()
	wait(t, r.events, text, func(s string) bool { return s == text })
}

func (r *rig) waitLog(t testing.TB, text string) logLine {
	t.Helper()
	return wait(t, r.logs, text, func(l logLine) bool { return l.text == text })
}

func decode[T any](t testing.TB, b string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(b), &v); err != nil {
		t.Fatalf("decode %q: %v", b, err)
	}
	return v
}

func ptr[T any](v T) *T { return &v }
