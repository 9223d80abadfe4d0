package identity_test

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"kaiwa/pkg/identity"
)

func TestVerify(t *testing.T) {
	for _, alg := range []string{"RS256", "RS512", "PS256", "ES256", "ES384", "ES512", "EdDSA"} {
		t.Run(alg, func(t *testing.T) {
			k := newKey(t, "k1", alg)
			is := newIssuer(t, newKey(t, "other", "ES256"), k)
			id, err := is.verifier().Verify(t.Context(), k.sign(t, is.claims(nil)))
			if err != nil || id.User != is.URL+"/pool alice" || !id.Expires.Equal(start.Add(time.Hour)) || !id.Issued.Equal(start) || id.Topics != nil {
				t.Errorf("got %+v, %v", id, err)
			}
		})
	}
}

// TestClaims has what makes a well signed token good or not.
func TestClaims(t *testing.T) {
	k := newKey(t, "k1", "ES256")
	is := newIssuer(t, k)
	at := func(d time.Duration) int64 { return start.Add(d).Unix() }
	tests := map[string]struct {
		claims jwt.MapClaims
		reason string // "" if the token is good
	}{
		"one audience":            {jwt.MapClaims{"aud": audience}, ""},
		"several audiences":       {jwt.MapClaims{"aud": []string{"other", audience}}, ""},
		"Cognito's access token":  {jwt.MapClaims{"aud": nil, "client_id": audience, "token_use": "access"}, ""},
		"Cognito's id token":      {jwt.MapClaims{"token_use": "id"}, ""},
		"expired within leeway":   {jwt.MapClaims{"exp": at(-29 * time.Second)}, ""},
		"not before, in leeway":   {jwt.MapClaims{"nbf": at(29 * time.Second)}, ""},
		"issued just ahead of us": {jwt.MapClaims{"iat": at(29 * time.Second)}, ""},
		"without iat":             {jwt.MapClaims{"iat": nil}, ""},

		"another issuer":           {jwt.MapClaims{"iss": "https://evil.example"}, "issuer"},
		"the issuer with a slash":  {jwt.MapClaims{"iss": is.URL + "/pool/"}, "issuer"},
		"no issuer":                {jwt.MapClaims{"iss": nil}, "iss claim is required"},
		"another audience":         {jwt.MapClaims{"aud": "other"}, "another audience"},
		"audience in part":         {jwt.MapClaims{"aud": audience + "2"}, "another audience"},
		"other audiences":          {jwt.MapClaims{"aud": []string{"a", "b"}}, "another audience"},
		"no audience":              {jwt.MapClaims{"aud": nil}, "another audience"},
		"another client":           {jwt.MapClaims{"aud": nil, "client_id": "other", "token_use": "access"}, "another audience"},
		"client_id of no use":      {jwt.MapClaims{"aud": nil, "client_id": audience}, "another audience"},
		"client_id of another use": {jwt.MapClaims{"aud": nil, "client_id": audience, "token_use": "id"}, "another audience"},
		"client_id beside aud":     {jwt.MapClaims{"aud": "other", "client_id": audience}, "another audience"},
		"audience of another type": {jwt.MapClaims{"aud": 5}, "claim"},
		"expired":                  {jwt.MapClaims{"exp": at(-31 * time.Second)}, "expired"},
		"never expires":            {jwt.MapClaims{"exp": nil}, "exp"},
		"expires in a word":        {jwt.MapClaims{"exp": "tomorrow"}, "claim"},
		"not valid yet":            {jwt.MapClaims{"nbf": at(31 * time.Second)}, "not valid yet"},
		"issued in the future":     {jwt.MapClaims{"iat": at(31 * time.Second)}, "before issued"},
		"no subject":               {jwt.MapClaims{"sub": nil}, "no subject"},
		"subject is a number":      {jwt.MapClaims{"sub": 5}, "claim"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			token := k.sign(t, is.claims(tt.claims))
			if tt.reason == "" {
				mustAccept(t, is.verifier(), token)
				return
			}
			mustRefuse(t, is.verifier(), token, tt.reason)
		})
	}
}

