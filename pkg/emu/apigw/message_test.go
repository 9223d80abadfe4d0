package apigw_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"kaiwa/pkg/emu/apigw"
)

// wantFrame checks a gateway frame byte for byte; its requestId may be any.
func wantFrame(t *testing.T, c *client, got, message string) {
	t.Helper()
	prefix := fmt.Sprintf(`{"message": "%s", "connectionId":"%s", "requestId":"`, message, c.id)
	rest, ok := strings.CutPrefix(got, prefix)
	if !ok || len(rest) != 18 || !strings.HasSuffix(rest, `="}`) {
		t.Errorf("frame %s", got)
	}
}

func TestRouteSelection(t *testing.T) {
	for _, tt := range []struct{ expr, body, want string }{
		{"$request.body.action", `{"action":"echo"}`, "echo"},
		{"${request.body.action}", `{"action":"echo"}`, "echo"},
		{"$request.body.a.b", `{"a":{"b":"deep"}}`, "deep"},
		{"$request.body['a'].b[1]", `{"a":{"b":[1,2]}}`, "2"},
		{"$request.body.action", `{"action":12}`, "12"},
		{"$request.body.action", `{"action":1.50}`, "1.50"},
		{"$request.body.action", `{"action":true}`, "true"},
		{"$request.body.action", `{"action":null}`, ""},
		{"$request.body.action", `{"action":{"x":[1]}}`, `{"x":[1]}`},
		{"$request.body.action", `{"other":1}`, ""},
		{"$request.body.action", `[1]`, ""},
		{"$request.body.action", `hello`, ""},
		{"$request.body.action", `{"action":"a"} trailing`, ""},
		{"$request.body", `"whole"`, "whole"},
		{"${request.body.service}/${request.body.action}", `{"service":"chat","action":"send"}`, "chat/send"},
		{"${request.body.version}-beta", `{"version":2}`, "2-beta"},
		{"$request.body.a$request.body.b", `{"a":"$request.body.b","b":"x"}`, "$request.body.bx"},
		{`\$default`, `{}`, "$default"},
		{"fixed", `{}`, "fixed"},
	} {
		if got, err := apigw.ChooseKey(tt.expr, tt.body); got != tt.want || err != nil {
			t.Errorf("%s of %s: %q, %v, want %q", tt.expr, tt.body, got, err, tt.want)
		}
	}
}

func TestMalformedResponses(t *testing.T) {
	for _, out := range []any{nil, "text", 7, []int{1}, map[string]any{}, map[string]any{"statusCode": "x"},
		map[string]any{"statusCode": 7}, map[string]any{"statusCode": 200, "body": map[string]any{}}} {
		answer := functions{"default": func(context.Context, []byte) (any, error) { return out, nil }}
		r := start(t, testAPI(), answer, nil)
		c := r.dial("", nil)
		c.send("hi")
		wantFrame(t, c, c.recv(), "Internal server error")
	}
}

func TestTwoWayStatus(t *testing.T) {
	answer := functions{"echo": func(context.Context, []byte) (any, error) {
		return map[string]any{"statusCode": "500", "body": "refused"}, nil
	}}
	r := start(t, testAPI(), answer, nil)
	c := r.dial("", nil)
	c.send(`{"action":"echo"}`)
	if got := c.recv(); got != "refused" {
		t.Error(got)
	}
}

func TestTwoWayBody(t *testing.T) {
	body := strings.Repeat("あ", 20_000) // two frames, split inside a character
	answer := functions{"echo": func(context.Context, []byte) (any, error) {
		return response{StatusCode: 200, Body: body}, nil
	}}
	r := start(t, testAPI(), answer, nil)
	c := r.dial("", nil)
	c.send(`{"action":"echo"}`)
	if got := c.recv(); got != body {
		t.Errorf("%d bytes arrived", len(got))
	}
	body = strings.Repeat("x", 128<<10+1)
	c.send(`{"action":"echo"}`)
	wantFrame(t, c, c.recv(), "Internal server error")
}
