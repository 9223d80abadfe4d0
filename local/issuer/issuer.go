// Package issuer is an OpenID Connect issuer for one run: it publishes a key that
// was made for the run, and gives a token to whoever asks. It stands in for
// Cognito, Entra, Auth0 and their like where a template wants tokens.
package issuer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Issuer makes tokens for one audience.
type Issuer struct {
	url, audience string
	kid           string
	key           *ecdsa.PrivateKey
}

// New makes an Issuer that is reached at url, and its key.
func New(url, audience string) (*Issuer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the issuer's key: %w", err)
	}
	return &Issuer{url: url, audience: audience, kid: rand.Text(), key: key}, nil
}

// URL is what its tokens have as iss.
func (i *Issuer) URL() string { return i.url }

// Audience is what they have as aud.
func (i *Issuer) Audience() string { return i.audience }

// Token makes one for a user (sub) that runs out after life, which may be over
// already. Further claims may replace any of these.
func (i *Issuer) Token(user string, life time.Duration, further map[string]any) (string, error) {
	now := time.Now()
	claims := jwt.MapClaims{"iss": i.url, "aud": i.audience, "sub": user,
		"iat": min(now.Unix(), now.Add(life).Unix()), "exp": now.Add(life).Unix()}
	for name, v := range further {
		claims[name] = v
	}
	t := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
	t.Header["kid"] = i.kid
	return t.SignedString(i.key)
}

// Register adds the issuer's own pages, which are relative to its URL's path, and
// the place where tokens are asked for: POST grant, with the form values user
// ("local"), expires ("24h", negative for one that has run out) and claims (a JSON
// object).
func (i *Issuer) Register(mux *http.ServeMux, path, grant string) {
	mux.HandleFunc("GET "+path+"/.well-known/openid-configuration", i.discovery)
	mux.HandleFunc("GET "+path+"/keys", i.keys)
	mux.HandleFunc("POST "+grant, i.grant)
}

func (i *Issuer) discovery(w http.ResponseWriter, _ *http.Request) {
	answer(w, map[string]any{"issuer": i.url, "jwks_uri": i.url + "/keys",
		"id_token_signing_alg_values_supported": []string{"ES256"}, "response_types_supported": []string{"token"}, "subject_types_supported": []string{"public"}})
}

func (i *Issuer) keys(w http.ResponseWriter, _ *http.Request) {
	point, err := i.key.PublicKey.Bytes()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	half := func(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
	answer(w, map[string]any{"keys": []any{map[string]string{"kid": i.kid, "kty": "EC", "use": "sig", "alg": "ES256", "crv": "P-256",
		"x": half(point[1:33]), "y": half(point[33:])}}})
}

// maxForm is the most bytes of a request for a token.
const maxForm = 16 << 10

func (i *Issuer) grant(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	ask, err := askOf(r)
	if err == nil {
		var token string
		if token, err = i.Token(ask.user, ask.life, ask.claims); err == nil {
			w.Header().Set("Content-Type", "text/plain")
			w.Header().Set("Cache-Control", "no-store")
			fmt.Fprintln(w, token)
			return
		}
	}
	http.Error(w, err.Error(), http.StatusBadRequest)
}

// ask is what a token is to say.
type ask struct {
	user   string
	life   time.Duration
	claims map[string]any
}

func askOf(r *http.Request) (ask, error) {
	a := ask{user: "local", life: 24 * time.Hour}
	if err := r.ParseForm(); err != nil {
		return a, err
	}
	if r.Form.Has("user") {
		a.user = r.Form.Get("user")
	}
	if text := r.Form.Get("expires"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil {
			return a, errors.New("expires must be a time like 1m or 24h")
		}
		a.life = d
	}
	if text := r.Form.Get("claims"); text != "" {
		if err := json.Unmarshal([]byte(text), &a.claims); err != nil {
			return a, errors.New(`claims must be a JSON object like {"topics":["builds.*"]}`)
		}
	}
	return a, nil
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // a reader who is gone needs no answer
}
