package service_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	localissuer "kaiwa/local/issuer"
)

// issuer is local's own issuer of tokens, on a socket of its own.
type issuer struct {
	*localissuer.Issuer
	t *testing.T
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	is, err := localissuer.New(server.URL, "kaiwa")
	if err != nil {
		t.Fatal(err)
	}
	is.Register(mux, "", "/token")
	return &issuer{is, t}
}

// token is a user's, good for an hour, with some more claims.
func (is *issuer) token(user string, more map[string]any) string {
	is.t.Helper()
	text, err := is.Token(user, time.Hour, more)
	if err != nil {
		is.t.Fatal(err)
	}
	return text
}

// params are the template's for this issuer.
func (is *issuer) params() map[string]string {
	return map[string]string{"Auth": "jwt", "JwtIssuer": is.URL(), "JwtAudience": is.Audience()}
}

// bearer is how a program brings a token.
func bearer(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }
