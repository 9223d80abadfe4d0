package apigw_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"kaiwa/pkg/emu/apigw"
)

const connectARN = "arn:aws:execute-api:us-east-1:123456789012:abc123/dev/$connect"

// customAPI is testAPI with an authorizer on $connect.
func customAPI(a apigw.Authorizer) apigw.API {
	a.Name, a.Function = "auth", "authorizer"
	api := testAPI()
	connect := api.Routes["$connect"]
	connect.Authorization, connect.Authorizer = "CUSTOM", &a
	api.Routes["$connect"] = connect
	return api
}

func statementOf(effect string, resource any) map[string]any {
	return map[string]any{"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}
}

func policyOf(statements ...any) map[string]any {
	return map[string]any{
		"principalId":    "me",
		"policyDocument": map[string]any{"Version": "2012-10-17", "Statement": statements},
	}
}

func allowing(context map[string]any) map[string]any {
	p := policyOf(statementOf("Allow", connectARN))
	p["context"] = context
	return p
}

func TestAuthorizerOutcomes(t *testing.T) {
	allow := statementOf("Allow", connectARN)
	conditional := statementOf("Allow", connectARN)
	conditional["Condition"] = map[string]any{"IpAddress": map[string]any{}}
	noPrincipal := policyOf(allow)
	delete(noPrincipal, "principalId")
	for _, tt := range []struct {
		name string
		out  any
		err  error
		want int
	}{
		{"Allow", policyOf(allow), nil, 101},
		{"Deny", policyOf(statementOf("Deny", connectARN)), nil, 403},
		{"Deny wins", policyOf(allow, statementOf("Deny", "*")), nil, 403},
		{"other ARN", policyOf(statementOf("Allow", strings.Replace(connectARN, "dev", "prod", 1))), nil, 403},
		{"REST-style stage/*/*", policyOf(statementOf("Allow", strings.Replace(connectARN, "$connect", "*/*", 1))), nil, 403},
		{"stage/*", policyOf(statementOf("Allow", strings.Replace(connectARN, "$connect", "*", 1))), nil, 101},
		{"? and lists", policyOf(statementOf("Allow", []string{"x", strings.Replace(connectARN, "dev", "d?v", 1)})), nil, 101},
		{"action in other case", policyOf(map[string]any{"Action": []string{"EXECUTE-API:*"}, "Effect": "Allow", "Resource": "*"}), nil, 101},
		{"other action", policyOf(map[string]any{"Action": "execute-api:ManageConnections", "Effect": "Allow", "Resource": "*"}), nil, 403},
		{"no statements", policyOf(), nil, 403},
		{"throws Unauthorized", nil, errors.New("Unauthorized"), 401},
		{"throws something else", nil, errors.New("unauthorized"), 500},
		{"not a policy", "yes", nil, 500},
		{"nothing", nil, nil, 500},
		{"simple response", map[string]any{"isAuthorized": true}, nil, 500},
		{"no principalId", noPrincipal, nil, 500},
		{"Condition", policyOf(conditional), nil, 500},
		{"bad effect", policyOf(statementOf("Maybe", "*")), nil, 500},
		{"no resource", policyOf(map[string]any{"Action": "*", "Effect": "Allow"}), nil, 500},
		{"nested context", allowing(map[string]any{"x": []int{1}}), nil, 500},
	} {
		r := start(t, customAPI(apigw.Authorizer{}), functions{
			"authorizer": func(context.Context, []byte) (any, error) { return tt.out, tt.err },
		}, nil)
		if _, status := r.tryDial("", nil); status != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, status, tt.want)
		}
		if ran := len(r.events) > 0; ran != (tt.want == 101) {
			t.Errorf("%s: $connect ran: %v", tt.name, ran)
		}
	}
}

func TestAuthorizerTimeout(t *testing.T) {
	hang := functions{"authorizer": func(context.Context, []byte) (any, error) {
		<-time.After(time.Minute)
		return nil, nil
	}}
	bubble(t, customAPI(apigw.Authorizer{}), hang, nil, func(r *rig) {
		if _, status := r.tryDial("", nil); status != 500 {
			t.Errorf("%d", status)
		}
	})
}

func TestAuthorizerResultSize(t *testing.T) {
	for size, want := range map[int]int{7 << 10: 101, 9 << 10: 500} {
		out := allowing(map[string]any{"claim": strings.Repeat("x", size)})
		r := start(t, customAPI(apigw.Authorizer{}), functions{
			"authorizer": func(context.Context, []byte) (any, error) { return out, nil },
		}, nil)
		if _, status := r.tryDial("", nil); status != want {
			t.Errorf("%d bytes: %d, want %d", size, status, want)
		}
	}
}

func TestIdentitySources(t *testing.T) {
	calls := 0
	api := customAPI(apigw.Authorizer{IdentitySources: []string{
		"route.request.header.Authorization", "route.request.querystring.token",
		"stageVariables.env", "context.identity.sourceIp",
	}})
	api.Stage.Variables = map[string]string{"env": "x"}
	r := start(t, api, functions{"authorizer": func(context.Context, []byte) (any, error) {
		calls++
		return allowing(nil), nil
	}}, nil)
	for _, tt := range []struct {
		query, header string
		want          int
	}{
		{"", "", 401}, {"?token=1", "", 401}, {"", "secret", 401}, {"?token=", "secret", 401}, {"?token=1", "secret", 101},
	} {
		if _, status := r.tryDial(tt.query, withHeader("authorization", tt.header)); status != tt.want {
			t.Errorf("%q %q: %d, want %d", tt.query, tt.header, status, tt.want)
		}
	}
	if calls != 1 {
		t.Errorf("the function ran %d times", calls)
	}
}

func TestAuthorizerContext(t *testing.T) {
	out := allowing(map[string]any{"s": "text", "n": 1.5, "b": true, "none": nil})
	r := start(t, customAPI(apigw.Authorizer{}), functions{
		"authorizer": func(context.Context, []byte) (any, error) { return out, nil },
	}, nil)
	c := r.dial("", nil)
	c.send("hi")
	_ = c.Close(websocket.StatusNormalClosure, "")
	for range 3 {
		e := r.event()
		a := e.RequestContext.Authorizer
		if a["principalId"] != "me" || a["s"] != "text" || a["n"] != "1.5" || a["b"] != "true" || len(a) != 5 {
			t.Errorf("%s: %v", e.RequestContext.EventType, a)
		}
		if _, ok := a["integrationLatency"].(float64); !ok {
			t.Errorf("integrationLatency is %v", a["integrationLatency"])
		}
	}
}
