package apigw_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"kaiwa/pkg/emu/apigw"
)

func modelled(expr string, models map[string]string) apigw.Route {
	r := twoWay(lambdaRoute("echo"))
	r.ModelSelectionExpression, r.Models = expr, map[string]json.RawMessage{}
	for key, text := range models {
		r.Models[key] = json.RawMessage(text)
	}
	return r
}

func TestModels(t *testing.T) {
	const counted, named = `{"type":"object","required":["n"],"properties":{"n":{"type":"integer","minimum":0,"exclusiveMinimum":true}}}`, `{"required":["name"]}`
	for _, tt := range []struct {
		expr   string
		models map[string]string
		body   string
		ok     bool
	}{
		{"$request.body.kind", map[string]string{"c": counted}, `{"action":"x","kind":"c","n":1}`, true},
		{"$request.body.kind", map[string]string{"c": counted}, `{"action":"x","kind":"c","n":0}`, false}, // draft 4: exclusive
		{"$request.body.kind", map[string]string{"c": counted}, `{"action":"x","kind":"c","n":1.5}`, false},
		{"$request.body.kind", map[string]string{"c": counted}, `{"action":"x","kind":"d","n":1}`, false}, // no such model
		{"$request.body.kind", map[string]string{"c": counted, "$default": named}, `{"action":"x","name":1}`, true},
		{"$request.body.kind", map[string]string{"c": counted, "$default": named}, `{"action":"x","n":1}`, false},
		{`\$default`, map[string]string{"$default": counted}, `{"action":"x","n":1}`, true},
		{"", map[string]string{"$default": counted}, `{"action":"x"}`, true}, // no expression: no validation
		{"fixed", nil, `{"action":"x"}`, false},
	} {
		api := testAPI()
		api.Routes["x"] = modelled(tt.expr, tt.models)
		r := start(t, api, nil, nil)
		c := r.dial("", nil)
		c.send(tt.body)
		got := c.recv()
		prefix := `{"message" : "Bad request body", "connectionId": "` + c.id + `", "messageId": "`
		if refused := strings.HasPrefix(got, prefix); refused == tt.ok || tt.ok && got != tt.body {
			t.Errorf("%s with %s: %s", tt.body, tt.expr, got)
		}
	}
}

// What is not JSON has no kind, and is no object.
func TestModelOfText(t *testing.T) {
	api := testAPI()
	api.Routes["$default"] = modelled(`\$default`, map[string]string{"$default": `{"type":"string"}`})
	var log bytes.Buffer
	r := start(t, api, nil, &apigw.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	c := r.dial("", nil)
	c.send("hello secret")
	if got := c.recv(); !strings.HasPrefix(got, `{"message" : "Bad request body"`) {
		t.Error(got)
	}
	c.send(`"hello"`)
	if got := c.recv(); got != `"hello"` {
		t.Error(got)
	}
	if !strings.Contains(log.String(), "message refused") || strings.Contains(log.String(), "secret") {
		t.Errorf("the log: %s", log.String())
	}
}
