package sam

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"time"

	"kaiwa/pkg/emu/apigw"
)

func isAPI(r *resource) bool {
	if r.kind == samAPIKind {
		return true
	}
	protocol := r.properties.get("ProtocolType")
	return r.kind == "AWS::ApiGatewayV2::Api" && protocol != nil && protocol.text == "WEBSOCKET"
}

// parts are the API Gateway resources of the template by their ids.
type parts struct {
	apis         map[string]*apigw.API
	order        []*resource // of apis
	integrations map[string]*apigw.Integration
	authorizers  map[string]*apigw.Authorizer
	models       map[string]json.RawMessage // schemas by API/NAME
	staged       map[string]bool            // APIs that have their stage
}

// apis puts together the APIs, those that are written as AWS::ApiGatewayV2 resources
// and those of SAM, to which such resources may be added. Each pass needs what the
// ones before have read; the template may have any order.
func (s *stack) apis(t *Template) error {
	a := &parts{
		apis: make(map[string]*apigw.API), integrations: make(map[string]*apigw.Integration),
		authorizers: make(map[string]*apigw.Authorizer), models: make(map[string]json.RawMessage), staged: make(map[string]bool),
	}
	for _, pass := range []struct {
		kind string
		read func(*stack, *Template, *parts, *resource, *props)
	}{
		{"AWS::ApiGatewayV2::Api", (*stack).api}, {samAPIKind, (*stack).samAPI}, {"AWS::ApiGatewayV2::Stage", (*stack).stage},
		{"AWS::ApiGatewayV2::Integration", (*stack).integration}, {samAPIKind, (*stack).samIntegrations},
		{"AWS::ApiGatewayV2::IntegrationResponse", (*stack).integrationResponse}, {"AWS::ApiGatewayV2::Authorizer", (*stack).authorizer},
		{"AWS::ApiGatewayV2::Model", (*stack).model}, {"AWS::ApiGatewayV2::RouteResponse", (*stack).routeResponse},
		{samAPIKind, (*stack).samRoutes}, {"AWS::ApiGatewayV2::Route", (*stack).route},
	} {
		for _, r := range s.order {
			if r.kind != pass.kind {
				continue
			}
			p := s.props(r.properties)
			pass.read(s, t, a, r, p)
			if p.err != nil {
				return within(r.id, p.err)
			}
		}
	}
	for _, r := range a.order {
		id := s.apiID(r.id)
		if !a.staged[id] {
			return within(r.id, r.node.errorf("has no AWS::ApiGatewayV2::Stage: add one"))
		}
		t.apis = append(t.apis, *a.apis[id])
	}
	return nil
}

func (s *stack) api(t *Template, a *parts, r *resource, p *props) {
	if protocol := p.text("ProtocolType"); protocol != "WEBSOCKET" {
		s.note(r.node, "%s: an API of type %s cannot run here: only WebSocket APIs are emulated", r.id, nonempty(protocol, "HTTP"))
		return
	}
	if p.flag("DisableExecuteApiEndpoint") {
		s.note(r.node, "%s: DisableExecuteApiEndpoint cannot be run here: there are no custom domains", r.id)
	}
	id := s.apiID(r.id)
	a.order = append(a.order, r)
	s.placed(t, placeOfAPI+id, r, r.node.line)
	a.apis[id] = &apigw.API{
		ID:                        id,
		RouteSelectionExpression:  p.required("RouteSelectionExpression"),
		APIKeySelectionExpression: p.text("ApiKeySelectionExpression"),
		Routes:                    make(map[string]apigw.Route),
	}
}

// owner finds the API a resource belongs to; nil if that cannot run here.
func (s *stack) owner(a *parts, r *resource, p *props) *apigw.API {
	id := p.required("ApiId")
	api := a.apis[id]
	if p.err != nil || api != nil {
		return api
	}
	for _, other := range s.order {
		if other.kind != "AWS::ApiGatewayV2::Api" && other.kind != "AWS::Serverless::HttpApi" {
			continue
		}
		if its, err := s.physical(other); err == nil && its == id {
			return nil // an HTTP API, which has a note
		}
	}
	p.fail(r.properties.get("ApiId"), "ApiId", "%q is no API of this template: use !Ref", id)
	return nil
}

func (s *stack) stage(_ *Template, a *parts, r *resource, p *props) {
	api := s.owner(a, r, p)
	if api == nil {
		return
	}
	if a.staged[api.ID] {
		s.note(r.node, "%s: a second stage of an API cannot run here: the first one does", r.id)
		return
	}
	a.staged[api.ID] = true
	api.Stage = s.readStage(p)
	api.Stage.Name = p.required("StageName")
	if !p.flag("AutoDeploy") && p.text("DeploymentId") == "" && !s.deploysTo(api) {
		s.note(r.node, "%s: has neither AutoDeploy nor DeploymentId: on AWS nothing would be deployed to it", r.id)
	}
}

