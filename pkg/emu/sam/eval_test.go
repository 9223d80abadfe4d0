package sam_test

import (
	"slices"
	"strings"
	"testing"

	"kaiwa/pkg/emu/sam"
)

// head is a template that outputs can be added to.
const head = `Transform: AWS::Serverless-2016-10-31
Parameters:
  P: {Type: String, Default: value}
  List: {Type: CommaDelimitedList, Default: 'a, b ,c'}
  Empty: {Type: CommaDelimitedList, Default: ''}
  Num: {Type: Number, Default: 010}
  Flag: {Type: String, Default: on}
Mappings: {M: {a: {b: deep, l: [x, y]}}}
Conditions:
  Same: !Equals [!Ref P, value]
  Other: !Not [!Condition Same]
  Both: !And [!Condition Same, !Equals [!Join ['', !Ref List], abc]]
  Either: !Or [!Condition Other, Condition: Same]
  Long: {'Fn::And': [{Condition: Same}, {'Fn::Not': [{'Fn::Equals': [a, b]}]}]}
  Lazy: !Or [!Condition Same, !Condition Either]
Resources:
  Fn: {Type: AWS::Serverless::Function, Properties: {Runtime: go, Handler: h, FunctionName: !Sub '${P}-fn', AutoPublishAlias: green}}
  Gone: {Type: AWS::SQS::Queue, Condition: Other}
  Queue: {Type: AWS::SQS::Queue, Properties: {QueueName: jobs}}
  Topic: {Type: AWS::SNS::Topic}
  Role: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {}}}
  Logs: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: /aws/x}}
  T: {Type: AWS::DynamoDB::Table, Properties: {TableName: t, AttributeDefinitions: [], KeySchema: []}}
  Odd: {Type: AWS::Foo::Bar}
  Version: {Type: AWS::Lambda::Version, Properties: {FunctionName: !GetAtt Fn.Arn}}
  Alias: {Type: AWS::Lambda::Alias, Properties: {FunctionName: !Ref Fn, FunctionVersion: $LATEST, Name: live}}
Outputs:
`

