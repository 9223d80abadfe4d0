package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
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
	// Nowhere says that there is no service at this path, whatever the status:
	// API Gateway says 403 to that.
	Nowhere bool
	Reason  string
	Err     error
}

func (e *DialError) Error() string { return e.Reason }

// Unwrap gives what the library said.
func (e *DialError) Unwrap() error { return e.Err }

// SignError says why a handshake could not be signed, and so was never sent.
type SignError struct{ Err error }

func (e *SignError) Error() string { return e.Err.Error() }

// Unwrap gives what Config.Sign said.
func (e *SignError) Unwrap() error { return e.Err }

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
	case u.Scheme == "ws" && isAWS(u):
		return fmt.Errorf("API Gateway answers wss:// only, not %q", address)
	}
	return nil
}

// isAWS says whether u is API Gateway's own address of an API, which names the
// API's id and region: ID.execute-api.REGION.amazonaws.com.
func isAWS(u *url.URL) bool {
	return strings.Contains(u.Hostname(), ".execute-api.") && strings.Contains(u.Hostname(), ".amazonaws.com")
}

// connect makes one connection that speaks kaiwa's JSON. The error is a
// *DialError or a *SignError. expires is as Config.Sign said.
func connect(ctx context.Context, address string, config *Config) (conn *websocket.Conn, expires time.Time, err error) {
	conn, expires, err = dial(ctx, address, config, &websocket.DialOptions{Subprotocols: []string{wire.SubprotocolJSON}})
	if err == nil {
		conn.SetReadLimit(8 * wire.MaxMessage)
	}
	return conn, expires, err
}

// Connect makes a WebSocket to any service. Of the config it takes Header, Client,
// Sign and Renew, of opt all that the config does not say. Both may be nil. The
// error is a *DialError or a *SignError.
func Connect(ctx context.Context, address string, config *Config, opt *websocket.DialOptions) (*websocket.Conn, error) {
	if opt == nil {
		opt = &websocket.DialOptions{}
	}
	conn, _, err := dial(ctx, address, config.filled(), opt)
	return conn, err
}

// dial shakes hands, and once more with a newer token if the service does not
// take this one: it may have run out since it was got.
func dial(ctx context.Context, address string, config *Config, opt *websocket.DialOptions) (conn *websocket.Conn, expires time.Time, err error) {
	conn, expires, err = handshake(ctx, address, config, opt)
	if config.Renew == nil || !refusesUser(err) {
		return conn, expires, err
	}
	if _, _, no := config.Renew(ctx); no != nil {
		return nil, expires, err
	}
	return handshake(ctx, address, config, opt)
}

func handshake(ctx context.Context, address string, config *Config, opt *websocket.DialOptions) (conn *websocket.Conn, expires time.Time, err error) {
	r, err := http.NewRequest(http.MethodGet, "http"+strings.TrimPrefix(address, "ws"), nil)
	if err != nil {
		return nil, expires, &DialError{Reason: fmt.Sprintf("%q is not a URL", address), Err: err}
	}
	const protocols = "Sec-Websocket-Protocol"
	for name, values := range config.Header {
		r.Header[name] = append([]string(nil), values...)
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
		r.Header.Del("Host")
	}
	for _, p := range opt.Subprotocols {
		r.Header.Add(protocols, p)
	}
	if config.Sign != nil {
		if expires, err = config.Sign(ctx, r); err != nil {
			return nil, expires, &SignError{err}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, dialWithin)
	defer cancel()
	o := *opt
	o.HTTPClient, o.Host, o.Subprotocols, o.HTTPHeader = config.Client, r.Host, r.Header.Values(protocols), r.Header.Clone()
	o.HTTPHeader.Del(protocols)
	conn, resp, err := websocket.Dial(ctx, address, &o)
	if err != nil {
		return nil, expires, explain(ctx, config.Client, r, resp, err)
	}
	return conn, expires, nil
}

// filled is the config with a Client.
func (c *Config) filled() *Config {
	var f Config
	if c != nil {
		f = *c
	}
	if f.Client == nil {
		f.Client = &http.Client{Transport: NewTransport()}
	}
	return &f
}

// NewTransport is a transport that obeys the proxy variables, and tells what a
// proxy said that would not connect. It speaks HTTP/1.1, as WebSockets do.
func NewTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Protocols = new(http.Protocols)
	t.Protocols.SetHTTP1(true)
	t.OnProxyConnectResponse = func(_ context.Context, proxy *url.URL, _ *http.Request, resp *http.Response) error {
		if resp.StatusCode == http.StatusOK {
			return nil
		}
		return &proxyError{proxy.Host, resp.StatusCode}
	}
	return t
}

// proxyError is a proxy's no to CONNECT.
type proxyError struct {
	proxy  string
	status int
}

func (e *proxyError) Error() string {
	return fmt.Sprintf("the proxy %s says %d %s", e.proxy, e.status, http.StatusText(e.status))
}
