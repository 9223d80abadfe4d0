package identity_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

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
			mustRefuse(t, v, token, "no key")
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