func TestIntrinsics(t *testing.T) {
	for expression, want := range map[string]string{
		`plain`:                         "plain",
		`!Ref P`:                        "value",
		`{Ref: P}`:                      "value",
		`!Ref Num`:                      "8",
		`!Ref Flag`:                     "true",
		`!Ref AWS::Region`:              "eu-west-1",
		`!Ref AWS::AccountId`:           "123456789012",
		`!Ref AWS::Partition`:           "aws",
		`!Ref AWS::URLSuffix`:           "amazonaws.com",
		`!Ref AWS::StackName`:           "local",
		`!Sub 'x-${P}-${AWS::Region}'`:  "x-value-eu-west-1",
		`!Sub '${!P}$${P}$P${'`:         "${P}$value$P${",
		`!Sub ['${A}${P}', {A: 1.50}]`:  "1.5value",
		`!Sub ['${P}', {P: own}]`:       "own",
		`!Sub '${Queue.Arn}'`:           "arn:aws:sqs:eu-west-1:123456789012:jobs",
		`{'Fn::Sub': '${Fn}'}`:          "value-fn",
		`!Ref Fn`:                       "value-fn",
		`!GetAtt Fn.Arn`:                "arn:aws:lambda:eu-west-1:123456789012:function:value-fn",
		`!GetAtt [Fn, Arn]`:             "arn:aws:lambda:eu-west-1:123456789012:function:value-fn",
		`!Ref Version`:                  "arn:aws:lambda:eu-west-1:123456789012:function:value-fn",
		`!Ref Fn.Alias`:                 "arn:aws:lambda:eu-west-1:123456789012:function:value-fn:green",
		`!Ref Alias`:                    "arn:aws:lambda:eu-west-1:123456789012:function:value-fn:live",
		`!Ref Queue`:                    "https://sqs.eu-west-1.amazonaws.com/123456789012/jobs",
		`!GetAtt Queue.QueueName`:       "jobs",
		`!Ref Topic`:                    "arn:aws:sns:eu-west-1:123456789012:local-Topic",
		`!GetAtt Role.Arn`:              "arn:aws:iam::123456789012:role/local-Role",
		`!GetAtt Logs.Arn`:              "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/x:*",
		`!GetAtt T.Arn`:                 "arn:aws:dynamodb:eu-west-1:123456789012:table/t",
		`!Ref Odd`:                      "local-Odd",
		`!GetAtt Odd.Thing.More`:        "local-Odd.Thing.More",
		`!If [Same, a, b]`:              "a",
		`!If [Other, a, b]`:             "b",
		`!If [Both, a, b]`:              "a",
		`!If [Either, a, b]`:            "a",
		`!If [Long, a, b]`:              "a",
		`!If [Lazy, !Ref P, !Ref Gone]`: "value",
		`!Join [-, [a, !Ref P, 3]]`:     "a-value-3",
		`!Join [-, !Ref List]`:          "a-b-c",
		`!Join [-, !Ref Empty]`:         "",
		`!Join ['', [a, !If [Other, b, !Ref 'AWS::NoValue'], c]]`: "ac",
		`!Select [1, !Ref List]`:                                  "b",
		`!Select ['0', [a, b]]`:                                   "a",
		`!Select [2, !Split ['|', 'a|b|c']]`:                      "c",
		`!FindInMap [M, a, b]`:                                    "deep",
		`!FindInMap [M, !Select [0, !Ref List], b]`:               "deep",
		`!Join [+, !FindInMap [M, a, l]]`:                         "x+y",
		`!Base64 hello`:                                           "aGVsbG8=",
		"|\n      two\n      lines":                               "two\nlines\n",

		`!Ref Nope`:                  "! Ref: no parameter or resource Nope: correct the name",
		`!Ref Gone`:                  "! Ref: Gone does not exist: its Condition is false; use Fn::If here too",
		`!Ref List`:                  "! must be a string, not a list",
		`!Ref AWS::NoValue`:          "! must be a string, not AWS::NoValue",
		`!Ref AWS::Nope`:             "! Ref: no pseudo parameter AWS::Nope: there are Region, AccountId, Partition, URLSuffix, StackName, StackId, NotificationARNs and NoValue",
		`!Ref [P]`:                   "! Ref: must name a parameter or resource, not a list",
		`!GetAtt Fn`:                 "! Fn::GetAtt: must be Resource.Attribute or [Resource, Attribute]",
		`!GetAtt [Fn]`:               "! Fn::GetAtt: must be Resource.Attribute or [Resource, Attribute]",
		`!GetAtt Fn.Name`:            "! Fn::GetAtt: AWS::Serverless::Function has no attribute Name",
		`!GetAtt T.Nope`:             "! Fn::GetAtt: AWS::DynamoDB::Table has no attribute Nope",
		`!Sub '${Nope}'`:             "! Fn::Sub: no parameter or resource Nope: correct the name",
		`!Sub '${P }'`:               "! Fn::Sub: ${P }: a variable has letters, digits, _ . and : only; write ${!P } for the text itself",
		`!Sub '${List}'`:             "! Fn::Sub: ${List} is a list: only a string can stand in a string",
		`!Sub [a]`:                   "! Fn::Sub: must be a string or [string, mapping]",
		`!Sub {a: b}`:                "! Fn::Sub: must be a string or [string, mapping]",
		`!If [Nope, a, b]`:           "! Fn::If: no condition Nope: add it to Conditions",
		`!If [Same, a]`:              "! Fn::If: must be [condition, value if true, value if false]",
		`!Join [a, b]`:               "! Fn::Join: wants a list, not \"b\"",
		`!Join [a, [[b]]]`:           "! Fn::Join: can join strings only, not a list",
		`!Split ['', a]`:             "! Fn::Split: the delimiter must be a string that is not empty, not \"\"",
		`!Select [3, !Ref List]`:     "! Fn::Select: no item \"3\" in a list of 3",
		`!Select [-1, !Ref List]`:    "! Fn::Select: no item \"-1\" in a list of 3",
		`!FindInMap [M, a, c]`:       "! Fn::FindInMap: no M.a.c in Mappings: add it",
		`!FindInMap [N, a, c]`:       "! Fn::FindInMap: no N in Mappings: add it",
		`!Equals [a, a]`:             "! Fn::Equals: belongs in Conditions: name it there and use Fn::If",
		`!ImportValue [x]`:           "! Fn::ImportValue: must be a string, not a list",
		`!GetAZs ''`:                 "! Fn::GetAZs: there are no availability zones here: make it a parameter",
		`!Cidr [a, b]`:               "! Fn::Cidr: is not evaluated here: write its value or make it a parameter",
		`{'Fn::Nope': a}`:            "! Fn::Nope: is not evaluated here: write its value or make it a parameter",
		`!Base64 [a]`:                "! Fn::Base64: must be a string, not a list",
		`{a: b}`:                     "! must be a string, not a mapping",
		`!Sub ['${X}', {X: !Ref N}]`: "! Fn::Sub: Ref: no parameter or resource N: correct the name",
	} {
		tmpl, err := sam.Parse("t.yaml", []byte(head+"  Out:\n    Value: "+expression+"\n"), &sam.Options{Region: "eu-west-1"})
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		wrong, isError := strings.CutPrefix(want, "! ")
		got := tmpl.Outputs()["Out"]
		if isError {
			wrong = "output Out cannot be told: " + wrong
			if !slices.ContainsFunc(tmpl.Ignored(), func(line string) bool { return strings.HasSuffix(line, ": "+wrong) }) {
				t.Errorf("%s: %q, want %s", expression, tmpl.Ignored(), wrong)
			}
		} else if got != want {
			t.Errorf("%s = %q (%q), want %q", expression, got, tmpl.Ignored(), want)
		}
	}
}

