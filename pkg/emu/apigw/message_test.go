package apigw_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"kaiwa/pkg/emu/apigw"
)

// frame checks a gateway frame byte for byte; its requestId may be any.
func wantFrame(t *testing.T, c *client, got, message string) {
	t.Helper()
	prefix := fmt.Sprintf(`{"message": "%s", "connectionId":"%s", "requestId":"`, message, c.id)
	rest, ok := strings.CutPrefix(got, prefix)
	if !ok || len(rest) != 18 || !strings.HasSuffix(rest, `="}`) {
		t.Errorf("frame %s", got)
	}
}

func routeSelection(t *testing.T) {
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

// routed sends body on a fresh gateway and returns what the client gets, or the
// route key of the event that "default" got.
func routed(t *testing.T, api apigw.API, body string) string {
	t.Helper()
	r := start(t, api, nil, nil)
	c := r.dial("", nil)
	r.event()
	c.send(body)
	if strings.Contains(body, `"echo"`) {
		return c.recv()
	}
	return r.event().RequestContext.RouteKey
}

// What a person types into wscat is bare text: it goes to $default unchanged.
func noMatchDefault(t *testing.T) {
	for _, body := range []string{"hello there", `{"action":"nosuch"}`, `{"x":1}`, `{"action":`, "", "日本語"} {
		if got := routed(t, testAPI(), body); got != "$default" {
			t.Errorf("%q went to %s", body, got)
		}
	}
	if got := routed(t, testAPI(), `{"action":"echo","n":1}`); got != `{"action":"echo","n":1}` {
		t.Error(got)
	}
}

func dollarKeys(t *testing.T) {
	for _, key := range []string{"$connect", "$disconnect", "$default", "$other"} {
		if got := routed(t, testAPI(), `{"action":"`+key+`"}`); got != "$default" {
			t.Errorf("%s went to %s", key, got)
		}
	}
}

func noMatchForbidden(t *testing.T) {
	api := testAPI()
	delete(api.Routes, "$default")
	r := start(t, api, nil, nil)
	c := r.dial("", nil)
	r.event()
	for _, body := range []string{"hello", `{"action":"$connect"}`} {
		c.send(body)
		wantFrame(t, c, c.recv(), "Forbidden")
	}
	c.send(`{"action":"echo"}`) // the socket stays open
	c.recv()
	if len(r.events) != 0 {
		t.Error("a function was called")
	}
}

func failing(err error) functions {
	return functions{
		"echo":    func(context.Context, []byte) (any, error) { return nil, err },
		"default": func(context.Context, []byte) (any, error) { return nil, err },
	}
}

func functionThrows(t *testing.T) {
	r := start(t, testAPI(), failing(errors.New("boom")), nil)
	c := r.dial("", nil)
	for _, body := range []string{`{"action":"echo"}`, "one-way"} {
		c.send(body)
		wantFrame(t, c, c.recv(), "Internal server error")
	}
}

// lambdaThrottled: the function cannot be invoked at all.
func lambdaThrottled(t *testing.T) {
	api := testAPI()
	api.Routes["gone"] = lambdaRoute("nosuchfunction")
	r := start(t, api, nil, nil)
	c := r.dial("", nil)
	c.send(`{"action":"gone"}`)
	wantFrame(t, c, c.recv(), "Internal server error")
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

func oneWaySilent(t *testing.T) {
	status := 0
	answer := functions{"default": func(context.Context, []byte) (any, error) {
		return response{StatusCode: status, Body: "dropped"}, nil
	}}
	bubble(t, testAPI(), answer, nil, func(r *rig) {
		c := r.dial("", nil)
		for _, status = range []int{200, 301, 401, 501} {
			c.send("hi")
			synctest.Wait()
		}
		c.send(`{"action":"echo"}`)
		if got := c.recv(); got != `{"action":"echo"}` {
			t.Errorf("a one-way route sent %s", got)
		}
	})
}

func twoWayStatus(t *testing.T) {
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

func twoWayBody(t *testing.T) {
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

func concurrentMessages(t *testing.T) {
	second := make(chan struct{})
	meet := functions{"echo": func(_ context.Context, in []byte) (any, error) {
		body := *decode(in).Body
		if strings.Contains(body, "first") {
			<-second
		} else {
			close(second)
		}
		return response{StatusCode: 200, Body: body}, nil
	}}
	r := start(t, testAPI(), meet, nil)
	c := r.dial("", nil)
	c.send(`{"action":"echo","n":"first"}`)
	c.send(`{"action":"echo","n":"second"}`)
	c.recv() // would never come if the first message held the second up
	c.recv()
}
