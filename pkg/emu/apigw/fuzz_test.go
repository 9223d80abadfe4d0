package apigw_test

import (
	"strings"
	"testing"

	"kaiwa/pkg/emu/apigw"
)

func FuzzRouteSelection(f *testing.F) {
	for _, expr := range []string{"$request.body.action", "${request.body.a['b']}x", `\$default`, "$request.body[0", "${", "$", "$request.body[']"} {
		f.Add(expr, `{"action":"echo","a":{"b":[1,2.50,null]}}`)
	}
	f.Fuzz(func(t *testing.T, expr, body string) {
		got, err := apigw.ChooseKey(expr, body)
		if err == nil && !strings.ContainsAny(expr, `$\`) && got != expr {
			t.Errorf("static %q became %q", expr, got)
		}
	})
}

func FuzzTemplate(f *testing.F) {
	for _, src := range []string{
		`{"statusCode":200}`, "$context.connectionId", "${context.stage}", "$input.json('$.a.b[0]')",
		"$util.escapeJavaScript($util.escapeJavaScript($input.body))", "#set($x=1)", "$!{", "$util.escapeJavaScript('",
		"$stageVariables['", "\\$",
	} {
		f.Add(src, `{"a":{"b":["x"]}}`)
	}
	f.Fuzz(func(t *testing.T, src, body string) {
		got, err := apigw.Render(src, body)
		if err == nil && !strings.ContainsAny(src, `$#\`) && got != src {
			t.Errorf("text %q became %q", src, got)
		}
	})
}

// FuzzSignature: whatever a request says of its signature, nobody gets in by it who
// does not know the secret.
func FuzzSignature(f *testing.F) {
	const header = "AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/execute-api/aws4_request, SignedHeaders=host;x-amz-date, Signature=00"
	f.Add(header, "20260101T000000Z", "")
	f.Add("", "", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID/20260101/us-east-1/execute-api/aws4_request&X-Amz-Date=20260101T000000Z&X-Amz-Expires=300&X-Amz-SignedHeaders=host&X-Amz-Signature=00")
	f.Add("AWS4-HMAC-SHA256 =,=,", "\x00", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=-1&X-Amz-SignedHeaders=;;")
	f.Add("AWS4-HMAC-SHA256 Credential=////, SignedHeaders=;, Signature=", "", "%zz")
	f.Fuzz(func(t *testing.T, authorization, date, query string) {
		if apigw.Verifies(t, authorization, date, query) {
			t.Errorf("let in by %q %q %q", authorization, date, query)
		}
	})
}

// FuzzResults: whatever a function returns as an authorizer or for a route, it is
// understood or refused, and nothing that is not said is granted.
func FuzzResults(f *testing.F) {
	for _, out := range []string{
		`{"principalId":"u","policyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"arn:x"}]},"context":{"a":1,"b":true,"c":null}}`,
		`{"principalId":7,"policyDocument":{"Statement":{"Effect":"Allow","Action":["*"],"Resource":["*"],"Condition":{"Bool":{"k":true}}}}}`,
		`{"statusCode":200,"headers":{"Sec-WebSocket-Protocol":"a"},"body":"x"}`, `{"statusCode":"403","multiValueHeaders":{"a":["b"]}}`,
		`{"statusCode":99}`, `{"policyDocument":null}`, `null`, `[]`, `"x"`, `{`,
	} {
		f.Add([]byte(out))
	}
	f.Fuzz(func(t *testing.T, out []byte) {
		if apigw.Grants(out, "arn:x") && !strings.Contains(strings.ToLower(string(out)), "allow") {
			t.Errorf("%q grants", out)
		}
		if status := apigw.ProxyStatus(out); status != 0 && (status < 100 || status > 599) {
			t.Errorf("status %d", status)
		}
	})
}
