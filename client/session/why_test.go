package session_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"kaiwa/client/session"
)

// reasonOf connects and gives what the user is told.
func reasonOf(t *testing.T, address string, config *session.Config) (string, int) {
	t.Helper()
	s, err := session.Dial(t.Context(), address, config)
	if err == nil {
		s.Close()
		t.Fatalf("%s: connected", address)
	}
	e, ok := errors.AsType[*session.DialError](err)
	if !ok || errors.Unwrap(err) == nil || strings.Contains(e.Error(), "\n") {
		t.Fatalf("%s: got %#v", address, err)
	}
	return e.Error(), e.Status
}

// jwtOf is a token, unsigned, with these claims.
func jwtOf(format string, args ...any) string {
	return "e30." + base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, format, args...)) + ".c2ln"
}

// TestRefusals has a service answer with what API Gateway says, and others do.
func TestRefusals(t *testing.T) {
	const aws = "X-Amzn-Errortype"
	now := time.Now()
	signed := http.Header{"Authorization": {"AWS4-HMAC-SHA256 Credential=…"}}
	bearer := func(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }
	late := now.Add(7*time.Minute + 30*time.Second).UTC().Format(http.TimeFormat)
	early := now.Add(-3 * time.Hour).UTC().Format(http.TimeFormat)
	for _, c := range []struct {
		name, path string
		sent       http.Header
		status     int
		header     http.Header
		body       string
		get        int // to a plain GET
		want       string
	}{
		{name: "no token", status: 401, body: `{"message":"Unauthorized"}`,
			want: "401 Unauthorized: the service wants a token: --token, KAIWA_TOKEN, or token-command in the config"},
		{name: "a token of no use", sent: bearer("x"), status: 401,
			want: "401 Unauthorized: the service does not take this token: another issuer or audience, or a bad signature"},
		{name: "a token that ran out", sent: bearer(jwtOf(`{"exp":%d}`, now.Add(-5*time.Minute).Unix())), status: 401,
			want: "401 Unauthorized: the token ran out 5 min ago; get a new one"},
		{name: "one that ran out by the service's clock", sent: bearer(jwtOf(`{"exp":%d}`, now.Add(5*time.Minute).Unix())), status: 403, header: http.Header{"Date": {late}},
			want: "403 Forbidden: the token ran out 2 min ago; get a new one"},
		{name: "a token as a subprotocol", sent: http.Header{"Sec-Websocket-Protocol": {"bearer." + jwtOf(`{"exp":1}`)}}, status: 401,
			want: "401 Unauthorized: the token ran out " + fmt.Sprint(int(now.Sub(time.Unix(1, 0)).Hours()/24)) + " days ago; get a new one"},
		{name: "a token of the future", sent: bearer(jwtOf(`{"nbf":%d}`, time.Date(2100, 1, 1, 0, 0, 0, 0, time.Local).Unix())), status: 401,
			want: "401 Unauthorized: the token is not valid before 2100-01-01 00:00:00; is the clock right of whoever made it?"},
		{name: "denied", sent: bearer("x"), status: 403, body: `{"Message":"User is not authorized to access this resource"}`,
			want: "403 Forbidden: the service does not let this token's user in"},
		{name: "no credentials", status: 403, body: `{"message":"Missing Authentication Token"}`,
			want: "403 Forbidden: the service wants requests signed with AWS credentials: --sigv4"},
		{name: "a clock that is late", sent: signed, status: 403, header: http.Header{"Date": {late}}, body: `{"message":"Signature expired: 20260101T000000Z is now earlier than …"}`,
			want: "403 Forbidden: this machine's clock is 7 min behind the service's; set it right"},
		{name: "a clock that is early", sent: signed, status: 403, header: http.Header{"Date": {early}}, body: `{"message":"Signature not yet current: …"}`,
			want: "403 Forbidden: this machine's clock is 3 h ahead of the service's; set it right"},
		{name: "a clock, and no word of it", sent: signed, status: 403, header: http.Header{"Date": {late}},
			want: "403 Forbidden: this machine's clock is 7 min behind the service's; set it right"},
		{name: "a presigned URL that is old", sent: signed, status: 403, body: `{"message":"Signature expired: a is now earlier than b"}`,
			want: "403 Forbidden: the signature is out of date: Signature expired: a is now earlier than b"},
		{name: "a wrong secret", sent: signed, status: 403, body: `{"message":"The request signature we calculated does not match the signature you provided. …"}`,
			want: "403 Forbidden: the AWS secret access key is wrong, or something on the way changed the request"},
		{name: "unknown credentials", sent: signed, status: 403, body: `{"message":"The security token included in the request is invalid."}`,
			want: "403 Forbidden: AWS does not know these credentials; is AWS_PROFILE, or AWS_ACCESS_KEY_ID, the right one?"},
		{name: "an AWS session that ran out", sent: signed, status: 403, body: `{"message":"The security token included in the request is expired"}`,
			want: "403 Forbidden: the AWS session has expired; sign in to AWS again"},
		{name: "another region", sent: signed, status: 403, body: `{"message":"Credential should be scoped to a valid region. "}`,
			want: "403 Forbidden: the request was signed for another region than the API's; say which with --region"},
		{name: "no permission", sent: signed, status: 403, body: `{"Message":"User: arn:aws:iam::1:user/a is not authorized to perform: execute-api:Invoke on resource: b"}`,
			want: "403 Forbidden: these AWS credentials may not connect; their policy has to allow execute-api:Invoke: User: arn:aws:iam::1:user/a is not authorized to perform: execute-api:Invoke on resource: b"},
		{name: "a wrong stage", path: "/prd", status: 403, header: http.Header{aws: {"ForbiddenException"}}, body: `{"message":"Forbidden"}`, get: 403,
			want: "403 Forbidden: there is no stage at /prd; is it spelled right and deployed?"},
		{name: "no stage", path: "/", status: 403, header: http.Header{aws: {"ForbiddenException"}}, body: `{"message":"Forbidden"}`, get: 403,
			want: "403 Forbidden: the URL lacks the stage, as in ws://HOST/dev"},
		{name: "no key", status: 403, header: http.Header{aws: {"ForbiddenException"}}, body: `{"message":"Forbidden"}`, get: 426,
			want: "403 Forbidden: the service wants a key (--api-key), a token (--token) or AWS credentials (--sigv4)"},
		{name: "a wrong key", sent: http.Header{"X-Api-Key": {"k"}}, status: 403, header: http.Header{aws: {"ForbiddenException"}}, body: `{"message":"Forbidden"}`, get: 426,
			want: "403 Forbidden: the service does not take this API key"},
		{name: "an origin", sent: http.Header{"Origin": {"https://a"}}, status: 403, get: 403,
			want: "403 Forbidden: this origin is not allowed in, or the service wants a key (--api-key) or a token (--token)"},
		{name: "signed, and no reason", sent: signed, status: 403, body: "not \x1b[2Jyou\n\n",
			want: "403 Forbidden: the service says: not you"},
		{name: "no page", status: 404, want: "404 Not Found: there is no service at this path; does the URL end with the stage, as in /dev?"},
		{name: "too many", status: 429, body: `{"message":"Too Many Requests"}`, want: "429 Too Many Requests: too many connections; try again in a moment"},
		{name: "no upgrade", status: 426, want: "426 Upgrade Required: something on the way, a proxy perhaps, does not pass WebSockets on"},
		{name: "a broken authorizer", status: 500, want: "500 Internal Server Error: the service's authorizer failed; its log says why"},
		{name: "a broken $connect", status: 502, body: `{"message":"Internal server error"}`, want: "502 Bad Gateway: the service's $connect failed; its log says why"},
		{name: "a slow $connect", status: 504, want: "504 Gateway Timeout: the service's $connect took too long; its log says why"},
		{name: "a page", status: 200, body: "<html>hello</html>", want: "200 OK: this is a web page, not a WebSocket"},
		{name: "the service's own words", status: 400, body: `{"message":"one subprotocol, please"}`, want: "400 Bad Request: the service says: one subprotocol, please"},
		{name: "no words", status: 400, body: "<html>400</html>", want: "400 Bad Request: the service refused the connection"},
		{name: "no WebSocket", status: 101, want: "HOST does not speak WebSocket as it must: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Upgrade") == "" {
					w.WriteHeader(c.get)
					return
				}
				if c.status == http.StatusSwitchingProtocols {
					conn, _, _ := w.(http.Hijacker).Hijack()
					_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
					_ = conn.Close()
					return
				}
				for name, values := range c.header {
					w.Header()[name] = values
				}
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			}))
			defer s.Close()
			host := strings.TrimPrefix(s.URL, "http://")
			if c.path == "" {
				c.path = "/dev"
			}
			got, status := reasonOf(t, "ws://"+host+c.path, &session.Config{Header: c.sent})
			got = strings.ReplaceAll(got, host, "HOST")
			if c.status == http.StatusSwitchingProtocols {
				c.status, got = 0, got[:min(len(got), len(c.want))]
			}
			if got != c.want || status != c.status {
				t.Errorf("%d %s\nwant %s", status, got, c.want)
			}
		})
	}
}

