package apigw

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"sync"
)

// Serve runs srv on l like srv.Serve, and keeps how clients spell the names of
// their headers: API Gateway hands them on unchanged, net/http does not. For TLS
// pass a listener whose connections are decrypted already.
func Serve(srv *http.Server, l net.Listener) error {
	inner := srv.ConnContext
	srv.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if inner != nil {
			ctx = inner(ctx, c)
		}
		if s, ok := c.(*spellingConn); ok {
			ctx = context.WithValue(ctx, spellingKey{}, s)
		}
		return ctx
	}
	return srv.Serve(spellingListener{l})
}

type spellingKey struct{}

type spellingListener struct{ net.Listener }

func (l spellingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &spellingConn{Conn: c}, nil
}

// maxSpelling is how much of the latest input a spellingConn keeps: more than
// net/http reads ahead of a handler, and enough for a request's headers.
const maxSpelling = 32 << 10

// spellingConn remembers the latest bytes it read, until the upgrade.
type spellingConn struct {
	net.Conn

	mu   sync.Mutex
	seen []byte
	off  bool
}

func (c *spellingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.off {
		return n, err
	}
	if over := len(c.seen) + n - maxSpelling; over > 0 {
		c.seen = append(c.seen[:0], c.seen[min(over, len(c.seen)):]...)
	}
	c.seen = append(c.seen, p[:n]...)
	return n, err
}

// stopSpelling stops r's connection from remembering: frames follow.
func stopSpelling(r *http.Request) {
	if c, ok := r.Context().Value(spellingKey{}).(*spellingConn); ok {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.seen, c.off = nil, true
	}
}

// spellings maps Go's names of r's headers to the client's; it is empty without
// Serve.
func spellings(r *http.Request) map[string]string {
	c, ok := r.Context().Value(spellingKey{}).(*spellingConn)
	if !ok {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	at := bytes.LastIndex(c.seen, []byte(r.Method+" "+r.RequestURI+" HTTP/1."))
	if at < 0 {
		return nil
	}
	m := map[string]string{}
	for line := range bytes.Lines(c.seen[at:]) {
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		name, _, _ := bytes.Cut(line, []byte(":"))
		if key := http.CanonicalHeaderKey(string(name)); m[key] == "" {
			m[key] = string(name) // of several spellings the first
		}
	}
	return m
}
