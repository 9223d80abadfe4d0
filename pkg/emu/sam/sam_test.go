package sam_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"kaiwa/pkg/emu/apigw"
	"kaiwa/pkg/emu/lambdart"
	"kaiwa/pkg/emu/sam"
)

func load(t *testing.T, file string, o *sam.Options) *sam.Template {
	t.Helper()
	tmpl, err := sam.Load("testdata/"+file, o)
	if err != nil {
		t.Fatal(err)
	}
	return tmpl
}

// equal compares by value and shows both sides as JSON.
func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if reflect.DeepEqual(got, want) {
		return
	}
	g, _ := json.MarshalIndent(got, "", " ")
	w, _ := json.MarshalIndent(want, "", " ")
	t.Errorf("%s = %s\nwant %s", what, g, w)
}

func ptr[T any](v T) *T { return &v }

var chatOptions = sam.Options{Region: "ap-northeast-1", AccountID: "111122223333", StackName: "kaiwa", APIID: "abcde12345"}

func TestChatFunctions(t *testing.T) {
	callback := "https://abcde12345.execute-api.ap-northeast-1.amazonaws.com/dev"
	function := func(id, folder string, env map[string]string) sam.Function {
		base := map[string]string{"TABLE": "kaiwa-Table", "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI": callback}
		maps.Copy(base, env)
		return sam.Function{
			Function: lambdart.Function{
				Name: "kaiwa-" + id, LogicalID: id, Alias: folder, Handler: "bootstrap", Runtime: "provided.al2023", Env: base,
				ARN: "arn:aws:lambda:ap-northeast-1:111122223333:function:kaiwa-" + id,
				Dir: filepath.Join("testdata", "functions", folder), Timeout: 10 * time.Second, MemoryMB: 256,
			},
			CodeURI: "functions/" + folder, Architectures: []string{"arm64"}, BuildMethod: "go1.x",
		}
	}
	reply := function("ReplyFunction", "reply", map[string]string{"MODEL_ID": "anthropic.claude"})
	reply.Timeout, reply.MemoryMB, reply.ReservedConcurrency = 15*time.Minute, 512, ptr(50)
	reply.Async = lambdart.AsyncConfig{
		MaxRetryAttempts: ptr(2), MaxEventAge: 20 * time.Minute, OnFailure: "arn:aws:sqs:ap-northeast-1:111122223333:kaiwa-DeadLetters",
	}
	notify := function("NotifyFunction", "notify", nil)
	notify.Name, notify.ARN = "kaiwa-notify", "arn:aws:lambda:ap-northeast-1:111122223333:function:kaiwa-notify"
	want := []sam.Function{
		function("ConnectFunction", "connect", map[string]string{
			"NOTIFY_FUNCTION": "kaiwa-notify", "ORIGINS": "https://a.example,https://b.example",
		}),
		function("DisconnectFunction", "disconnect", nil),
		function("SendMessageFunction", "sendmessage", map[string]string{
			"REPLY_FUNCTION": reply.ARN, "VERBOSE": "false", "LIMIT": "8", "RATIO": "1.1", "EMPTY": "",
		}),
		reply, notify,
	}
	equal(t, "functions", load(t, "chat.yaml", &chatOptions).Functions(), want)

	o := chatOptions
	o.Parameters = map[string]string{"Auth": "jwt", "CallbackUrl": "https://chat.example/ws"}
	got := load(t, "chat.yaml", &o).Functions()
	callback = "https://chat.example/ws"
	equal(t, "authorizer", got[0], function("AuthorizerFunction", "authorizer", nil))
	if len(got) != 6 {
		t.Errorf("%d functions", len(got))
	}
}

