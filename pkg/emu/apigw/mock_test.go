package apigw_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"kaiwa/pkg/emu/apigw"
)

func mockRoute(i apigw.Integration) apigw.Route {
	i.Type = "MOCK"
	return apigw.Route{Integration: &i, Response: true}
}

func templates(key, text string) map[string]string { return map[string]string{key: text} }

func TestMock(t *testing.T) {
	pong := func(text string) apigw.IntegrationResponse {
		return apigw.IntegrationResponse{Templates: templates("$default", text)}
	}
	for _, tt := range []struct {
		name, body, want string
		i                apigw.Integration
	}{
		{"a ping", `{"action":"m"}`, `{"type":"pong","connection":"ID"}`, apigw.Integration{
			RequestTemplates: templates("$default", `{"statusCode":200}`),
			Responses:        map[string]apigw.IntegrationResponse{"$default": pong(`{"type":"pong","connection":"$context.connectionId"}`)},
		}},
		{"templates by static key, as CDK writes it", `{"action":"m"}`, "pong", apigw.Integration{
			RequestTemplates:            templates("200", `{"statusCode":200}`),
			TemplateSelectionExpression: "200",
			Responses: map[string]apigw.IntegrationResponse{"/200/": {
				Templates: templates("200", "pong"), TemplateSelectionExpression: "200"}},
		}},
		{"escaped $default, only template", `{"action":"m"}`, "pong", apigw.Integration{
			RequestTemplates:            templates("$default", `{"statusCode":200}`),
			TemplateSelectionExpression: `\$default`,
			Responses:                   map[string]apigw.IntegrationResponse{"/200/": {Templates: templates("200", "pong")}},
		}},
		{"status from the message, pattern before $default", `{"action":"m","code":404}`, "4xx", apigw.Integration{
			RequestTemplates: templates("$default", `{"statusCode":$input.json('$.code')}`),
			Responses:        map[string]apigw.IntegrationResponse{"$default": pong("other"), `/4\d\d/`: pong("4xx")},
		}},
		{"no pattern matches", `{"action":"m","code":4040}`, "ERROR", apigw.Integration{
			RequestTemplates: templates("$default", `{"statusCode":$input.json('$.code')}`),
			Responses:        map[string]apigw.IntegrationResponse{"$default": pong("other")},
		}},
		{"patterns match the whole code", `{"action":"m"}`, "ERROR", apigw.Integration{
			RequestTemplates: templates("$default", `{"statusCode":200}`),
			Responses:        map[string]apigw.IntegrationResponse{"/20/": pong("no")},
		}},
		{"request template by message", `{"action":"m","v":"b"}`, "two", apigw.Integration{
			RequestTemplates:            map[string]string{"a": `{"statusCode":201}`, "b": `{"statusCode":202}`},
			TemplateSelectionExpression: "${request.body.v}",
			Responses:                   map[string]apigw.IntegrationResponse{"/201/": pong("one"), "/202/": pong("two")},
		}},
		{"response template by status", `{"action":"m"}`, "by code", apigw.Integration{
			RequestTemplates: templates("$default", `{"statusCode":203}`),
			Responses: map[string]apigw.IntegrationResponse{"$default": {
				Templates:                   map[string]string{"203": "by code", "$default": "else"},
				TemplateSelectionExpression: "${integration.response.statuscode}"}},
		}},
		{"no request template selected", `{"action":"m","v":"c"}`, "ERROR", apigw.Integration{
			RequestTemplates:            templates("a", `{"statusCode":200}`),
			TemplateSelectionExpression: "${request.body.v}",
		}},
		{"not JSON", `{"action":"m"}`, "ERROR", apigw.Integration{RequestTemplates: templates("$default", `status 200`)}},
	} {
		api := testAPI()
		api.Routes["m"] = mockRoute(tt.i)
		r := start(t, api, nil, nil)
		c := r.dial("", nil)
		c.send(tt.body)
		got := strings.ReplaceAll(c.recv(), c.id, "ID")
		if tt.want == "ERROR" && strings.HasPrefix(got, `{"message": "Internal server error", "`) {
			continue
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestMockOneWayAndLifecycle(t *testing.T) {
	api := apigw.API{ID: "a", Stage: apigw.Stage{Name: "dev"}, Routes: map[string]apigw.Route{}}
	i := apigw.Integration{Type: "MOCK", RequestTemplates: templates("$default", `{"statusCode":200}`)}
	for _, key := range []string{"$connect", "$disconnect", "$default"} {
		api.Routes[key] = apigw.Route{Integration: &i}
	}
	bubble(t, api, nil, nil, func(r *rig) {
		c := r.dial("", nil)
		c.send("hi")
		synctest.Wait()
		r.post(c.id, "end")
		if got := c.recv(); got != "end" {
			t.Errorf("a one-way MOCK sent %s", got)
		}
	})
	i.RequestTemplates = templates("$default", `{"statusCode":403}`)
	r := start(t, api, nil, nil)
	if _, status := r.tryDial("", nil); status != 403 {
		t.Errorf("$connect mocked to 403: %d", status)
	}
}

// A MOCK that is not emulated fails alone where the host wants that.
func TestMockPartly(t *testing.T) {
	api := testAPI()
	good := apigw.Integration{RequestTemplates: templates("$default", `{"statusCode":200}`),
		Responses: map[string]apigw.IntegrationResponse{"$default": {Templates: templates("$default", "pong")}}}
	set := apigw.Integration{Type: "MOCK", RequestTemplates: templates("$default", "#set($x = 1){}")}
	api.Routes["good"], api.Routes["set"], api.Routes["bare"] = mockRoute(good), mockRoute(set), mockRoute(apigw.Integration{})
	for key, want := range map[string]string{"good": "", "set": "template $default: #set($x is not emulated in templates", "bare": "MOCK without RequestTemplates is not emulated"} {
		got := ""
		if err := api.Routes[key].Integration.Check(); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
	}
	r := start(t, api, nil, &apigw.Options{Partly: true})
	c := r.dial("", nil)
	for _, key := range []string{"set", "bare"} {
		c.send(`{"action":"` + key + `"}`)
		if got := c.recv(); !strings.HasPrefix(got, `{"message": "Internal server error", "`) {
			t.Errorf("%s: %s", key, got)
		}
	}
	c.send(`{"action":"good"}`)
	if got := c.recv(); got != "pong" {
		t.Errorf("good: %s", got)
	}
}

func TestTemplates(t *testing.T) {
	const body = `{"text":"it's \"5/6\"\né","n":1.50,"list":[{"a":null}]}`
	for _, tt := range []struct{ src, want string }{
		{"plain # text, 5 $ and $5, a.b", "plain # text, 5 $ and $5, a.b"},
		{"$context.connectionId.", "R1kmxc2VNjMCFIA=."},
		{"${context.connectionId}x", "R1kmxc2VNjMCFIA=x"},
		{"$!{context.connectionId}$!context.messageId!", "R1kmxc2VNjMCFIA=!"},
		{"$context.authorizer.principalId/$context.authorizer.other", "me/"},
		{"$stageVariables.env$stageVariables['env']${stageVariables['env']}$stageVariables.no", "testtesttest"},
		{"$input.body", body},
		{"$input.json('$.n') $input.json(\"$.list[0]\")", `1.50 {"a":null}`},
		{"$input.json('$.text')", `"it's \"5/6\"\né"`},
		{"$input.json('$.missing')", `""`},
		{"$input.json('$')", `{"list":[{"a":null}],"n":1.50,"text":"it's \"5/6\"\né"}`},
		{"$util.escapeJavaScript($input.json('$.text'))", `\"it\'s \\\"5\/6\\\"\\n\u00E9\"`},
		{"$util.escapeJavaScript('a/b')", `a\/b`},
		{"$util.escapeJavaScript(\"😀\")", `\uD83D\uDE00`},
	} {
		if got, err := apigw.Render(tt.src, body); got != tt.want || err != nil {
			t.Errorf("%s\n got %s, %v\nwant %s", tt.src, got, err, tt.want)
		}
	}
}

func TestTemplatesRefused(t *testing.T) {
	for _, src := range []string{
		"#set($x = 1)", "#if(true)x#end", "## comment", "#* c *#", "#[[raw]]#", "#{else}", "#ff0000",
		"$foo", "$x.y", "${foo}", "$context.nosuch", "$context", "$context.connectionId.length()",
		"$context.connectionId[0]", "$context.error.message", "$context.status", "$input", "$input.path('$.x')",
		"$input.params('x')", "$input.json($x)", "$input.json('x')", "$input.json('$..x')", "$input.json('$.x",
		"$input.json('$.x').length()", "$input.body.length()", "$util.urlEncode('x')", "$util.escapeJavaScript()",
		"$util.escapeJavaScript(\"$context.stage\")", "$util.escapeJavaScript($input.body).replaceAll(\"\\\\'\",\"'\")",
		"${context.connectionId", "$stageVariables", "$stageVariables[0]", `\$context.stage`, "$!{foo}",
	} {
		if got, err := apigw.Render(src, "{}"); err == nil {
			t.Errorf("%s was rendered as %s", src, got)
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("error of several lines: %v", err)
		}
	}
}
