package fake

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// Pipe is a network without sockets, for tests in virtual time: what dials it
// and what accepts from it talk over net.Pipe.
type Pipe struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

// NewPipe makes an empty network.
func NewPipe() *Pipe { return &Pipe{conns: make(chan net.Conn), done: make(chan struct{})} }

// Client is an HTTP client whose every connection goes over the pipe.
func (p *Pipe) Client() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: p.dial}}
}

func (p *Pipe) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.conns <- there:
		return here, nil
	case <-p.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept is half of net.Listener.
func (p *Pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

// Close ends the network for new connections.
func (p *Pipe) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

// Addr is nowhere.
func (p *Pipe) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

// Serve puts a server on a pipe, for tests in virtual time. The client reaches
// it at any URL, ws://kaiwa/dev for one. stop ends both and waits.
func Serve(s *Server) (client *http.Client, stop func()) {
	p := NewPipe()
	h := &http.Server{Handler: s}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = h.Serve(p)
	}()
	return p.Client(), func() {
		_ = h.Close()
		<-done
		s.Close()
	}
}
