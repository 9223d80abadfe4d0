package sam

import (
	"slices"
	"strings"
)

// dependencies are which resource needs which others to be there first, by logical
// id: what its properties refer to, and DependsOn. Those that SAM makes of one are
// resources of their own, with references of their own: a function's environment may
// name an API whose routes lead to the function, but not the deployment that waits
// for them.
type dependencies struct {
	s     *stack
	needs map[string][]string
	lines map[string]int
	order []string
}

// Properties of AWS::Serverless::Function that are not of the function itself: of
// the role that SAM makes, and of resources that come after it.
var (
	ofFunctionRole = []string{"Policies", "AssumeRolePolicyDocument", "PermissionsBoundary", "RolePath"}
	afterFunction  = []string{"Events", "EventInvokeConfig", "FunctionUrlConfig", "DeploymentPreference", "AutoPublishAlias",
		"AutoPublishCodeSha256", "VersionDescription", "ProvisionedConcurrencyConfig"}
)

// And of AWS::Serverless::WebSocketApi: of its stage, and of the rest.
var (
	ofAPIStage = []string{"StageName", "StageVariables", "AccessLogSettings", "DefaultRouteSettings", "RouteSettings"}
	afterAPI   = []string{"Routes", "Auth", "Domain"}
)

// checkCircles refuses resources that wait for one another, as CloudFormation does.
func (s *stack) checkCircles() error {
	d := &dependencies{s: s, needs: make(map[string][]string), lines: make(map[string]int)}
	for _, r := range s.order {
		d.add(r)
	}
	const open, done = 1, 2
	state := make(map[string]int)
	var path, circle []string
	var visit func(id string) bool
	visit = func(id string) bool {
		state[id] = open
		path = append(path, id)
		for _, next := range d.needs[id] {
			if state[next] == open {
				circle = path[slices.Index(path, next):]
				return true
			}
			if state[next] != done && visit(next) {
				return true
			}
		}
		path = path[:len(path)-1]
		state[id] = done
		return false
	}
	for _, id := range d.order {
		if state[id] != done && visit(id) {
			return &fault{d.lines[circle[0]], "Circular dependency between resources: [" + strings.Join(circle, ", ") +
				"]: each waits for the next: take one reference out"}
		}
	}
	return nil
}

func (d *dependencies) add(r *resource) {
	d.node(r.id, r)
	if on := r.node.get("DependsOn"); on != nil {
		for _, id := range append(on.items, on) {
			d.need(r.id, id.text)
		}
	}
	switch {
	case r.kind == "AWS::Serverless::Function":
		d.function(r)
	case r.kind == samAPIKind:
		d.api(r)
	case strings.HasPrefix(r.kind, "AWS::Serverless::") && r.kind != "AWS::Serverless::SimpleTable":
		// What SAM makes of these is not known here.
	default:
		d.walk(r.id, r.properties)
	}
}

func (d *dependencies) function(r *resource) {
	d.but(r.id, r, slices.Concat(ofFunctionRole, afterFunction))
	if r.properties.get("Role") != nil {
		return
	}
	role := r.id + "Role"
	d.node(role, r)
	d.need(r.id, role)
	d.these(role, r.properties, ofFunctionRole)
}

func (d *dependencies) api(r *resource) {
	d.but(r.id, r, slices.Concat(ofAPIStage, afterAPI))
	part := func(id string) {
		d.node(id, r)
		d.need(id, r.id)
	}
	stage := stageID(r)
	part(stage)
	d.these(stage, r.properties, ofAPIStage)
	auth := r.properties.get("Auth")
	if auth != nil {
		part(authorizerID(r))
		d.these(authorizerID(r), auth, []string{"AuthArn", "InvokeRole"})
	}
	routes := r.properties.get("Routes")
	if routes == nil {
		return
	}
	for _, key := range routes.keys {
		route, integration := routeID(r, key), integrationID(r, key)
		part(route)
		part(integration)
		d.need(route, integration)
		d.these(integration, routes.fields[key], []string{"FunctionArn"})
		if key == "$connect" && auth != nil {
			d.need(route, authorizerID(r))
		}
		if r.properties.get("RouteSettings") != nil {
			d.need(stage, route)
		}
	}
}

func (d *dependencies) node(id string, r *resource) {
	d.order = append(d.order, id)
	d.lines[id] = r.node.line
}

// need notes that from needs what a reference names, with or without an attribute.
// Parameters and what is not there need nothing, so that nothing comes of them.
func (d *dependencies) need(from, reference string) {
	id, attribute, _ := strings.Cut(reference, ".")
	if r := d.s.resources[id]; r != nil && r.kind == samAPIKind && attribute == "Stage" {
		id = stageID(r)
	}
	if id != "" && !slices.Contains(d.needs[from], id) {
		d.needs[from] = append(d.needs[from], id)
	}
}

// but walks through all properties except some.
func (d *dependencies) but(from string, r *resource, except []string) {
	for _, k := range r.properties.keys {
		if !slices.Contains(except, k) {
			d.walk(from, r.properties.fields[k])
		}
	}
}

// these walks through some properties.
func (d *dependencies) these(from string, properties *node, names []string) {
	for _, k := range names {
		if n := properties.get(k); n != nil {
			d.walk(from, n)
		}
	}
}

// walk finds the references in a value. Of an Fn::If the branch that counts has
// them.
func (d *dependencies) walk(from string, n *node) {
	name := intrinsic(n)
	arg := n.fields[name]
	switch {
	case name == "Ref":
		d.need(from, arg.text)
		return
	case name == "Fn::GetAtt" && arg.kind == list && len(arg.items) > 1:
		d.need(from, arg.items[0].text+"."+arg.items[1].text)
		return
	case name == "Fn::GetAtt":
		d.need(from, arg.text)
		return
	case name == "Fn::Sub":
		d.sub(from, arg)
		return
	case name == "Fn::If" && arg.kind == list && len(arg.items) == 3:
		if yes, err := d.s.condition(arg.items[0]); err == nil && yes {
			d.walk(from, arg.items[1])
		} else if err == nil {
			d.walk(from, arg.items[2])
		}
		return
	}
	for _, item := range n.items {
		d.walk(from, item)
	}
	for _, k := range n.keys {
		d.walk(from, n.fields[k])
	}
}

func (d *dependencies) sub(from string, arg *node) {
	var own *node
	if arg.kind == list && len(arg.items) == 2 {
		arg, own = arg.items[0], arg.items[1]
		d.walk(from, own)
	}
	for _, found := range placeholder.FindAllString(arg.text, -1) {
		name := found[2 : len(found)-1]
		if !strings.HasPrefix(name, "!") && own.get(name) == nil {
			d.need(from, name)
		}
	}
}
