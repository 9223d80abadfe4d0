package sam

import "kaiwa/pkg/emu/apigw"

// samAPIs reads AWS::Serverless::WebSocketApi (publishing §3.1).
func (s *stack) samAPIs(t *Template) error {
	for _, r := range s.order {
		if r.kind != "AWS::Serverless::WebSocketApi" {
			continue
		}
		p := s.props(r.properties)
		api := s.samAPI(t, r, p)
		if p.err != nil {
			return within(r.id, p.err)
		}
		t.apis = append(t.apis, api)
	}
	return nil
}

func (s *stack) samAPI(t *Template, r *resource, p *props) apigw.API {
	api := apigw.API{
		ID:                        s.apiID(r.id),
		RouteSelectionExpression:  p.required("RouteSelectionExpression"),
		APIKeySelectionExpression: p.text("ApiKeySelectionExpression"),
		Routes:                    make(map[string]apigw.Route),
		Stage:                     s.readStage(p),
	}
	api.Stage.Name = nonempty(p.text("StageName"), "default")
	s.placed(t, placeOfAPI+api.ID, r, r.node.line)
	routes := p.mapping("Routes")
	for _, key := range routes.n.keys {
		route := routes.mapping(key)
		s.placed(t, placeOfAPI+api.ID+"/"+key, r, route.n.line)
		api.Routes[key] = apigw.Route{
			APIKeyRequired: route.flag("ApiKeyRequired"),
			Response:       s.answers(r, route, routeID(r, key)),
			Integration: &apigw.Integration{
				Type: "AWS_PROXY", Function: s.functionOf(t, route, "FunctionArn"), Timeout: timeout(route, "IntegrationTimeout"),
			},
		}
		if route.text("ModelSelectionExpression") != "" {
			s.note(r.node, "%s: request models cannot run here: every message is let through", r.id)
		}
		routes.take(key, route)
	}
	p.take("Routes", routes)
	auth := p.mapping("Auth")
	s.samAuth(t, api, auth)
	p.take("Auth", auth)
	return api
}

// samAuth puts Auth on $connect.
func (s *stack) samAuth(t *Template, api apigw.API, p *props) {
	kind := p.text("AuthType")
	if kind == "" || kind == "NONE" || p.err != nil {
		return
	}
	connect, ok := api.Routes["$connect"]
	if !ok {
		p.err = p.n.errorf("needs a route $connect: add it")
		return
	}
	connect.Authorization = kind
	switch kind {
	case "AWS_IAM":
	case "CUSTOM":
		connect.Authorizer = &apigw.Authorizer{
			Name: p.text("Name"), Function: s.functionOf(t, p, "AuthArn"), IdentitySources: p.texts("IdentitySource"),
		}
	default:
		p.fail(p.n.get("AuthType"), "AuthType", "must be NONE, AWS_IAM or CUSTOM, not %q", kind)
	}
	api.Routes["$connect"] = connect
}
