package ddb

import (
	"net"
	"net/http"
)

// TB is what Start needs of a *testing.T, *testing.B or *testing.F.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// Start serves a new DynamoDB on a free port of 127.0.0.1 until the test ends, and returns the endpoint to give to an SDK:
// http://127.0.0.1:PORT.
func Start(tb TB, o *Options) (endpoint string, s *Server) {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatalf("start dynamodb: %v", err)
	}
	s = New(o)
	server := &http.Server{Handler: s}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener) // returns when the cleanup closes it
	}()
	tb.Cleanup(func() {
		_ = server.Close()
		<-served
	})
	return "http://" + listener.Addr().String(), s
}
