package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// write puts a template into a folder of its own.
func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "template.yaml")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

const authParameter = "Parameters: {Auth: {Type: String, AllowedValues: [none, iam]}}\n"

// An open API is told how its own template can shut it.
func TestOpenIsTold(t *testing.T) {
	for text, want := range map[string]string{
		mock:                 "(an authorizer, AWS_IAM or an API key on $connect shuts it)\n",
		authParameter + mock: "(-auth shuts it)\n",
	} {
		r := serve(t, "-addr", "127.0.0.1:0", "-template", write(t, text))
		r.stderr.await(t, want)
		if code := r.signalled(t, syscall.SIGTERM); code != 0 {
			t.Errorf("exit %d", code)
		}
	}
}

// A MOCK that is not emulated is named, and its route fails alone.
func TestOneMockIsNotEmulated(t *testing.T) {
	route := func(id, integration string) string {
		return "  " + id + ": {Type: AWS::ApiGatewayV2::Integration, Properties: {ApiId: !Ref Api, IntegrationType: MOCK" + integration + "}}\n" +
			"  " + id + "Route: {Type: AWS::ApiGatewayV2::Route, Properties: {ApiId: !Ref Api, RouteKey: " + strings.ToLower(id) +
			", RouteResponseSelectionExpression: $default, Target: !Sub 'integrations/${" + id + "}'}}\n" +
			"  " + id + "Back: {Type: AWS::ApiGatewayV2::RouteResponse, Properties: {ApiId: !Ref Api, RouteId: !Ref " + id + "Route, RouteResponseKey: $default}}\n"
	}
	file := write(t, mock+
		route("Ping", `, RequestTemplates: {$default: '{"statusCode":200}'}`)+
		"  Pong: {Type: AWS::ApiGatewayV2::IntegrationResponse, Properties: {ApiId: !Ref Api, IntegrationId: !Ref Ping, IntegrationResponseKey: $default, ResponseTemplates: {$default: pong}}}\n"+
		route("Set", `, RequestTemplates: {$default: '#set($a=1){}'}`)+
		route("Bare", ""))
	r := serve(t, "-addr", "127.0.0.1:0", "-template", file)
	for key, want := range map[string]string{"ping": "pong", "set": `{"message": "Internal server error", `, "bare": `{"message": "Internal server error", `} {
		if got := ask(t, r.url, `{"action":"`+key+`"}`); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s", key, got)
		}
	}
	for _, want := range []string{
		"not here: " + file + ":14: SetRoute: route set answers “Internal server error”: template $default: #set($a=1){} is not emulated in templates\n",
		"not here: " + file + ":17: BareRoute: route bare answers “Internal server error”: MOCK without RequestTemplates is not emulated\n",
	} {
		r.stderr.await(t, want)
		if said := r.stderr.String(); strings.Count(said, want) != 1 {
			t.Errorf("not once %q in %q", want, said)
		}
	}
	if code := r.signalled(t, syscall.SIGTERM); code != 0 {
		t.Errorf("exit %d", code)
	}
}

// Every address is told: ready has the first, a line the others.
func TestTwoAPIsAreTold(t *testing.T) {
	second := strings.NewReplacer("Resources:\n", "", "  Api:", "  Other:", "!Ref Api", "!Ref Other", "  Stage:", "  OtherStage:", "StageName: dev", "StageName: prod").Replace(mock)
	r := serve(t, "-addr", "127.0.0.1:0", "-template", write(t, mock+second))
	want := "also " + strings.Replace(r.url, "/dev", "/prod", 1) + " (Other)\n"
	r.stderr.await(t, want)
	if said := r.stderr.String(); strings.Count(said, want) != 1 || strings.Count(said, "also ") != 1 {
		t.Errorf("not once %q in %q", want, said)
	}
	if code := r.signalled(t, syscall.SIGTERM); code != 0 {
		t.Errorf("exit %d", code)
	}
}
