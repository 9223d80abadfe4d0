package identity_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/identity"
)

// TestKeysAreKept: one fetch serves every token, whoever comes first.
func TestKeysAreKept(t *testing.T) {
	k := newKey(t, "k1", "EdDSA")
	is := newIssuer(t, k)
	v, token := is.verifier(), k.sign(t, is.claims(nil))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { mustAccept(t, v, token) })
	}
	wg.Wait()
	is.pass(30 * time.Minute)
	mustAccept(t, v, token)
	if n := is.asked(); n != 1 {
		t.Errorf("the keys were fetched %d times", n)
	}
}

// TestUnknownKey: made-up tokens make us ask the issuer once a minute, no more.
func TestUnknownKey(t *testing.T) {
	k, made := newKey(t, "k1", "EdDSA"), newKey(t, "made up", "EdDSA")
	is := newIssuer(t, k)
	v, good, bad := is.verifier(), k.sign(t, is.claims(nil)), made.sign(t, is.claims(nil))
	for minute := range 3 {
		for range 50 {
			mustRefuse(t, v, bad, `no key "made up"`)
			is.pass(time.Second)
		}
		mustAccept(t, v, good)
		if n := is.asked(); n != minute+1 {
			t.Fatalf("in minute %d: asked %d times", minute+1, n)
		}
		is.pass(10 * time.Second)
	}
}

func TestRotation(t *testing.T) {
	before, after := newKey(t, "2025", "EdDSA"), newKey(t, "2026", "ES256")
	is := newIssuer(t, before)
	v := is.verifier()
	was, now := before.sign(t, is.claims(nil)), after.sign(t, is.claims(nil))
	mustAccept(t, v, was)

	is.publish(before, after)
	is.pass(time.Minute)
	mustAccept(t, v, now)
	mustAccept(t, v, was)

	// A key that is withdrawn is forgotten with the next fetch.
	is.publish(after)
	is.pass(time.Minute)
	mustRefuse(t, v, newKey(t, "made up", "EdDSA").sign(t, is.claims(nil)), "no key")
	mustRefuse(t, v, was, `no key "2025"`)
	mustAccept(t, v, now)
}

// TestReusedKeyID: a key id belongs to the key that is published under it now.
func TestReusedKeyID(t *testing.T) {
	first, second := newKey(t, "k1", "EdDSA"), newKey(t, "k1", "EdDSA")
	is := newIssuer(t, first)
	v := is.verifier()
	mustAccept(t, v, first.sign(t, is.claims(nil)))
	is.publish(second)
	mustRefuse(t, v, second.sign(t, is.claims(nil)), "signature is invalid")
	mustRefuse(t, is.verifier(), first.sign(t, is.claims(nil)), "signature is invalid")
}

// TestWithdrawnKey: a key that its issuer has withdrawn is good for an hour at
// most, although nobody asked for another.
func TestWithdrawnKey(t *testing.T) {
	old, other := newKey(t, "old", "EdDSA"), newKey(t, "other", "EdDSA")
	is := newIssuer(t, old)
	v, token := is.verifier(), old.sign(t, is.claims(jwt.MapClaims{"exp": start.Add(9 * time.Hour).Unix()}))
	mustAccept(t, v, token)
	is.publish(other)
	is.pass(time.Hour)
	mustAccept(t, v, token)
	is.pass(time.Second)
	mustRefuse(t, v, token, `no key "old"`)

	// When the issuer is unwell just then, it is asked once a minute.
	is.publish(old)
	is.pass(2 * time.Minute)
	mustAccept(t, v, token)
	is.pass(2 * time.Hour)
	is.set(0, "<html>")
	before := is.asked()
	for range 120 {
		mustAccept(t, v, token)
		is.pass(time.Second)
	}
	if n := is.asked() - before; n != 2 {
		t.Errorf("asked %d times in two minutes", n)
	}
}

// TestKeyOfOneAlgorithm: a key that says what it is for verifies nothing else.
func TestKeyOfOneAlgorithm(t *testing.T) {
	k := newKey(t, "k1", "RS256")
	is := newIssuer(t, k)
	only := k.jwk(t)
	only["alg"] = "RS256"
	is.mu.Lock()
	is.keys = []any{only}
	is.mu.Unlock()
	mustAccept(t, is.verifier(), k.sign(t, is.claims(nil)))
	k.method = jwt.SigningMethodPS256
	mustRefuse(t, is.verifier(), k.sign(t, is.claims(nil)), `key "k1" is not for PS256`)
}

