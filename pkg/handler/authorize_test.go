package handler_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/handler"
)

// tokens is a Verifier that knows one good token.
type tokens struct {
	good  string
	asked []string
}

func (v *tokens) Verify(_ context.Context, token string) (chat.Identity, error) {
	v.asked = append(v.asked, token)
	if token != v.good {
		return chat.Identity{}, errors.New("verify token: it is no good")
	}
	return chat.Identity{User: "https://issuer alice"}, nil
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
		`{"Action":["execute-api:Invoke"],"Effect":"Allow","Resource":["` + methodArn + `"]}]}}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
