package identity_test

import (
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"kaiwa/pkg/identity"
)

const audience = "chat-app"

// start is the time at which every test begins.
var start = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// keyPair signs tokens under an id.
type keyPair struct {
	kid    string
	method jwt.SigningMethod
	secret crypto.Signer
}

func newKey(t testing.TB, kid, alg string) keyPair {
	t.Helper()
	var secret crypto.Signer
	var err error
	switch alg[:2] {
	case "RS", "PS":
		secret, err = rsa.GenerateKey(rand.Reader, 2048)
	case "ES":
		curve := map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()}[alg]
		secret, err = ecdsa.GenerateKey(curve, rand.Reader)
	default:
		_, secret, err = ed25519.GenerateKey(rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	return keyPair{kid, jwt.GetSigningMethod(alg), secret}
}

// sign makes a token of claims.
func (k keyPair) sign(t testing.TB, claims jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(k.method, claims)
	token.Header["kid"] = k.kid
	s, err := token.SignedString(k.secret)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// jwk is the public half as the issuer publishes it.
func (k keyPair) jwk(t testing.TB) map[string]any {
	t.Helper()
	b64 := base64.RawURLEncoding.EncodeToString
	switch pub := k.secret.Public().(type) {
	case *rsa.PublicKey:
		return map[string]any{"kid": k.kid, "kty": "RSA", "use": "sig", "n": b64(pub.N.Bytes()), "e": b64(big.NewInt(int64(pub.E)).Bytes())}
	case *ecdsa.PublicKey:
		point, err := pub.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		half := (len(point) - 1) / 2
		return map[string]any{"kid": k.kid, "kty": "EC", "crv": pub.Params().Name, "x": b64(point[1 : 1+half]), "y": b64(point[1+half:])}
	case ed25519.PublicKey:
		return map[string]any{"kid": k.kid, "kty": "OKP", "crv": "Ed25519", "x": b64(pub)}
	}
	t.Fatalf("no JWK for %T", k.secret)
	return nil
}

// issuer is an OpenID Connect issuer on a real socket, and a clock.
type issuer struct {
	*httptest.Server
	t testing.TB

	mu      sync.Mutex // protects following
	path    string     // under which its discovery document is
	name    string     // what it calls itself, unless ""
	keys    []any
	keysAt  string // where the key set is said to be, unless ""
	fetches int    // of the key set
	broken  string // what is served instead of the keys, unless ""
	status  int    // of every answer, unless 0
	now     time.Time
}

func newIssuer(t testing.TB, keys ...keyPair) *issuer {
	is := &issuer{t: t, now: start, path: "/pool"}
	is.publish(keys...)
	is.Server = httptest.NewServer(http.HandlerFunc(is.serve))
	t.Cleanup(is.Close)
	return is
}

func (is *issuer) serve(w http.ResponseWriter, r *http.Request) {
	is.mu.Lock()
	defer is.mu.Unlock()
	if is.status != 0 {
		w.WriteHeader(is.status)
		return
	}
	switch r.URL.Path {
	case is.path + "/.well-known/openid-configuration":
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": cmp.Or(is.name, is.URL+"/pool"), "jwks_uri": cmp.Or(is.keysAt, is.URL+"/keys")})
	case "/keys":
		is.fetches++
		if is.broken != "" {
			_, _ = w.Write([]byte(is.broken))
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": is.keys})
	default:
		http.NotFound(w, r)
	}
}

// publish replaces the issuer's keys.
func (is *issuer) publish(keys ...keyPair) {
	is.mu.Lock()
	defer is.mu.Unlock()
	is.keys = nil
	for _, k := range keys {
		is.keys = append(is.keys, k.jwk(is.t))
	}
}

func (is *issuer) set(status int, broken string) {
	is.mu.Lock()
	defer is.mu.Unlock()
	is.status, is.broken = status, broken
}

func (is *issuer) asked() int {
	is.mu.Lock()
	defer is.mu.Unlock()
	return is.fetches
}

func (is *issuer) clock() time.Time {
	is.mu.Lock()
	defer is.mu.Unlock()
	return is.now
}

func (is *issuer) pass(d time.Duration) {
	is.mu.Lock()
	defer is.mu.Unlock()
	is.now = is.now.Add(d)
}

func (is *issuer) verifier() *identity.Verifier {
	return identity.New(is.URL+"/pool", audience, &identity.Options{Now: is.clock})
}

// claims are good ones, with changes; a nil value takes a claim out.
func (is *issuer) claims(changes jwt.MapClaims) jwt.MapClaims {
	c := jwt.MapClaims{"iss": is.URL + "/pool", "sub": "alice", "aud": audience,
		"iat": start.Unix(), "exp": start.Add(time.Hour).Unix()}
	for k, v := range changes {
		if c[k] = v; v == nil {
			delete(c, k)
		}
	}
	return c
}

// mustRefuse checks that a token is refused, for a reason, and that the error
// could be logged: it holds neither the token nor a part of it.
func mustRefuse(t *testing.T, v *identity.Verifier, token, reason string) {
	t.Helper()
	id, err := v.Verify(t.Context(), token)
	if err == nil || id.User != "" {
		t.Errorf("accepted as %q", id.User)
		return
	}
	if !strings.Contains(err.Error(), reason) {
		t.Errorf("refused with %q, want it to say %q", err, reason)
	}
	for part := range strings.SplitSeq(token, ".") {
		if len(part) > 6 && strings.Contains(err.Error(), part) {
			t.Errorf("the error holds the token: %v", err)
		}
	}
}

func mustAccept(t *testing.T, v *identity.Verifier, token string) {
	t.Helper()
	if _, err := v.Verify(t.Context(), token); err != nil {
		t.Errorf("refused: %v", err)
	}
}