func TestChatAPI(t *testing.T) {
	proxy := func(name string, timeout time.Duration) *apigw.Integration {
		return &apigw.Integration{Type: "AWS_PROXY", Function: "kaiwa-" + name, Timeout: timeout}
	}
	message := apigw.Route{Integration: proxy("SendMessageFunction", 10*time.Second)}
	want := apigw.API{
		ID: "abcde12345", RouteSelectionExpression: "$request.body.action",
		Stage: apigw.Stage{
			Name: "dev", Throttle: apigw.Throttle{Rate: 100.5, Burst: 200},
			RouteThrottle: map[string]apigw.Throttle{"sendMessage": {Rate: 10, Burst: 20}},
		},
		Routes: map[string]apigw.Route{
			"$connect":    {Authorization: "NONE", Integration: proxy("ConnectFunction", 0)},
			"$disconnect": {Integration: proxy("DisconnectFunction", 0)},
			"$default":    message,
			"sendMessage": message,
			"ping": {Response: true, Integration: &apigw.Integration{
				Type: "MOCK", RequestTemplates: map[string]string{"$default": `{"statusCode":200}`}, TemplateSelectionExpression: `\$default`,
				Responses: map[string]apigw.IntegrationResponse{"$default": {
					Templates:                   map[string]string{"$default": `{"type":"pong","connection":"$context.connectionId"}`},
					TemplateSelectionExpression: `\$default`,
				}},
			}},
		},
	}
	for auth, connect := range map[string]apigw.Route{
		"none": {Authorization: "NONE"},
		"iam":  {Authorization: "AWS_IAM"},
		"jwt": {Authorization: "CUSTOM", Authorizer: &apigw.Authorizer{
			Name: "token", Function: "kaiwa-AuthorizerFunction", IdentitySources: []string{"route.request.header.Sec-WebSocket-Protocol"},
		}},
		"apikey": {Authorization: "NONE", APIKeyRequired: true},
	} {
		o := chatOptions
		o.Parameters = map[string]string{"Auth": auth}
		connect.Integration = proxy("ConnectFunction", 0)
		want.Routes["$connect"] = connect
		tmpl := load(t, "chat.yaml", &o)
		equal(t, auth, tmpl.APIs(), []apigw.API{want})
		if auth == "apikey" {
			keys := tmpl.APIKeys()
			if len(keys) != 1 || keys[0].Name != "clients" || !keys[0].Enabled || keys[0].Value != "" || keys[0].ID != tmpl.Outputs()["KeyId"] {
				t.Errorf("keys = %+v, outputs = %v", keys, tmpl.Outputs())
			}
		} else if len(tmpl.APIKeys()) != 0 {
			t.Errorf("%s: keys = %+v", auth, tmpl.APIKeys())
		}
	}
}

func TestChatTheRest(t *testing.T) {
	tmpl := load(t, "chat.yaml", &chatOptions)
	equal(t, "outputs", tmpl.Outputs(), map[string]string{
		"Url":      "wss://abcde12345.execute-api.ap-northeast-1.amazonaws.com/dev",
		"Endpoint": "wss://abcde12345.execute-api.ap-northeast-1.amazonaws.com",
	})
	equal(t, "tables", tmpl.Tables(), []sam.Table{{Name: "kaiwa-Table", TTLAttribute: "ttl", Create: []byte(`{` +
		`"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"S"},{"AttributeName":"gpk","AttributeType":"S"}],` +
		`"BillingMode":"PAY_PER_REQUEST",` +
		`"GlobalSecondaryIndexes":[{"IndexName":"g1","KeySchema":[{"AttributeName":"gpk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],"Projection":{"ProjectionType":"ALL"}}],` +
		`"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],"TableName":"kaiwa-Table"}`)}})
	equal(t, "ignored", tmpl.Ignored(), []string{
		"testdata/chat.yaml:" + lineOf(t, "testdata/chat.yaml", "Bus:") + ": NotifyFunction: event Bus of type EventBridgeRule cannot run here: invoke the function yourself",
		"testdata/chat.yaml:" + lineOf(t, "testdata/chat.yaml", "Zone:") + ": output Zone cannot be told: Fn::Select: Fn::GetAZs: there are no availability zones here: make it a parameter",
		"AWS::Lambda::Permission: 2 resources without meaning here",
		"AWS::Logs::LogGroup: 1 resource without meaning here",
		"AWS::SQS::Queue: 1 resource without meaning here",
	})
}

