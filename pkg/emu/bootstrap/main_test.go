package bootstrap_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"kaiwa/pkg/emu/bootstrap"
	"kaiwa/pkg/emu/lambdart"
)

// write puts files into a new folder.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	tree := fstest.MapFS{}
	for name, text := range files {
		tree[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	root := t.TempDir()
	if err := os.CopyFS(root, tree); err != nil {
		t.Fatal(err)
	}
	return root
}

// interpreter finds node or python3. CI has both; elsewhere the test is skipped
// without them.
func interpreter(t *testing.T, l bootstrap.Language) string {
	t.Helper()
	name := map[bootstrap.Language]string{bootstrap.Node: "node", bootstrap.Python: "python3"}[l]
	file, err := exec.LookPath(name)
	switch {
	case err != nil && os.Getenv("CI") != "":
		t.Fatalf("CI needs %s: %v", name, err)
	case err != nil:
		t.Skipf("no %s on this machine: %v", name, err)
	}
	return file
}

// function is a function that runs.
type function struct {
	t    *testing.T
	host *lambdart.Host

	mu    sync.Mutex
	lines []string // of its log
}

// start hosts a function, with these files unless it has a folder, until the test ends.
func start(t *testing.T, l bootstrap.Language, files map[string]string, f lambdart.Function) *function {
	t.Helper()
	program, err := l.Write(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	f.Name = "f"
	if f.Dir == "" {
		f.Dir = write(t, files)
	}
	f.Command = []string{interpreter(t, l), program}
	if f.Timeout == 0 {
		f.Timeout = 20 * time.Second
	}
	fn := &function{t: t}
	fn.host = lambdart.New(&lambdart.Options{Logs: func(_, _ string, line []byte) {
		fn.mu.Lock()
		defer fn.mu.Unlock()
		fn.lines = append(fn.lines, string(line))
	}})
	if err := fn.host.Add(f); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(fn.host)
	fn.host.SetBaseURL(server.URL)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := fn.host.Close(ctx); err != nil {
			t.Error(err)
		}
		server.Close()
		if t.Failed() {
			t.Log(strings.Join(fn.log(), "\n"))
		}
	})
	return fn
}

func (fn *function) log() []string {
	fn.mu.Lock()
	defer fn.mu.Unlock()
	return slices.Clone(fn.lines)
}

// invoke returns the answer, and whether it is an error object.
func (fn *function) invoke(event string) (answer string, failed bool) {
	fn.t.Helper()
	out, kind, err := fn.host.Invoke(fn.t.Context(), "f", []byte(event))
	if err != nil {
		fn.t.Fatal(err)
	}
	return string(out), kind != ""
}

// thrown is an error object of either language.
type thrown struct {
	ErrorType    string
	ErrorMessage string
	RequestID    string `json:"requestId"`
	Trace        []string
	StackTrace   []string
}

// fails invokes and wants an error.
func (fn *function) fails(event string) thrown {
	fn.t.Helper()
	answer, failed := fn.invoke(event)
	var e thrown
	if err := json.Unmarshal([]byte(answer), &e); err != nil || !failed {
		fn.t.Fatalf("%s: %s, want an error", event, answer)
	}
	return e
}

// has says whether a line of the log contains text.
func (fn *function) has(text string) bool {
	return slices.ContainsFunc(fn.log(), func(line string) bool { return strings.Contains(line, text) })
}
