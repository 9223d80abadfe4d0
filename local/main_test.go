package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"
)

// asLocal makes the test binary be the program itself, so that its exit codes and
// signals are real.
const asLocal = "KAIWA_TEST_RUN_LOCAL"

// asClient makes it be a client, which ends when its input does.
const asClient = "KAIWA_TEST_BE_CLIENT"

// TestMain runs the program if asked to; else the tests, and fails when a
// goroutine outlives its test.
func TestMain(m *testing.M) {
	if os.Getenv(asLocal) != "" {
		main()
	}
	if os.Getenv(asClient) != "" {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}
	cacheFolder = filepath.Join(os.TempDir(), fmt.Sprintf("kaiwa-local-test-%d", os.Getpid()))
	before := runtime.NumGoroutine()
	code := m.Run()
	os.RemoveAll(cacheFolder)
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
	os.Exit(code)
}

// forStart is how long a run may take until it is ready: it may have to compile
// the AWS SDK first.
const forStart = 5 * time.Minute

// forEnd is how long a run may take to end on a busy machine: closeTime for what it
// runs, and the rest. A function that is slow, or a reply, would take longer.
const forEnd = 15 * time.Second

// goCache is go's own cache, which must not move with the user's.
var goCache = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("go", "env", "GOCACHE").Output()
	return strings.TrimSpace(string(out)), err
})

// cacheFolder is the user's cache folder for all runs, so that they build once.
var cacheFolder string

// command is the program with args.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cache, err := goCache()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), asLocal+"=1", "GOCACHE="+cache, "XDG_CACHE_HOME="+cacheFolder)
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// ends runs the program to its end.
func ends(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := command(t, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	late := time.AfterFunc(forStart, func() { cmd.Process.Kill() })
	defer late.Stop()
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// running is the program once it is ready.
type running struct {
	*exec.Cmd
	url    string
	stderr *output
	rest   chan string // what stdout says after the ready line, when it ends
}

// serve starts the program and waits for its ready line, which must be all that
// is on stdout.
func serve(t *testing.T, args ...string) *running {
	t.Helper()
	stderr := newOutput()
	r := serveTo(t, stderr, args...)
	r.stderr = stderr
	return r
}

func serveTo(t *testing.T, stderr io.Writer, args ...string) *running {
	t.Helper()
	r := &running{Cmd: command(t, args...), rest: make(chan string, 1)}
	r.Stderr = stderr
	stdout, err := r.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if r.ProcessState == nil {
			r.Process.Kill()
			<-r.rest
			r.Wait()
		}
		if t.Failed() {
			t.Logf("stderr: %s", stderr)
		}
	})
	ready := make(chan string, 1)
	go func() {
		lines := bufio.NewReader(stdout)
		line, _ := lines.ReadString('\n') // an early end shows as another line
		ready <- line
		rest, _ := io.ReadAll(lines)
		r.rest <- string(rest)
	}()
	select {
	case line := <-ready:
		url, ok := strings.CutPrefix(line, "ready ")
		if !ok {
			t.Fatalf("stdout begins with %q", line)
		}
		r.url = strings.TrimSpace(url)
	case <-time.After(forStart):
		t.Fatalf("not ready after %v", forStart)
	}
	return r
}

// signalled sends a signal and returns the exit code. Stdout must stay empty.
func (r *running) signalled(t *testing.T, sig os.Signal) int {
	t.Helper()
	if err := r.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
	return r.ended(t)
}

func (r *running) ended(t *testing.T) int {
	t.Helper()
	if rest := <-r.rest; rest != "" {
		t.Errorf("stdout goes on with %q", rest)
	}
	r.Wait()
	return r.ProcessState.ExitCode()
}

// output is a buffer that one can wait on.
type output struct {
	mu    sync.Mutex
	text  strings.Builder
	grown chan struct{}
}

func newOutput() *output { return &output{grown: make(chan struct{}, 1)} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case o.grown <- struct{}{}:
	default:
	}
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// await waits until the output contains text.
func (o *output) await(t *testing.T, text string) {
	t.Helper()
	o.awaitAfter(t, 0, text)
}

// awaitAfter waits until the output contains text from a place on.
func (o *output) awaitAfter(t *testing.T, from int, text string) {
	t.Helper()
	limit := time.After(forStart)
	for !strings.Contains(o.String()[from:], text) {
		select {
		case <-o.grown:
		case <-limit:
			t.Fatalf("no %q in %q", text, o)
		}
	}
}