// TestExactNames: a claim that only looks like another one is not that one. It may be
// one that the issuer lets its users choose.
func TestExactNames(t *testing.T) {
	k := newKey(t, "k1", "EdDSA")
	is := newIssuer(t, k)
	for _, other := range []string{"Sub", "SUB", "ſub", "zz"} { // sorted before and behind "sub"
		id, err := is.verifier().Verify(t.Context(), k.sign(t, is.claims(jwt.MapClaims{"sub": "mallory", other: "alice"})))
		if err != nil || id.User != is.URL+"/pool mallory" {
			t.Errorf("%s: got %+v, %v", other, id, err)
		}
	}
	for name, tt := range map[string]struct {
		claims jwt.MapClaims
		reason string
	}{
		"issuer":   {jwt.MapClaims{"iss": nil, "ISS": is.URL + "/pool"}, "iss claim is required"},
		"expiry":   {jwt.MapClaims{"exp": start.Unix() - 60, "exP": start.Unix() + 60}, "expired"},
		"audience": {jwt.MapClaims{"aud": nil, "Aud": audience}, "another audience"},
		"client":   {jwt.MapClaims{"aud": nil, "client_id": "other", "clienT_ID": audience, "token_use": "access"}, "another audience"},
		"use":      {jwt.MapClaims{"aud": nil, "client_id": audience, "token_uſe": "access"}, "another audience"},
		"subject":  {jwt.MapClaims{"sub": nil, "Sub": "alice"}, "no subject"},
	} {
		t.Run(name, func(t *testing.T) { mustRefuse(t, is.verifier(), k.sign(t, is.claims(tt.claims)), tt.reason) })
	}
}

// TestTopics: what a token may say of topics, and that it is silent where it says
// nothing.
func TestTopics(t *testing.T) {
	k := newKey(t, "k1", "EdDSA")
	is := newIssuer(t, k)
	v := identity.New(is.URL+"/pool", audience, &identity.Options{Now: is.clock, TopicClaim: "https://kaiwa/topics"})
	tests := map[string]struct {
		claim  any
		topics []string
		reason string
	}{
		"a list":              {[]string{"builds.*", "with space", ""}, []string{"builds.*", "with space", ""}, ""},
		"a line":              {" builds.*  news ", []string{"builds.*", "news"}, ""},
		"an empty list":       {[]string{}, []string{}, ""},
		"an empty line":       {"", []string{}, ""},
		"none":                {nil, []string{}, ""},
		"as many as fit":      {strings.Repeat("x", maxTopics-4), []string{strings.Repeat("x", maxTopics-4)}, ""},
		"one byte too much":   {strings.Repeat("x", maxTopics-3), nil, "its 1 topics take 4097 bytes; at most 4096 fit"},
		"too many":            {strings.Repeat("x ", 2000), nil, "its 2000 topics take 8001 bytes; at most 4096 fit"},
		"escapes count":       {strings.Repeat("\x01", 1000), nil, "its 1 topics take 6004 bytes"},
		"a number":            {5, nil, "neither a list of strings nor a string"},
		"an object":           {map[string]int{"builds": 1}, nil, "neither a list"},
		"a list with numbers": {[]any{"builds", 5}, nil, "neither a list"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			token := k.sign(t, is.claims(jwt.MapClaims{"https://kaiwa/topics": tt.claim}))
			if tt.reason != "" {
				mustRefuse(t, v, token, tt.reason)
				return
			}
			if id, err := v.Verify(t.Context(), token); err != nil || !reflect.DeepEqual(id.Topics, tt.topics) {
				t.Errorf("got %q, %v", id.Topics, err)
			}
		})
	}
	null := jwt.MapClaims{"https://kaiwa/topics": json.RawMessage("null")}
	if id, err := v.Verify(t.Context(), k.sign(t, is.claims(null))); err != nil || id.Topics == nil || len(id.Topics) != 0 {
		t.Errorf("null: got %q, %v", id.Topics, err)
	}
}

const maxTopics = 4096

func TestLeeway(t *testing.T) {
	k := newKey(t, "k1", "EdDSA")
	is := newIssuer(t, k)
	v := identity.New(is.URL+"/pool", audience, &identity.Options{Now: is.clock, Leeway: 2 * time.Minute})
	token := k.sign(t, is.claims(nil))
	is.pass(time.Hour + 119*time.Second)
	mustAccept(t, v, token)
	is.pass(2 * time.Second)
	mustRefuse(t, v, token, "expired")
}

// TestIssuerWithSlash: Auth0's issuers end with one, and iss must too.
func TestIssuerWithSlash(t *testing.T) {
	k := newKey(t, "k1", "EdDSA")
	is := newIssuer(t, k)
	is.name = is.URL + "/pool/"
	v := identity.New(is.name, audience, &identity.Options{Now: is.clock})
	mustAccept(t, v, k.sign(t, is.claims(jwt.MapClaims{"iss": is.URL + "/pool/"})))
	mustRefuse(t, v, k.sign(t, is.claims(nil)), "issuer")
}

