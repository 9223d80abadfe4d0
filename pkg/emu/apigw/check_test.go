package apigw_test

import (
	"strings"
	"testing"
	"time"

	"kaiwa/pkg/emu/apigw"
)

func TestNewRefuses(t *testing.T) {
	route := func(key string, r apigw.Route) func(*apigw.API) {
		return func(api *apigw.API) { api.Routes[key] = r }
	}
	integration := func(i apigw.Integration) func(*apigw.API) {
		return route("x", apigw.Route{Integration: &i})
	}
	mock := func(request, response string) func(*apigw.API) {
		return integration(apigw.Integration{Type: "MOCK", RequestTemplates: templates("$default", request),
			Responses: map[string]apigw.IntegrationResponse{"$default": {Templates: templates("$default", response)}}})
	}
	authorized := func(key, kind string, a *apigw.Authorizer) func(*apigw.API) {
		r := lambdaRoute("connect")
		r.Authorization, r.Authorizer = kind, a
		return route(key, r)
	}
	for _, tt := range []struct {
		change func(*apigw.API)
		want   string
	}{
		{func(a *apigw.API) { a.ID = "" }, "ID is empty"},
		{func(a *apigw.API) { a.Stage.Name = "$default" }, `stage name "$default"`},
		{func(a *apigw.API) { a.Stage.Variables = map[string]string{"a-b": "x"} }, "stage variable a-b"},
		{func(a *apigw.API) { a.Stage.Variables = map[string]string{"a": "x y"} }, "stage variable a: "},
		{func(a *apigw.API) { a.RouteSelectionExpression = "$request.header.x" }, "$request.header.x is not emulated"},
		{func(a *apigw.API) { a.RouteSelectionExpression = "$request.body..x" }, "JSONPath"},
		{func(a *apigw.API) { a.RouteSelectionExpression = "${request.body.x" }, "bad variable"},
		{func(a *apigw.API) { a.RouteSelectionExpression = "$integration.response.statuscode" }, "not emulated"},
		{func(a *apigw.API) { a.APIKeySelectionExpression = "$request.query.k" }, "$request.query.k"},
		{route("$other", lambdaRoute("x")), "reserved"},
		{route("x", apigw.Route{}), "route x: no integration"},
		{integration(apigw.Integration{Type: "HTTP_PROXY"}), `"HTTP_PROXY" is not emulated`},
		{integration(apigw.Integration{Type: "AWS"}), `"AWS" is not emulated`},
		{integration(apigw.Integration{Type: "AWS_PROXY"}), "no function"},
		{integration(apigw.Integration{Type: "AWS_PROXY", Function: "f", Timeout: 30 * time.Second}), "30s is outside"},
		{integration(apigw.Integration{Type: "AWS_PROXY", Function: "f", Timeout: time.Millisecond}), "1ms is outside"},
		{authorized("$connect", "JWT", nil), "JWT is not emulated"},
		{authorized("$connect", "CUSTOM", nil), "CUSTOM"},
		{authorized("$connect", "", &apigw.Authorizer{}), "CUSTOM"},
		{authorized("$connect", "AWS_IAM", nil), "Options.Credentials"},
		{authorized("$default", "AWS_IAM", nil), "only $connect"},
		{authorized("$connect", "CUSTOM", &apigw.Authorizer{Name: "a"}), "authorizer a has no function"},
		{authorized("$connect", "CUSTOM", &apigw.Authorizer{Function: "f", IdentitySources: []string{"$request.header.X"}}), "$request.header.X"},
		{route("x", modelled("$request.body.k", map[string]string{"a": `{"type":`})), "route x: model a: "},
		{route("x", modelled("$request.body.k", map[string]string{"a": `{"type":"nothing"}`})), "route x: model a: "},
		{route("x", modelled("$request.body.k", map[string]string{"a": `{"$ref":"https://apigateway.amazonaws.com/restapis/a/models/b"}`})),
			"$ref to https://apigateway.amazonaws.com/restapis/a/models/b is not emulated"},
		{route("x", modelled("$context.x", nil)), "$context.x is not emulated"},
		{route("$connect", modelled("$request.body.k", nil)), "only messages are validated"},
		{integration(apigw.Integration{Type: "MOCK"}), "RequestTemplates"},
		{mock("#set($x=1)", ""), "template $default: #set($x=1) is not emulated"},
		{mock("{}", strings.Repeat("x", 300<<10+1)), "template $default: a template of 307201 bytes is over 307200"},
		{mock("{}", "$input.body"), "integration response $default: template $default: $input.body"},
		{mock("{}", "$util.urlEncode('x')"), "$util.urlEncode('x')"},
		{integration(apigw.Integration{Type: "MOCK", RequestTemplates: templates("a", "{}"), TemplateSelectionExpression: "b"}), "finds no template"},
		{integration(apigw.Integration{Type: "MOCK", RequestTemplates: templates("a", "{}"),
			Responses: map[string]apigw.IntegrationResponse{"200": {}}}), "integration response 200: a key is $default or /pattern/"},
		{integration(apigw.Integration{Type: "MOCK", RequestTemplates: templates("a", "{}"),
			Responses: map[string]apigw.IntegrationResponse{"/(/": {}}}), "integration response /(/"},
	} {
		api := testAPI()
		tt.change(&api)
		_, err := apigw.New(api, functions{}, nil)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v, want %q in one line", err, tt.want)
		}
	}
	if _, err := apigw.New(testAPI(), nil, nil); err == nil {
		t.Error("an API with functions was accepted without an Invoker")
	}
	if _, err := apigw.New(testAPI(), functions{}, &apigw.Options{VerifySignatures: true}); err == nil {
		t.Error("VerifySignatures was accepted without Credentials")
	}
}
