package service_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// issuer is an OpenID Connect issuer with one key.
type issuer struct {
	*httptest.Server
	t      *testing.T
	secret ed25519.PrivateKey
}

const audience = "kaiwa"

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	public, secret, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	is := &issuer{t: t, secret: secret}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		is.say(w, map[string]any{"issuer": is.URL, "jwks_uri": is.URL + "/keys"})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		is.say(w, map[string]any{"keys": []any{map[string]any{
			"kid": "k", "kty": "OKP", "crv": "Ed25519", "use": "sig", "x": base64.RawURLEncoding.EncodeToString(public),
		}}})
	})
	is.Server = httptest.NewServer(mux)
	t.Cleanup(is.Close)
	return is
}

func (is *issuer) say(w http.ResponseWriter, v any) {
	if err := json.NewEncoder(w).Encode(v); err != nil {
		is.t.Error(err)
	}
}

// token is a user's, good for an hour, with some more claims.
func (is *issuer) token(user string, more jwt.MapClaims) string {
	is.t.Helper()
	now := time.Now()
	claims := jwt.MapClaims{"iss": is.URL, "aud": audience, "sub": user, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}
	for k, v := range more {
		claims[k] = v
	}
	t := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims)
	t.Header["kid"] = "k"
	text, err := t.SignedString(is.secret)
	if err != nil {
		is.t.Fatal(err)
	}
	return text
}

// params are the template's for this issuer.
func (is *issuer) params() map[string]string {
	return map[string]string{"Auth": "jwt", "JwtIssuer": is.URL, "JwtAudience": audience}
}

// bearer is how a program brings a token.
func bearer(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }
