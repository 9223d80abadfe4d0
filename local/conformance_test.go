package main

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestConform runs the probe stack as a user would, with real processes, and asks
// it over its address: right first, then with every second post refused.
func TestConform(t *testing.T) {
	r := serve(t, "-serve", "-addr", "127.0.0.1:0", "-template", "conform/probe.yaml")
	r.stderr.await(t, "AWS_REGION=")
	keys := regexp.MustCompile(`AWS_ACCESS_KEY_ID=(\S+) AWS_SECRET_ACCESS_KEY=(\S+)`).FindStringSubmatch(r.stderr.String())
	if keys == nil {
		t.Fatalf("no credentials in %s", r.stderr)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", keys[1])
	t.Setenv("AWS_SECRET_ACCESS_KEY", keys[2])
	t.Setenv("AWS_SESSION_TOKEN", "")
	code, stdout, stderr := ends(t, "conform", "-url", r.url, "-run", "^§[245]|binary|idle")
	if code != 0 || stderr != "" || !strings.Contains(stdout, "\nsame     §4     DELETE: 204 ") || !strings.Contains(stdout, " 0 differ, ") {
		t.Errorf("exit %d, stdout %s, stderr %s", code, stdout, stderr)
	}
	answer, err := http.Post("http"+strings.TrimSuffix(strings.TrimPrefix(r.url, "ws"), "/open")+"/_local/faults", "text/plain", strings.NewReader("post.429=1/2"))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	code, stdout, _ = ends(t, "conform", "-url", r.url, "-run", "posts that wait")
	if code != 1 || !strings.Contains(stdout, "differs  §4     posts that wait") || !strings.Contains(stdout, "LimitExceededException") {
		t.Errorf("exit %d, stdout %s", code, stdout)
	}
	if code := r.signalled(t, os.Interrupt); code != 0 {
		t.Errorf("the end: exit %d", code)
	}
}

func TestConformRefuses(t *testing.T) {
	r := serve(t, "-serve", "-addr", "127.0.0.1:0", "-template", echo, "-param", "Auth=none")
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"-url", "https://example.com"}, 2, "want an address like wss://"},
		{[]string{"-run", "nonsense"}, 2, "no row matches"},
		{[]string{"-run", "("}, 2, "missing closing )"},
		{[]string{"-parallel", "0"}, 2, "-parallel: want at least 1"},
		{nil, 1, "local: local/conform/probe.yaml is not here: run this in kaiwa's own folder"}, // but in this package's
		{[]string{"more"}, 2, `conform takes no argument "more"`},
		{[]string{"-url", "ws://127.0.0.1:1/open"}, 1, "does not answer as the API open of a probe stack"},
		{[]string{"-url", r.url}, 1, "does not answer as the API open of a probe stack"},
	} {
		code, stdout, stderr := ends(t, append([]string{"conform"}, tt.args...)...)
		lines := strings.Split(strings.TrimSpace(stderr), "\n")
		if code != tt.code || stdout != "" || !strings.Contains(lines[len(lines)-1], tt.want) {
			t.Errorf("%v: exit %d, stdout %q, stderr %q", tt.args, code, stdout, stderr)
		}
	}
	if code, stdout, stderr := ends(t, "conform", "-h"); code != 0 || stderr != "" || !strings.HasPrefix(stdout, "usage: ") {
		t.Errorf("-h: exit %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	if code := r.signalled(t, os.Interrupt); code != 0 {
		t.Errorf("the end: exit %d", code)
	}
}
