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
