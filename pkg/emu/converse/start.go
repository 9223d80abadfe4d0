package converse

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// TB is the part of *testing.T that Start needs.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// Start serves a new Server on 127.0.0.1, on a free port, until the test ends, and returns its URL for use as an SDK
// endpoint. Streams still open then are ended.
func Start(tb TB, o *Options) (endpoint string, s *Server) {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatalf("start converse: %v", err)
		return "", nil
	}
	s = New(o)
	ctx, cancel := context.WithCancel(context.Background())
	srv := &http.Server{
		Handler:           s,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: time.Minute,
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	tb.Cleanup(func() {
		cancel()
		limit, done := context.WithTimeout(context.Background(), time.Second)
		defer done()
		if srv.Shutdown(limit) != nil {
			srv.Close()
		}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			tb.Fatalf("serve converse: %v", err)
		}
	})
	return "http://" + l.Addr().String(), s
}
