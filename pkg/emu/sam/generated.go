package sam

import "strings"

// generated finds a resource that the template does not have and SAM makes, so that
// templates can refer to it (SAM developer guide, "Generated CloudFormation
// resources"): the role of a function, and what a WebSocketApi is made of.
// Versions and aliases are references of their own. nil if there is none.
func (s *stack) generated(id string) *resource {
	for _, r := range s.order {
		made := &resource{id: id, node: r.node, properties: newMapping(r.node.line)}
		switch r.kind {
		case "AWS::Serverless::Function":
			if id == r.id+"Role" && r.properties.get("Role") == nil {
				made.kind = "AWS::IAM::Role"
				return made
			}
		case samAPIKind:
			if id == stageID(r) {
				made.kind = "AWS::ApiGatewayV2::Stage"
				made.properties.set("StageName", stageName(r))
				return made
			}
			if id == authorizerID(r) && r.properties.get("Auth") != nil {
				made.kind = "AWS::ApiGatewayV2::Authorizer"
				return made
			}
			if routes := r.properties.get("Routes"); routes != nil {
				for _, key := range routes.keys {
					switch id {
					case routeID(r, key):
						made.kind = "AWS::ApiGatewayV2::Route"
						return made
					case integrationID(r, key):
						made.kind = "AWS::ApiGatewayV2::Integration"
						return made
					}
				}
			}
		}
	}
	return nil
}

// stageName is a WebSocketApi's property, which has a default.
func stageName(r *resource) *node {
	if n := r.properties.get("StageName"); n != nil {
		return n
	}
	return newText(r.node.line, "default")
}

// stageID is the logical id of a WebSocketApi's stage. A name that is not written
// out is no part of it.
func stageID(r *resource) string {
	name := stageName(r)
	switch {
	case name.kind != text:
		return r.id + "Stage"
	case name.text == "default":
		return r.id + "DefaultStage"
	}
	return r.id + name.text + "Stage"
}

// routeID is the logical id of a WebSocketApi's route, whose key it has in lower
// case behind its first letter.
func routeID(r *resource, key string) string { return r.id + capitalized(key) + "Route" }

// integrationID is that of the route's integration.
func integrationID(r *resource, key string) string { return r.id + capitalized(key) + "Integration" }

func authorizerID(r *resource) string { return r.id + "ConnectAuthorizer" }

func capitalized(key string) string {
	key = strings.TrimPrefix(key, "$")
	if key == "" {
		return ""
	}
	return strings.ToUpper(key[:1]) + strings.ToLower(key[1:])
}
