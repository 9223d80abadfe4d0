package sam_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kaiwa/pkg/emu/sam"
)

// A property that AWS does not know is an error, wherever it stands, and so is one
// that is missing.
func TestUnknownProperties(t *testing.T) {
	api := func(auth string) string {
		return function + "  W:\n    Type: AWS::Serverless::WebSocketApi\n    Properties:\n      RouteSelectionExpression: x\n      Routes: {$connect: {FunctionArn: !GetAtt F.Arn}}\n      Auth:\n" + auth
	}
	const table = "Resources:\n  T: {Type: AWS::DynamoDB::Table, Properties: {AttributeDefinitions: [{AttributeName: a, AttributeType: S}], KeySchema: [{AttributeName: a, KeyType: HASH}], %s}}\n"
	for _, c := range []struct{ template, want string }{
		{api("        AuthArn: !GetAtt F.Arn\n        IdentitySource: [route.request.querystring.t]\n"), "t.yaml:14: W: Auth: no AuthType: add it"},
		{api("        AuthType: CUSTOM\n        DefaultAuthorizer: A\n"), "t.yaml:15: W: Auth: DefaultAuthorizer: no such property: there is AuthArn, AuthType, IdentitySource, InvokeRole, Name"},
		{strings.Replace(api("        AuthType: NONE\n"), "{FunctionArn", "{FunctionArns", 1), "t.yaml:12: W: Routes: $connect: FunctionArns: no such property: did you mean FunctionArn?"},
		{function + "      Timeot: 3\n", "t.yaml:8: F: Timeot: no such property: did you mean Timeout?"},
		{function + "      Enviroment:\n        Variables: {A: b}\n", "t.yaml:8: F: Enviroment: no such property: did you mean Environment?"},
		{function + "      Environment:\n        Variabels: {A: b}\n", "t.yaml:9: F: Environment: Variabels: no such property: did you mean Variables?"},
		{function + "      MemorySiz: 128\n", "t.yaml:8: F: MemorySiz: no such property: did you mean MemorySize?"},
		{function + "      Polices: []\n", "t.yaml:8: F: Polices: no such property: did you mean Policies?"},
		{function + "      Fn::Transform: {}\n", "t.yaml:8: F: Fn::Transform: is not evaluated among properties: write them out"},
		{"Conditions: {C: !Equals [a, b]}\n" + function + "      Environment: !If [C, {Variabels: {}}, {Variables: {A: b}}]\n", ""},
		{"Conditions: {C: !Equals [a, a]}\n" + function + "      Environment: !If [C, {Variabels: {}}, {Variables: {A: b}}]\n", "t.yaml:9: F: Environment: Variabels: no such property: did you mean Variables?"},
		{strings.Replace(socket, "ProtocolType", "ApiKeySelectionExpresion: x, ProtocolType", 1), "t.yaml:8: Api: ApiKeySelectionExpresion: no such property: did you mean ApiKeySelectionExpression?"},
		{strings.Replace(socket, "StageName", "DefaultRouteSetings: {}, StageName", 1), "t.yaml:9: Stage: DefaultRouteSetings: no such property: did you mean DefaultRouteSettings?"},
		{strings.Replace(socket, "StageName", "RouteSettings: {a: {ThrottlingRate: 1}}, StageName", 1), "t.yaml:9: Stage: RouteSettings: a: ThrottlingRate: no such property: did you mean ThrottlingRateLimit?"},
		{strings.Replace(socket, "IntegrationType", "TimeoutMillis: 50, IntegrationType", 1), "t.yaml:10: I: TimeoutMillis: no such property: did you mean TimeoutInMillis?"},
		{socket + "  R: {Type: AWS::ApiGatewayV2::Route, Properties: {ApiId: !Ref Api, RouteKey: $connect, AuthorisationType: AWS_IAM}}\n", "t.yaml:11: R: AuthorisationType: no such property: did you mean AuthorizationType?"},
		{fmt.Sprintf(table, "TimeToLiveSpec: {AttributeName: ttl, Enabled: true}"), "t.yaml:2: T: TimeToLiveSpec: no such property: did you mean TimeToLiveSpecification?"},
		{fmt.Sprintf(table, "TimeToLiveSpecification: {Attribute: ttl, Enabled: true}"), "t.yaml:2: T: TimeToLiveSpecification: Attribute: no such property: did you mean AttributeName?"},
		{fmt.Sprintf(table, "TimeToLiveSpecification: {AttributeName: ttl}"), "t.yaml:2: T: TimeToLiveSpecification: no Enabled: add it"},
		{fmt.Sprintf(table, "TimeToLiveSpecification: {Enabled: true}"), "t.yaml:2: T: TimeToLiveSpecification: no AttributeName: add it"},
		{fmt.Sprintf(table, "GlobalSecondaryIndexs: []"), "t.yaml:2: T: GlobalSecondaryIndexs: no such property: did you mean GlobalSecondaryIndexes?"},
		{fmt.Sprintf(table, "GlobalSecondaryIndexes: [{IndexNam: x}]"), "t.yaml:2: T: GlobalSecondaryIndexes: IndexNam: no such property: did you mean IndexName?"},
		{fmt.Sprintf(table, "Arn: x"), "t.yaml:2: T: Arn: no such property: remove it"},
		{"Globals:\n  Functio: {Timeout: 3}\n" + function, "t.yaml:2: Globals: Functio: SAM has no such section: did you mean Function?"},
		{"Globals:\n  Function:\n    Timeot: 3\n" + function, "t.yaml:3: Globals: Function: Timeot: no such property: did you mean Timeout?"},
		{"Globals:\n  Function:\n    Environment:\n      Vars: {}\n" + function, "t.yaml:4: F: Environment: Vars: no such property: there is Variables"},
		{"Globals: {Function: x}\n" + function, `t.yaml:1: Globals: Function: must be a mapping, not "x"`},
		{"Globals: {Function: {Timeout: 3}}\n" + function + "    IgnoreGlobals: [Timeout, MemorySize]\n", `t.yaml:9: F: IgnoreGlobals: Globals has no "MemorySize" for this type: remove it`},
		{"Globals: {Api: {Name: x}}\n" + function + "    IgnoreGlobals: [Timeout]\n", ""},
		{"Globals: {Function: {Timeout: 3}}\n" + function + "    IgnoreGlobals: Timeout\n", `t.yaml:9: F: IgnoreGlobals: must be '*' or a list, not "Timeout"`},
		{function + "    DependsOn: Nope\n", "t.yaml:8: F: DependsOn: no resource Nope: there is F"},
		{socket + "  Q: {Type: AWS::SQS::Queue, DependsOn: [Api, Stag]}\n", "t.yaml:11: Q: DependsOn: no resource Stag: did you mean Stage?"},
		{socket + "  Q: {Type: AWS::SQS::Queue, DependsOn: !Ref Api}\n", "t.yaml:11: Q: DependsOn: must name resources, not a mapping"},
		{"Conditions: {C: !Equals [a, b]}\n" + socket + "  Q: {Type: AWS::SQS::Queue, Condition: C}\n  P: {Type: AWS::SQS::Queue, DependsOn: [Q, FRole, ServerlessHttpApi]}\n", ""},
	} {
		_, err := sam.Parse("t.yaml", []byte(c.template), nil)
		if got := fmt.Sprint(err); got != c.want && !(c.want == "" && err == nil) {
			t.Errorf("%s\ngot  %v\nwant %s", c.template, err, c.want)
		}
	}
}

