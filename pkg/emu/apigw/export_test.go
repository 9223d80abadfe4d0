package apigw

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"testing"
)

// ChooseKey parses and evaluates a route selection expression.
func ChooseKey(expr, body string) (string, error) {
	e, err := parseExpression(expr, false)
	if err != nil {
		return "", err
	}
	return e.eval(body, ""), nil
}

// Render parses and renders a request template for a message.
func Render(src, body string) (string, error) {
	t, err := parseTemplate(src, true)
	if err != nil {
		return "", err
	}
	return t.render(&scope{
		body:           body,
		stageVariables: map[string]string{"env": "test"},
		context: &requestContext{
			ConnectionID: "R1kmxc2VNjMCFIA=",
			Authorizer:   map[string]any{"principalId": "me"},
		},
	}), nil
}

// Verifies tells whether a gateway with one caller, whose secret nobody knows, takes
// a request for theirs.
func Verifies(t *testing.T, authorization, date, query string) bool {
	t.Helper()
	g := &Gateway{opt: (&Options{Credentials: func(string) (Identity, bool) {
		return Identity{SecretAccessKey: rand.Text()}, true
	}}).withDefaults(API{})}
	r := &http.Request{Method: http.MethodGet, URL: &url.URL{Scheme: "https", Host: "x", Path: "/dev", RawQuery: query}, Host: "x",
		Header: http.Header{"Authorization": {authorization}, "X-Amz-Date": {date}}}
	_, no := g.verify(r, nil)
	return no == nil
}

// Grants tells whether what an authorizer returned lets a client in.
func Grants(out []byte, methodARN string) bool {
	result, err := parseAuthorizerResult(out)
	if err != nil {
		return false
	}
	if _, err := result.values(0); err != nil {
		return false
	}
	allowed, err := allows(*result.PolicyDocument, methodARN)
	return allowed && err == nil
}

// ProxyStatus is the status of what a function returned; 0 if it is malformed.
func ProxyStatus(out []byte) int {
	r, err := parseProxyResponse(out)
	if err != nil {
		return 0
	}
	_ = r.header("Sec-WebSocket-Protocol")
	return r.status
}
