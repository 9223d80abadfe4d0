package sam_test

import (
	"path/filepath"
	"strings"
	"testing"

	"kaiwa/pkg/emu/sam"
)

// foreign has what other people's templates have and kaiwa's has not: imports, SSM
// parameters, references to what SAM makes, integrations and functions that are not
// here.
const foreign = `Transform: AWS::Serverless-2016-10-31
Parameters:
  Bootstrap: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /cdk/version}
Rules:
  CheckBootstrap:
    Assertions: [{Assert: !Not [{'Fn::Contains': [['1', '2'], !Ref Bootstrap]}], AssertDescription: too old}]
Resources:
  Chat:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      StageName: v1
      RouteSelectionExpression: $request.body.action
      Routes:
        sayHello: {FunctionArn: !GetAtt Fn.Arn, RouteResponseSelectionExpression: $default}
        quiet: {FunctionArn: !GetAtt Fn.Arn}
  Answer: {Type: AWS::ApiGatewayV2::RouteResponse, Properties: {ApiId: !Ref Chat, RouteId: !Ref ChatSayhelloRoute, RouteResponseKey: $default}}
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: nodejs22.x
      Handler: app.handler
      Environment: {Variables: {VPC: !ImportValue net-vpc, SAME: !Sub ['${V}/1', {V: !ImportValue net-vpc}], ROLE: !GetAtt FnRole.Arn, STAGE: !Ref Chatv1Stage}}
  Raw: {Type: AWS::ApiGatewayV2::Api, Properties: {Name: raw, ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.action}}
  RawStage: {Type: AWS::ApiGatewayV2::Stage, Properties: {ApiId: !Ref Raw, StageName: raw}}
  Web: {Type: AWS::ApiGatewayV2::Integration, Properties: {ApiId: !Ref Raw, IntegrationType: HTTP_PROXY, IntegrationUri: https://example.com}}
  WebRoute: {Type: AWS::ApiGatewayV2::Route, Properties: {ApiId: !Ref Raw, RouteKey: web, Target: !Sub 'integrations/${Web}'}}
  Far: {Type: AWS::ApiGatewayV2::Integration, Properties: {ApiId: !Ref Raw, IntegrationType: AWS_PROXY, IntegrationUri: !ImportValue other-function}}
  FarRoute: {Type: AWS::ApiGatewayV2::Route, Properties: {ApiId: !Ref Raw, RouteKey: far, Target: !Sub 'integrations/${Far}'}}
  Written:
    Type: AWS::ApiGatewayV2::Integration
    Properties: {ApiId: !Ref Raw, IntegrationType: AWS_PROXY, IntegrationUri: 'arn:aws:lambda:us-east-1:1:function:theirs'}
  WrittenRoute: {Type: AWS::ApiGatewayV2::Route, Properties: {ApiId: !Ref Raw, RouteKey: written, Target: !Sub 'integrations/${Written}'}}
  Made:
    Type: AWS::Lambda::Function
    Metadata: {'aws:asset:path': asset.0123, 'aws:asset:property': Code}
    Properties: {Runtime: python3.13, Handler: index.handler, Role: 'arn:aws:iam::1:role/theirs', Code: {S3Bucket: cdk-assets, S3Key: 0123.zip}}
  Letters: {Type: AWS::SQS::Queue}
  Work: {Type: AWS::SQS::Queue}
  Late:
    Type: AWS::Lambda::EventInvokeConfig
    Properties: {FunctionName: !Ref Made, Qualifier: $LATEST, DestinationConfig: {OnFailure: {Destination: !GetAtt Letters.Arn}}}
`

