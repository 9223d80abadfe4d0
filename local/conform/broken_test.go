package conform_test

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kaiwa/local/conform"
	"kaiwa/local/conform/conformtest"
	"kaiwa/pkg/emu/apigw"
)

// breakages are gateways that are wrong, each in its own way, and the rows, by
// the beginning of their facts, that must notice. Every row that can differ is
// among them.
var breakages = []struct {
	name string
	o    conformtest.Options
	rows []string
}{
	{"idle after 5 min", conformtest.Options{Gateway: func(o *apigw.Options) { o.IdleTimeout = 5 * time.Minute }},
		[]string{"a connection without messages", "a message from the client starts", "a message from the server starts"}},
	{"another reason at idle", onWire("Going away", "Gone  away"), []string{"a connection without messages"}},
	{"a life of 1 h", conformtest.Options{Gateway: func(o *apigw.Options) { o.ConnectionLife = time.Hour }}, []string{"any connection is closed"}},
	{"10 s for integrations", conformtest.Options{Gateway: func(o *apigw.Options) { o.IntegrationTimeout = 10 * time.Second }}, []string{"an integration has 29 s"}},
	{"an integration's timeout is ignored", conformtest.Options{API: func(a *apigw.API) {
		if r, ok := a.Routes["hasty"]; ok {
			r.Integration.Timeout = 0
		}
	}}, []string{"an integration that takes too long"}},
	{"any message size", conformtest.Options{Gateway: func(o *apigw.Options) { o.MessageSize = -1 }}, []string{"a message of 128 KB", "a POST of 128 KB"}},
	{"any frame size", conformtest.Options{Gateway: func(o *apigw.Options) { o.FrameSize = -1 }}, []string{"a frame of 32 KB"}},
	{"1000 for binary", onWire("\x88\x02\x03\xeb", "\x88\x02\x03\xe8"), []string{"a binary frame"}},
	{"any URL", conformtest.Options{Front: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.RequestURI = r.RequestURI[:min(len(r.RequestURI), 4096)]
			next.ServeHTTP(w, r)
		})
	}}, []string{"a URL has at most"}},
	{"503 for throttled", onWire("HTTP/1.1 429", "HTTP/1.1 503"), []string{"a $connect over its route's throttle", "a reader that does not read"}},

	{"another direction", onEvent(`"messageDirection":"IN"`, `"messageDirection":"OUT"`),
		[]string{"the CONNECT event", "the MESSAGE event", "the DISCONNECT event", "the authorizer's REQUEST event"}},
	{"null for absent", onEvent(`"routeKey"`, `"status":null,"routeKey"`),
		[]string{"the CONNECT event", "the MESSAGE event", "the DISCONNECT event", "the authorizer's REQUEST event"}},
	{"another context", onEvent(`"tier":"gold"`, `"tier":"tin"`), []string{"rc.authorizer is on CONNECT", "rc.authorizer is on MESSAGE"}},
	{"no latency", onEvent(`"integrationLatency"`, `"latency"`), []string{"rc.authorizer has integrationLatency"}},
	{"null for no query", onEvent(`"requestContext"`, `"queryStringParameters":null,"requestContext"`), []string{"without a query"}},
	{"the first of two", onEvent(`"a":"2"`, `"a":"1"`), []string{"of a parameter given twice"}},
	{"other stage variables", onEvent("green", "red"), []string{"stageVariables"}},
	{"canonical header names", onEvent("x-LOWER-upper", "X-Lower-Upper"), []string{"header names keep"}},
	{"an empty user agent", onEvent(`"sourceIp"`, `"userAgent":"","sourceIp"`), []string{"identity.userAgent only"}},
	{"another connectedAt", onEvent(`"connectedAt":`, `"connectedAt":1`), []string{"connectedAt is"}},
	{"another zone", onEvent(" +0000", " +0900"), []string{"requestTime is"}},
	{"another body", onEvent(`"body":"hello"`, `"body":"hullo"`), []string{"the body is the message"}},
	{"longer ids", onEvent(`"requestId":"`, `"requestId":"x`), []string{"ids: 16 characters", "ids: byte 8"}},
	{"another text for 1005", onEvent("Client-side", "Client side"), []string{"the client closes without a status"}},
	{"1000 for 1001", onEvent(`"disconnectStatusCode":1001`, `"disconnectStatusCode":1000`), []string{"a browser's tab"}},

	{"another route key", onEvent(`"routeKey":"`, `"routeKey":"x`), []string{"$request.body.action picks", "a number picks", "${…} may be composed", "no match, no key"}},
	{"another spacing", onWire(`"message": "Forbidden", "c`, `"message":"Forbidden",  "c`), []string{"no match and no $default"}},
	{"another case", onWire("Internal server error", "Internal Server Error"), []string{"the function throws"}},
	{"every route is two-way", conformtest.Options{API: func(a *apigw.API) {
		if r, ok := a.Routes["oneway"]; ok {
			r.Response = true
			a.Routes["oneway"] = r
		}
	}}, []string{"301, 401 and 501 on a one-way route", "without a route response"}},
	{"binary frames", conformtest.Options{Wire: func(p []byte) []byte {
		return bytes.ReplaceAll(bytes.ReplaceAll(p, []byte("\x81\x0aplain"), []byte("\x82\x0aplain")), []byte("\x81\x05hello"), []byte("\x82\x05hello"))
	}}, []string{"with a route response", "POST: 200"}},
	{"another mock", onWire(`{"mock":"`, `{"mack":"`), []string{"a MOCK integration"}},
	{"one invocation at a time", conformtest.Options{Function: oneAtATime}, []string{"messages of one client"}},
	{"models are ignored", conformtest.Options{API: func(a *apigw.API) {
		if r, ok := a.Routes["strict"]; ok {
			r.ModelSelectionExpression = ""
			a.Routes["strict"] = r
		}
	}}, []string{"a message that its model refuses"}},
	{"no pongs", onWire("\x8a\x01", "\x81\x01"), []string{"pings are answered"}},

	{"nobody is let in", conformtest.Options{Front: refusing("probe=", 418)}, []string{"$connect is optional", "$connect returns 200",
		"the upgrade waits", "AWS_IAM: a presigned URL", "an authorizer that allows"}},
	{"other statuses", onWire("HTTP/1.1 301", "HTTP/1.1 302"), []string{"$connect returns 301"}},
	{"500 for 502", onWire("HTTP/1.1 502", "HTTP/1.1 500"), []string{"the $connect function throws"}},
	{"400 for 426", onWire("HTTP/1.1 426", "HTTP/1.1 400"), []string{"a plain GET"}},
	{"a subprotocol of its own", conformtest.Options{Front: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Sec-WebSocket-Protocol") != "" {
				w.Header().Set("Sec-WebSocket-Protocol", "two")
			}
			next.ServeHTTP(w, r)
		})
	}}, []string{"no subprotocol is returned"}},
	{"subprotocols cut", onEvent("one.v1,two", "one.v1"), []string{"the subprotocol is what"}},
	{"no waiting", onEvent(`\"sleep\":3000`, `\"slept\":3000`), []string{"the upgrade waits"}},
	{"every connect is disconnected", conformtest.Options{Function: disconnecting}, []string{"a refused $connect has no"}},
	{"deflate hidden", onEvent("permessage-deflate", "hidden"), []string{"permessage-deflate, offered"}},

	{"another domain", onEvent(`"domainName":"`, `"domainName":"x.`), []string{"https://{domainName}/{stage}"}},
	{"no %40", conformtest.Options{Front: refusing("%40", 403)}, []string{"the path may be @connections"}},
	{"upper camel case", onWire(`"connectedAt"`, `"ConnectedAt"`), []string{"GET: 200"}},
	{"200 for 204", onWire("HTTP/1.1 204 No Content", "HTTP/1.1 200 OK\r\nContent-Length: 0"), []string{"DELETE: 204"}},
	{"another reason for DELETE", onWire("Closed Normally", "closed normally"), []string{"DELETE closes"}},
	{"errors without a type", onWire("X-Amzn-Errortype", "X-Amzn-Errorkind"), []string{"a closed connection: 410", "an unknown id", "a malformed id",
		"errors say their type", "the path of another stage"}},
	{"401 for 403", onWire("HTTP/1.1 403", "HTTP/1.1 401"), []string{"unsigned: 403", "AWS_IAM: an unsigned", "an authorizer that denies",
		"a policy for another ARN", "a REST-style", "an API key that is missing", "an API key may be named"}},
	{"text is changed", onWire("0123456789", "0123456780"), []string{"a POST of 100 KB"}},
	{"504 for unread", conformtest.Options{Front: refusing("@connections", 504)}, []string{"200 means taken"}},
	{"another order", onWire("\x81\x015", "\x81\x016"), []string{"posts that wait"}},

	{"no userArn", onEvent(`"userArn"`, `"arn"`), []string{"AWS_IAM: a connect signed"}},
	{"403 for 401", onWire("HTTP/1.1 401", "HTTP/1.1 403"), []string{"an authorizer that throws Unauthorized", "an identity source"}},
	{"502 for 500", onWire("HTTP/1.1 500", "HTTP/1.1 502"), []string{"an authorizer that crashes"}},
	{"simple responses", conformtest.Options{Function: simple}, []string{"a simple response"}},
	{"authorizers are cached", conformtest.Options{Function: caching}, []string{"an authorizer runs for every"}},
	{"no apiKeyId", onEvent(`"apiKeyId"`, `"id"`), []string{"an API key lets in"}},
	{"another origin", onEvent("https://evil.example", ""), []string{"a foreign Origin"}},
}

