package stack_test

import (
	"path/filepath"
	"strings"
	"testing"

	"kaiwa/local/stack"
	"kaiwa/pkg/emu/ddb"
)

// A function finds AWS here, or there, with the keys that fit.
func TestEnvironment(t *testing.T) {
	user := []string{
		"AWS_ACCESS_KEY_ID=mine", "AWS_SECRET_ACCESS_KEY=secret", "AWS_BEARER_TOKEN_BEDROCK=token", "AWS_REGION=eu-west-1",
		"AWS_ENDPOINT_URL=http://127.0.0.1:1", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true", "OTHER=1",
	}
	ca := filepath.Join(t.TempDir(), "ca.pem")
	bundle := filepath.Join(t.TempDir(), "bundle.pem")
	elsewhere, _ := ddb.Start(t, nil)
	tests := []struct {
		name string
		o    stack.Options
		want map[string]string // HERE is the listener
	}{
		{"all here", stack.Options{Environ: user, CAFile: ca, CABundle: bundle}, map[string]string{
			"AWS_ENDPOINT_URL_DYNAMODB": "http://HERE", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "http://HERE",
			"AWS_ENDPOINT_URL_LAMBDA": "http://HERE", "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI": "http://HERE/dev",
			"CALLBACK": "http://HERE/dev", "HOST": "HERE",
			"AWS_BEARER_TOKEN_BEDROCK": "", "AWS_REGION": region, "OTHER": "",
			"AWS_CA_BUNDLE": ca, "NODE_EXTRA_CA_CERTS": ca, "SSL_CERT_FILE": bundle, "REQUESTS_CA_BUNDLE": bundle, "CURL_CA_BUNDLE": bundle,
			"AWS_ENDPOINT_URL": "http://HERE", "AWS_EC2_METADATA_DISABLED": "true",
		}},
		{"table elsewhere", stack.Options{Environ: user, DynamoDB: elsewhere}, map[string]string{
			"AWS_ENDPOINT_URL_DYNAMODB": elsewhere, "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "http://HERE",
			"AWS_CA_BUNDLE": "",
		}},
		{"bedrock", stack.Options{Environ: user, CAFile: ca, CABundle: bundle, Bedrock: true}, map[string]string{
			"AWS_ENDPOINT_URL_DYNAMODB": "http://HERE", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "", "AWS_ENDPOINT_URL": "",
			"AWS_ACCESS_KEY_ID": "mine", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "", "AWS_BEARER_TOKEN_BEDROCK": "token",
			"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "", "AWS_REGION": region, "OTHER": "", "AWS_CA_BUNDLE": bundle, "NODE_EXTRA_CA_CERTS": ca,
		}},
	}
	for _, tt := range tests {
		s := start(t, "none", &tt.o)
		ws := dial(t, s.URL(), nil)
		for name, want := range tt.want {
			want = strings.ReplaceAll(want, "HERE", strings.TrimPrefix(here(s), "http://"))
			if got := say(t, ws, "env "+name); got != "is "+want {
				t.Errorf("%s: %s %s, want %s", tt.name, name, got, want)
			}
		}
	}
}

const twoAPIs = `
Resources:
  A:
    Type: AWS::ApiGatewayV2::Api
    Properties: {Name: a, ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.action}
  AStage:
    Type: AWS::ApiGatewayV2::Stage
    Properties: {ApiId: !Ref A, StageName: one, AutoDeploy: true}
  B:
    Type: AWS::ApiGatewayV2::Api
    Properties: {Name: b, ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.action}
  BStage:
    Type: AWS::ApiGatewayV2::Stage
    Properties: {ApiId: !Ref B, StageName: two, AutoDeploy: true}
`

// APIs are told apart by their stages.
func TestTwoAPIs(t *testing.T) {
	s := run(t, parse(t, "two.yaml", twoAPIs, nil), nil)
	dial(t, s.URL(), nil)
	dial(t, strings.Replace(s.URL(), "/one", "/two", 1), nil)
	if n := s.Stats().Opened; n != 2 || !strings.HasSuffix(s.URL(), "/one") {
		t.Errorf("%d opened at %s", n, s.URL())
	}
}
