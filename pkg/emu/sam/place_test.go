package sam_test

import (
	"testing"

	"kaiwa/pkg/emu/sam"
)

// What Template hands out knows where it stands.
func TestPlaces(t *testing.T) {
	tmpl, err := sam.Parse("dir/t.yaml", []byte(socket+`  R: {Type: AWS::ApiGatewayV2::Route, Properties: {ApiId: !Ref Api, RouteKey: a, Target: !Sub 'integrations/${I}'}}
  W:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: $request.body.action
      Routes:
        a: {FunctionArn: !GetAtt F.Arn}
        b:
          FunctionArn: !GetAtt F.Arn
  T: {Type: AWS::DynamoDB::Table, Properties: {AttributeDefinitions: [], KeySchema: []}}
  S: {Type: AWS::Serverless::SimpleTable}
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, own := tmpl.APIs()[0].ID, tmpl.APIs()[1].ID
	for _, tt := range []struct {
		got  sam.Place
		want string
	}{
		{tmpl.FunctionPlace("local-F"), "dir/t.yaml:4: F"},
		{tmpl.APIPlace(raw), "dir/t.yaml:8: Api"},
		{tmpl.RoutePlace(raw, "a"), "dir/t.yaml:11: R"},
		{tmpl.APIPlace(own), "dir/t.yaml:13: W"},
		{tmpl.RoutePlace(own, "a"), "dir/t.yaml:17: W"},
		{tmpl.RoutePlace(own, "b"), "dir/t.yaml:19: W"},
		{tmpl.TablePlace("local-T"), "dir/t.yaml:20: T"},
		{tmpl.TablePlace("local-S"), "dir/t.yaml:21: S"},
	} {
		if tt.got.String() != tt.want {
			t.Errorf("%v, want %s", tt.got, tt.want)
		}
	}
	if p := tmpl.RoutePlace(raw, "nope"); p != (sam.Place{}) {
		t.Errorf("no such route: %v", p)
	}
}
