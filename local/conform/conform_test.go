package conform_test

import (
	"context"
	"net"
	"testing"
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