type options = conformtest.Options

func onWire(old, now string) options {
	return options{Wire: func(p []byte) []byte { return bytes.ReplaceAll(p, []byte(old), []byte(now)) }}
}

// invoker is an apigw.Invoker.
type invoker func(ctx context.Context, function string, in []byte) ([]byte, string, error)

func (f invoker) Invoke(ctx context.Context, function string, in []byte) ([]byte, string, error) {
	return f(ctx, function, in)
}

func onEvent(old, now string) options {
	return options{Function: func(next apigw.Invoker) apigw.Invoker {
		return invoker(func(ctx context.Context, function string, in []byte) ([]byte, string, error) {
			return next.Invoke(ctx, function, bytes.ReplaceAll(in, []byte(old), []byte(now)))
		})
	}}
}

// refusing answers requests whose URL has some text.
func refusing(text string, status int) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.RequestURI, text) {
				w.WriteHeader(status)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

func oneAtATime(next apigw.Invoker) apigw.Invoker {
	var mu sync.Mutex
	return invoker(func(ctx context.Context, function string, in []byte) ([]byte, string, error) {
		mu.Lock()
		defer mu.Unlock()
		return next.Invoke(ctx, function, in)
	})
}

func disconnecting(next apigw.Invoker) apigw.Invoker {
	return invoker(func(ctx context.Context, function string, in []byte) ([]byte, string, error) {
		if bytes.Contains(in, []byte(`"CONNECT"`)) {
			if out, kind, err := next.Invoke(ctx, function, bytes.ReplaceAll(in, []byte(`"CONNECT"`), []byte(`"DISCONNECT"`))); err != nil {
				return out, kind, err
			}
		}
		return next.Invoke(ctx, function, in)
	})
}

func simple(next apigw.Invoker) apigw.Invoker {
	return invoker(func(ctx context.Context, function string, in []byte) ([]byte, string, error) {
		out, kind, err := next.Invoke(ctx, function, in)
		if bytes.Contains(out, []byte("isAuthorized")) {
			out = []byte(`{"principalId":"x","policyDocument":{"Statement":[{"Action":"*","Effect":"Allow","Resource":"*"}]}}`)
		}
		return out, kind, err
	})
}

func caching(next apigw.Invoker) apigw.Invoker {
	var mu sync.Mutex
	var cached []byte
	return invoker(func(ctx context.Context, function string, in []byte) (out []byte, kind string, err error) {
		if !bytes.Contains(in, []byte(`"REQUEST"`)) {
			return next.Invoke(ctx, function, in)
		}
		mu.Lock()
		defer mu.Unlock()
		if cached == nil {
			cached, kind, err = next.Invoke(ctx, function, in)
		}
		return cached, kind, err
	})
}

// TestBrokenGateways: the table is worth something only if it notices.
func TestBrokenGateways(t *testing.T) {
	noticed := map[string]bool{}
	for _, b := range breakages {
		for _, fact := range b.rows {
			r := rowOf(t, fact)
			noticed[r.Fact] = true
			t.Run(b.name+"/"+fact, func(t *testing.T) {
				b.o.Patience = 2 * time.Second
				ask := func(t *testing.T) {
					s := conformtest.Run(t, r.Takes > 0, &b.o)
					if got := s.Ask(t.Context(), r); got.Verdict != conform.Differs || len(got.Lines) == 0 {
						t.Errorf("%s: %q", got.Verdict, got.Lines)
					}
				}
				if r.Takes == 0 {
					t.Parallel()
					ask(t)
					return
				}
				synctest.Test(t, ask)
			})
		}
	}
	for _, r := range conform.Rows() {
		if r.Probe != nil && !r.Unknown() && !noticed[r.Fact] {
			t.Errorf("nothing breaks %q", r.Fact)
		}
	}
}

// rowOf finds the one row whose fact begins so.
func rowOf(t *testing.T, fact string) (found conform.Row) {
	t.Helper()
	n := 0
	for _, r := range conform.Rows() {
		if strings.HasPrefix(r.Fact, fact) {
			found, n = r, n+1
		}
	}
	if n != 1 {
		t.Fatalf("%d rows begin with %q", n, fact)
	}
	return found
}
