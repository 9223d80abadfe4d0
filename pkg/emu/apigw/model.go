package apigw

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// errBadBody refuses a message that its route's model does not describe.
var errBadBody = errors.New("bad request body")

// models are a route's, compiled. The zero value lets everything through.
type models struct {
	key     expression
	schemas map[string]*jsonschema.Schema // nil: no validation
}

// compileModels reads schemas as JSON Schema draft 4, which is what API Gateway
// takes (DG: data models for REST APIs).
func compileModels(r Route) (m models, err error) {
	if r.ModelSelectionExpression == "" {
		return m, nil
	}
	if m.key, err = parseExpression(r.ModelSelectionExpression, false); err != nil {
		return m, err
	}
	m.schemas = map[string]*jsonschema.Schema{}
	for _, key := range slices.Sorted(maps.Keys(r.Models)) {
		if m.schemas[key], err = compileSchema(r.Models[key]); err != nil {
			return m, fmt.Errorf("model %s: %s", key, firstLine(err))
		}
	}
	return m, nil
}

func compileSchema(text json.RawMessage) (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft4)
	c.UseLoader(noSchemas{})
	const here = "model.json"
	if err := c.AddResource(here, doc); err != nil {
		return nil, err
	}
	return c.Compile(here)
}

// noSchemas keeps a $ref from being fetched.
type noSchemas struct{}

func (noSchemas) Load(url string) (any, error) {
	return nil, fmt.Errorf("$ref to %s is not emulated", url)
}

// check returns errBadBody, and why, if body may not pass: the model of its key
// refuses it, or there is neither such a model nor $default (DG: request
// validation for WebSocket APIs).
func (m models) check(body string) error {
	if m.schemas == nil {
		return nil
	}
	schema := m.schemas[m.key.eval(body, "")]
	if schema == nil {
		schema = m.schemas[defaultKey]
	}
	if schema == nil {
		return fmt.Errorf("%w: no model", errBadBody)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
	if err == nil {
		err = schema.Validate(doc)
	}
	if err != nil {
		// What it says may quote the message, which no log may hold.
		return fmt.Errorf("%w: its model refuses it", errBadBody)
	}
	return nil
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