// What is valid must not be refused: every template of the repository is read, and
// one with what the CDK and CloudFormation write beside properties.
func TestKnownProperties(t *testing.T) {
	var files []string
	for _, pattern := range []string{"template*.yaml", "local/conform/probe.yaml", "local/testdata/templates/*/*.yaml"} {
		found, err := filepath.Glob(filepath.Join("../../..", pattern))
		if err != nil || len(found) == 0 {
			t.Fatal(pattern, err)
		}
		files = append(files, found...)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sam.Parse(file, data, &sam.Options{Parameters: needed(string(data))}); err != nil {
			t.Error(err)
		}
	}
	if _, err := sam.Parse("cdk.json", []byte(cdk), nil); err != nil {
		t.Error(err)
	}
}

// A misspelt type is said; those of other services and modules are not known here.
func TestUnknownTypes(t *testing.T) {
	for kind, want := range map[string]string{
		"AWS::Serverless::Functoin":      "t.yaml:8: R: AWS is not known to have a type AWS::Serverless::Functoin: did you mean AWS::Serverless::Function?",
		"AWS::ApiGatewayV2::Brandnew":    "t.yaml:8: R: AWS is not known to have a type AWS::ApiGatewayV2::Brandnew: remove it",
		"AWS::Serverless::Connector":     "AWS::Serverless::Connector: 1 resource without meaning here",
		"AWS::Brandnew::Thing":           "AWS::Brandnew::Thing: 1 resource without meaning here",
		"Mine":                           "Mine: 1 resource without meaning here",
		"AWS::Lambda::Function::MODULE2": "AWS::Lambda::Function::MODULE2: 1 resource without meaning here",
	} {
		tmpl, err := sam.Parse("t.yaml", []byte(function+"  R: {Type: "+kind+"}\n"), nil)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, kind, tmpl.Ignored(), []string{want})
	}
}

// needed are values for parameters without a default.
func needed(template string) map[string]string {
	given := map[string]string{}
	for name, value := range map[string]string{"ApiHost": "api.example", "EdgeSecret": "0123456789abcdef0123456789abcdef"} {
		if strings.Contains(template, "\n  "+name+":") {
			given[name] = value
		}
	}
	return given
}

const cdk = `{
 "Resources": {
  "FnServiceRoleB9001A96": {
   "Type": "AWS::IAM::Role",
   "Properties": {"AssumeRolePolicyDocument": {"Statement": [], "Version": "2012-10-17"}, "ManagedPolicyArns": [{"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":iam::aws:policy/x"]]}]},
   "Metadata": {"aws:cdk:path": "Stack/Fn/ServiceRole/Resource"}
  },
  "Fn9270CBC0": {
   "Type": "AWS::Lambda::Function",
   "Properties": {
    "Architectures": ["arm64"], "Code": {"S3Bucket": {"Fn::Sub": "cdk-${AWS::AccountId}"}, "S3Key": "x.zip"}, "Handler": "index.handler", "Runtime": "nodejs22.x",
    "Role": {"Fn::GetAtt": ["FnServiceRoleB9001A96", "Arn"]}, "Tags": [{"Key": "a", "Value": "b"}], "TracingConfig": {"Mode": "Active"},
    "VpcConfig": {"SecurityGroupIds": [], "SubnetIds": []}, "LoggingConfig": {"LogGroup": "x"}, "SnapStart": {"ApplyOn": "None"}
   },
   "DependsOn": ["FnServiceRoleB9001A96"],
   "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain", "CreationPolicy": {}, "UpdatePolicy": {"CodeDeployLambdaAliasUpdate": {}},
   "Metadata": {"aws:cdk:path": "Stack/Fn/Resource", "aws:asset:path": "asset.1", "aws:asset:is-bundled": false, "aws:asset:property": "Code"}
  },
  "CDKMetadata": {"Type": "AWS::CDK::Metadata", "Properties": {"Analytics": "v2:deflate64:x"}, "Metadata": {"aws:cdk:path": "Stack/CDKMetadata/Default"}}
 }
}`
