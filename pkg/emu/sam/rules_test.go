package sam_test

import (
	"fmt"
	"strings"
	"testing"

	"kaiwa/pkg/emu/sam"
)

const ruled = `Parameters:
  Who: {Type: String, Default: a}
  Hosts: {Type: CommaDelimitedList, Default: "x,y"}
Rules:
  R:
    RuleCondition: !Not [!Equals [!Ref Who, nobody]]
    Assertions:
      - Assert: ASSERT
        AssertDescription: Who is wrong
Resources:
  Q: {Type: AWS::SQS::Queue}
`

func TestRules(t *testing.T) {
	const wrong = "t.yaml:8: rule R: Who is wrong"
	for _, c := range []struct{ assert, who, want string }{
		{"{Fn::Contains: [[a, b], !Ref Who]}", "a", ""},
		{"{Fn::Contains: [[a, b], !Ref Who]}", "c", wrong},
		{"{Fn::Contains: [[a, b], !Ref Who]}", "nobody", ""}, // the condition is false
		{"!Not [{Fn::Contains: [[a, b], !Ref Who]}]", "a", wrong},
		{"{Fn::EachMemberEquals: [!Ref Hosts, x]}", "a", wrong},
		{"{Fn::EachMemberEquals: [[x, x], x]}", "a", ""},
		{"{Fn::EachMemberIn: [!Ref Hosts, [x, y, z]]}", "a", ""},
		{"{Fn::EachMemberIn: [!Ref Hosts, [x]]}", "a", wrong},
		{"!Equals [!Ref Who, b]", "a", wrong},
		{"{Fn::Contains: [[a]]}", "a", "t.yaml:8: rule R: Fn::Contains: must be [list, value]"},
		{"{Fn::Contains: [a, b]}", "a", `t.yaml:8: rule R: Fn::Contains: wants a list, not "a"`},
	} {
		_, err := sam.Parse("t.yaml", []byte(strings.Replace(ruled, "ASSERT", c.assert, 1)), &sam.Options{Parameters: map[string]string{"Who": c.who}})
		if got := strings.TrimPrefix(fmt.Sprint(err), "<nil>"); got != c.want {
			t.Errorf("%s with %s: %s, want %s", c.assert, c.who, got, c.want)
		}
	}
	for template, want := range map[string]string{
		"Rules: {R: {}}\n" + queue:                                                                   "t.yaml:1: rule R: needs Assertions, a list",
		"Rules: {R: {Assertions: [{}]}}\n" + queue:                                                   "t.yaml:1: rule R: needs Assert",
		"Rules: {R: {Assertions: [{Assert: !Equals [a, b]}]}}\n" + queue:                             "t.yaml:1: rule R: does not hold",
		"Conditions: {C: {Fn::Contains: [[a], a]}}\n" + queue:                                        "t.yaml:1: condition C: must be Fn::Equals, Fn::And, Fn::Or, Fn::Not or Condition",
		"Rules: {R: {Assertions: [{Assert: {Fn::EachMemberIn: [{Fn::RefAll: T}, [a]]}}]}}\n" + queue: "",
	} {
		tmpl, err := sam.Parse("t.yaml", []byte(template), nil)
		if got := strings.TrimPrefix(fmt.Sprint(err), "<nil>"); got != want {
			t.Errorf("%s: %s, want %s", template, got, want)
		}
		if err == nil && (len(tmpl.Ignored()) == 0 || tmpl.Ignored()[0] != "t.yaml:1: rule R is not checked: there is no Fn::RefAll here") {
			t.Errorf("ignored %q", tmpl.Ignored())
		}
	}
}
