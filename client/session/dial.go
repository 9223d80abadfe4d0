package session

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/coder/websocket"

	"kaiwa/pkg/wire"
)

// dialWithin bounds a handshake: $connect may take its function's time, at most
// the integration timeout of 29 s (aws-facts §1).
const dialWithin = 35 * time.Second

// DialError says in one line why there is no connection.
type DialError struct {
	// Status of the HTTP answer to the handshake, 0 if there was none.
	Status int
	Reason string
	Err    error
}

func (e *DialError) Error() string { return e.Reason }

// Unwrap gives what the library said.
func (e *DialError) Unwrap() error { return e.Err }

// refusesUser says that the service knows who asks, or wants to, and says no.
func refusesUser(err error) bool {
	var e *DialError
	return errors.As(err, &e) && (e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden)
}

// CheckURL says what is wrong with the address of a service, if anything.
func CheckURL(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return fmt.Errorf("%q is not a URL", address)
	case u.Scheme != "ws" && u.Scheme != "wss":
		return fmt.Errorf("%q does not start with ws:// or wss://", address)
	case u.Host == "":
		return fmt.Errorf("%q names no host", address)
	}
	return nil
}

// connect makes one connection that speaks kaiwa's JSON. The error is a
// *DialError.
func connect(ctx context.Context, address string, client *http.Client, header http.Header) (*websocket.Conn, error) {
	conn, err := Connect(ctx, address, client, header, wire.SubprotocolJSON)
	if err == nil {
		conn.SetReadLimit(8 * wire.MaxMessage)
	}
	return conn, err
}

// Connect makes a WebSocket to any service, and asks for the subprotocols. client
// may be nil: one that obeys the proxy variables. The error is a *DialError.
func Connect(ctx context.Context, address string, client *http.Client, header http.Header, subprotocols ...string) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialWithin)
	defer cancel()
	conn, resp, err := websocket.Dial(ctx, address, &websocket.DialOptions{
		HTTPClient: client, HTTPHeader: header, Subprotocols: subprotocols,
	})
	if err != nil {
		return nil, explain(address, resp, err)
	}
	return conn, nil
}

func explain(address string, resp *http.Response, err error) *DialError {
	e := &DialError{Err: err}
	if resp != nil && resp.StatusCode != http.StatusSwitchingProtocols {
		e.Status = resp.StatusCode
		e.Reason = statusReason(resp.StatusCode)
		return e
	}
	host := address
	if u, err := url.Parse(address); err == nil {
		host = u.Host
	}
	e.Reason = netReason(host, err)
	return e
}

// statusReason explains a handshake that was answered with something else than
// 101 (aws-facts §3).
func statusReason(status int) string {
	said := fmt.Sprintf("%d %s", status, http.StatusText(status))
	switch {
	case status == http.StatusUnauthorized:
		return said + ": the service wants a token, or this one is not valid"
	case status == http.StatusForbidden:
		return said + ": the token, key or origin is not allowed in"
	case status == http.StatusNotFound:
		return said + ": there is no service at this path; does the URL end with the stage, as in /dev?"
	case status == http.StatusTooManyRequests:
		return said + ": too many connections; try again in a moment"
	case status >= 500:
		return said + ": the service's $connect failed; its log says why"
	case status < 300:
		return said + ": this is a web page, not a WebSocket"
	}
	return said + ": the service refused the connection"
}

// netReason explains a handshake that got no answer.
func netReason(host string, err error) string {
	var (
		dns      *net.DNSError
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		invalid  x509.CertificateInvalidError
		record   tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &dns):
		return fmt.Sprintf("there is no host %s (DNS)", dns.Name)
	case errors.Is(err, syscall.ECONNREFUSED) && isLocal(host):
		return fmt.Sprintf("nothing listens at %s; is `go run ./local` running?", host)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("%s refuses connections", host)
	case errors.As(err, &unknown), errors.As(err, &hostname), errors.As(err, &invalid):
		return fmt.Sprintf("the certificate of %s is not trusted: %v", host, innermost(err))
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return fmt.Sprintf("%s does not speak TLS; try ws:// instead of wss://", host)
	case strings.Contains(err.Error(), "malformed HTTP response"):
		return fmt.Sprintf("%s does not speak HTTP; try wss:// instead of ws://", host)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, syscall.ETIMEDOUT):
		return fmt.Sprintf("%s does not answer", host)
	}
	return fmt.Sprintf("cannot connect to %s: %v", host, innermost(err))
}

func isLocal(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	ip := net.ParseIP(name)
	return name == "localhost" || ip != nil && ip.IsLoopback()
}

// innermost is the error at the end of the chain: what went wrong, without who
// reported it.
func innermost(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}
