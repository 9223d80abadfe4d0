package sam_test

import (
	"fmt"
	"testing"

	"kaiwa/pkg/emu/sam"
)

// webSocketAPI is a template whose WebSocketApi has these properties, from line 11
// on those of the text.
func webSocketAPI(properties string) string {
	return function + "  W:\n    Type: AWS::Serverless::WebSocketApi\n    Properties:\n" + properties
}

const (
	samHead    = "      RouteSelectionExpression: $request.body.action\n"
	samConnect = samHead + "      Routes: {$connect: {FunctionArn: !GetAtt F.Arn}%s}\n" // lines 11 and 12
)

// What aws-sam-translator 1.110.0 refuses, and what it would lose.
func TestBrokenWebSocketAPIs(t *testing.T) {
	connect := func(more, rest string) string { return webSocketAPI(fmt.Sprintf(samConnect, more) + rest) }
	const keys = "a route key has letters and digits only, or is $connect, $disconnect or $default: make it a resource AWS::ApiGatewayV2::Route"
	for _, c := range []struct{ template, want string }{
		{webSocketAPI(samHead), "t.yaml:11: W: no Routes: add it"},
		{webSocketAPI(samHead + "      Routes: {}\n"), "t.yaml:11: W: no Routes: add one"},
		{connect(", a-b: {FunctionArn: x}", ""), "t.yaml:12: W: Routes: a-b: " + keys},
		{connect(", $foo: {FunctionArn: x}", ""), "t.yaml:12: W: Routes: $foo: " + keys},
		{connect(", aBc: {FunctionArn: !GetAtt F.Arn}, abc: {FunctionArn: !GetAtt F.Arn}", ""), "t.yaml:12: W: Routes: abc: another route's key differs in capital letters only, and SAM would make one of both: rename it"},
		{connect(", a: {FunctionArn: !GetAtt F.Arn, RequestParameters: {}}", ""), "t.yaml:12: W: Routes: a: RequestParameters: only $connect can have them"},
		{connect("", "      StageName: $default\n"), `t.yaml:13: W: StageName: must have letters and digits only, not "$default"`},
		{connect("", "      StageName: a-b\n"), `t.yaml:13: W: StageName: must have letters and digits only, not "a-b"`},
		{connect("", "      StageName: !Sub a-b\n"), ""},
		{connect("", "      IpAddressType: ipv6\n"), `t.yaml:13: W: IpAddressType: must be ipv4 or dualstack, not "ipv6"`},
		{connect("", "      Domain: {DomainName: x, CertificateArn: y, MutualTlsAuthentication: {}}\n"), "t.yaml:13: W: Domain: MutualTlsAuthentication: a WebSocket API has none: remove it"},
		{connect("", "      Auth: {}\n"), ""},
		{connect("", "      Auth: {AuthType: NONE}\n"), ""},
		{connect("", "      Auth: {AuthArn: !GetAtt F.Arn}\n"), "t.yaml:13: W: Auth: no AuthType: add it"},
		{connect("", "      Auth: {AuthType: CUSTOM}\n"), "t.yaml:13: W: Auth: no AuthArn: add it"},
		{connect("", "      Auth: {AuthType: custom, AuthArn: !GetAtt F.Arn}\n"), `t.yaml:13: W: Auth: AuthType: must be NONE, AWS_IAM or CUSTOM, not "custom"`},
		{connect("", "      Auth: {AuthType: NONE, AuthArn: !GetAtt F.Arn}\n"), "t.yaml:13: W: Auth: AuthType NONE takes nothing beside it: remove the rest"},
		{connect("", "      Auth: {AuthType: AWS_IAM, Name: x}\n"), "t.yaml:13: W: Auth: AuthType AWS_IAM takes nothing beside it: remove the rest"},
		{webSocketAPI(samHead + "      Routes: {a: {FunctionArn: !GetAtt F.Arn}}\n      Auth: {AuthType: NONE}\n"), "t.yaml:13: W: Auth: needs a route $connect: add it"},
		{connect("", "  R: {Type: AWS::ApiGatewayV2::Route, Properties: {ApiId: !Ref W, RouteKey: $connect}}\n"), `t.yaml:13: R: RouteKey: "$connect" has a route already: remove one`},
	} {
		_, err := sam.Parse("t.yaml", []byte(c.template), nil)
		if got := fmt.Sprint(err); got != c.want && !(c.want == "" && err == nil) {
			t.Errorf("%s\ngot  %v\nwant %s", c.template, err, c.want)
		}
	}
}

