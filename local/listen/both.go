// Package listen lets plain HTTP and HTTPS share one port, with a certificate
// authority that lives as long as the process.
//
// Programs written for AWS build https://{domainName}/{stage} and insist on it,
// while the SDK endpoints of a local run are plain.
package listen

import (
	"crypto/tls"
	"net"
	"sync"
	"time"
)

// A TLS connection begins with a record of this type (RFC 8446 §5.1); no HTTP
// method does.
const handshakeRecord = 0x16

// A connection that says nothing for this long is closed.
const firstByteTimeout = time.Minute

// Both returns a listener whose connections are plain or TLS, as the first byte
// of each says; the TLS ones are *tls.Conn. Closing it closes l and the
// connections that have not said yet.
func Both(l net.Listener, cert tls.Certificate) net.Listener {
	b := &both{
		Listener: l,
		config:   &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12},
		ready:    make(chan net.Conn),
		closed:   make(chan struct{}),
		failed:   make(chan error),
		silent:   map[net.Conn]struct{}{},
	}
	b.owned.Go(b.accept)
	return b
}

type both struct {
	net.Listener
	config *tls.Config
	ready  chan net.Conn
	failed chan error
	closed chan struct{} // by Close
	owned  sync.WaitGroup

	mu     sync.Mutex
	ending bool
	silent map[net.Conn]struct{} // have not said what they are
}

// Accept implements net.Listener.
func (b *both) Accept() (net.Conn, error) {
	select {
	case c := <-b.ready:
		return c, nil
	case err := <-b.failed:
		return nil, err
	case <-b.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener; it returns when every goroutine has ended.
func (b *both) Close() error {
	b.mu.Lock()
	first := !b.ending
	b.ending = true
	if first {
		close(b.closed)
	}
	for c := range b.silent {
		c.Close()
	}
	b.mu.Unlock()
	var err error
	if first {
		err = b.Listener.Close()
	}
	b.owned.Wait()
	return err
}

// accept goes on after an error: whoever calls Accept judges it, and net/http
// waits and tries again when there were too many open files.
func (b *both) accept() {
	for {
		c, err := b.Listener.Accept()
		if err == nil {
			if b.await(c) {
				b.owned.Go(func() { b.sort(c) })
			}
			continue
		}
		select {
		case b.failed <- err:
		case <-b.closed:
			return
		}
	}
}

// await notes a connection that has not spoken; false means Close came first.
func (b *both) await(c net.Conn) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ending {
		c.Close()
		return false
	}
	b.silent[c] = struct{}{}
	return true
}

// sort reads the first byte of a connection and hands it on.
func (b *both) sort(c net.Conn) {
	first := make([]byte, 1)
	c.SetReadDeadline(time.Now().Add(firstByteTimeout))
	_, err := c.Read(first)
	c.SetReadDeadline(time.Time{})
	b.mu.Lock()
	delete(b.silent, c)
	b.mu.Unlock()
	if err != nil {
		c.Close()
		return
	}
	var out net.Conn = &unread{Conn: c, first: first}
	if first[0] == handshakeRecord {
		out = tls.Server(out, b.config)
	}
	select {
	case b.ready <- out:
	case <-b.closed:
		c.Close()
	}
}

// unread is a connection whose first byte was taken and is given back.
type unread struct {
	net.Conn
	first []byte
}

func (u *unread) Read(p []byte) (int, error) {
	if len(u.first) == 0 || len(p) == 0 {
		return u.Conn.Read(p)
	}
	n := copy(p, u.first)
	u.first = nil
	return n, nil
}