// TestKnownIssuers has tokens as the well-known issuers make them. Only the host
// is ours.
func TestKnownIssuers(t *testing.T) {
	k := newKey(t, "k1", "RS256")
	tests := map[string]struct {
		issuer, audience string
		claims           jwt.MapClaims
		refused          bool
	}{
		"Cognito, access": {"/eu-central-1_Ab12", "1example23456789", jwt.MapClaims{"client_id": "1example23456789", "token_use": "access",
			"scope": "openid", "username": "alice", "cognito:groups": []string{"a"}, "auth_time": 1, "version": 2}, false},
		"Cognito, id":                       {"/eu-central-1_Ab12", "1example23456789", jwt.MapClaims{"aud": "1example23456789", "token_use": "id", "email_verified": true}, false},
		"Cognito, access of another client": {"/eu-central-1_Ab12", "1example23456789", jwt.MapClaims{"client_id": "2example", "token_use": "access"}, true},
		"Entra v1": {"/7f1c0a52-0000-4000-8000-000000000000/", "api://6e74172b-0000-4000-8000-000000000000",
			jwt.MapClaims{"aud": "api://6e74172b-0000-4000-8000-000000000000", "ver": "1.0", "appid": "x", "tid": "7f1c0a52"}, false},
		"Entra v2": {"/7f1c0a52-0000-4000-8000-000000000000/v2.0", "6e74172b-0000-4000-8000-000000000000",
			jwt.MapClaims{"aud": "6e74172b-0000-4000-8000-000000000000", "ver": "2.0", "azp": "x", "scp": "chat"}, false},
		"Auth0":    {"/", "https://chat.example/api", jwt.MapClaims{"aud": []string{"https://chat.example/api", "https://t.auth0.com/userinfo"}, "azp": "x"}, false},
		"Keycloak": {"/realms/chat", "chat", jwt.MapClaims{"aud": []string{"account", "chat"}, "typ": "Bearer", "azp": "web"}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			is := newIssuer(t, k)
			is.path, is.name = strings.TrimSuffix(tt.issuer, "/"), is.URL+tt.issuer
			v := identity.New(is.name, tt.audience, &identity.Options{Now: is.clock})
			claims := jwt.MapClaims{"iss": is.name, "sub": "alice", "iat": start.Unix(), "nbf": start.Unix(), "exp": start.Add(time.Hour).Unix()}
			maps.Copy(claims, tt.claims)
			if tt.refused {
				mustRefuse(t, v, k.sign(t, claims), "another audience")
				return
			}
			if id, err := v.Verify(t.Context(), k.sign(t, claims)); err != nil || id.User != is.name+" alice" {
				t.Errorf("got %+v, %v", id, err)
			}
		})
	}
}

// TestEmptyAudience: a deployment that forgot its audience trusts nobody.
func TestEmptyAudience(t *testing.T) {
	k := newKey(t, "k1", "EdDSA")
	is := newIssuer(t, k)
	v := identity.New(is.URL+"/pool", "", &identity.Options{Now: is.clock})
	mustRefuse(t, v, k.sign(t, is.claims(jwt.MapClaims{"aud": nil})), "another audience")
}

