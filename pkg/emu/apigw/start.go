package apigw

import (
	"context"
	"net"
	"net/http"
	"time"
)

// TB is the part of testing.TB that Start needs.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// Start runs a Gateway on a free port of 127.0.0.1 for the length of a test.
// wsURL is ws://127.0.0.1:PORT/STAGE; with http for ws it is the endpoint of
// @connections.
func Start(tb TB, api API, fn Invoker, o *Options) (wsURL string, g *Gateway) {
	tb.Helper()
	g, err := New(api, fn, o)
	if err != nil {
		tb.Fatalf("start gateway: %v", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatalf("start gateway: %v", err)
	}
	srv := &http.Server{Handler: g}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = Serve(srv, l) // always http.ErrServerClosed
	}()
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := g.Close(ctx); err != nil {
			tb.Fatalf("%v", err)
		}
		_ = srv.Close()
		<-served
	})
	return "ws://" + l.Addr().String() + "/" + api.Stage.Name, g
}