func TestEnvironmentIsStrings(t *testing.T) {
	env := map[string][2]string{ // what is written and what arrives; from PyYAML 6 and Python's json
		"A": {"OFF", "false"}, "B": {"on", "true"}, "C": {"Yes", "true"}, "D": {"y", "y"}, "E": {"'off'", "off"},
		"F": {"1.10", "1.1"}, "G": {"1.0", "1.0"}, "H": {"010", "8"}, "I": {"0x1F", "31"}, "J": {"1e3", "1e3"},
		"K": {"1.5e+3", "1500.0"}, "L": {"22:30", "1350"}, "M": {"1_000", "1000"}, "N": {"0b11", "3"}, "O": {"08", "08"},
		"P": {"-5", "-5"}, "Q": {"+5", "5"}, "R": {".5", "0.5"}, "S": {"5.", "5.0"}, "T": {"2012-10-17", "2012-10-17"},
		"U": {"012345678912", "012345678912"}, "V": {"1:30:45", "5445"}, "W": {"190:20:30.15", "685230.15"},
		"X": {"0777", "511"}, "Y": {"123456789012345678901234567890", "123456789012345678901234567890"}, "Z": {"1.e+22", "1e+22"},
		"AA": {"0.00001", "1e-05"}, "AB": {"!!str 12", "12"}, "AC": {"-0", "0"}, "AD": {"|-\n            x: y", "x: y"}, "AE": {"1__0", "10"},
		"AF": {"-1.5", "-1.5"}, "AG": {".inf", ".inf"}, "AH": {"0o17", "0o17"}, "AI": {"!!int '7'", "7"}, "AJ": {"'null'", "null"},
	}
	var b strings.Builder
	b.WriteString("Transform: AWS::Serverless-2016-10-31\nResources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n" +
		"      Runtime: go\n      Handler: h\n      Environment:\n        Variables:\n")
	for k, v := range env {
		b.WriteString("          " + k + ": " + v[0] + "\n")
	}
	tmpl, err := sam.Parse("t.yaml", []byte(b.String()), nil)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range env {
		if got := tmpl.Functions()[0].Env[k]; got != v[1] {
			t.Errorf("%s arrives as %q, want %q", v[0], got, v[1])
		}
	}
}

func TestAliasesAreUnique(t *testing.T) {
	tmpl, err := sam.Parse("dir/t.yaml", []byte(`Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Runtime: go, Handler: h}}
Resources:
  A: {Type: AWS::Serverless::Function, Properties: {CodeUri: a/src}}
  B: {Type: AWS::Serverless::Function, Properties: {CodeUri: b/src/}}
  C: {Type: AWS::Serverless::Function, Properties: {CodeUri: ../c}}
  D: {Type: AWS::Serverless::Function}
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range tmpl.Functions() {
		got = append(got, f.Alias+":"+f.CodeURI)
	}
	equal(t, "aliases", got, []string{":a/src", ":b/src", "c:../c", ":."})
}

func TestAllowedValues(t *testing.T) {
	tmpl, err := sam.Load("../../../template.yaml", &sam.Options{Parameters: map[string]string{"Auth": "none"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := tmpl.AllowedValues("Auth"); !slices.Equal(got, []string{"iam", "jwt", "apikey", "none"}) {
		t.Errorf("Auth: %q", got)
	}
	for _, name := range []string{"JwtIssuer", "NoSuch"} {
		if got := tmpl.AllowedValues(name); got != nil {
			t.Errorf("%s: %q", name, got)
		}
	}
}
