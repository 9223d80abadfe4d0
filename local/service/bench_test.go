package service_test

import (
	"strings"
	"testing"

	"kaiwa/local/bench"
)

// TestBench measures short replies: every case runs, every text arrives whole, and
// the table has a line for both ways. How fast it was is not asked here.
func TestBench(t *testing.T) {
	var out strings.Builder
	if err := bench.Run(t.Context(), service(t, nil, nil), bench.Options{Tokens: 20, Rounds: 1}, &out); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + out.String())
	for _, want := range []string{"none", "post.delay=50ms", "post.429=1/5", "kaiwa", "post per token", "ratio"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in the table", want)
		}
	}
}