func TestForeign(t *testing.T) {
	tmpl, err := sam.Parse("dir/t.yaml", []byte(foreign), &sam.Options{Imports: map[string]string{"unused": "x"}})
	if err != nil {
		t.Fatal(err)
	}
	functions := tmpl.Functions()
	equal(t, "environment", functions[0].Env, map[string]string{
		"VPC": "net-vpc", "SAME": "net-vpc/1", "ROLE": "arn:aws:iam::123456789012:role/local-FnRole", "STAGE": "v1",
	})
	if made := functions[1]; made.Dir != filepath.Join("dir", "asset.0123") || made.CodeURI != "asset.0123" || made.Alias != "" {
		t.Errorf("the CDK's code is in %q", made.Dir)
	}
	apis := tmpl.APIs()
	for key, function := range map[string]string{"web": "integration Web", "far": "other-function", "written": "theirs"} {
		if i := apis[0].Routes[key].Integration; i.Type != "AWS_PROXY" || i.Function != function {
			t.Errorf("route %s: %+v", key, i)
		}
	}
	if chat := apis[1].Routes; !chat["sayHello"].Response || chat["quiet"].Response {
		t.Errorf("responses: %v", chat)
	}
	said := strings.Join(tmpl.Ignored(), "\n")
	for _, want := range []string{
		"dir/t.yaml:6: rule CheckBootstrap is not checked: there is no /cdk/version of SSM here",
		"dir/t.yaml:22: the import net-vpc is not known here: its name stands for its value",
		"Web: an integration of type HTTP_PROXY cannot run here: only AWS_PROXY and MOCK are emulated",
		"IntegrationUri leads to a function that is not in this template: other-function",
		"IntegrationUri leads to a function that is not in this template: theirs",
		"Work: AWS::SQS::Queue cannot run here: there are no queues here",
		"AWS::SQS::Queue: 1 resource without meaning here",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in\n%s", want, said)
		}
	}
	if n := strings.Count(said, "net-vpc"); n != 1 || strings.Contains(said, "Letters") {
		t.Errorf("%d lines about one import; in all\n%s", n, said)
	}

	if _, err := sam.Parse("t.yaml", []byte(foreign), &sam.Options{Parameters: map[string]string{"Bootstrap": "2"}}); err == nil || !strings.HasSuffix(err.Error(), "too old") {
		t.Errorf("a rule that does not hold: %v", err)
	}
	tmpl, err = sam.Parse("t.yaml", []byte(foreign), &sam.Options{Imports: map[string]string{"net-vpc": "vpc-1"}, Parameters: map[string]string{"Bootstrap": "6"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := tmpl.Functions()[0].Env["SAME"]; got != "vpc-1/1" || strings.Contains(strings.Join(tmpl.Ignored(), "\n"), "net-vpc") {
		t.Errorf("the given import is %q; %q", got, tmpl.Ignored())
	}
}

// What SAM makes has the logical ids that AWS's translator gives it; each is
// different where a template says how.
func TestGenerated(t *testing.T) {
	const api = "Transform: AWS::Serverless-2016-10-31\nParameters: {S: {Type: String, Default: p}}\nResources:\n" +
		"  A: {Type: AWS::Serverless::WebSocketApi, Properties: {%RouteSelectionExpression: x, Routes: {$connect: {FunctionArn: !GetAtt F.Arn}, aBc: {FunctionArn: !GetAtt F.Arn}}}}\n" +
		"  F: {Type: AWS::Serverless::Function, Properties: {Runtime: r, Handler: h%ROLE}}\nOutputs: {O: {Value: !Ref "
	for _, tt := range []struct{ stage, role, ref, want string }{
		{"", "", "ADefaultStage", "default"},
		{"StageName: live, ", "", "AliveStage", "live"},
		{"StageName: !Ref S, ", "", "AStage", "p"},
		{"", "", "AConnectRoute", "?"},
		{"", "", "AAbcRoute", "?"},
		{"", "", "FRole", "local-FRole"},
		{"", ", Role: arn:x", "FRole", ""},
		{"", "", "AaBcRoute", ""},
		{"StageName: live, ", "", "AStage", ""},
	} {
		text := strings.NewReplacer("%ROLE", tt.role, "%", tt.stage).Replace(api) + tt.ref + "}}\n"
		tmpl, err := sam.Parse("t.yaml", []byte(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := tmpl.Outputs()["O"]; got != tt.want && !(tt.want == "?" && len(got) == 10) {
			t.Errorf("%s with %q: %q, want %q; %q", tt.ref, tt.stage+tt.role, got, tt.want, tmpl.Ignored())
		}
	}
}