func TestNodeSample(t *testing.T) {
	tmpl := load(t, "node.json", nil)
	const arn = "arn:aws:lambda:us-east-1:123456789012:function:local-"
	equal(t, "functions", tmpl.Functions(), []sam.Function{
		{
			Function: lambdart.Function{
				Name: "local-OnConnect", LogicalID: "OnConnect", Alias: "src", ARN: arn + "OnConnect", Handler: "app.handler", Runtime: "nodejs22.x",
				Dir: filepath.Join("testdata", "onconnect", "src"), MemoryMB: 128,
				Env: map[string]string{
					"TABLE_NAME": "connections", "TABLE_ARN": "arn:aws:dynamodb:us-east-1:123456789012:table/connections",
					"SECOND": "b", "LAST": "c", "ENCODED": "bG9jYWwgJHtMaXRlcmFsfQ==", "DEBUG": "true", "RATIO": "0.5",
				},
				Async: lambdart.AsyncConfig{MaxRetryAttempts: ptr(0), MaxEventAge: time.Minute, OnFailure: arn + "SendMessage"},
			},
			CodeURI: "onconnect/src", Architectures: []string{"x86_64"},
		},
		{
			Function:      lambdart.Function{Name: "local-SendMessage", LogicalID: "SendMessage", ARN: arn + "SendMessage", Handler: "index.handler", Runtime: "nodejs22.x"},
			Architectures: []string{"x86_64"}, InlineCode: "exports.handler = async () => ({ statusCode: 200 });",
		},
	})
	apis := tmpl.APIs()
	equal(t, "apis", apis, []apigw.API{{
		ID: apis[0].ID, RouteSelectionExpression: "$request.body.message", APIKeySelectionExpression: "$context.authorizer.usageIdentifierKey",
		Stage: apigw.Stage{Name: "Prod", Variables: map[string]string{"color": "blue"}},
		Routes: map[string]apigw.Route{
			"$connect": {}, "$default": {Integration: &apigw.Integration{Type: "AWS_PROXY", Function: "local-OnConnect"}},
		},
	}})
	equal(t, "tables", tmpl.Tables(), []sam.Table{{Name: "connections", Create: []byte(`{` +
		`"AttributeDefinitions":[{"AttributeName":"connectionId","AttributeType":"S"}],"KeySchema":[{"AttributeName":"connectionId","KeyType":"HASH"}],` +
		`"ProvisionedThroughput":{"ReadCapacityUnits":5,"WriteCapacityUnits":5},"TableName":"connections"}`)}})
	equal(t, "outputs", tmpl.Outputs(), map[string]string{"Table": "arn:aws:dynamodb:us-east-1:123456789012:table/connections", "Prod": "Prod"})
	at := func(mark string) string { return "testdata/node.json:" + lineOf(t, "testdata/node.json", mark) + ": " }
	equal(t, "ignored", tmpl.Ignored(), []string{
		at(`"StreamSpecification"`) + "ConnectionsTable: a table's stream cannot run here: nothing reads it",
		at(`"Layers"`) + "OnConnect: layers cannot run here: put what they have into the function",
		at(`"S3Bucket"`) + "Packaged: code in S3 or a registry cannot run here: name its folder in Code",
		at(`"Web"`) + "Web: an API of type HTTP cannot run here: only WebSocket APIs are emulated",
		at(`"Message": {`) + "Message: its RouteResponse has no effect without RouteResponseSelectionExpression: $default",
		at(`"Beta"`) + "Beta: a second stage of an API cannot run here: the first one does",
	})
}

// lineOf finds the line on which mark stands first.
func lineOf(t *testing.T, file, mark string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, _, ok := strings.Cut(string(data), mark)
	if !ok {
		t.Fatalf("no %s in %s", mark, file)
	}
	n, _ := json.Marshal(1 + strings.Count(before, "\n"))
	return string(n)
}

