package sam_test

import (
	"fmt"
	"strings"
	"testing"

	"kaiwa/pkg/emu/sam"
)

const (
	serverless = "Transform: AWS::Serverless-2016-10-31\n"
	queue      = "Resources: {Q: {Type: AWS::SQS::Queue}}\n"
	function   = serverless + "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      Runtime: go\n      Handler: h\n" // 7 lines
	socket     = function + `  Api: {Type: AWS::ApiGatewayV2::Api, Properties: {ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.action}}
  Stage: {Type: AWS::ApiGatewayV2::Stage, Properties: {ApiId: !Ref Api, StageName: dev}}
  I: {Type: AWS::ApiGatewayV2::Integration, Properties: {ApiId: !Ref Api, IntegrationType: AWS_PROXY, IntegrationUri: !GetAtt F.Arn}}
` // 10 lines
)

func TestBrokenTemplates(t *testing.T) {
	for _, c := range []struct{ template, want string }{
		{"", "t.yaml:1: empty: a template has at least Resources"},
		{"# nothing\n", "t.yaml:1: empty: a template has at least Resources"},
		{"a: [\n", "t.yaml:1: not YAML: did not find expected node content"},
		{"a: b\n c: d\n", "t.yaml:2: not YAML: mapping values are not allowed in this context"},
		{"{\n \"Resources\": {\n  \"A\" 1}\n}", "t.yaml:3: not JSON: invalid character '1' after object key"},
		{"{\"Resources\": {\"A\": 1,\n \"A\": 2}}", `t.yaml:2: "A" stands here twice: remove one`},
		{"a: 1\n---\nb: 2\n", "t.yaml:2: a second document: a template is one"},
		{"- a\n", "t.yaml:1: a template is a mapping with Resources, not a list"},
		{"a: &a [*a]\n", "t.yaml:1: too large or too deep, perhaps an alias inside its own anchor: write it out"},
		{bomb(), "t.yaml:1: too large or too deep, perhaps an alias inside its own anchor: write it out"},
		{strings.Repeat("[", 200) + strings.Repeat("]", 200), "t.yaml:1: too large or too deep, perhaps an alias inside its own anchor: write it out"},
		{`{"a":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + "}", "t.yaml:1: too deep: CloudFormation would not take it"},
		{strings.Repeat("#", 1<<20+1), "t.yaml:1: over 1 MB, which CloudFormation refuses: split it"},
		{"Resources: !Nope x\n", "t.yaml:1: unknown tag !Nope: intrinsic functions are !Ref, !Sub, !GetAtt and so on"},
		{"Resources:\n  A: !!binary aGk=\n", "t.yaml:2: tag !!binary means nothing in a template: remove it"},
		{"Resources:\n  ? [a]\n  : b\n", "t.yaml:2: a key must be a string"},
		{"Resources:\n  off: b\n", `t.yaml:2: the key "off" is no string in YAML 1.1: put it in quotes`},
		{"Resources:\n  A: {}\n  A: {}\n", `t.yaml:3: "A" stands here twice: remove one`},
		{"Resources:\n  <<: [1]\n", `t.yaml:2: <<: must be a mapping, not "1"`},
		{"Description: x\n", "t.yaml:1: no Resources: there is nothing to run"},
		{"Resources: {}\n", "t.yaml:1: no Resources: there is nothing to run"},
		{"Resource:\n  A: {}\n", "t.yaml:2: Resource: no such section: it is one of AWSTemplateFormatVersion, Conditions, Description, Globals, Hooks, Mappings, Metadata, Outputs, Parameters, Resources, Rules, Transform"},
		{"Resources:\n  my-queue: {Type: AWS::SQS::Queue}\n", "t.yaml:2: my-queue: a logical id has only letters and digits: rename it"},
		{"Resources:\n  Q: x\n", `t.yaml:2: Q: must be a mapping with Type, not "x"`},
		{"Resources:\n  Q: {Properties: {}}\n", "t.yaml:2: Q: no Type: say what it is, like AWS::Serverless::Function"},
		{"Resources:\n  Q: {Type: AWS::SQS::Queue, Properties: [a]}\n", "t.yaml:2: Q: Properties: must be a mapping, not a list"},
		{"Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    Propertes: {a: b}\n", "t.yaml:4: Q: Propertes: no such attribute: a resource has Condition, Connectors, CreationPolicy, DeletionPolicy, DependsOn, IgnoreGlobals, Metadata, Properties, Type, UpdatePolicy, UpdateReplacePolicy"},
		{"Resources:\n  F: {Type: AWS::Serverless::Function}\n", "t.yaml:2: F: AWS::Serverless::Function: needs Transform: AWS::Serverless-2016-10-31 at the top"},
		{"Transform: [MyMacro]\n" + queue, `t.yaml:1: Transform: macro "MyMacro" cannot run here: expand it first`},
		{"Resources:\n  Q: {Type: AWS::SQS::Queue, Condition: Nope}\n", "t.yaml:2: Q: no condition Nope: add it to Conditions"},
		{"Mappings: x\n" + queue, `t.yaml:1: Mappings: must be a mapping, not "x"`},

		{"Conditions:\n  A: !Condition B\n  B: !Not [!Condition A]\n" + queue, "t.yaml:3: condition A: condition B: condition A depends on itself: break the circle"},
		{"Conditions:\n  A: !Equals [!Ref Q, x]\n" + queue, "t.yaml:2: condition A: Ref: no parameter or resource Q: correct the name"},
		{"Conditions:\n  A: true\n" + queue, "t.yaml:2: condition A: must be Fn::Equals, Fn::And, Fn::Or, Fn::Not or Condition"},
		{"Conditions:\n  A: !And [!Equals [a, b]]\n" + queue, "t.yaml:2: condition A: Fn::And: must be a list of 2 to 10 conditions"},
		{"Conditions:\n  A: !Equals [a]\n" + queue, "t.yaml:2: condition A: Fn::Equals: must be [value, value]"},
		{"Conditions:\n  A: !Not [a, b]\n" + queue, "t.yaml:2: condition A: Fn::Not: must be [condition]"},

		{function + "      Timeout: 901\n", `t.yaml:8: F: Timeout: must be a whole number from 1 to 900, not "901"`},
		{function + "      MemorySize: big\n", `t.yaml:8: F: MemorySize: must be a whole number from 128 to 10240, not "big"`},
		{function + "      Timeout:\n", "t.yaml:8: F: Timeout: is empty, which CloudFormation refuses: remove it or give it a value"},
		{function + "      Environment: {Variables: {A: [b]}}\n", "t.yaml:8: F: Environment: Variables.A: must be a string, not a list"},
		{function + "      Environment: {Variables: {A: }}\n", "t.yaml:8: F: Environment: Variables.A: must be a string, not nothing"},
		{function + "      Environment:\n        Variables:\n          A: !GetAZs ''\n", "t.yaml:10: F: Environment: Fn::GetAZs: there are no availability zones here: make it a parameter"},
		{function + "      Environment: [a]\n", "t.yaml:8: F: Environment: must be a mapping, not a list"},
		{function + "      EventInvokeConfig: {MaximumRetryAttempts: 3}\n", `t.yaml:8: F: EventInvokeConfig: MaximumRetryAttempts: must be a whole number from 0 to 2, not "3"`},
		{function + "      EventInvokeConfig: {MaximumEventAgeInSeconds: 59}\n", `t.yaml:8: F: EventInvokeConfig: MaximumEventAgeInSeconds: must be a whole number from 60 to 21600, not "59"`},
		{function + "      FunctionName: !Ref G\n  G: {Type: AWS::Serverless::Function, Properties: {Runtime: go, Handler: h, FunctionName: !Ref F}}\n", "t.yaml:4: Circular dependency between resources: [F, G]: each waits for the next: take one reference out"},
		{serverless + "Resources:\n  F: {Type: AWS::Serverless::Function, Properties: {Handler: h}}\n", "t.yaml:3: F: no Runtime: add it"},
		{function + "  C: {Type: AWS::Lambda::EventInvokeConfig, Properties: {FunctionName: other, Qualifier: $LATEST}}\n", "t.yaml:8: C: FunctionName: is no function of this template that can run: use !Ref"},
		{"Resources:\n  T: {Type: AWS::DynamoDB::Table, Properties: {KeySchema: []}}\n", "t.yaml:2: T: no AttributeDefinitions: add it"},
		{"Resources:\n  T: {Type: AWS::DynamoDB::Table, Properties: {AttributeDefinitions: [], KeySchema: [], ProvisionedThroughput: {ReadCapacityUnits: x, WriteCapacityUnits: 1}}}\n", `t.yaml:2: T: ReadCapacityUnits: must be a whole number, not "x"`},
		{serverless + "Resources:\n  T: {Type: AWS::Serverless::SimpleTable, Properties: {PrimaryKey: {Name: id, Type: Int}}}\n", `t.yaml:3: T: PrimaryKey: Type: must be String, Number or Binary, not "Int"`},

		{"Resources:\n  Api: {Type: AWS::ApiGatewayV2::Api, Properties: {ProtocolType: WEBSOCKET}}\n", "t.yaml:2: Api: no RouteSelectionExpression: add it"},
		{"Resources:\n  Api: {Type: AWS::ApiGatewayV2::Api, Properties: {ProtocolType: WEBSOCKET, RouteSelectionExpression: x}}\n", "t.yaml:2: Api: has no AWS::ApiGatewayV2::Stage: add one"},
		{socket + "  R: {Type: AWS::ApiGatewayV2::Route, Properties: {ApiId: nope, RouteKey: a}}\n", `t.yaml:11: R: ApiId: "nope" is no API of this template: use !Ref`},
		{socket + "  R: {Type: AWS::ApiGatewayV2::Route, Properties: {ApiId: !Ref Api, RouteKey: a, Target: x}}\n", `t.yaml:11: R: Target: "x" is no integration of this template: write !Sub integrations/${Integration}`},
		{socket + "  R: {Type: AWS::ApiGatewayV2::Route, Properties: {ApiId: !Ref Api, RouteKey: a, AuthorizationType: JWT}}\n", `t.yaml:11: R: AuthorizationType: must be NONE, AWS_IAM or CUSTOM on a WebSocket API, not "JWT"`},
		{socket + "  R: {Type: AWS::ApiGatewayV2::Route, Properties: {ApiId: !Ref Api, RouteKey: a, AuthorizationType: CUSTOM}}\n", "t.yaml:11: R: no AuthorizerId: add it"},
		{socket + "  R: {Type: AWS::ApiGatewayV2::Route, Properties: {ApiId: !Ref Api, RouteKey: a, AuthorizationType: CUSTOM, AuthorizerId: x}}\n", "t.yaml:11: R: AuthorizerId: is no authorizer of this template: use !Ref"},
		{socket + "  R: {Type: AWS::ApiGatewayV2::Route, Properties: {ApiId: !Ref Api, RouteKey: a, ApiKeyRequired: maybe}}\n", `t.yaml:11: R: ApiKeyRequired: must be true or false, not "maybe"`},
		{socket + "  R: {Type: AWS::ApiGatewayV2::Route, Properties: {ApiId: !Ref Api, RouteKey: a}}\n  S: {Type: AWS::ApiGatewayV2::Route, Properties: {ApiId: !Ref Api, RouteKey: a}}\n", `t.yaml:12: S: RouteKey: "a" has a route already: remove one`},
		{socket + "  J: {Type: AWS::ApiGatewayV2::Integration, Properties: {ApiId: !Ref Api, IntegrationType: AWS_PROXY, IntegrationUri: 'arn:x:function:'}}\n", `t.yaml:11: J: IntegrationUri: "arn:x:function:" leads to no function of this template: use ${Function.Arn}`},
		{socket + "  J: {Type: AWS::ApiGatewayV2::Integration, Properties: {ApiId: !Ref Api, IntegrationType: AWS_PROXY, IntegrationUri: 'arn:x'}}\n", `t.yaml:11: J: IntegrationUri: "arn:x" leads to no function of this template: use ${Function.Arn}`},
		{socket + "  J: {Type: AWS::ApiGatewayV2::Integration, Properties: {ApiId: !Ref Api, IntegrationType: MOCK, TimeoutInMillis: 30000}}\n", `t.yaml:11: J: TimeoutInMillis: must be a whole number from 50 to 29000, not "30000"`},
		{socket + "  J: {Type: AWS::ApiGatewayV2::IntegrationResponse, Properties: {ApiId: !Ref Api, IntegrationId: x, IntegrationResponseKey: $default}}\n", "t.yaml:11: J: IntegrationId: is no integration of this template: use !Ref"},
		{socket + "  J: {Type: AWS::ApiGatewayV2::RouteResponse, Properties: {ApiId: !Ref Api, RouteId: x, RouteResponseKey: other}}\n", `t.yaml:11: J: RouteResponseKey: must be $default, not "other"`},
		{socket + "  J: {Type: AWS::ApiGatewayV2::Authorizer, Properties: {ApiId: !Ref Api, Name: j, AuthorizerType: JWT, AuthorizerUri: !GetAtt F.Arn}}\n", `t.yaml:11: J: AuthorizerType: must be REQUEST on a WebSocket API, not "JWT"`},
		{function + "  W: {Type: AWS::Serverless::WebSocketApi, Properties: {RouteSelectionExpression: x, Auth: {AuthType: AWS_IAM}, Routes: {a: {FunctionArn: !GetAtt F.Arn}}}}\n", "t.yaml:8: W: Auth: needs a route $connect: add it"},
		{function + "  W: {Type: AWS::Serverless::WebSocketApi, Properties: {RouteSelectionExpression: x, Auth: {AuthType: JWT}, Routes: {$connect: {FunctionArn: !GetAtt F.Arn}}}}\n", `t.yaml:8: W: Auth: AuthType: must be NONE, AWS_IAM or CUSTOM, not "JWT"`},
		{function + "  W: {Type: AWS::Serverless::WebSocketApi, Properties: {RouteSelectionExpression: x, Routes: {a: {}}}}\n", "t.yaml:8: W: Routes: a: no FunctionArn: add it"},
		{"Resources:\n  K: {Type: AWS::ApiGateway::ApiKey, Properties: {Enabled: 1}}\n", `t.yaml:2: K: Enabled: must be true or false, not "1"`},
	} {
		_, err := sam.Parse("t.yaml", []byte(c.template), nil)
		if fmt.Sprint(err) != c.want {
			t.Errorf("%.200s\ngot  %v\nwant %s", c.template, err, c.want)
		}
	}
}

// bomb is small and expands to a thousand million nodes.
func bomb() string {
	var b strings.Builder
	b.WriteString("a: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := range 9 {
		fmt.Fprintf(&b, "b%d: &a%d [%s*a%d]\n", i, i+1, strings.Repeat(fmt.Sprintf("*a%d, ", i), 9), i)
	}
	return b.String()
}

// Names that grow by naming one another must end in an error, not in memory.
func TestGrowingNames(t *testing.T) {
	var b strings.Builder
	b.WriteString("Resources:\n  Q0: {Type: AWS::SQS::Queue, Properties: {QueueName: xxxxxxxxxx}}\n")
	for i := range 60 {
		fmt.Fprintf(&b, "  Q%d: {Type: AWS::SQS::Queue, Properties: {QueueName: !Sub '${Q%d.QueueName}${Q%d.QueueName}'}}\n", i+1, i, i)
	}
	b.WriteString("Outputs: {O: {Value: !Ref Q60}}\n")
	tmpl, err := sam.Parse("t.yaml", []byte(b.String()), nil)
	if err != nil {
		t.Fatal(err)
	}
	lines := tmpl.Ignored()
	if line := lines[len(lines)-1]; !strings.HasSuffix(line, "longer than 65536 characters") || strings.Contains(line, "\n") {
		t.Errorf("%s", line)
	}
}

func TestParameters(t *testing.T) {
	const parameters = `Parameters:
  Needed: {Type: String}
  Kind: {Type: String, Default: a, AllowedValues: [a, b, 1.50], ConstraintDescription: choose well}
  Name: {Type: String, Default: abc, AllowedPattern: '[a-z]+', MinLength: 3, MaxLength: 5}
  Count: {Type: Number, Default: 5, MinValue: 1, MaxValue: 10.5}
  Zones: {Type: CommaDelimitedList, Default: a, AllowedValues: [a, b]}
  Ports: {Type: List<Number>, Default: '80, 443'}
  Clever: {Type: String, Default: x, AllowedPattern: '(?=x).*'}
  Image: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /aws/image}
` + queue + `Outputs:
  Kind: {Value: !Ref Kind}
  Zones: {Value: !Join [+, !Ref Zones]}
  Ports: {Value: !Join [+, !Ref Ports]}
`
	given := map[string]string{"Needed": "", "Image": "ami-1"}
	for _, c := range []struct{ name, value, want string }{
		{"Kind", "b", ""},
		{"Kind", "1.5", ""},
		{"Kind", "c", `t.yaml:3: parameter Kind: must be one of a, b, 1.5, not "c" (choose well)`},
		{"Name", "zzzzz", ""},
		{"Name", "ABC", `t.yaml:4: parameter Name: must match [a-z]+, not "ABC"`},
		{"Name", "abcx1", `t.yaml:4: parameter Name: must match [a-z]+, not "abcx1"`},
		{"Name", "ab", `t.yaml:4: parameter Name: must be at least 3 characters, not "ab"`},
		{"Name", "abcdef", `t.yaml:4: parameter Name: must be at most 5 characters, not "abcdef"`},
		{"Count", "10.5", ""},
		{"Count", "0", `t.yaml:5: parameter Count: must be at least 1, not "0"`},
		{"Count", "11", `t.yaml:5: parameter Count: must be at most 10.5, not "11"`},
		{"Count", "many", `t.yaml:5: parameter Count: must be a number, not "many"`},
		{"Zones", "a,c", `t.yaml:6: parameter Zones: must be one of a, b, not "c"`},
		{"Zones", "b, a", ""},
		{"Ports", "1,x", `t.yaml:7: parameter Ports: must be a number, not "x"`},
		{"Nope", "1", "t.yaml:2: no parameter Nope: there is Needed, Kind, Name, Count, Zones, Ports, Clever, Image"},
	} {
		o := &sam.Options{Parameters: map[string]string{c.name: c.value}}
		for k, v := range given {
			o.Parameters[k] = v
		}
		tmpl, err := sam.Parse("t.yaml", []byte(parameters), o)
		if c.want != "" {
			if fmt.Sprint(err) != c.want {
				t.Errorf("%s=%s: %v, want %s", c.name, c.value, err, c.want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s=%s: %v", c.name, c.value, err)
			continue
		}
		if got, ok := tmpl.Outputs()[c.name]; ok && got != strings.ReplaceAll(c.value, ", ", "+") {
			t.Errorf("%s=%s gives %s", c.name, c.value, got)
		}
		if got := tmpl.Ignored()[0]; got != "t.yaml:8: parameter Clever: AllowedPattern is not checked: Go's regular expressions cannot say it" {
			t.Errorf("ignored: %s", got)
		}
	}
	for _, c := range []struct{ template, want string }{
		{parameters, "t.yaml:2: parameter Needed has no value: give it one"},
		{"Parameters:\n  A: {Type: String}\n  B: {Type: String}\n" + queue, "t.yaml:2: parameters A, B have no value: give each one"},
		{"Parameters:\n  A: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /a}\nConditions:\n  C: !Equals [!Ref A, x]\n" + queue,
			"t.yaml:4: condition C: Ref: parameter A is the value of /a in SSM, which is not known here: give it one"},
		{"Parameters:\n  A: {Type: String}\n" + queue, "t.yaml:2: parameter A has no value: give it one"},
		{"Parameters:\n  A: {Default: x}\n" + queue, "t.yaml:2: parameter A: no Type: give it one, like String"},
		{"Parameters:\n  A:\n    Type: String\n    AllowedValue: [a]\n" + queue, "t.yaml:4: parameter A: AllowedValue: no such property: did you mean AllowedValues?"},
		{"Parameters:\n  A: x\n" + queue, `t.yaml:2: parameter A: must be a mapping with Type, not "x"`},
		{"Parameters:\n  A: {Type: String, Default: [x]}\n" + queue, "t.yaml:2: parameter A: Default: must be a string or number, not a list"},
		{"Parameters:\n  A: {Type: String, Default: x, MinLength: y}\n" + queue, `t.yaml:2: parameter A: MinLength: must be a number, not "y"`},
	} {
		if _, err := sam.Parse("t.yaml", []byte(c.template), nil); fmt.Sprint(err) != c.want {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
	if _, err := sam.Parse("t.yaml", []byte(queue), &sam.Options{Parameters: map[string]string{"A": ""}}); fmt.Sprint(err) != "t.yaml:1: no parameter A: there is none" {
		t.Errorf("err = %v", err)
	}
}
