package main

import (
	"bytes"
	"strings"
	"testing"
)

// TestBenchGateway measures little and briefly: every way of echoing is gone, with
// real processes, and the table has its lines. How fast it was is not asked here.
func TestBenchGateway(t *testing.T) {
	cmd := command(t, "bench", "gateway", "-idle", "200", "-connections", "5", "-rounds", "1", "-for", "100ms")
	cmd.Dir = ".." // the module's folder, where the template is looked for
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, &complaints)
	}
	t.Logf("\n%s", &out)
	if strings.Contains(complaints.String(), " ended in ") {
		t.Errorf("every invocation is told: %.500s", &complaints)
	}
	for _, want := range []string{"200 idle connections", "KB each", "bare coder/websocket echo", "MOCK integration", "bare loop", "PostToConnection", "after the load"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in the report", want)
		}
	}
}

func TestBenchGatewayRefuses(t *testing.T) {
	for _, args := range [][]string{{"-connections", "0"}, {"-rounds", "x"}, {"more"}} {
		code, _, stderr := ends(t, append([]string{"bench", "gateway"}, args...)...)
		if code != 2 || strings.Count(stderr, "\n") != 1 {
			t.Errorf("bench gateway %v: exit %d, %q; want 2 and one line", args, code, stderr)
		}
	}
}
