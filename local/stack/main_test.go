package stack_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"kaiwa/local/build"
	"kaiwa/local/stack"
	"kaiwa/pkg/emu/lambdart"
	"kaiwa/pkg/emu/sam"
)

// TestMain fails when a goroutine outlives its test.
func TestMain(m *testing.M) {
	before := runtime.NumGoroutine()
	code := m.Run()
	tick, limit := time.NewTicker(5*time.Millisecond), time.After(5*time.Second)
	for code == 0 && runtime.NumGoroutine() > before {
		select {
		case <-tick.C:
		case <-limit:
			fmt.Fprintln(os.Stderr, "goroutines leaked:")
			pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
			code = 1
		}
	}
	os.RemoveAll(binaries)
	os.Exit(code)
}

const (
	testdata  = "../testdata/echo"
	region    = "us-east-1"
	forReply  = 20 * time.Second
	demoModel = "@demo tokens=5 every=1ms seed=1"
)

// binaries is where the echo service's programs are, once they are needed.
var binaries = filepath.Join(os.TempDir(), fmt.Sprintf("kaiwa-stack-test-%d", os.Getpid()))

var programs = sync.OnceValues(func() (map[string]string, error) {
	return build.Binaries(context.Background(), binaries,
		[]string{filepath.Join(testdata, "functions/echo"), filepath.Join(testdata, "functions/worker")})
})

// functions are those of the template, ready to run.
func functions(t *testing.T, template *sam.Template) []lambdart.Function {
	t.Helper()
	files, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	var all []lambdart.Function
	for _, f := range template.Functions() {
		f.Command = []string{files[f.Dir]}
		f.Dir = filepath.Dir(files[f.Dir])
		all = append(all, f.Function)
	}
	return all
}

// load reads the echo service's template with some more resources.
func load(t *testing.T, auth, more string) *sam.Template {
	t.Helper()
	file := filepath.Join(testdata, "template.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, file, string(text)+more, map[string]string{"Auth": auth})
}

func parse(t *testing.T, file, text string, params map[string]string) *sam.Template {
	t.Helper()
	template, err := sam.Parse(file, []byte(text), &sam.Options{Parameters: params, Region: region})
	if err != nil {
		t.Fatal(err)
	}
	return template
}

// start runs the echo service until the test ends.
func start(t *testing.T, auth string, o *stack.Options) *stack.Stack {
	t.Helper()
	return run(t, load(t, auth, ""), o)
}

// run runs any template until the test ends.
func run(t *testing.T, template *sam.Template, o *stack.Options) *stack.Stack {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if o == nil {
		o = &stack.Options{}
	}
	o.FunctionLog = func(function, _ string, line []byte) { t.Logf("%s: %s", function, line) }
	s, err := stack.Start(t.Context(), l, template, functions(t, template), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
		if err := s.Err(); err != nil {
			t.Errorf("listener: %v", err)
		}
	})
	return s
}

// here is the stack's address as http://127.0.0.1:PORT.
func here(s *stack.Stack) string {
	return "http://" + strings.TrimSuffix(strings.TrimPrefix(s.URL(), "ws://"), "/dev")
}

// client is an HTTP client that trusts the authority in caFile, if any, and whose
// connections end with the test.
func client(t *testing.T, caFile string) *http.Client {
	t.Helper()
	transport := &http.Transport{}
	if caFile != "" {
		pem, err := os.ReadFile(caFile)
		if err != nil {
			t.Fatal(err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			t.Fatalf("no certificate in %s", caFile)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// dial opens a socket.
func dial(t *testing.T, url string, o *websocket.DialOptions) *websocket.Conn {
	t.Helper()
	ws, _, err := websocket.Dial(t.Context(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ws.CloseNow() })
	return ws
}

// say sends one message and returns the next that comes.
func say(t *testing.T, ws *websocket.Conn, text string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), forReply)
	defer cancel()
	if err := ws.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
		t.Fatalf("say %q: %v", text, err)
	}
	_, answer, err := ws.Read(ctx)
	if err != nil {
		t.Fatalf("after %q: %v", text, err)
	}
	return string(answer)
}

// ask sends one HTTP request. change may alter it.
func ask(t *testing.T, method, url, body string, change func(*http.Request)) (status int, answer string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(r)
	}
	res, err := client(t, "").Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	out, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, strings.TrimSpace(string(out))
}

// eventually waits until something holds.
func eventually(t *testing.T, holds func() bool) {
	t.Helper()
	tick, limit := time.NewTicker(5*time.Millisecond), time.After(forReply)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatal("it never held")
		}
	}
}