// certificate is one for a name, made by nobody but itself.
func certificate(t *testing.T, name string, from, until time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: from, NotAfter: until, DNSNames: []string{name}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// TestTLSReasons connects to servers with something wrong about their
// certificates.
func TestTLSReasons(t *testing.T) {
	now := time.Now()
	day := func(n int) time.Time { return now.AddDate(0, 0, n) }
	for _, c := range []struct {
		name   string
		cert   tls.Certificate
		trust  bool
		client tls.ClientAuthType
		want   string
	}{
		{"an unknown authority", certificate(t, "localhost", day(-1), day(1)), false, 0,
			"nobody this machine trusts vouches for the certificate of HOST; if it is your own, give its authority with --ca FILE"},
		{"another name", certificate(t, "chat.example.com", day(-1), day(1)), true, 0,
			"the certificate of HOST is for another name (chat.example.com); is the URL right?"},
		{"ran out", certificate(t, "localhost", day(-3), day(-2)), true, 0,
			"the certificate of HOST ran out on " + day(-2).UTC().Format(time.DateOnly)},
		{"not yet", certificate(t, "localhost", day(2), day(3)), true, 0,
			"the certificate of HOST is not valid before " + day(2).UTC().Format(time.DateOnly) + "; this machine's clock says " + now.Format(time.DateOnly)},
		{"a certificate of ours", certificate(t, "localhost", day(-1), day(1)), true, tls.RequireAnyClientCert,
			"HOST wants a certificate of yours: --cert FILE and --key FILE"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := httptest.NewUnstartedServer(http.NotFoundHandler())
			s.Config.ErrorLog = log.New(io.Discard, "", 0)
			s.TLS = &tls.Config{Certificates: []tls.Certificate{c.cert}, ClientAuth: c.client}
			s.StartTLS()
			defer s.Close()
			transport := session.NewTransport()
			if transport.TLSClientConfig = (&tls.Config{RootCAs: x509.NewCertPool()}); c.trust {
				transport.TLSClientConfig.RootCAs.AddCert(c.cert.Leaf)
			}
			_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
			host := "localhost:" + port
			got, _ := reasonOf(t, "wss://"+host, &session.Config{Client: &http.Client{Transport: transport}})
			if got = strings.ReplaceAll(got, host, "HOST"); got != c.want {
				t.Errorf("%s\nwant %s", got, c.want)
			}
		})
	}
}