// deploysTo says whether a deployment names the stage of an API, which does the
// same as DeploymentId.
func (s *stack) deploysTo(api *apigw.API) bool {
	return slices.ContainsFunc(s.order, func(r *resource) bool {
		p := s.props(r.properties)
		return r.kind == "AWS::ApiGatewayV2::Deployment" && p.text("ApiId") == api.ID && p.text("StageName") == api.Stage.Name
	})
}

// readStage reads what AWS::ApiGatewayV2::Stage and AWS::Serverless::WebSocketApi
// share.
func (s *stack) readStage(p *props) apigw.Stage {
	stage := apigw.Stage{Variables: p.textMap("StageVariables")}
	throttle := func(p *props) apigw.Throttle {
		t := apigw.Throttle{Rate: p.decimal("ThrottlingRateLimit")}
		if n := p.integer("ThrottlingBurstLimit", 0, 1_000_000); n != nil {
			t.Burst = *n
		}
		return t
	}
	d := p.mapping("DefaultRouteSettings")
	stage.Throttle = throttle(d)
	p.take("DefaultRouteSettings", d)
	routes := p.mapping("RouteSettings")
	for _, key := range routes.n.keys {
		r := routes.mapping(key)
		if t := throttle(r); t != (apigw.Throttle{}) {
			if stage.RouteThrottle == nil {
				stage.RouteThrottle = make(map[string]apigw.Throttle)
			}
			stage.RouteThrottle[key] = t
		}
		routes.take(key, r)
	}
	p.take("RouteSettings", routes)
	return stage
}

func (s *stack) integration(t *Template, a *parts, r *resource, p *props) {
	api := s.owner(a, r, p)
	if api == nil {
		return
	}
	i := &apigw.Integration{
		Type:                        p.required("IntegrationType"),
		Timeout:                     timeout(p, "TimeoutInMillis"),
		RequestTemplates:            p.textMap("RequestTemplates"),
		TemplateSelectionExpression: p.text("TemplateSelectionExpression"),
	}
	s.noteContentHandling(r, p)
	switch i.Type {
	case "MOCK":
	case "AWS_PROXY":
		i.Function = s.functionOf(t, api, p, "IntegrationUri")
	default:
		// What no function can be named: whatever comes is answered as by one that fails.
		i = &apigw.Integration{Type: "AWS_PROXY", Function: s.miss("integration "+r.id, r.node,
			"%s: an integration of type %s cannot run here: only AWS_PROXY and MOCK are emulated", r.id, i.Type)}
	}
	a.integrations[shortID(r.id)] = i
}

func (s *stack) noteContentHandling(r *resource, p *props) {
	if how := p.text("ContentHandlingStrategy"); how != "" {
		s.note(r.node, "%s: ContentHandlingStrategy %s cannot run here: bodies stay as they are", r.id, how)
	}
}

// timeout reads an integration timeout, 0 if absent (aws-facts §1).
func timeout(p *props, key string) time.Duration {
	if n := p.integer(key, 50, 29000); n != nil {
		return time.Duration(*n) * time.Millisecond
	}
	return 0
}

func (s *stack) integrationResponse(_ *Template, a *parts, r *resource, p *props) {
	if s.owner(a, r, p) == nil {
		return
	}
	s.noteContentHandling(r, p)
	i := a.integrations[p.required("IntegrationId")]
	key := p.required("IntegrationResponseKey")
	if p.err != nil {
		return
	}
	if i == nil {
		p.fail(r.properties.get("IntegrationId"), "IntegrationId", "is no integration of this template: use !Ref")
		return
	}
	if i.Responses == nil {
		i.Responses = make(map[string]apigw.IntegrationResponse)
	}
	i.Responses[key] = apigw.IntegrationResponse{
		Templates:                   p.textMap("ResponseTemplates"),
		TemplateSelectionExpression: p.text("TemplateSelectionExpression"),
	}
}

func (s *stack) authorizer(t *Template, a *parts, r *resource, p *props) {
	api := s.owner(a, r, p)
	if api == nil {
		return
	}
	if kind := p.required("AuthorizerType"); kind != "REQUEST" && p.err == nil {
		p.fail(r.properties.get("AuthorizerType"), "AuthorizerType", "must be REQUEST on a WebSocket API, not %q", kind)
	}
	a.authorizers[shortID(r.id)] = &apigw.Authorizer{
		Name:            p.text("Name"),
		Function:        s.functionOf(t, api, p, "AuthorizerUri"),
		IdentitySources: p.texts("IdentitySource"),
	}
}

