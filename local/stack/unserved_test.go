package stack_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"kaiwa/local/stack"
)

// signedFor makes a request look as if it were signed for a service.
func signedFor(service string, change func(*http.Request)) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKID/20261125/us-east-1/"+service+"/aws4_request, SignedHeaders=host, Signature=0")
		if change != nil {
			change(r)
		}
	}
}

// Services that are not here are refused in their own protocol, and named.
func TestServicesThatAreNotHere(t *testing.T) {
	var log bytes.Buffer
	s := start(t, "none", &stack.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	form := func(r *http.Request) {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	}
	target := func(r *http.Request) { r.Header.Set("X-Amz-Target", "AmazonSSM.GetParameter") }
	for _, tt := range []struct {
		method, path, body, service string
		change                      func(*http.Request)
		want                        string
	}{
		{"PUT", "/bucket/a&b", "data", "s3", nil,
			"<Error><Code>NotEmulated</Code><Message>PUT /bucket/a&amp;b is not here: this local run has no s3</Message></Error>"},
		{"POST", "/", "Action=Publish&Message=%7B%7D", "sns", form,
			"<ErrorResponse><Error><Code>NotEmulated</Code><Message>Publish is not here: this local run has no sns</Message></Error></ErrorResponse>"},
		{"POST", "/", "{}", "ssm", target,
			`{"__type":"NotEmulated","message":"GetParameter is not here: this local run has no ssm"}`},
		{"GET", "/2020-05-31/distribution", "", "cloudfront", nil,
			`{"__type":"NotEmulated","message":"GET /2020-05-31/distribution is not here: this local run has no cloudfront"}`},
	} {
		for range 2 {
			status, got := ask(t, tt.method, here(s)+tt.path, tt.body, signedFor(tt.service, tt.change))
			if status != 501 || got != tt.want {
				t.Errorf("%s: %d %s, want 501 %s", tt.service, status, got, tt.want)
			}
		}
		if n := strings.Count(log.String(), "service="+tt.service+" "); n != 1 {
			t.Errorf("%s is named %d times", tt.service, n)
		}
	}
	if status, _ := ask(t, "POST", here(s), "{}", signedFor("dynamodb", func(r *http.Request) {
		r.Header.Set("X-Amz-Target", "DynamoDB_20120810.ListTables")
	})); status != 200 {
		t.Errorf("DynamoDB, which is here, answers %d", status)
	}
	ws := dial(t, s.URL(), &websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"Bearer a/b/c/s3/d"}}})
	if got := say(t, ws, "world"); got != "hello world" {
		t.Errorf("a client with a token of its own: %q", got)
	}
}

// The certificate is also for the names that the APIs have on AWS.
func TestNamesOnAWS(t *testing.T) {
	caFile := filepath.Join(t.TempDir(), "ca.pem")
	template := load(t, "none", "")
	s := run(t, template, &stack.Options{CAFile: caFile})
	c := client(t, caFile)
	c.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, strings.TrimPrefix(here(s), "http://"))
	}
	res, err := c.Get("https://" + template.APIs()[0].ID + ".execute-api." + region + ".amazonaws.com/dev")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusUpgradeRequired {
		t.Errorf("status %d, want what a stage says to a plain request", res.StatusCode)
	}
	if _, err := c.Get("https://other.execute-api." + region + ".amazonaws.com/dev"); err == nil {
		t.Error("it is for other names too")
	}
}
