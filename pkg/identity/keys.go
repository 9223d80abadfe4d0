package identity

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"kaiwa/pkg/chat"
)

// How often an unknown key id makes us ask the issuer, at most: made-up tokens
// must not be able to use us against it, least of all when it is unwell.
const (
	refetchEvery = time.Minute
	retryEvery   = time.Second // after a failure, while we have no keys at all
	// refreshAfter is when keys are fetched again although nobody asked for another:
	// one that the issuer has withdrawn must not be good for as long as a function
	// lives.
	refreshAfter = time.Hour
)

// keySet is an issuer's published keys, fetched when first needed.
type keySet struct {
	issuer string
	http   *http.Client
	now    func() time.Time

	mu     sync.Mutex // protects following
	keys   map[string]key
	next   time.Time // the issuer is not asked before
	stale  time.Time // and is asked after
	unwell bool      // it could not be asked the last time
}

// key verifies tokens; alg is the one algorithm it is for, "" for any of its kind.
type key struct {
	public crypto.PublicKey
	alg    string
}

// get finds the key of an id for an algorithm, asking the issuer again for an id it
// does not know. An unwell issuer locks nobody out whose key we have; any other key
// may be one that it has begun to use meanwhile, so that the error is a chat.Error of
// kind Unavailable.
func (s *keySet) get(ctx context.Context, kid, alg string) (crypto.PublicKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.keys[kid]
	if now := s.now(); (!ok || now.After(s.stale)) && !now.Before(s.next) {
		keys, err := s.fetch(ctx)
		s.unwell = err != nil
		switch {
		case err == nil:
			s.keys, s.next, s.stale = keys, now.Add(refetchEvery), now.Add(refreshAfter)
			k, ok = s.keys[kid]
		case len(s.keys) == 0:
			s.next = now.Add(retryEvery)
			return nil, unavailable(err)
		default:
			s.next = now.Add(refetchEvery)
		}
	}
	switch {
	case ok:
	case s.unwell:
		return nil, unavailable(errors.New("it was asked a moment ago"))
	default:
		return nil, fmt.Errorf("issuer has no key %.40q", kid)
	}
	if k.alg != "" && k.alg != alg {
		return nil, fmt.Errorf("key %.40q is not for %s", kid, alg)
	}
	return k.public, nil
}

func unavailable(err error) error {
	return &chat.Error{Kind: chat.Unavailable, Message: "the issuer of tokens could not be reached; try again", Err: err}
}

func (s *keySet) fetch(ctx context.Context) (map[string]key, error) {
	var conf struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	if err := s.getJSON(ctx, strings.TrimSuffix(s.issuer, "/")+"/.well-known/openid-configuration", &conf); err != nil {
		return nil, fmt.Errorf("discover issuer: %w", err)
	}
	// OpenID Connect Discovery 1.0 §4.3 wants them identical.
	if conf.Issuer != s.issuer {
		return nil, fmt.Errorf("discover issuer: it calls itself %.200q, not %q", conf.Issuer, s.issuer)
	}
	var set struct {
		Keys []jwk `json:"keys"`
	}
	if err := s.getJSON(ctx, conf.JWKSURI, &set); err != nil {
		return nil, fmt.Errorf("fetch issuer's keys: %w", err)
	}
	keys := map[string]key{}
	for _, k := range set.Keys {
		if pub, err := k.public(); err == nil && (k.Use == "" || k.Use == "sig") {
			keys[k.Kid] = key{pub, k.Alg}
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("fetch issuer's keys: there is none that could be used")
	}
	return keys, nil
}

func (s *keySet) getJSON(ctx context.Context, address string, v any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	if err := s.secure(req.URL); err != nil {
		return err
	}
	res, err := s.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", address, res.Status)
	}
	return json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(v)
}

// secure refuses to leave TLS where the issuer has it: keys that anybody on the way
// may change are none.
func (s *keySet) secure(u *url.URL) error {
	if strings.HasPrefix(s.issuer, "https:") && u.Scheme != "https" {
		return fmt.Errorf("%s is not https, though the issuer is", u.Redacted())
	}
	return nil
}

// jwk is one key of a JWKS (RFC 7517).
type jwk struct {
	Kid string `json:"kid"`
	Kty string `json:"kty"`
	Use string `json:"use"`
	Alg string `json:"alg"`
	Crv string `json:"crv"`
	N   string `json:"n"`
	E   string `json:"e"`
	X   string `json:"x"`
	Y   string `json:"y"`
}

func (k jwk) public() (crypto.PublicKey, error) {
	switch k.Kty {
	case "RSA":
		n, err1 := b64(k.N)
		e, err2 := b64(k.E)
		exp := new(big.Int).SetBytes(e)
		if err := errors.Join(err1, err2); err != nil || len(n) < 256 || !exp.IsInt64() || exp.Int64() < 3 || exp.Int64() > 1<<31-1 {
			return nil, errors.New("not an RSA key of 2048 bits or more")
		}
		return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(exp.Int64())}, nil
	case "EC":
		return k.ecdsa()
	case "OKP":
		x, err := b64(k.X)
		if err != nil || k.Crv != "Ed25519" || len(x) != ed25519.PublicKeySize {
			return nil, errors.New("not an Ed25519 key")
		}
		return ed25519.PublicKey(x), nil
	}
	return nil, fmt.Errorf("key type %q is not supported", k.Kty)
}

func (k jwk) ecdsa() (crypto.PublicKey, error) {
	curves := map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}
	curve, ok := curves[k.Crv]
	x, err1 := b64(k.X)
	y, err2 := b64(k.Y)
	if err := errors.Join(err1, err2); err != nil || !ok {
		return nil, errors.New("not an EC key on P-256, P-384 or P-521")
	}
	size := (curve.Params().BitSize + 7) / 8
	point := make([]byte, 1+2*size)
	point[0] = 4 // uncompressed
	if len(x) > size || len(y) > size {
		return nil, errors.New("coordinates are too long")
	}
	copy(point[1+size-len(x):], x)
	copy(point[1+2*size-len(y):], y)
	return ecdsa.ParseUncompressedPublicKey(curve, point)
}

func b64(s string) ([]byte, error) {
	return base64.RawURLEncoding.DecodeString(strings.TrimRight(s, "="))
}