func TestPythonSample(t *testing.T) {
	tmpl := load(t, "python.yaml", &sam.Options{Parameters: map[string]string{"Env": "prod"}, APIID: "chat123456", Partition: "aws-cn", URLSuffix: "amazonaws.com.cn", Region: "cn-north-1"})
	const arn = "arn:aws-cn:lambda:cn-north-1:123456789012:function:local-"
	python := func(id, folder string) sam.Function {
		return sam.Function{
			Function: lambdart.Function{
				Name: "local-" + id, LogicalID: id, Alias: folder, ARN: arn + id, Handler: "app.handler", Runtime: "python3.13", Dir: filepath.Join("testdata", folder),
				Timeout: 5 * time.Second, Env: map[string]string{"ENV": "prod", "ON": "true"},
			},
			CodeURI: folder, Architectures: []string{"x86_64"},
		}
	}
	connect := python("Connect", "src")
	connect.MemoryMB, connect.Env["STAGE"], connect.Env["API"] = 1024, "live", "chat123456"
	connect.Async.OnFailure = "arn:aws-cn:sqs:cn-north-1:123456789012:local-ConnectEventInvokeConfigOnFailureQueue"
	authorize := python("Authorize", "auth")
	authorize.Handler, authorize.Timeout, authorize.Env, authorize.Published = "auth.handler", 0, nil, []string{"live"}
	inline := python("Inline", "")
	inline.Handler, inline.Timeout, inline.Env, inline.Dir = "index.handler", 0, nil, ""
	inline.InlineCode = `def handler(e, c): return {"statusCode": 200}`
	equal(t, "functions", tmpl.Functions(), []sam.Function{connect, authorize, inline, python("OnlyProd", "prod")})

	equal(t, "apis", tmpl.APIs(), []apigw.API{{
		ID: "chat123456", RouteSelectionExpression: "$request.body.action",
		Stage: apigw.Stage{Name: "live", Variables: map[string]string{"a": "1"}, Throttle: apigw.Throttle{Burst: 5}},
		Routes: map[string]apigw.Route{
			"$connect": {
				Authorization: "CUSTOM", Integration: &apigw.Integration{Type: "AWS_PROXY", Function: "local-Connect"},
				Authorizer: &apigw.Authorizer{Name: "tokens", Function: "local-Authorize", IdentitySources: []string{"route.request.querystring.token"}},
			},
			"say": {APIKeyRequired: true, Integration: &apigw.Integration{Type: "AWS_PROXY", Function: "local-Authorize", Timeout: 3 * time.Second}},
		},
	}})
	equal(t, "tables", tmpl.Tables(), []sam.Table{
		{Name: "local-Rooms", Create: []byte(`{"AttributeDefinitions":[{"AttributeName":"room","AttributeType":"N"}],"BillingMode":"PAY_PER_REQUEST","KeySchema":[{"AttributeName":"room","KeyType":"HASH"}],"TableName":"local-Rooms"}`)},
		{Name: "local-Plain", Create: []byte(`{"AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],"BillingMode":"PROVISIONED","KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],"ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":2},"TableName":"local-Plain"}`)},
	})
	out := tmpl.Outputs()
	if out["Topic"] != "arn:aws-cn:sns:cn-north-1:123456789012:local-Topic" || out["Bucket"] != "arn:aws-cn:s3:::local-Bucket" ||
		out["Other"] != "local-Thing.Anything" || !strings.HasPrefix(out["Id"], "arn:aws-cn:cloudformation:cn-north-1:123456789012:stack/local/") {
		t.Errorf("outputs = %v", out)
	}
	ignored := strings.Join(tmpl.Ignored(), "\n")
	for _, want := range []string{
		"Boxed: a container image cannot run here: use a zip package",
		"Web: AWS::Serverless::HttpApi cannot run here: only WebSocket APIs are emulated",
		"Thing: Custom::Thing cannot run here: nothing is deployed here",
	} {
		if !strings.Contains(ignored, want) {
			t.Errorf("no %q in %s", want, ignored)
		}
	}
}

// The files *.transformed.json are what AWS's own SAM translator (1.110.0) makes
// of the samples, with S3 code locations put back to folders. Both must mean the
// same to us, but for what the plain resources no longer say: Metadata, the
// events, and which queue SAM made.
func TestSameAsTranslated(t *testing.T) {
	for _, c := range []struct {
		name       string
		parameters map[string]string
	}{
		{"chat", nil},
		{"chat", map[string]string{"Auth": "jwt", "CallbackUrl": "https://x", "StageName": "prod"}},
		{"chat", map[string]string{"Auth": "apikey", "Burst": "7"}},
		{"python", nil},
		{"python", map[string]string{"Env": "prod"}},
	} {
		o := &sam.Options{Parameters: c.parameters}
		own, translated := load(t, c.name+".yaml", o), load(t, c.name+".transformed.json", o)
		simple := func(tmpl *sam.Template) map[string]sam.Function {
			all := make(map[string]sam.Function)
			for _, f := range tmpl.Functions() {
				f.BuildMethod = ""
				if len(f.Env) == 0 {
					f.Env = nil
				}
				all[f.LogicalID] = f
			}
			return all
		}
		equal(t, c.name+" functions", simple(own), simple(translated))
		equal(t, c.name+" apis", own.APIs(), translated.APIs())
		equal(t, c.name+" keys", own.APIKeys(), translated.APIKeys())
		equal(t, c.name+" outputs", own.Outputs(), translated.Outputs())
		names := func(tables []sam.Table) (names []string) {
			for _, table := range tables {
				names = append(names, table.Name+" "+table.TTLAttribute)
			}
			slices.Sort(names)
			return names
		}
		equal(t, c.name+" tables", names(own.Tables()), names(translated.Tables()))
	}
}

