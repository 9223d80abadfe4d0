package conform_test

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

// start runs the probe stack on a real socket.
func start(t *testing.T, o *conformtest.Options) *conform.Stack {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return startOn(t, l, (&net.Dialer{}).DialContext, o)
}

func startOn(t *testing.T, l net.Listener, dial func(context.Context, string, string) (net.Conn, error), o *conformtest.Options) *conform.Stack {
	t.Helper()
	running, err := conformtest.Start(l, dial, o)
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

// right checks that our emulator is what the table says of AWS, and, where nobody
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

// TestRows asks the whole table of the emulator: over real sockets, and the rows
// that take minutes or hours in virtual time.
func TestRows(t *testing.T) {
	s := start(t, nil)
	for _, r := range conform.Rows() {
		t.Run("§"+r.Section+" "+r.Fact, func(t *testing.T) {
			if r.Takes == 0 {
				t.Parallel()
				right(t, s.Ask(t.Context(), r))
				return
			}
			synctest.Test(t, func(t *testing.T) {
				network := conformtest.NewPipes()
				right(t, startOn(t, network, network.Dial, nil).Ask(t.Context(), r))
			})
		})
	}
}
