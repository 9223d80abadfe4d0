package sam_test

import (
	"strings"
	"testing"

	"kaiwa/pkg/emu/sam"
)

const modelled = socket + `  Count:
    Type: AWS::ApiGatewayV2::Model
    Properties:
      ApiId: !Ref Api
      Name: counted
      Schema: {type: object, required: [n], properties: {n: {type: integer, minimum: 1, exclusiveMinimum: yes}}}
  Text: {Type: AWS::ApiGatewayV2::Model, Properties: {ApiId: !Ref Api, Name: text, Schema: '{"type":"string"}'}}
  R:
    Type: AWS::ApiGatewayV2::Route
    Properties:
      ApiId: !Ref Api
      RouteKey: a
      Target: !Sub integrations/${I}
      ModelSelectionExpression: $request.body.kind
      RequestModels: {$default: counted, text: text}
`

func TestModels(t *testing.T) {
	tmpl, err := sam.Parse("t.yaml", []byte(modelled), nil)
	if err != nil {
		t.Fatal(err)
	}
	r := tmpl.APIs()[0].Routes["a"]
	want := `{"properties":{"n":{"exclusiveMinimum":true,"minimum":1,"type":"integer"}},"required":["n"],"type":"object"}`
	if got := string(r.Models["$default"]); r.ModelSelectionExpression != "$request.body.kind" || got != want || string(r.Models["text"]) != `{"type":"string"}` {
		t.Errorf("%s, %s, %s", r.ModelSelectionExpression, got, r.Models["text"])
	}
	for old, wrong := range map[string][2]string{
		"text: text":     {"text: nobody", `t.yaml:25: R: RequestModels: "nobody" is the Name of no model of this API`},
		"Name: counted":  {"Nam: counted", "t.yaml:15: Count: Nam: no such property: did you mean Name?"},
		"Schema: {type:": {"Schem: {type:", "t.yaml:16: Count: Schem: no such property: did you mean Schema?"},
	} {
		_, err := sam.Parse("t.yaml", []byte(strings.Replace(modelled, old, wrong[0], 1)), nil)
		if err == nil || err.Error() != wrong[1] {
			t.Errorf("%s: %v, want %s", wrong[0], err, wrong[1])
		}
	}
}