// TestDiscovery: what an issuer says of itself must fit.
func TestDiscovery(t *testing.T) {
	k := newKey(t, "k1", "EdDSA")
	t.Run("another issuer's document", func(t *testing.T) {
		is := newIssuer(t, k)
		is.name = "https://evil.example"
		mustRefuse(t, is.verifier(), k.sign(t, is.claims(nil)), `it calls itself "https://evil.example"`)
	})
	// An issuer with TLS whose keys are elsewhere, or come by way of elsewhere.
	plain := newIssuer(t, k)
	secure := newIssuer(t, k)
	secure.Close()
	redirect := ""
	secure.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if redirect != "" {
			http.Redirect(w, r, redirect, http.StatusFound)
			return
		}
		secure.serve(w, r)
	}))
	t.Cleanup(secure.Close)
	verify := func() *identity.Verifier {
		return identity.New(secure.URL+"/pool", audience, &identity.Options{Now: secure.clock, HTTP: secure.Client()})
	}
	token := k.sign(t, secure.claims(nil))
	mustAccept(t, verify(), token)
	secure.keysAt = plain.URL + "/keys"
	mustRefuse(t, verify(), token, "is not https, though the issuer is")
	secure.keysAt = "http://user:hunter2@" + plain.Listener.Addr().String() + "/keys"
	mustRefuse(t, verify(), token, "http://user:xxxxx@")
	secure.keysAt, redirect = "", plain.URL+"/pool/.well-known/openid-configuration"
	mustRefuse(t, verify(), token, "is not https, though the issuer is")
	redirect = "/again"
	mustRefuse(t, verify(), token, "too many redirects")
	if n := plain.asked(); n != 0 {
		t.Errorf("the plain one was asked for keys %d times", n)
	}
}

// TestIssuerDown: nobody gets in on trust, the issuer is not hammered, and once
// it is back everything works again.
func TestIssuerDown(t *testing.T) {
	k := newKey(t, "k1", "EdDSA")
	is := newIssuer(t, k)
	token := k.sign(t, is.claims(nil))
	down := func(t *testing.T, v *identity.Verifier, status int, broken, reason string) {
		t.Helper()
		is.set(status, broken)
		before := is.asked()
		mustRefuse(t, v, token, reason)
		for range 20 {
			mustRefuse(t, v, token, "could not be reached")
		}
		if _, err := v.Verify(t.Context(), token); chat.KindOf(err) != chat.Unavailable {
			t.Errorf("the token is blamed: %v", err)
		}
		if n := is.asked() - before; n > 1 {
			t.Errorf("asked %d times within a second", n)
		}
		is.set(0, "")
		is.pass(time.Second)
		mustAccept(t, v, token)
	}
	t.Run("500", func(t *testing.T) { down(t, is.verifier(), http.StatusInternalServerError, "", "500") })
	t.Run("no JSON", func(t *testing.T) { down(t, is.verifier(), 0, "<html>", "fetch issuer's keys") })
	t.Run("an empty answer", func(t *testing.T) { down(t, is.verifier(), 0, "{}", "none that could be used") })
	t.Run("too large", func(t *testing.T) {
		key, err := json.Marshal(k.jwk(t))
		if err != nil {
			t.Fatal(err)
		}
		down(t, is.verifier(), 0, `{"x":"`+strings.Repeat("x", 1<<20)+`","keys":[`+string(key)+`]}`, "fetch issuer's keys")
	})
	t.Run("not there at all", func(t *testing.T) {
		gone := newIssuer(t, k)
		v := gone.verifier()
		gone.Close()
		mustRefuse(t, v, k.sign(t, gone.claims(nil)), "discover issuer")
	})
}