// TestForgedTokens: everything an attacker can do with the public keys.
func TestForgedTokens(t *testing.T) {
	rsaKey, ecKey := newKey(t, "rsa", "RS256"), newKey(t, "ec", "ES256")
	is := newIssuer(t, rsaKey, ecKey)
	claims := is.claims(nil)
	good := rsaKey.sign(t, claims)
	head, rest, _ := strings.Cut(good, ".")
	body, signature, _ := strings.Cut(rest, ".")
	b64 := base64.RawURLEncoding.EncodeToString

	hmac := func(alg, kid string, secret []byte) string {
		token := jwt.NewWithClaims(jwt.GetSigningMethod(alg), claims)
		token.Header["kid"] = kid
		s, err := token.SignedString(secret)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	der, err := x509.MarshalPKIXPublicKey(rsaKey.secret.Public())
	if err != nil {
		t.Fatal(err)
	}
	modulus := rsaKey.secret.Public().(*rsa.PublicKey).N.Bytes()
	none := jwt.NewWithClaims(jwt.SigningMethodNone, claims)
	none.Header["kid"] = "rsa"
	unsigned, err := none.SignedString(jwt.UnsafeAllowNoneSignatureType)
	if err != nil {
		t.Fatal(err)
	}
	wrongKind := ecKey
	wrongKind.kid = "rsa"
	stranger := newKey(t, "ec", "ES256")

	tests := map[string]struct{ token, reason string }{
		"no algorithm":                       {unsigned, "signing method none is invalid"},
		"no algorithm, signature kept":       {b64([]byte(`{"alg":"none","kid":"rsa"}`)) + "." + body + "." + signature, "signing method none"},
		"None":                               {b64([]byte(`{"alg":"None","kid":"rsa"}`)) + "." + body + ".", "unavailable"},
		"the public key as a secret, in DER": {hmac("HS256", "rsa", der), "signing method HS256 is invalid"},
		"the public key as a secret, in PEM": {hmac("HS512", "rsa", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), "signing method HS512"},
		"the modulus as a secret":            {hmac("HS384", "rsa", modulus), "signing method HS384"},
		"an empty secret":                    {hmac("HS256", "", nil), "signing method HS256"},
		"an EC signature under the RSA key":  {wrongKind.sign(t, claims), "key is of invalid type"},
		"a stranger's key under a known id":  {stranger.sign(t, claims), "signature is invalid"},
		"no signature":                       {head + "." + body + ".", "signature is invalid"},
		"another's claims":                   {head + "." + b64([]byte(`{"sub":"bob"}`)) + "." + signature, "signature is invalid"},
		"no algorithm at all":                {b64([]byte(`{"kid":"rsa"}`)) + "." + body + "." + signature, "unspecified"},
		"a key id that is no text":           {b64([]byte(`{"alg":"RS256","kid":7}`)) + "." + body + "." + signature, `no key ""`},
		"a key inside the token":             {b64([]byte(`{"alg":"ES256","kid":"x","jwk":{"kty":"EC"}}`)) + "." + body + "." + signature, `no key "x"`},
		"a key id of 8 KB":                   {b64([]byte(`{"alg":"RS256","kid":"`+strings.Repeat("k", 8<<10)+`"}`)) + "." + body + "." + signature, "no key"},
		"nothing":                            {"", "there is none"},
		"a word":                             {"hunter2hunter2", "number of segments"},
		"three words":                        {"hunter2hunter2.swordfish.password1", "decode header"},
		"four segments":                      {good + ".x", "number of segments"},
		"blanks":                             {"  ", "segments"},
		"a megabyte":                         {strings.Repeat("A.", 1<<19), "segments"},
		"no JSON":                            {b64([]byte("{")) + "." + b64([]byte("{")) + "." + signature, "JSON"},
		"deep JSON":                          {b64([]byte(strings.Repeat("[", 1<<16))) + "." + body + "." + signature, "JSON"},
		"null claims":                        {head + "." + b64([]byte("null")) + "." + signature, "signature is invalid"},
		"padded":                             {good + "=", "base64"},
		"with the scheme":                    {"Bearer " + good, "decode header"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			v := is.verifier()
			mustRefuse(t, v, tt.token, tt.reason)
			if _, err := v.Verify(t.Context(), tt.token); len(err.Error()) > 300 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
		})
	}
	mustAccept(t, is.verifier(), good)
}

// TestCanceled: the fetch of keys belongs to whoever waits for it.
func TestCanceled(t *testing.T) {
	k := newKey(t, "k1", "EdDSA")
	is := newIssuer(t, k)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := is.verifier().Verify(ctx, k.sign(t, is.claims(nil))); err == nil {
		t.Error("accepted without the issuer's keys")
	}
}

// FuzzVerify: whatever comes, nobody but the one who was signed for gets in, and
// nothing panics.
func FuzzVerify(f *testing.F) {
	k := newKey(f, "k1", "EdDSA")
	is := newIssuer(f, k)
	good := k.sign(f, is.claims(nil))
	v := is.verifier()
	for _, s := range []string{good, good[:len(good)-1], good + "=", strings.Replace(good, ".", "..", 1), "..", "a.b.c", "\x00.\xff.", strings.ToUpper(good),
		base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"EdDSA","kid":"k1"}`)) + ".bnVsbA."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, token string) {
		id, err := v.Verify(t.Context(), token)
		if err == nil && id.User != is.URL+"/pool alice" {
			t.Errorf("let in %q", id.User)
		}
		if err != nil && len(token) > 20 && strings.Contains(err.Error(), token) {
			t.Errorf("the error holds the token: %v", err)
		}
	})
}
