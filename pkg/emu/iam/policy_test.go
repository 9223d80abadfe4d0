package iam_test

import (
	"encoding/json"
	"strings"
	"testing"

	"kaiwa/pkg/emu/iam"
)

func policy(t *testing.T, statements string) iam.Policy {
	t.Helper()
	var p iam.Policy
	if err := json.Unmarshal([]byte(`{"Version":"2012-10-17","Statement":`+statements+`}`), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

const table = "arn:aws:dynamodb:us-east-1:123456789012:table/t"

func TestAllows(t *testing.T) {
	const query = `{"Effect":"Allow","Action":"dynamodb:Query","Resource":"` + table + `"}`
	when := func(condition string) string {
		return `{"Effect":"Allow","Action":"dynamodb:Query","Resource":"*","Condition":` + condition + `}`
	}
	leading := when(`{"ForAllValues:StringLike":{"dynamodb:LeadingKeys":["C#*","V#1"]}}`)
	context := func(key string, values ...string) map[string][]string { return map[string][]string{key: values} }
	tests := []struct {
		name, statements string
		action, resource string
		context          map[string][]string
		want             bool
	}{
		{"named", query, "dynamodb:Query", table, nil, true},
		{"nothing", `[]`, "dynamodb:Query", table, nil, false},
		{"other action", query, "dynamodb:Scan", table, nil, false},
		{"other resource", query, "dynamodb:Query", table + "/index/i", nil, false},
		{"case of the action", query, "DynamoDB:query", table, nil, true},
		{"case of the resource", query, "dynamodb:Query", strings.ToUpper(table), nil, false},
		{"lists", `{"Effect":"Allow","Action":["a:b","dynamodb:*"],"Resource":["x","arn:aws:dynamodb:*:*:table/?"]}`, "dynamodb:Query", table, nil, true},
		{"deny wins", `[` + query + `,{"Effect":"Deny","Action":"*","Resource":"*"}]`, "dynamodb:Query", table, nil, false},
		{"a deny elsewhere", `[` + query + `,{"Effect":"Deny","Action":"*","Resource":"x"}]`, "dynamodb:Query", table, nil, true},
		{"leading keys", leading, "dynamodb:Query", table, context("dynamodb:leadingkeys", "C#a", "V#1"), true},
		{"one leading key too many", leading, "dynamodb:Query", table, context("dynamodb:leadingkeys", "C#a", "V#2"), false},
		{"for all values of none", leading, "dynamodb:Query", table, nil, true},
		{"for any value", when(`{"ForAnyValue:StringEquals":{"k":["a","b"]}}`), "dynamodb:Query", table, context("k", "x", "b"), true},
		{"for any value of none", when(`{"ForAnyValue:StringEquals":{"k":"a"}}`), "dynamodb:Query", table, nil, false},
		{"equal", when(`{"StringEquals":{"aws:PrincipalTag/X":"a"}}`), "dynamodb:Query", table, context("aws:principaltag/x", "a"), true},
		{"not equal", when(`{"StringEquals":{"k":"a"}}`), "dynamodb:Query", table, context("k", "A"), false},
		{"no key", when(`{"StringEquals":{"k":"a"}}`), "dynamodb:Query", table, nil, false},
		{"if exists", when(`{"StringEqualsIfExists":{"k":"a"}}`), "dynamodb:Query", table, nil, true},
		{"negative", when(`{"StringNotLike":{"k":"a*"}}`), "dynamodb:Query", table, context("k", "ab"), false},
		{"negative without key", when(`{"StringNotEquals":{"k":"a"}}`), "dynamodb:Query", table, nil, true},
		{"both conditions", when(`{"StringEquals":{"k":"a","l":"b"}}`), "dynamodb:Query", table, context("k", "a"), false},
		{"ARN", when(`{"ArnLike":{"aws:SourceArn":"arn:aws:*:*:1:t*"}}`), "dynamodb:Query", table, context("aws:sourcearn", "arn:aws:sns:us-east-1:1:topic"), true},
		{"ARN parts", when(`{"ArnLike":{"aws:SourceArn":"arn:aws:*:1:t"}}`), "dynamodb:Query", table, context("aws:sourcearn", "arn:aws:sns:us-east-1:1:t"), false},
		{"unquoted boolean", when(`{"Bool":{"aws:SecureTransport":true}}`), "dynamodb:Query", table, context("aws:securetransport", "true"), true},
	}
	for _, tt := range tests {
		n := iam.Need{Action: tt.action, Resource: tt.resource, Context: tt.context}
		if got := iam.Allows([]iam.Policy{policy(t, tt.statements)}, n); got != tt.want {
			t.Errorf("%s: %t", tt.name, got)
		}
	}
}

func TestPrincipal(t *testing.T) {
	for principal, want := range map[string]bool{`"*"`: true, `{"Service":"sns.amazonaws.com"}`: true, `{"Service":["a","b"],"AWS":"x"}`: false} {
		p := policy(t, `{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"q","Principal":`+principal+`}`)
		n := iam.Need{Action: "sqs:SendMessage", Resource: "q", Principal: "Service:sns.amazonaws.com"}
		if got := iam.Allows([]iam.Policy{p}, n); got != want {
			t.Errorf("%s: %t", principal, got)
		}
	}
}

// What is not emulated is refused: ignored, it would allow what AWS denies.
func TestRefused(t *testing.T) {
	for name, statement := range map[string]string{
		"NotAction":       `{"Effect":"Allow","NotAction":"a:b","Resource":"*"}`,
		"NotResource":     `{"Effect":"Allow","Action":"a:b","NotResource":"*"}`,
		"NotPrincipal":    `{"Effect":"Allow","Action":"a:b","Resource":"*","NotPrincipal":"*"}`,
		"effect":          `{"Effect":"Perhaps","Action":"a:b","Resource":"*"}`,
		"no action":       `{"Effect":"Allow","Resource":"*"}`,
		"no resource":     `{"Effect":"Allow","Action":"a:b"}`,
		"unknown element": `{"Effect":"Allow","Action":"a:b","Resource":"*","Actions":"c"}`,
		"operator":        `{"Effect":"Allow","Action":"a:b","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}`,
		"variable":        `{"Effect":"Allow","Action":"a:b","Resource":"x/${aws:username}"}`,
		"variable value":  `{"Effect":"Allow","Action":"a:b","Resource":"*","Condition":{"StringEquals":{"k":"${aws:username}"}}}`,
		"value":           `{"Effect":"Allow","Action":"a:b","Resource":"*","Condition":{"StringEquals":{"k":{}}}}`,
		"not a statement": `7`,
	} {
		var p iam.Policy
		if err := json.Unmarshal([]byte(`{"Version":"2012-10-17","Statement":`+statement+`}`), &p); err == nil {
			t.Errorf("%s is accepted: %+v", name, p)
		}
	}
}

// FuzzPolicy: no document makes reading or judging panic.
func FuzzPolicy(f *testing.F) {
	f.Add(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"a:*","Resource":"*","Principal":{"Service":["x"]},"Condition":{"ForAllValues:StringLike":{"K":["a*"]}}}]}`)
	f.Add(`{"Statement":{"Effect":"Deny","Action":["a:b"],"Resource":["x?y*"],"Condition":{"Bool":{"k":true}}}}`)
	f.Fuzz(func(t *testing.T, document string) {
		var p iam.Policy
		if json.Unmarshal([]byte(document), &p) != nil {
			return
		}
		iam.Allows([]iam.Policy{p}, iam.Need{Action: "a:b", Resource: "xyz", Context: map[string][]string{"k": {"a", "true"}}})
	})
}

func FuzzGlob(f *testing.F) {
	f.Add("a*b?c", "axxbyc")
	f.Add("**", "")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if !iam.Glob("*", s) || !iam.Glob(s+"*", s) || !iam.Glob("*"+s, s) {
			t.Errorf("* does not match %q", s)
		}
		if !strings.ContainsAny(pattern, "*?") && iam.Glob(pattern, s) != (pattern == s) {
			t.Errorf("plain %q against %q", pattern, s)
		}
	})
}
