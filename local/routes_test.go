package main

import (
	"slices"
	"strings"
	"testing"

	"kaiwa/pkg/emu/sam"
)

// api is an API of the template under test: its routes, key=function.
func api(stage string, auth string, routes ...string) string {
	var b strings.Builder
	b.WriteString("  Api" + stage + ":\n    Type: AWS::Serverless::WebSocketApi\n    Properties:\n      StageName: " + stage +
		"\n      RouteSelectionExpression: $request.body.action\n" + auth + "      Routes:\n")
	for _, r := range routes {
		key, function, _ := strings.Cut(r, "=")
		b.WriteString("        " + key + ": {FunctionArn: !GetAtt " + function + ".Arn}\n")
	}
	return b.String()
}

// What cannot run is fatal only where nothing is left that could be used.
func TestJudge(t *testing.T) {
	const functions = `Transform: AWS::Serverless-2016-10-31
Resources:
  Good: {Type: AWS::Serverless::Function, Properties: {Runtime: nodejs22.x, Handler: a.b}}
  Bad: {Type: AWS::Serverless::Function, Properties: {Runtime: java21, Handler: a.b}}
  Boxed: {Type: AWS::Serverless::Function, Properties: {PackageType: Image, ImageUri: x}}
`
	const auth = "      Auth: {AuthType: CUSTOM, AuthArn: !GetAtt Bad.Arn}\n"
	for _, tt := range []struct {
		name, apis string
		lines      []string
		fatal      string
	}{
		{"all good", api("a", "", "$connect=Good", "$default=Good"), []string{"t.yaml:4: Bad: why"}, ""},
		{"one route", api("a", "", "$connect=Good", "x=Bad", "y=Boxed", "z=Good"), []string{
			"t.yaml:13: Apia: route x answers “Internal server error”: Bad: why",
			"t.yaml:14: Apia: route y answers “Internal server error”: Boxed: a container image cannot run here: use a zip package",
		}, ""},
		{"$disconnect", api("a", "", "$disconnect=Bad", "z=Good"), []string{"t.yaml:12: Apia: route $disconnect does nothing: Bad: why"}, ""},
		{"$connect", api("a", "", "$connect=Bad", "z=Good"), nil, "nobody can connect to the stage a: Bad: why"},
		{"authorizer", api("a", auth, "$connect=Good", "z=Good"), nil, "nobody can connect to the stage a: Bad: why"},
		{"no route left", api("a", "", "$connect=Good", "x=Bad", "y=Bad"), nil,
			"no route of the stage a can run: t.yaml:13: Apia: route x answers “Internal server error”: Bad: why; t.yaml:14: Apia: route y answers “Internal server error”: Bad: why"},
		{"only $connect", api("a", "", "$connect=Good"), []string{"t.yaml:4: Bad: why"}, ""},
		{"one API of two", api("a", "", "$connect=Bad", "z=Good") + api("b", "", "z=Good"), []string{"nobody can connect to the stage a: Bad: why"}, ""},
		{"both APIs", api("a", "", "$connect=Bad") + api("b", "", "z=Boxed"), nil,
			"nobody can connect to the stage a: Bad: why; no route of the stage b can run: t.yaml:19: Apib: route z answers “Internal server error”: Boxed: a container image cannot run here: use a zip package"},
	} {
		template, err := sam.Parse("t.yaml", []byte(functions+tt.apis), nil)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := judge(template, map[string]string{"local-Bad": "why"})
		if fatal := err != nil; fatal != (tt.fatal != "") || fatal && err.Error() != tt.fatal || !slices.Equal(lines, tt.lines) {
			t.Errorf("%s: %q, %v; want %q, %q", tt.name, lines, err, tt.lines, tt.fatal)
		}
	}
}
