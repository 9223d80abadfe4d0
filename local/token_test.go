package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"kaiwa/local/issuer"
	"kaiwa/local/stack"
)

// TestToken: a token on stdout and nothing else, or one line that says what is
// wrong.
func TestToken(t *testing.T) {
	mux := http.NewServeMux()
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	addr := strings.TrimPrefix(s.URL, "http://")
	without := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(without.Close)
	i, err := issuer.New(s.URL+stack.IssuerPath, "chat")
	if err != nil {
		t.Fatal(err)
	}
	i.Register(mux, stack.IssuerPath, stack.TokenPath)
	for _, tt := range []struct {
		args string
		code int
		out  string // begins with
		err  string // contains
	}{
		{"-addr " + addr, 0, "eyJ", ""},
		{"-addr " + addr + " -user alice -expires -1m -claims {\"topics\":[]}", 0, "eyJ", ""},
		{"-h", 0, "usage: go run ./local token", ""},
		{"-addr " + addr + " -expires soon", 2, "", "local token: invalid value"},
		{"-addr " + addr + " alice", 2, "", `local token: unexpected argument "alice" (-h lists the flags)`},
		{"-addr " + addr + " -claims []", 1, "", "local token: claims must be a JSON object"},
		{"-addr " + strings.TrimPrefix(without.URL, "http://"), 1, "", "gives no tokens; start it with -auth jwt"},
		{"-addr 127.0.0.1:1", 1, "", "is go run ./local -auth jwt running there?"},
	} {
		code, out, said := runToken(t, strings.Fields("token "+tt.args))
		if code != tt.code || !strings.HasPrefix(out, tt.out) || !strings.Contains(said, tt.err) || (tt.out == "") != (out == "") || (tt.err == "") != (said == "") ||
			tt.err != "" && strings.Count(said, "\n") != 1 {
			t.Errorf("%s: %d %q %q", tt.args, code, out, said)
		}
	}
}

func runToken(t *testing.T, args []string) (code int, out, said string) {
	t.Helper()
	file := func() *os.File {
		f, err := os.CreateTemp(t.TempDir(), "")
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	stdout, stderr := file(), file()
	code = run(args, terminal{os.Stdin, stdout, stderr})
	read := func(f *os.File) string {
		defer f.Close()
		b, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	return code, read(stdout), read(stderr)
}
