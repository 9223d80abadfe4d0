package sam_test

import (
	"slices"
	"strings"
	"testing"

	"kaiwa/pkg/emu/sam"
)

// What AWS would do otherwise, or would not do at all, is said.
func TestGatewayNotes(t *testing.T) {
	for _, tt := range []struct{ old, now, want string }{
		{"", "", "t.yaml:9: Stage: has neither AutoDeploy nor DeploymentId: on AWS nothing would be deployed to it"},
		{"StageName: dev", "StageName: dev, AutoDeploy: true", ""},
		{"StageName: dev", "StageName: dev, DeploymentId: d", ""},
		{"  Stage:", "  D: {Type: AWS::ApiGatewayV2::Deployment, Properties: {ApiId: !Ref Api, StageName: !Ref Stage}}\n  Stage:", ""},
		{"  Stage:", "  D: {Type: AWS::ApiGatewayV2::Deployment, Properties: {ApiId: !Ref Api, StageName: other}}\n  Stage:",
			"t.yaml:10: Stage: has neither AutoDeploy nor DeploymentId: on AWS nothing would be deployed to it"},
		{"  Stage:", "  D: {Type: AWS::ApiGatewayV2::Deployment, Properties: {ApiId: other, StageName: dev}}\n  Stage:",
			"t.yaml:10: Stage: has neither AutoDeploy nor DeploymentId: on AWS nothing would be deployed to it"},
		{"ProtocolType: WEBSOCKET", "ProtocolType: WEBSOCKET, DisableExecuteApiEndpoint: true",
			"t.yaml:8: Api: DisableExecuteApiEndpoint cannot be run here: there are no custom domains"},
		{"IntegrationType: AWS_PROXY", "IntegrationType: AWS_PROXY, ContentHandlingStrategy: CONVERT_TO_BINARY",
			"t.yaml:10: I: ContentHandlingStrategy CONVERT_TO_BINARY cannot run here: bodies stay as they are"},
	} {
		tmpl, err := sam.Parse("t.yaml", []byte(strings.Replace(socket, tt.old, tt.now, 1)), nil)
		if err != nil {
			t.Fatal(err)
		}
		if tt.want == "" && len(tmpl.Ignored()) > 0 || tt.want != "" && !slices.Contains(tmpl.Ignored(), tt.want) {
			t.Errorf("%s: %q, want %q", tt.now, tmpl.Ignored(), tt.want)
		}
	}
}

// A URI may have variables of the stage in it. What leads to no function is said,
// also to those who ask by the name it has instead.
func TestIntegrationURIs(t *testing.T) {
	const arn = "arn:aws:lambda:us-east-1:123456789012:function:"
	for _, tt := range []struct{ properties, function, why string }{
		{"IntegrationType: AWS_PROXY, IntegrationUri: '" + arn + "${stageVariables.fn}'", "local-F", ""},
		{"IntegrationType: AWS_PROXY, IntegrationUri: !Sub '${F.Arn}:${!stageVariables.alias}'", "local-F", ""},
		{"IntegrationType: AWS_PROXY, IntegrationUri: 'arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/" + arn + "${stageVariables.fn}/invocations'", "local-F", ""},
		{"IntegrationType: AWS_PROXY, IntegrationUri: '" + arn + "${stageVariables.nope}'", "stage variable nope",
			"IntegrationUri names the stage variable nope, which the stage does not have: add it to StageVariables"},
		{"IntegrationType: AWS_PROXY, IntegrationUri: '" + arn + "theirs'", "theirs", "IntegrationUri leads to a function that is not in this template: theirs"},
		{"IntegrationType: HTTP_PROXY, IntegrationUri: 'https://example.com'", "integration J", "J: an integration of type HTTP_PROXY cannot run here: only AWS_PROXY and MOCK are emulated"},
		{"IntegrationType: AWS_PROXY, IntegrationUri: !GetAtt Boxed.Arn", "local-Boxed", "Boxed: a container image cannot run here: use a zip package"},
	} {
		tmpl, err := sam.Parse("t.yaml", []byte(strings.Replace(socket, "StageName: dev", "StageName: dev, AutoDeploy: true, StageVariables: {fn: local-F, alias: live}", 1)+
			"  J: {Type: AWS::ApiGatewayV2::Integration, Properties: {ApiId: !Ref Api, "+tt.properties+"}}\n"+
			"  R: {Type: AWS::ApiGatewayV2::Route, Properties: {ApiId: !Ref Api, RouteKey: a, Target: !Sub 'integrations/${J}'}}\n"+
			"  Boxed: {Type: AWS::Serverless::Function, Properties: {PackageType: Image, ImageUri: x}}\n"), nil)
		if err != nil {
			t.Fatal(err)
		}
		got := tmpl.APIs()[0].Routes["a"].Integration.Function
		if why := tmpl.Missing()[got]; got != tt.function || why != tt.why {
			t.Errorf("%s: %s, %q; want %s, %q", tt.properties, got, why, tt.function, tt.why)
		}
		if tt.why != "" && !strings.Contains(strings.Join(tmpl.Ignored(), "\n"), tt.why) {
			t.Errorf("%s: %q", tt.properties, tmpl.Ignored())
		}
	}

	// The same for SAM's own.
	tmpl, err := sam.Parse("t.yaml", []byte(webSocketAPI(samHead+"      StageVariables: {fn: local-F}\n      Routes: {$connect: {FunctionArn: '"+arn+"${stageVariables.fn}'}}\n      Auth: {AuthType: CUSTOM, AuthArn: '"+arn+"${stageVariables.fn}'}\n")), nil)
	if err != nil {
		t.Fatal(err)
	}
	if c := tmpl.APIs()[0].Routes["$connect"]; c.Integration.Function != "local-F" || c.Authorizer.Function != "local-F" {
		t.Errorf("%+v", c)
	}
}