// Resources of API Gateway's own may be added to an API of SAM, and may refer to
// what SAM makes for it.
func TestAddedToWebSocketAPI(t *testing.T) {
	tmpl, err := sam.Parse("t.yaml", []byte(webSocketAPI(fmt.Sprintf(samConnect, ", join: {FunctionArn: !GetAtt F.Arn, ModelSelectionExpression: $request.body.kind, RequestModels: {$default: joining}}")+`      Auth: {AuthType: CUSTOM, AuthArn: !GetAtt F.Arn, Name: door}
  Mock: {Type: AWS::ApiGatewayV2::Integration, Properties: {ApiId: !Ref W, IntegrationType: MOCK, RequestTemplates: {$default: '{"statusCode":200}'}}}
  MockAnswer: {Type: AWS::ApiGatewayV2::IntegrationResponse, Properties: {ApiId: !Ref W, IntegrationId: !Ref Mock, IntegrationResponseKey: $default, ResponseTemplates: {$default: pong}}}
  Ping: {Type: AWS::ApiGatewayV2::Route, Properties: {ApiId: !Ref W, RouteKey: ping, RouteResponseSelectionExpression: $default, Target: !Sub 'integrations/${Mock}'}}
  PingAnswer: {Type: AWS::ApiGatewayV2::RouteResponse, Properties: {ApiId: !Ref W, RouteId: !Ref Ping, RouteResponseKey: $default}}
  Too: {Type: AWS::ApiGatewayV2::Route, Properties: {ApiId: !Ref W, RouteKey: too, Target: !Sub 'integrations/${WJoinIntegration}'}}
  Joining: {Type: AWS::ApiGatewayV2::Model, Properties: {ApiId: !Ref W, Name: joining, Schema: {type: object}}}
  Second: {Type: AWS::ApiGatewayV2::Stage, Properties: {ApiId: !Ref W, StageName: other}}
`)), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(tmpl.APIs()) != 1 {
		t.Fatalf("%d APIs", len(tmpl.APIs()))
	}
	routes := tmpl.APIs()[0].Routes
	if ping := routes["ping"]; ping.Integration == nil || ping.Integration.Type != "MOCK" || !ping.Response ||
		ping.Integration.Responses["$default"].Templates["$default"] != "pong" {
		t.Errorf("ping: %+v", ping)
	}
	if routes["too"].Integration == nil || routes["too"].Integration != routes["join"].Integration {
		t.Errorf("too: %+v", routes["too"])
	}
	if string(routes["join"].Models["$default"]) != `{"type":"object"}` {
		t.Errorf("join: %+v", routes["join"])
	}
	if c := routes["$connect"]; c.Authorization != "CUSTOM" || c.Authorizer == nil || c.Authorizer.Name != "door" {
		t.Errorf("$connect: %+v", c)
	}
	equal(t, "notes", tmpl.Ignored(), []string{"t.yaml:20: Second: a second stage of an API cannot run here: the first one does"})

	// An HTTP API of SAM has a note, and what is added to it nothing more.
	tmpl, err = sam.Parse("t.yaml", []byte(socket+"  H: {Type: AWS::Serverless::HttpApi}\n  R: {Type: AWS::ApiGatewayV2::Route, Properties: {ApiId: !Ref H, RouteKey: GET /}}\n"), nil)
	if err != nil || len(tmpl.APIs()[0].Routes) != 0 {
		t.Errorf("a route of an HTTP API: %v", err)
	}
}
