package apigw

import (
	"encoding/json"
	"time"
)

// API is one WebSocket API and its one stage, as a template describes them. It
// is plain data: emu/sam fills it from template.yaml, a test by hand.
type API struct {
	// ID is the API id that stands in events, ARNs and the default domain name.
	ID string
	// RouteSelectionExpression picks the route key of a message, usually
	// $request.body.action (aws-facts §3).
	RouteSelectionExpression string
	// APIKeySelectionExpression tells where the API key stands:
	// $request.header.x-api-key (default) or
	// $context.authorizer.usageIdentifierKey (aws-facts §5).
	APIKeySelectionExpression string
	// Stage is the deployed stage. Its name is the first path segment.
	Stage Stage
	// Routes by route key. $connect, $disconnect and $default are ordinary entries.
	Routes map[string]Route
}

// Stage holds what belongs to the deployment rather than to the API.
type Stage struct {
	Name string
	// Variables are the stage variables; absent from events when empty.
	Variables map[string]string
	// Throttle bounds all routes; RouteThrottle overrides it by route key.
	Throttle      Throttle
	RouteThrottle map[string]Throttle
}

// Throttle is a token bucket. The zero value sets no bound.
type Throttle struct {
	Rate  float64 // messages a second
	Burst int     // bucket size
}

// Route is one route key's way to its integration.
type Route struct {
	// Authorization is NONE (also ""), AWS_IAM or CUSTOM; only $connect heeds it
	// (aws-facts §5).
	Authorization string
	// Authorizer is set exactly when Authorization is CUSTOM.
	Authorizer *Authorizer
	// APIKeyRequired is effective on $connect only.
	APIKeyRequired bool
	// Integration may be nil on $connect and $disconnect: the upgrade is then
	// accepted and no function is called.
	Integration *Integration
	// ModelSelectionExpression, if set, picks one of Models for each message; what
	// the model refuses never gets to the integration. $default is the model of
	// messages without another one; if there is none, they are refused.
	ModelSelectionExpression string
	// Models are JSON schemas of draft 4, by key. A $ref leads nowhere outside.
	Models map[string]json.RawMessage
	// Response tells that the route has a RouteResponse $default: the
	// integration's body goes back to the client (aws-facts §3).
	Response bool
}

// Integration is what a route calls.
type Integration struct {
	// Type is AWS_PROXY (a Lambda function) or MOCK. Others are refused by New.
	Type string
	// Function is the Lambda function's name, for AWS_PROXY.
	Function string
	// Timeout is 50 ms to 29 s; 0 means 29 s (aws-facts §1).
	Timeout time.Duration
	// RequestTemplates and TemplateSelectionExpression serve MOCK: the rendered
	// template's statusCode picks the response.
	RequestTemplates            map[string]string
	TemplateSelectionExpression string
	// Responses are the integration responses by key ($default or /200/).
	Responses map[string]IntegrationResponse
}

// IntegrationResponse renders the frame that a non-proxy integration sends back.
type IntegrationResponse struct {
	Templates                   map[string]string
	TemplateSelectionExpression string
}

// Authorizer is a Lambda REQUEST authorizer.
type Authorizer struct {
	Name     string
	Function string
	// IdentitySources like route.request.header.Authorization; one that is
	// missing or empty means 401 without calling the function (aws-facts §5).
	IdentitySources []string
}
