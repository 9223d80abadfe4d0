package identity_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"kaiwa/pkg/identity"
)

// answers is an issuer that says what a test wants, without a socket.
type answers struct{ discovery, keys string }

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	body := a.keys
	if strings.HasSuffix(r.URL.Path, "/.well-known/openid-configuration") {
		body = a.discovery
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// FuzzKeys: whatever an issuer publishes as its keys, a token that was signed with
// another key does not get in, and verifying with what was published never panics.
func FuzzKeys(f *testing.F) {
	const issuer = "https://issuer.example"
	const discovery = `{"issuer":"` + issuer + `","jwks_uri":"` + issuer + `/keys"}`
	stranger := map[string]string{}
	for _, alg := range []string{"RS256", "PS384", "ES256", "ES384", "ES512", "EdDSA"} {
		k := newKey(f, "k", alg)
		stranger[alg] = k.sign(f, jwt.MapClaims{"iss": issuer, "sub": "mallory", "aud": audience, "iat": start.Unix(), "exp": start.Unix() + 3600})
		published, err := json.Marshal(map[string]any{"keys": []any{newKey(f, "k", alg).jwk(f)}})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(discovery, string(published), alg)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	even := make([]byte, 256)
	even[0] = 0x80
	f.Add(discovery, `{"keys":[{"kid":"k","kty":"RSA","n":"`+b64(even)+`","e":"AQAB"}]}`, "RS256")
	f.Add(discovery, `{"keys":[{"kid":"k","kty":"EC","crv":"P-256","x":"","y":"AA"}]}`, "ES256")
	f.Add(discovery, `{"keys":[{"kid":"k","kty":"OKP","crv":"Ed25519","x":"`+b64(make([]byte, 32))+`"}]}`, "EdDSA")
	f.Add(`{"issuer":"`+issuer+`","jwks_uri":"://"}`, `{"keys":null}`, "RS256")
	f.Add(`[]`, `7`, "none")
	f.Fuzz(func(t *testing.T, discovery, keys, alg string) {
		token, ok := stranger[alg]
		if !ok {
			token = stranger["RS256"]
		}
		v := identity.New(issuer, audience, &identity.Options{HTTP: &http.Client{Transport: answers{discovery, keys}}})
		if id, err := v.Verify(t.Context(), token); err == nil {
			t.Errorf("%s let in %q", keys, id.User)
		}
	})
}
