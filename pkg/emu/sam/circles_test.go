package sam_test

import (
	"fmt"
	"strings"
	"testing"

	"kaiwa/pkg/emu/sam"
)

// endless is an API whose function is told its address: by the stage, which waits
// for a deployment, which waits for the route to the function.
const endless = serverless + `Resources:
  Api: {Type: AWS::ApiGatewayV2::Api, Properties: {ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.action, Name: x}}
  Stage: {Type: AWS::ApiGatewayV2::Stage, Properties: {ApiId: !Ref Api, StageName: prod, DeploymentId: !Ref D}}
  D: {Type: AWS::ApiGatewayV2::Deployment, DependsOn: R, Properties: {ApiId: !Ref Api}}
  R: {Type: AWS::ApiGatewayV2::Route, Properties: {ApiId: !Ref Api, RouteKey: $default, Target: !Sub 'integrations/${I}'}}
  I: {Type: AWS::ApiGatewayV2::Integration, Properties: {ApiId: !Ref Api, IntegrationType: AWS_PROXY, IntegrationUri: !GetAtt F.Arn}}
  F:
    Type: AWS::Serverless::Function
    Properties:
      Handler: index.h
      Runtime: nodejs20.x
      Environment: {Variables: {ENDPOINT: !Sub 'https://${Api}.execute-api/${Stage}'}}
`

// The verdicts are those of rule E3004 of cfn-lint 1.51.0 on the output of SAM's
// translator, but for conditions, which that rule does not decide.
func TestCircularDependencies(t *testing.T) {
	change := func(old, now string) string {
		if !strings.Contains(endless, old) {
			t.Fatalf("no %s", old)
		}
		return strings.Replace(endless, old, now, 1)
	}
	const table = "  T: {Type: AWS::DynamoDB::Table, Properties: {AttributeDefinitions: [{AttributeName: a, AttributeType: S}], KeySchema: [{AttributeName: a, KeyType: HASH}], %s}}\n"
	own := func(api, function string) string {
		return webSocketAPI(fmt.Sprintf(samConnect, "")+api) + "  G: {Type: AWS::Serverless::Function, Properties: {Runtime: go, Handler: h, " + function + "}}\n"
	}
	queues := "Resources:\n  A: {Type: AWS::SQS::Queue, Properties: {%s}}\n  B: {Type: AWS::SQS::Queue, Properties: {QueueName: %s}}\n"
	for _, c := range []struct{ name, template, circle string }{
		{"the stage in the environment", endless, "t.yaml:4: [Stage, D, R, I, F]"},
		{"as a list", change("!Sub 'https://${Api}.execute-api/${Stage}'", "!Join ['/', [x, 'Fn::GetAtt': [Stage, Id]]]"), "t.yaml:4: [Stage, D, R, I, F]"},
		{"in its role's policy", change("Environment: {Variables: {ENDPOINT: !Sub 'https://${Api}.execute-api/${Stage}'}}", "Policies: [{Statement: [{Resource: !Sub 'x/${Stage}'}]}]"), "t.yaml:4: [Stage, D, R, I, F, FRole]"},
		{"in a policy that a given role does not get", change("Environment: {Variables: {ENDPOINT: !Sub 'https://${Api}.execute-api/${Stage}'}}", "Role: 'arn:aws:iam::1:role/x'\n      Policies: [{Statement: [{Resource: !Sub 'x/${Stage}'}]}]"), ""},
		{"a stage that waits for nothing", change("DeploymentId: !Ref D", "AutoDeploy: true"), ""},
		{"the API only", change("${Stage}", "prod"), ""},
		{"a variable of that name", change("!Sub 'https://${Api}.execute-api/${Stage}'", "!Sub ['${Stage}', {Stage: x}]"), ""},
		{"no variable", change("${Stage}", "${!Stage}"), ""},
		{"the branch that does not count", "Conditions: {C: !Equals [a, b]}\n" + change("!Sub 'https://${Api}.execute-api/${Stage}'", "!If [C, !Ref Stage, x]"), ""},
		{"the branch that counts", "Conditions: {C: !Equals [a, a]}\n" + change("!Sub 'https://${Api}.execute-api/${Stage}'", "!If [C, !Ref Stage, x]"), "t.yaml:5: [Stage, D, R, I, F]"},
		{"a permission beside function and API", change("${Stage}", "prod") + "  P: {Type: AWS::Lambda::Permission, Properties: {Action: a, Principal: p, FunctionName: !Ref F, SourceArn: !Sub '${Stage}'}}\n", ""},

		{"a queue that names itself", fmt.Sprintf(queues, "QueueName: !Ref A", "x"), "t.yaml:2: [A]"},
		{"two queues", fmt.Sprintf(queues, "QueueName: !GetAtt B.QueueName", "!Ref A"), "t.yaml:2: [A, B]"},
		{"one way", fmt.Sprintf(queues, "RedrivePolicy: {deadLetterTargetArn: !GetAtt B.Arn}", "x"), ""},
		{"DependsOn", "Resources:\n  A: {Type: AWS::SQS::Queue, DependsOn: [B]}\n  B: {Type: AWS::SQS::Queue, DependsOn: A}\n", "t.yaml:2: [A, B]"},
		{"what is not there", "Conditions: {C: !Equals [a, b]}\nResources:\n  A: {Type: AWS::SQS::Queue, DependsOn: [B]}\n  B: {Type: AWS::SQS::Queue, Condition: C, DependsOn: A}\n", ""},

		{"SAM's API in the environment of its function", strings.Replace(own("", "Timeout: 3"), "      Handler: h\n", "      Handler: h\n      Environment: {Variables: {E: !Sub 'https://${W}/${W.Stage}', S: !Ref WDefaultStage}}\n", 1), ""},
		{"its route in the environment of its function", strings.Replace(own("", "Timeout: 3"), "      Handler: h\n", "      Handler: h\n      Environment: {Variables: {E: !Ref WConnectRoute}}\n", 1), "t.yaml:4: [F, WConnectRoute, WConnectIntegration]"},
		{"its stage, which waits for the routes with their settings", strings.Replace(own("      RouteSettings: {$connect: {ThrottlingRateLimit: 1}}\n", "Timeout: 3"), "      Handler: h\n", "      Handler: h\n      Environment: {Variables: {E: !Ref W.Stage}}\n", 1), "t.yaml:4: [F, WDefaultStage, WConnectRoute, WConnectIntegration]"},
		{"its name from its function", own("      Name: !Ref F\n", "Timeout: 3"), ""},
		{"its name from a function that knows it", own("      Name: !Ref G\n", "Environment: {Variables: {E: !Ref W}}"), "t.yaml:9: [W, G]"},
		{"an event of what the function knows", function + "      Environment: {Variables: {T: !Ref T}}\n      Events: {S: {Type: DynamoDB, Properties: {Stream: !GetAtt T.StreamArn, StartingPosition: LATEST}}}\n" + fmt.Sprintf(table, "StreamSpecification: {StreamViewType: KEYS_ONLY}"), ""},
		{"a function that its own event's rule starts", function + "      Events: {S: {Type: SNS, Properties: {Topic: !Ref N}}}\n  N: {Type: AWS::SNS::Topic, Properties: {DisplayName: !Ref F}}\n", ""},
		{"a table and the role of who uses it", function + "      Policies: [DynamoDBCrudPolicy: {TableName: !Ref T}]\n" + fmt.Sprintf(table, "TableName: !Ref FRole"), "t.yaml:4: [FRole, T]"},
		{"an alias", function + "      AutoPublishAlias: live\n  P: {Type: AWS::Lambda::Permission, Properties: {Action: a, Principal: p, FunctionName: !Ref F.Alias}}\n", ""},
	} {
		want := "<nil>"
		if line, ids, ok := strings.Cut(c.circle, ": ["); ok {
			want = line + ": Circular dependency between resources: [" + ids + ": each waits for the next: take one reference out"
		}
		if _, err := sam.Parse("t.yaml", []byte(c.template), nil); fmt.Sprint(err) != want {
			t.Errorf("%s: %v, want %s", c.name, err, want)
		}
	}
}
