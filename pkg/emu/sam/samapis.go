package sam

import (
	"regexp"
	"slices"

	"kaiwa/pkg/emu/apigw"
)

// samAPIKind is an API with its stage, routes, integrations and authorizer in one
// resource (publishing §3.1). What SAM 1.110.0 refuses is refused here too; where it
// lets pass what would then be lost, an AuthType in small letters or two routes of
// one logical id, this is stricter.
const samAPIKind = "AWS::Serverless::WebSocketApi"

var (
	samRouteKey  = regexp.MustCompile(`^([A-Za-z0-9]+|\$connect|\$disconnect|\$default)$`)
	alphanumeric = regexp.MustCompile(`^[A-Za-z0-9]+$`)
)

// samAPI reads all but the routes.
func (s *stack) samAPI(t *Template, a *parts, r *resource, p *props) {
	api := &apigw.API{
		ID:                        s.apiID(r.id),
		RouteSelectionExpression:  p.required("RouteSelectionExpression"),
		APIKeySelectionExpression: p.text("ApiKeySelectionExpression"),
		Routes:                    make(map[string]apigw.Route),
		Stage:                     s.readStage(p),
	}
	api.Stage.Name = nonempty(p.text("StageName"), "default")
	// SAM makes a logical id of a name that is written out.
	if n := stageName(r); n.kind == text && !alphanumeric.MatchString(n.text) {
		p.fail(n, "StageName", "must have letters and digits only, not %q", n.text)
	}
	if ip := p.text("IpAddressType"); ip != "" && ip != "ipv4" && ip != "dualstack" {
		p.fail(r.properties.get("IpAddressType"), "IpAddressType", "must be ipv4 or dualstack, not %q", ip)
	}
	if mutual := r.properties.get("Domain").get("MutualTlsAuthentication"); mutual != nil {
		p.fail(mutual, "Domain", "MutualTlsAuthentication: a WebSocket API has none: remove it")
	}
	if p.flag("DisableExecuteApiEndpoint") {
		s.note(r.node, "%s: DisableExecuteApiEndpoint cannot be run here: there are no custom domains", r.id)
	}
	s.placed(t, placeOfAPI+api.ID, r, r.node.line)
	a.apis[api.ID], a.staged[api.ID] = api, true
	a.order = append(a.order, r)
}

// samIntegrations reads what each route leads to.
func (s *stack) samIntegrations(t *Template, a *parts, r *resource, p *props) {
	api := a.apis[s.apiID(r.id)]
	s.eachRoute(p, func(key string, route *props) {
		id := shortID(integrationID(r, key))
		if a.integrations[id] != nil {
			p.fail(route.n, "Routes", "%s: another route's key differs in capital letters only, and SAM would make one of both: rename it", key)
		}
		a.integrations[id] = &apigw.Integration{
			Type: "AWS_PROXY", Function: s.functionOf(t, api, route, "FunctionArn"), Timeout: timeout(route, "IntegrationTimeout"),
		}
		if key != "$connect" && route.n.get("RequestParameters") != nil {
			route.fail(route.n.get("RequestParameters"), "RequestParameters", "only $connect can have them")
		}
	})
}

// samRoutes puts the routes together.
func (s *stack) samRoutes(t *Template, a *parts, r *resource, p *props) {
	api := a.apis[s.apiID(r.id)]
	s.eachRoute(p, func(key string, route *props) {
		s.placed(t, placeOfAPI+api.ID+"/"+key, r, route.n.line)
		made := apigw.Route{
			APIKeyRequired: route.flag("ApiKeyRequired"),
			Response:       s.answers(r, route, routeID(r, key)),
			Integration:    a.integrations[shortID(integrationID(r, key))],
		}
		s.routeModels(a, api, &made, route)
		api.Routes[key] = made
	})
	auth := p.mapping("Auth")
	s.samAuth(t, a, r, api, auth)
	p.take("Auth", auth)
}

// eachRoute reads the property Routes.
func (s *stack) eachRoute(p *props, read func(key string, route *props)) {
	routes := p.mapping("Routes")
	if len(routes.n.keys) == 0 && p.err == nil {
		p.err = p.n.errorf("no Routes: add one")
	}
	for _, key := range routes.n.keys {
		if !samRouteKey.MatchString(key) {
			routes.fail(routes.n.fields[key], key, "a route key has letters and digits only, or is $connect, $disconnect or $default: make it a resource AWS::ApiGatewayV2::Route")
		}
		route := routes.mapping(key)
		read(key, route)
		routes.take(key, route)
	}
	p.take("Routes", routes)
}

// samAuth puts Auth on $connect.
func (s *stack) samAuth(t *Template, a *parts, r *resource, api *apigw.API, p *props) {
	if len(p.n.keys) == 0 || p.err != nil {
		return
	}
	connect, ok := api.Routes["$connect"]
	if !ok {
		p.err = p.n.errorf("needs a route $connect: add it")
		return
	}
	kind := p.required("AuthType")
	switch {
	case p.err != nil:
	case !slices.Contains([]string{"NONE", "AWS_IAM", "CUSTOM"}, kind):
		p.fail(p.n.get("AuthType"), "AuthType", "must be NONE, AWS_IAM or CUSTOM, not %q", kind)
	case kind != "CUSTOM" && len(p.n.keys) > 1:
		p.err = p.n.errorf("AuthType %s takes nothing beside it: remove the rest", kind)
	case kind == "CUSTOM":
		connect.Authorizer = &apigw.Authorizer{
			Name: p.text("Name"), Function: s.functionOf(t, api, p, "AuthArn"), IdentitySources: p.texts("IdentitySource"),
		}
		a.authorizers[shortID(authorizerID(r))] = connect.Authorizer
		fallthrough
	case kind == "AWS_IAM":
		connect.Authorization = kind
	}
	api.Routes["$connect"] = connect
}
