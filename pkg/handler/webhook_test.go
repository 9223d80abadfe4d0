package handler_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/handler"
)

func hook(query string, header map[string]string, body string) string {
	ev := events.LambdaFunctionURLRequest{Version: "2.0", RawPath: "/", RawQueryString: query, Headers: header, Body: body,
		RequestContext: events.LambdaFunctionURLRequestContext{HTTP: events.LambdaFunctionURLRequestContextHTTPDescription{Method: "POST"}}}
	b, _ := json.Marshal(ev)
	return string(b)
}

func signed(secret, body string) map[string]string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return map[string]string{"x-hub-signature-256": "sha256=" + hex.EncodeToString(mac.Sum(nil)), "x-github-event": "push", "x-github-delivery": "d1"}
}

// TestWebhooks: the function URL is public, so that nothing comes in without the
// secret.
func TestWebhooks(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "duty", "")
	push, err := os.ReadFile("../notice/testdata/github-push.json")
	if err != nil {
		t.Fatal(err)
	}
	alert, err := os.ReadFile("../notice/testdata/alertmanager.json")
	if err != nil {
		t.Fatal(err)
	}
	bearer := map[string]string{"authorization": "Bearer s3cret"}
	plain := `{"to":{"user":"duty"},"text":"hi"}`
	for _, tt := range []struct {
		name, event string
		status      int
		body        string
	}{
		{"GitHub", hook("", signed("s3cret", string(push)), string(push)), 200, `{"delivered":1,"gone":0}`},
		{"GitHub again", hook("", signed("s3cret", string(push)), string(push)), 200, `"duplicates":1`},
		{"a wrong signature", hook("", signed("other", string(push)), string(push)), 403, "signature"},
		{"a signature of something else", hook("", signed("s3cret", "other"), string(push)), 403, "signature"},
		{"no hex", hook("", map[string]string{"x-hub-signature-256": "sha256=zz", "authorization": "Bearer s3cret"}, plain), 403, ""},
		{"a short signature", hook("", map[string]string{"x-hub-signature-256": "sha256="}, plain), 403, ""},
		{"Alertmanager", hook("user=duty", bearer, string(alert)), 200, `"delivered":1`},
		{"no token", hook("", nil, plain), 403, "bearer token"},
		{"an empty token", hook("", map[string]string{"authorization": "Bearer "}, plain), 403, ""},
		{"a wrong token", hook("", map[string]string{"authorization": "Bearer s3cre"}, plain), 403, ""},
		{"no scheme", hook("", map[string]string{"authorization": "s3cret"}, plain), 403, ""},
		{"the message", hook("", bearer, plain), 200, `"delivered":1`},
		{"the message again", hook("", bearer, plain), 200, `"duplicates":1`},
		{"two at once", hook("", bearer, `[{"to":{"user":"duty"},"text":"one"},{"to":{"user":"duty"},"text":"two"}]`), 200, `"delivered":2`},
		{"a REST API", `{"httpMethod":"POST","path":"/","headers":null,"requestContext":{"stage":"prod"},"body":"hi"}`, 403, "bearer token"},
		{"a load balancer with the secret", `{"requestContext":{"elb":{}},"httpMethod":"POST","headers":{"authorization":"Bearer s3cret"},"body":"hi"}`, 400, "payload format 2.0"},
		{"a slip", hook("", bearer, `{"to":{"usr":"duty"},"text":"hi"}`), 400, `unknown field "usr"`},
		{"another method", strings.Replace(hook("", bearer, plain), `"POST"`, `"GET"`, 1), 405, "POST"},
	} {
		got, err := d.notify(tt.event)
		res, ok := got.(events.LambdaFunctionURLResponse)
		if err != nil || !ok || res.StatusCode != tt.status || !strings.Contains(res.Body, tt.body) {
			t.Errorf("%s: %+v, %v", tt.name, got, err)
		}
	}
	d.heard("c1", "* o/r: 2 commits to main: Say why In the body. by taro https://github.com/o/r/compare/a...b",
		"* [critical] [FIRING:2] HighLatency: p99 is over 2 s on web1 resolved: web2 is fine again", "* hi", "* one", "* two")
	if strings.Contains(d.log.String(), "s3cret") {
		t.Error("the secret was logged")
	}
	// Without a secret nobody comes in, not even with an empty one.
	n := d.notifier(d.posts)
	n.Secret = ""
	for _, header := range []map[string]string{bearer, {"authorization": "Bearer "}, signed("", plain)} {
		if got, err := n.Handle(t.Context(), json.RawMessage(hook("", header, plain))); err != nil || got.(events.LambdaFunctionURLResponse).StatusCode != 403 {
			t.Errorf("%v: %+v, %v", header, got, err)
		}
	}
}

// TestWebhookUnavailable: what could not be delivered is the sender's to repeat.
func TestWebhookUnavailable(t *testing.T) {
	bubble(t, func(d *desk) {
		d.connect("c1", "duty", "")
		d.posts.fail = chat.E(chat.Unavailable, "gateway")
		var n *handler.Notify = d.notifier(d.posts)
		got, err := n.Handle(d.t.Context(), json.RawMessage(hook("", map[string]string{"authorization": "Bearer s3cret"}, "hi")))
		if res, ok := got.(events.LambdaFunctionURLResponse); err != nil || !ok || res.StatusCode != 503 {
			d.t.Errorf("%+v, %v", got, err)
		}
	})
}
