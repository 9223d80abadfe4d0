package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const echo = "testdata/echo/template.yaml"

// Every way to fail is one line on stderr, nothing on stdout and an exit code.
func TestExitCodes(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const socket = "Transform: AWS::Serverless-2016-10-31\nResources:\n  Api:\n    Type: AWS::ApiGatewayV2::Api\n" +
		"    Properties: {Name: a, ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.action}\n" +
		"  Stage:\n    Type: AWS::ApiGatewayV2::Stage\n    Properties: {ApiId: !Ref Api, StageName: dev, AutoDeploy: true}\n"
	function := func(runtime, source string) string {
		return socket + "  Fn:\n    Type: AWS::Serverless::Function\n    Properties: {CodeUri: " + source +
			", Handler: app.handler, Runtime: " + runtime + "}\n" +
			"  Integration:\n    Type: AWS::ApiGatewayV2::Integration\n    Properties: {ApiId: !Ref Api, IntegrationType: AWS_PROXY, " +
			"IntegrationUri: !Sub 'arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/${Fn.Arn}/invocations'}\n" +
			"  Connect:\n    Type: AWS::ApiGatewayV2::Route\n    Properties: {ApiId: !Ref Api, RouteKey: $connect, Target: !Sub 'integrations/${Integration}'}\n"
	}
	route := func(more string) string {
		return socket + "  Fn:\n    Type: AWS::ApiGatewayV2::Integration\n    Properties: {ApiId: !Ref Api, IntegrationType: MOCK, RequestTemplates: {$default: '{\"statusCode\":200}'}}\n" +
			"  Route:\n    Type: AWS::ApiGatewayV2::Route\n    Properties: {ApiId: !Ref Api, Target: !Sub 'integrations/${Fn}', " + more + "}\n"
	}
	program := "  Fn:\n    Type: AWS::Serverless::Function\n    Properties: {CodeUri: bin, Handler: bootstrap, Runtime: provided.al2023, Environment: {Variables: {AWS_REGION: x}}}\n"
	if err := os.Chmod(write("bin/bootstrap", "#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	const table = "  T:\n    Type: AWS::DynamoDB::Table\n    Properties: {BillingMode: PAY_PER_REQUEST, AttributeDefinitions: [{AttributeName: a, AttributeType: S}], KeySchema: [{AttributeName: b, KeyType: HASH}]}\n"
	write("go.mod", "module broken\n\ngo 1.26.0\n")
	write("fn/main.go", "package main\n\nfunc main() {\n\tbroken()\n}\n")
	const free = "127.0.0.1:0"
	tests := []struct {
		name string
		args []string
		code int
		want string
	}{
		{"unknown flag", []string{"-nonsense"}, 2, "-nonsense"},
		{"malformed flag", []string{"-addr", free, "-faults", "post=1"}, 2, "unknown fault"},
		{"taken port", []string{"-serve", "-addr", taken.Addr().String()}, 1, "listen on " + taken.Addr().String() + ": address already in use; choose another address with -addr"},
		{"no template", []string{"-serve", "-addr", free, "-template", filepath.Join(folder, "none.yaml")}, 1, "none.yaml"},
		{"broken template", []string{"-serve", "-addr", free, "-template", write("broken.yaml", "Resources: [\n")}, 1, "broken.yaml"},
		{"no API", []string{"-serve", "-addr", free, "-template", write("empty.yaml", "Resources:\n  T:\n    Type: AWS::SNS::Topic\n")}, 1, "empty.yaml: there is no WebSocket API to run"},
		{"unknown parameter", []string{"-serve", "-addr", free, "-template", echo, "-param", "Nonsense=1"}, 1, "Nonsense"},
		{"value not allowed", []string{"-serve", "-addr", free, "-template", echo, "-param", "Auth=magic"}, 1, "Auth"},
		{"auth without a parameter", []string{"-serve", "-addr", free, "-auth", "iam", "-template", write("mock.yaml", socket)}, 1,
			"mock.yaml: -auth needs a template with a parameter Auth"},
		{"reserved route", []string{"-serve", "-addr", free, "-template", write("route.yaml", route("RouteKey: $foo"))}, 1,
			"route.yaml:13: Route: route $foo: keys that are empty or begin with $ are reserved"},
		{"AWS_IAM on a message", []string{"-serve", "-addr", free, "-template", write("iam.yaml", route("RouteKey: $default, AuthorizationType: AWS_IAM"))}, 1,
			"iam.yaml:13: Route: route $default: authorization AWS_IAM: only $connect can have one"},
		{"stage name", []string{"-serve", "-addr", free, "-template", write("stage.yaml", strings.Replace(socket, "dev", "pr.od", 1))}, 1,
			`stage.yaml:4: Api: stage name "pr.od": AWS takes`},
		{"reserved variable", []string{"-serve", "-addr", free, "-template", write("env.yaml", socket+program)}, 1,
			"env.yaml:10: Fn: environment variable AWS_REGION is reserved by Lambda: take it out"},
		{"a table AWS refuses", []string{"-serve", "-addr", free, "-template", write("table.yaml", socket+table)}, 1,
			"table.yaml:10: T: create table local-T at http://127.0.0.1:"},
		{"other runtime", []string{"-serve", "-addr", free, "-template", write("java.yaml", function("java21", "fn"))}, 1,
			"java.yaml: nobody can connect to the stage dev: Fn: java21 cannot run here: only Go, Node.js and Python do"},
		{"no handler", []string{"-serve", "-addr", free, "-template", write("node.yaml", function("nodejs22.x", "fn"))}, 1,
			"Fn: handler app.handler: there is no app.js in "},
		{"no source", []string{"-serve", "-addr", free, "-template", write("gone.yaml", function("provided.al2023", "gone"))}, 1, "Fn: there is no folder "},
		{"does not build", []string{"-serve", "-addr", free, "-template", write("build.yaml", function("provided.al2023", "fn"))}, 1, "fn/main.go:4:2: undefined: broken"},
	}
	for _, tt := range tests {
		code, stdout, stderr := ends(t, tt.args...)
		said := strings.TrimPrefix(stderr, "building 1 function … failed\n")
		if code != tt.code || stdout != "" || strings.Count(said, "\n") != 1 || !strings.Contains(filepath.ToSlash(said), tt.want) {
			t.Errorf("%s: exit %d, stdout %q, stderr %q; want exit %d and one line with %q", tt.name, code, stdout, stderr, tt.code, tt.want)
		}
	}
	if code, stdout, stderr := ends(t, "-h"); code != 0 || stderr != "" || !strings.HasPrefix(stdout, "usage: ") {
		t.Errorf("-h: exit %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}