// TestNetReasons connects to where there is nothing, or something else.
func TestNetReasons(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	hangsUp := listener(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 1024)) })
	mumbles := listener(t, func(c net.Conn) { _, _ = io.WriteString(c, "220 mail.example.com ESMTP\r\n") })
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = nobody.Close()
	none := nobody.Addr().String()
	at, atTLS := strings.TrimPrefix(plain.URL, "http://"), strings.TrimPrefix(secure.URL, "https://")
	for address, want := range map[string]string{
		"ws://" + none:                  "nothing listens at " + none + "; `go run ./local` starts a service, or give the URL of one",
		"wss://" + at:                   at + " does not speak TLS; try ws:// instead of wss://",
		"ws://" + hangsUp:               hangsUp + " hangs up during the handshake; is it a WebSocket?",
		"ws://" + mumbles:               mumbles + " does not speak HTTP; is it wss:// rather than ws://, or another port?",
		"ws://" + atTLS:                 "400 Bad Request: the service says: Client sent an HTTP request to an HTTPS server.",
		"ws://no-such-host.invalid/dev": "there is no host no-such-host.invalid (DNS)",
		"wss://abc.execute-api.eu-west-1.amazonaws.com.invalid/dev": "there is no host abc.execute-api.eu-west-1.amazonaws.com.invalid (DNS); is there an API abc in that region?",
	} {
		if got, _ := reasonOf(t, address, nil); got != want {
			t.Errorf("%s: %s\nwant %s", address, got, want)
		}
	}
}

// listener does one thing with every connection, and hangs up.
func listener(t *testing.T, do func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			do(c)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().String()
}

// TestProxyReasons connects through proxies that do not help.
func TestProxyReasons(t *testing.T) {
	status := http.StatusProxyAuthRequired
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	defer proxy.Close()
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = nobody.Close()
	at, none := strings.TrimPrefix(proxy.URL, "http://"), nobody.Addr().String()
	for _, c := range []struct {
		proxy, address, want string
		status               int
	}{
		{proxy.URL, "wss://chat.example.com/dev", "the proxy " + at + " wants a name and a password: http://NAME:PASSWORD@" + at, 407},
		{proxy.URL, "wss://chat.example.com/dev", "the proxy " + at + " says 502 Bad Gateway", 502},
		{proxy.URL, "ws://chat.example.com/dev", "407 Proxy Authentication Required: the proxy wants a name and a password: http://NAME:PASSWORD@HOST:PORT", 407},
		{"http://" + none, "wss://chat.example.com/dev", "the proxy " + none + " does not work (connection refused); see --proxy, HTTPS_PROXY and NO_PROXY", 0},
		{"socks5://" + none, "wss://chat.example.com/dev", "the proxy " + none + " does not work (connection refused); see --proxy, HTTPS_PROXY and NO_PROXY", 0},
	} {
		status = c.status
		transport := session.NewTransport()
		transport.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(c.proxy) }
		if got, _ := reasonOf(t, c.address, &session.Config{Client: &http.Client{Transport: transport}}); got != c.want {
			t.Errorf("%s through %s: %s\nwant %s", c.address, c.proxy, got, c.want)
		}
	}
}
