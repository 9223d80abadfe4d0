package conform

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/coder/websocket"

	"kaiwa/local/conform/probe"
)

// dialing is what one connect says.
type dialing struct {
	// key is the record's key; a fresh one by default. plain sends none.
	key   string
	plain bool
	// do is for the $connect function, authorize for the authorizer.
	do, authorize *probe.Command
	// query and header are sent besides; header names are spelled as they stand.
	query  url.Values
	header http.Header
	// protocols and deflate are offered.
	protocols []string
	deflate   bool
	// deaf opens a socket that nobody reads.
	deaf bool
	// sign, if set, signs the upgrade.
	sign func(context.Context, *http.Request) error
}

// response is an HTTP response: to a request, or to a handshake instead of 101.
type response struct {
	status int
	header http.Header
	body   string
}

// address adds d's query to an API's address.
func (d *dialing) address(api string) (string, error) {
	u, err := url.Parse(api)
	if err != nil {
		return "", err
	}
	q := url.Values{}
	maps.Copy(q, d.query)
	if d.key != "" {
		q.Set("probe", d.key)
	}
	for name, command := range map[string]*probe.Command{"do": d.do, "authorize": d.authorize} {
		if command == nil {
			continue
		}
		text, err := json.Marshal(command)
		if err != nil {
			return "", err
		}
		q.Set(name, string(text))
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// opened is a handshake that was answered with 101.
type opened struct {
	ws     *websocket.Conn
	raw    net.Conn  // the TCP connection
	stream io.Writer // what the frames are written to, over TLS or not
	header http.Header
}

// connect opens a socket, or returns a refusal if the handshake was answered
// otherwise.
func (s *Stack) connect(ctx context.Context, api string, d *dialing) (*opened, *response, error) {
	address, err := d.address(api)
	if err != nil {
		return nil, nil, err
	}
	var raw net.Conn
	transport := &http.Transport{
		DisableCompression: true, // which would add a header
		DialContext: func(ctx context.Context, network, address string) (c net.Conn, err error) {
			c, err = s.Dial(ctx, network, address)
			raw = c
			return c, err
		},
	}
	defer transport.CloseIdleConnections()
	sent := &signing{RoundTripper: transport, sign: d.sign}
	o := &websocket.DialOptions{
		HTTPClient:   &http.Client{Transport: sent, CheckRedirect: stay},
		HTTPHeader:   d.header,
		Subprotocols: d.protocols,
	}
	if d.deflate {
		o.CompressionMode = websocket.CompressionContextTakeover
	}
	ws, resp, err := websocket.Dial(ctx, address, o)
	if err == nil {
		return &opened{ws, raw, sent.stream, resp.Header}, nil, nil
	}
	if resp == nil || resp.StatusCode == http.StatusSwitchingProtocols {
		return nil, nil, fmt.Errorf("connect: %w", err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, nil, fmt.Errorf("connect: read refusal: %w", err)
	}
	return nil, &response{resp.StatusCode, resp.Header, string(body)}, nil
}

// stay keeps a 301 from $connect from being followed.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// signing signs the request that goes out, and leaves Go's own name out of it.
type signing struct {
	http.RoundTripper
	sign   func(context.Context, *http.Request) error
	stream io.Writer // behind a 101
}

func (t *signing) RoundTrip(r *http.Request) (*http.Response, error) {
	if _, named := r.Header["User-Agent"]; !named {
		r.Header["User-Agent"] = []string{"conform/1"}
	}
	if t.sign != nil {
		if err := t.sign(r.Context(), r); err != nil {
			return nil, err
		}
	}
	resp, err := t.RoundTripper.RoundTrip(r)
	if err == nil && resp.StatusCode == http.StatusSwitchingProtocols {
		t.stream, _ = resp.Body.(io.Writer) // which net/http promises
	}
	return resp, err
}

// dial connects a client to one of the stack's APIs and expects to be let in.
func (c *Check) dial(ctx context.Context, api string, d *dialing) *socket {
	s, no := c.knock(ctx, api, d)
	if no != nil {
		c.fail("connect to %s: expected 101, got %d %s", api, no.status, show(no.body))
	}
	return s
}

// knock connects and takes a refusal for an answer. The socket is never nil, and
// of no use then.
func (c *Check) knock(ctx context.Context, api string, d *dialing) (*socket, *response) {
	s := &socket{c: c, api: api}
	if c.done() {
		return s, nil
	}
	if d == nil {
		d = &dialing{}
	}
	if d.key == "" && !d.plain {
		d.key = freshKey()
	}
	s.key = d.key
	began := time.Now()
	to, no, err := c.connect(ctx, c.about.APIs[api], d)
	s.took = time.Since(began)
	if err != nil {
		c.fail("%w", err)
		return s, nil
	}
	if no != nil {
		return s, no
	}
	s.start(to, d.deaf)
	c.sockets = append(c.sockets, s)
	return s, nil
}

// status of a connect; 101 is let in.
func (c *Check) status(ctx context.Context, api string, d *dialing) int {
	if _, no := c.knock(ctx, api, d); no != nil {
		return no.status
	}
	return http.StatusSwitchingProtocols
}
