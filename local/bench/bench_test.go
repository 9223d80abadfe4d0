package bench_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"kaiwa/local/bench"
	"kaiwa/local/build"
	"kaiwa/local/stack"
	"kaiwa/pkg/emu/sam"
)

// service runs kaiwa's own template.
func service(t *testing.T) *stack.Stack {
	t.Helper()
	template, err := sam.Load("../../template.yaml", &sam.Options{Region: "us-east-1", Parameters: map[string]string{
		"Auth": "none", "ThrottleRate": "10000", "ThrottleBurst": "5000"}})
	if err != nil {
		t.Fatal(err)
	}
	var dirs []string
	for _, f := range template.Functions() {
		dirs = append(dirs, f.Dir)
	}
	programs, err := build.Binaries(t.Context(), t.TempDir(), dirs)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, err := stack.Start(t.Context(), l, template, func(f sam.Function) string { return programs[f.Dir] }, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestRun measures short replies: every case runs, every text arrives whole, and
// the table has a line for both ways. How fast it was is not asked here.
func TestRun(t *testing.T) {
	var out strings.Builder
	if err := bench.Run(t.Context(), service(t), bench.Options{Tokens: 20, Rounds: 1}, &out); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + out.String())
	for _, want := range []string{"none", "post.delay=50ms", "post.429=1/5", "kaiwa", "post per token", "ratio"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in the table", want)
		}
	}
}
