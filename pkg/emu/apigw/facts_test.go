package apigw_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kaiwa/local/conform"
	"kaiwa/local/conform/conformtest"
)

// TestFacts asks the whole table of what is known of AWS: over real sockets with
// the real SDK, and the rows that take minutes or hours in virtual time. The other
// tests of this package look closer, or at what cannot be asked from outside.
func TestFacts(t *testing.T) {
	s := startProbe(t, nil, nil)
	for _, r := range conform.Rows() {
		t.Run("§"+r.Section+" "+r.Fact, func(t *testing.T) {
			if r.Takes == 0 {
				t.Parallel()
				right(t, s.Ask(t.Context(), r))
				return
			}
			synctest.Test(t, func(t *testing.T) {
				network := conformtest.NewPipes()
				right(t, startProbe(t, network, network.Dial).Ask(t.Context(), r))
			})
		})
	}
}

// startProbe runs the probe stack on a real socket, or on another network.
func startProbe(t *testing.T, l net.Listener, dial func(context.Context, string, string) (net.Conn, error)) *conform.Stack {
	t.Helper()
	var err error
	if l == nil {
		if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		dial = (&net.Dialer{}).DialContext
	}
	running, err := conformtest.Start(l, dial, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := running.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	s, err := conform.Open(t.Context(), running.Target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// right checks that the emulator is what the table says of AWS, and, where nobody
// knows, what the table says of it.
func right(t *testing.T, got conform.Result) {
	t.Helper()
	lines := strings.Join(got.Lines, "; ")
	switch r := got.Row; {
	case got.Verdict == conform.Cannot && (r.Cannot != "" || r.Here == ""):
		t.Log(lines)
	case r.Unknown() && lines != r.Here:
		t.Errorf("observed %s; the table says %s", lines, r.Here)
	case !r.Unknown() && got.Verdict != conform.Same:
		t.Errorf("%s: %s", got.Verdict, lines)
	}
}