func (s *stack) routeResponse(_ *Template, a *parts, r *resource, p *props) {
	s.owner(a, r, p)
	if key := p.required("RouteResponseKey"); key != "$default" && p.err == nil {
		p.fail(r.properties.get("RouteResponseKey"), "RouteResponseKey", "must be $default, not %q", key)
	}
	s.answered[p.required("RouteId")] = true
}

func (s *stack) route(t *Template, a *parts, r *resource, p *props) {
	api := s.owner(a, r, p)
	if api == nil {
		return
	}
	key := p.required("RouteKey")
	route := apigw.Route{
		Authorization:  p.text("AuthorizationType"),
		APIKeyRequired: p.flag("ApiKeyRequired"),
	}
	if target := p.text("Target"); target != "" {
		route.Integration = a.integrations[strings.TrimPrefix(target, "integrations/")]
		if route.Integration == nil {
			p.fail(r.properties.get("Target"), "Target", "%q is no integration of this template: write !Sub integrations/${Integration}", target)
		}
	}
	switch route.Authorization {
	case "", "NONE", "AWS_IAM":
	case "CUSTOM":
		route.Authorizer = a.authorizers[p.required("AuthorizerId")]
		if route.Authorizer == nil && p.err == nil {
			p.fail(r.properties.get("AuthorizerId"), "AuthorizerId", "is no authorizer of this template: use !Ref")
		}
	default:
		p.fail(r.properties.get("AuthorizationType"), "AuthorizationType", "must be NONE, AWS_IAM or CUSTOM on a WebSocket API, not %q", route.Authorization)
	}
	route.Response = s.answers(r, p, r.id)
	s.routeModels(a, api, &route, p)
	if _, twice := api.Routes[key]; twice && p.err == nil {
		p.fail(r.properties.get("RouteKey"), "RouteKey", "%q has a route already: remove one", key)
	}
	api.Routes[key] = route
	s.placed(t, placeOfAPI+api.ID+"/"+key, r, r.node.line)
}

// answers says whether a route's answer goes back: both a RouteResponse and its
// selection are needed (aws-facts §3). id is the route's logical id.
func (s *stack) answers(r *resource, p *props, id string) bool {
	selected := p.text("RouteResponseSelectionExpression") == "$default"
	if s.answered[shortID(id)] && !selected {
		s.note(r.node, "%s: its RouteResponse has no effect without RouteResponseSelectionExpression: $default", id)
	}
	return selected && s.answered[shortID(id)]
}

// elsewhere says whether an ARN can be that of a function of another stack: one
// that is imported or written out.
func (s *stack) elsewhere(arn string) (name string, ok bool) {
	if s.unknown[arn] {
		return arn, true
	}
	_, name, ok = strings.Cut(arn, ":function:")
	return name, ok && name != "" && strings.HasPrefix(arn, "arn:")
}

// stageVariable stands in a URI for what the stage says (API Gateway developer
// guide, "Create stages for WebSocket APIs").
var stageVariable = regexp.MustCompile(`\$\{stageVariables\.([A-Za-z0-9_]+)\}`)

// functionOf finds the function that a URI or ARN property leads to.
func (s *stack) functionOf(t *Template, api *apigw.API, p *props, key string) string {
	uri := p.required(key)
	if p.err != nil {
		return ""
	}
	for _, found := range stageVariable.FindAllStringSubmatch(uri, -1) {
		value, ok := api.Stage.Variables[found[1]]
		if !ok {
			return s.miss("stage variable "+found[1], p.n.get(key), "%s names the stage variable %s, which the stage does not have: add it to StageVariables", key, found[1])
		}
		uri = strings.ReplaceAll(uri, found[0], value)
	}
	arn := uri
	if _, after, ok := strings.Cut(uri, "/functions/"); ok {
		arn = strings.TrimSuffix(after, "/invocations")
	}
	if f := t.find(arn); f != nil {
		return f.Name
	}
	for _, r := range s.order { // one whose code is not here is noted already
		if isFunction(r) {
			if own, err := s.getAtt(r.node, r.id, "Arn"); err == nil && (own == arn || strings.HasPrefix(arn, own+":")) {
				return own[strings.LastIndex(own, ":")+1:]
			}
		}
	}
	if name, ok := s.elsewhere(arn); ok {
		return s.miss(name, p.n.get(key), "%s leads to a function that is not in this template: %s", key, name)
	}
	p.fail(p.n.get(key), key, "%q leads to no function of this template: use ${Function.Arn}", uri)
	return ""
}
