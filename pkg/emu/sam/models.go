package sam

import (
	"encoding/json"

	"kaiwa/pkg/emu/apigw"
)

// model reads AWS::ApiGatewayV2::Model. Routes name models by API and Name.
func (s *stack) model(_ *Template, a *parts, r *resource, p *props) {
	api := s.owner(a, r, p)
	if api == nil {
		return
	}
	name := p.required("Name")
	schema := p.value("Schema")
	if schema == nil {
		p.required("Schema")
		return
	}
	text := []byte(schema.text) // it may be JSON already
	if !schema.scalar() {
		var err error
		if text, err = json.Marshal(jsonOf(schema)); err != nil {
			p.fail(schema, "Schema", "cannot be written as JSON: %v", err)
		}
	}
	a.models[api.ID+"/"+name] = text
}

// routeModels gives a route its models.
func (s *stack) routeModels(a *parts, api *apigw.API, route *apigw.Route, p *props) {
	route.ModelSelectionExpression = p.text("ModelSelectionExpression")
	names := p.textMap("RequestModels")
	if route.ModelSelectionExpression == "" || len(names) == 0 {
		return
	}
	route.Models = make(map[string]json.RawMessage, len(names))
	for key, name := range names {
		schema, ok := a.models[api.ID+"/"+name]
		if !ok {
			p.fail(p.n.get("RequestModels"), "RequestModels", "%q is the Name of no model of this API", name)
			return
		}
		route.Models[key] = schema
	}
}

// jsonOf turns a node into what encoding/json writes, numbers and booleans as
// such.
func jsonOf(n *node) any {
	switch n.kind {
	case mapping:
		m := make(map[string]any, len(n.keys))
		for _, k := range n.keys {
			m[k] = jsonOf(n.fields[k])
		}
		return m
	case list:
		l := make([]any, len(n.items))
		for i, item := range n.items {
			l[i] = jsonOf(item)
		}
		return l
	case boolean:
		return n.text == "true"
	case number:
		return json.Number(n.text)
	case null:
		return nil
	}
	return n.text
}