func TestLoadNoFile(t *testing.T) {
	if _, err := sam.Load("testdata/no.yaml", nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("err = %v", err)
	}
}

// TestRole: the policies of a function's role, wherever they stand, and why they may
// not be all.
func TestRole(t *testing.T) {
	const fn = "Transform: AWS::Serverless-2016-10-31\nResources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties: {CodeUri: f, Handler: bootstrap, Runtime: provided.al2023ROLE}\n"
	const role = "  R:\n    Type: AWS::IAM::Role\n    Properties:\n      AssumeRolePolicyDocument: {}\n      Policies:\n        - {PolicyName: p, PolicyDocument: {Statement: [{Effect: Allow, Action: a:b, Resource: !Sub 'arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:local-F'}, !Ref AWS::NoValue]}}\n"
	const inline = `{"Statement":[{"Action":"a:b","Effect":"Allow","Resource":"arn:aws:lambda:us-east-1:123456789012:function:local-F"}]}`
	const own = ", Role: !GetAtt R.Arn"
	for _, c := range []struct {
		name, template, unknown string
		policies                map[string]string
	}{
		{"SAM's", strings.Replace(fn, "ROLE", "", 1), "its role is made by SAM", nil},
		{"elsewhere", strings.Replace(fn, "ROLE", ", Role: 'arn:aws:iam::1:role/x'", 1), "its role is not in this template", nil},
		{"inline", strings.Replace(fn, "ROLE", own, 1) + role, "", map[string]string{"R/p": inline}},
		{"beside one for what is not here", strings.Replace(fn, "ROLE", own, 1) + role + "  O: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {}, Path: !Cidr x}}\n", "", map[string]string{"R/p": inline}},
		{"managed", strings.Replace(fn, "ROLE", own, 1) + role + "      ManagedPolicyArns: ['arn:aws:iam::aws:policy/x', y]\n", "managed policy x, y", map[string]string{"R/p": inline}},
		{"managed, for what is not here", strings.Replace(fn, "ROLE", own, 1) + role + "      ManagedPolicyArns:\n" +
			"        - arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole\n" +
			"        - arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess\n" +
			"        - !Sub 'arn:${AWS::Partition}:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole'\n", "", map[string]string{"R/p": inline}},
		{"somebody's of that name", strings.Replace(fn, "ROLE", own, 1) + role + "      ManagedPolicyArns: ['arn:aws:iam::1:policy/AWSXRayDaemonWriteAccess']\n",
			"managed policy AWSXRayDaemonWriteAccess", map[string]string{"R/p": inline}},
		{"managed, of the template", strings.Replace(fn, "ROLE", own, 1) + role + "      ManagedPolicyArns: [!Ref M]\n" +
			"  M: {Type: AWS::IAM::ManagedPolicy, Properties: {PolicyDocument: {Statement: []}}}\n", "", map[string]string{"R/p": inline, "M": `{"Statement":[]}`}},
		{"attached", strings.Replace(fn, "ROLE", own, 1) + role +
			"  P: {Type: AWS::IAM::Policy, Properties: {PolicyName: q, Roles: [!Ref R], PolicyDocument: {Statement: []}}}\n" +
			"  Q: {Type: AWS::IAM::RolePolicy, Properties: {PolicyName: q, RoleName: !Ref R, PolicyDocument: {Version: '2012-10-17'}}}\n" +
			"  O: {Type: AWS::IAM::Policy, Properties: {PolicyName: o, Roles: [other], PolicyDocument: {Statement: []}}}\n",
			"", map[string]string{"R/p": inline, "P": `{"Statement":[]}`, "Q": `{"Version":"2012-10-17"}`}},
	} {
		tmpl, err := sam.Parse("t.yaml", []byte(c.template), nil)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		got, err := tmpl.Role(tmpl.Functions()[0])
		if err != nil || got.Unknown != c.unknown || len(got.Policies) != len(c.policies) {
			t.Errorf("%s: %+v, %v", c.name, got, err)
		}
		for name, want := range c.policies {
			if string(got.Policies[name]) != want {
				t.Errorf("%s: %s is %s, want %s", c.name, name, got.Policies[name], want)
			}
		}
	}
}