// TestKeysOutliveTheIssuer: an unwell issuer must not lock out those whose key we
// have.
func TestKeysOutliveTheIssuer(t *testing.T) {
	k := newKey(t, "k1", "EdDSA")
	is := newIssuer(t, k)
	v, token := is.verifier(), k.sign(t, is.claims(nil))
	bad := newKey(t, "made up", "EdDSA").sign(t, is.claims(nil))
	mustAccept(t, v, token)
	for _, broken := range []string{"{}", `{"keys":[]}`, `{"keys":[{"kid":"k1","kty":"oct","k":"AAAA"}]}`, "<html>"} {
		is.set(0, broken)
		is.pass(time.Minute)
		mustRefuse(t, v, bad, "")
		mustAccept(t, v, token)
	}
}

// TestRotationWhileUnwell: a token with a key that we do not know yet is not blamed
// while the issuer cannot be asked, and is good as soon as it can.
func TestRotationWhileUnwell(t *testing.T) {
	before, after := newKey(t, "2025", "EdDSA"), newKey(t, "2026", "EdDSA")
	is := newIssuer(t, before)
	v := is.verifier()
	was, now := before.sign(t, is.claims(nil)), after.sign(t, is.claims(nil))
	mustAccept(t, v, was)
	is.publish(before, after)
	is.set(0, "<html>")
	is.pass(time.Minute)
	for range 3 {
		if _, err := v.Verify(t.Context(), now); chat.KindOf(err) != chat.Unavailable {
			t.Errorf("the token is blamed: %v", err)
		}
		mustAccept(t, v, was)
		is.pass(time.Second)
	}
	is.set(0, "")
	is.pass(time.Minute)
	mustAccept(t, v, now)
	mustRefuse(t, v, newKey(t, "made up", "EdDSA").sign(t, is.claims(nil)), `no key "made up"`)
}

// TestUnusableKeys: keys that cannot or must not verify are passed over.
func TestUnusableKeys(t *testing.T) {
	good, bad := newKey(t, "good", "EdDSA"), newKey(t, "bad", "RS256")
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	weak := keyPair{"bad", bad.method, short}
	encryption := bad.jwk(t)
	encryption["use"] = "enc"
	offCurve := newKey(t, "bad", "ES256").jwk(t)
	offCurve["y"] = offCurve["x"]
	tests := map[string]map[string]any{
		"RSA of 1024 bits":     weak.jwk(t),
		"for encryption":       encryption,
		"off the curve":        offCurve,
		"unknown curve":        {"kid": "bad", "kty": "EC", "crv": "P-192", "x": "AA", "y": "AA"},
		"long coordinates":     {"kid": "bad", "kty": "EC", "crv": "P-256", "x": strings.Repeat("A", 100), "y": "AA"},
		"a secret":             {"kid": "bad", "kty": "oct", "k": "AAAA"},
		"X25519":               {"kid": "bad", "kty": "OKP", "crv": "X25519", "x": newKey(t, "bad", "EdDSA").jwk(t)["x"]},
		"short Ed25519":        {"kid": "bad", "kty": "OKP", "crv": "Ed25519", "x": "AAAA"},
		"no base64":            {"kid": "bad", "kty": "RSA", "n": "***", "e": "AQAB"},
		"exponent of one":      {"kid": "bad", "kty": "RSA", "n": bad.jwk(t)["n"], "e": "AQ"},
		"exponent beyond ints": {"kid": "bad", "kty": "RSA", "n": bad.jwk(t)["n"], "e": strings.Repeat("A", 40)},
	}
	for name, key := range tests {
		t.Run(name, func(t *testing.T) {
			is := newIssuer(t, good)
			is.mu.Lock()
			is.keys = append([]any{key}, is.keys...)
			is.mu.Unlock()
			v := is.verifier()
			mustAccept(t, v, good.sign(t, is.claims(nil)))
			mustRefuse(t, v, bad.sign(t, is.claims(nil)), `no key "bad"`)
		})
	}
}

// TestSlowIssuer: a caller's own HTTP client decides how long to wait.
func TestSlowIssuer(t *testing.T) {
	k := newKey(t, "k1", "EdDSA")
	is := newIssuer(t, k)
	hang := roundTripper(func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	})
	v := identity.New(is.URL+"/pool", audience, &identity.Options{Now: is.clock, HTTP: &http.Client{Transport: hang, Timeout: 20 * time.Millisecond}})
	mustRefuse(t, v, k.sign(t, is.claims(nil)), "discover issuer")
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
