package listen_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"kaiwa/local/listen"
)

// open starts an HTTP server on both kinds and returns its address and a client
// that trusts it.
func open(t *testing.T) (addr string, client *http.Client) {
	t.Helper()
	authority, err := listen.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "tls=%t %s", r.TLS != nil, r.Proto)
	})}
	served := make(chan error, 1)
	go func() { served <- s.Serve(listen.Both(l, authority.Certificate)) }()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority.PEM) {
		t.Fatal("no certificate in PEM")
	}
	client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}}
	t.Cleanup(func() {
		client.CloseIdleConnections()
		s.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serve: %v", err)
		}
	})
	return l.Addr().String(), client
}

func get(t *testing.T, client *http.Client, url string) string {
	t.Helper()
	res, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestPlainAndTLSOnOnePort(t *testing.T) {
	addr, client := open(t)
	_, port, _ := net.SplitHostPort(addr)
	// TLS stays at HTTP/1.1: a WebSocket upgrade needs it.
	for url, want := range map[string]string{
		"http://" + addr:            "tls=false HTTP/1.1",
		"https://" + addr:           "tls=true HTTP/1.1",
		"https://localhost:" + port: "tls=true HTTP/1.1",
	} {
		if got := get(t, client, url); got != want {
			t.Errorf("%s: %q, want %q", url, got, want)
		}
	}
}

func TestStrangersAreNotTrusted(t *testing.T) {
	addr, _ := open(t)
	other, err := listen.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(other.PEM)
	_, err = tls.Dial("tcp", addr, &tls.Config{RootCAs: pool})
	var unknown x509.UnknownAuthorityError
	if !errors.As(err, &unknown) {
		t.Errorf("dial with another run's authority: %v", err)
	}
}

// A connection that says nothing must not keep others from being served, nor
// Close from returning.
func TestSilentConnections(t *testing.T) {
	addr, client := open(t)
	for i := range 20 {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			c.Close() // the others stay until the server ends
		}
	}
	if got := get(t, client, "http://"+addr); got != "tls=false HTTP/1.1" {
		t.Errorf("beside silent connections: %q", got)
	}
}

func TestClose(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	both := listen.Both(l, tls.Certificate{})
	silent, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	// This one has spoken but nobody accepts it.
	spoken, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer spoken.Close()
	fmt.Fprint(spoken, "G")
	if err := both.Close(); err != nil {
		t.Errorf("first close: %v", err)
	}
	if err := both.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
	if _, err := both.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept after close: %v", err)
	}
	for name, c := range map[string]net.Conn{"silent": silent, "spoken": spoken} {
		c.SetReadDeadline(time.Now().Add(5 * time.Second))
		if _, err := c.Read(make([]byte, 1)); err == nil || isTimeout(err) {
			t.Errorf("%s connection is still open: %v", name, err)
		}
	}
}

// When the listener below fails, Accept says so instead of hanging.
func TestListenerBelowFails(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	both := listen.Both(l, tls.Certificate{})
	defer both.Close()
	l.Close()
	for range 2 {
		if _, err := both.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("accept: %v", err)
		}
	}
}

func isTimeout(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout()
}
