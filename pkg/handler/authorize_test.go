package handler_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/handler"
)

// tokens is a Verifier that knows one good token.
type tokens struct {
	good   string
	topics []string
	asked  []string
}

func (v *tokens) Verify(_ context.Context, token string) (chat.Identity, error) {
	v.asked = append(v.asked, token)
	if token != v.good {
		return chat.Identity{}, errors.New("verify token: it is no good")
	}
	return v.identity(), nil
}

func (v *tokens) identity() chat.Identity {
	return chat.Identity{User: "https://issuer alice", Issued: time.Unix(1763805600, 0), Expires: time.Unix(4102444800, 0), Topics: v.topics}
}

const methodArn = "arn:aws:execute-api:us-east-1:123456789012:abc123/dev/$connect"

// TestAuthorize: where a token may stand, and what API Gateway is told of it.
func TestAuthorize(t *testing.T) {
	const good = "eyJhbGciOi.eyJzdWIi.c2ln"
	tests := map[string]struct {
		headers map[string]string
		token   string // what is verified
	}{
		"a header":                  {map[string]string{"Authorization": "Bearer " + good}, good},
		"in other letters":          {map[string]string{"AUTHORIZATION": "bearer  " + good + " "}, good},
		"a subprotocol":             {map[string]string{"Sec-WebSocket-Protocol": "bearer." + good}, good},
		"a browser's list":          {map[string]string{"sec-websocket-protocol": "kaiwa.v1, bearer." + good + ", x"}, good},
		"the header comes first":    {map[string]string{"Authorization": "Bearer " + good, "Sec-WebSocket-Protocol": "kaiwa.v1, bearer.other"}, good},
		"another scheme beside it":  {map[string]string{"Authorization": "Basic YTpi", "Sec-WebSocket-Protocol": "bearer." + good}, good},
		"a bad token":               {map[string]string{"Authorization": "Bearer other"}, "other"},
		"another scheme":            {map[string]string{"Authorization": "Basic " + good}, ""},
		"no scheme":                 {map[string]string{"Authorization": good}, ""},
		"an empty token":            {map[string]string{"Authorization": "Bearer "}, ""},
		"no token in the protocols": {map[string]string{"Sec-WebSocket-Protocol": "kaiwa.v1"}, ""},
		"nothing":                   {nil, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			log, v := &syncBuffer{}, &tokens{good: good}
			h := &handler.Authorize{Verifier: v, Logger: log.logger()}
			res, err := h.Handle(t.Context(), events.APIGatewayCustomAuthorizerRequestTypeRequest{MethodArn: methodArn, Headers: tt.headers,
				QueryStringParameters: map[string]string{"token": good, "Authorization": "Bearer " + good}}) // a query gets logged: never looked at
			if len(v.asked) != 1 || v.asked[0] != tt.token {
				t.Errorf("verified %q, want %q", v.asked, tt.token)
			}
			if strings.Contains(log.String(), "eyJ") || strings.Contains(log.String(), "other") {
				t.Errorf("the token is logged: %s", log.String())
			}
			if tt.token != good {
				if err == nil || err.Error() != "Unauthorized" || res.PrincipalID != "" || len(res.PolicyDocument.Statement) != 0 || log.String() == "" {
					t.Errorf("got %+v, %v; want the error that makes a 401", res, err)
				}
				return
			}
			mustAllow(t, res, err)
		})
	}
}

// mustAllow checks the answer as API Gateway reads it (aws-facts §5).
func mustAllow(t *testing.T, res events.APIGatewayCustomAuthorizerResponse, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(res)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"principalId":"https://issuer alice","policyDocument":{"Version":"2012-10-17","Statement":[` +
		`{"Action":["execute-api:Invoke"],"Effect":"Allow","Resource":["` + methodArn + `"]}]},` +
		`"context":{"expires":"4102444800","issued":"1763805600"}}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestIdentityTravels: what the authorizer says is what the connection becomes,
// by way of API Gateway, which makes strings of it.
func TestIdentityTravels(t *testing.T) {
	for _, topics := range [][]string{nil, {}, {"builds.*", "with space", `"quoted", 天気`}} {
		v := &tokens{good: "good", topics: topics}
		res, err := (&handler.Authorize{Verifier: v}).Handle(t.Context(),
			events.APIGatewayCustomAuthorizerRequestTypeRequest{MethodArn: methodArn, Headers: map[string]string{"Authorization": "Bearer good"}})
		if err != nil {
			t.Fatal(err)
		}
		authorizer := map[string]any{"principalId": res.PrincipalID, "integrationLatency": 5}
		for name, value := range res.Context {
			if _, is := value.(string); !is {
				t.Errorf("%s is a %T", name, value)
			}
			authorizer[name] = value
		}
		c := connected(t, "jwt", authorizer)
		if want := v.identity(); c.User != want.User || !c.Expires.Equal(want.Expires) || !reflect.DeepEqual(c.Topics, want.Topics) {
			t.Errorf("became %+v, want %+v", c, want)
		}
	}
}

// TestOddAuthorizer: a context that this code did not make lets nobody in.
func TestOddAuthorizer(t *testing.T) {
	for name, odd := range map[string]map[string]any{
		"no expiry":               {},
		"an expiry of null":       {"expires": nil},
		"an expiry in words":      {"expires": "tomorrow"},
		"an expiry of true":       {"expires": true},
		"an odd time of issue":    {"expires": "1763809200", "issued": "x"},
		"topics that are no JSON": {"expires": "1763809200", "topics": "builds"},
		"topics of null":          {"expires": "1763809200", "topics": "null"},
		"topics that are numbers": {"expires": "1763809200", "topics": "[1]"},
		"topics not in a string":  {"expires": "1763809200", "topics": []any{"a"}},
	} {
		odd["principalId"] = "alice"
		store := &door{}
		res, err := (&handler.Connect{Store: store, Auth: "jwt"}).Handle(t.Context(), events.APIGatewayWebsocketProxyRequest{
			RequestContext: events.APIGatewayWebsocketProxyRequestContext{Authorizer: odd}})
		if err != nil || res.StatusCode != 403 || len(store.opened) != 0 {
			t.Errorf("%s: %d, %v, stored %+v", name, res.StatusCode, err, store.opened)
		}
	}
	if c := connected(t, "jwt", map[string]any{"principalId": "alice", "expires": 1763809200.0}); c.Expires.Unix() != 1763809200 {
		t.Errorf("a number became %v", c.Expires)
	}
}

func connected(t *testing.T, auth string, authorizer any) chat.Connection {
	t.Helper()
	store := &door{}
	res, err := (&handler.Connect{Store: store, Auth: auth}).Handle(t.Context(), events.APIGatewayWebsocketProxyRequest{
		RequestContext: events.APIGatewayWebsocketProxyRequestContext{Authorizer: authorizer}})
	if err != nil || res.StatusCode != 200 || len(store.opened) != 1 {
		t.Fatalf("%d, %v, stored %+v", res.StatusCode, err, store.opened)
	}
	return store.opened[0]
}
