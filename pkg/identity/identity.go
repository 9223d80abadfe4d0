// Package identity verifies OpenID Connect bearer tokens: Cognito, Entra, Auth0
// or any other issuer that publishes its keys.
package identity

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"kaiwa/pkg/chat"
)

// Options tune a Verifier. The zero value is the default everywhere.
type Options struct {
	// HTTP fetches the issuer's keys (a client with a 5 s timeout).
	HTTP *http.Client
	// Leeway for clocks that differ (30 s).
	Leeway time.Duration
	// Now is the clock (time.Now).
	Now func() time.Time
}

// Verifier checks tokens of one issuer. Keys are kept across invocations.
type Verifier struct {
	issuer, audience string
	keys             *keySet
	opt              Options
}

// New makes a Verifier for tokens of issuer (its URL, exactly as in iss) that are
// meant for audience: aud holds it or, in Cognito's access tokens, client_id is
// it (publishing.md §5).
func New(issuer, audience string, o *Options) *Verifier {
	var opt Options
	if o != nil {
		opt = *o
	}
	if opt.HTTP == nil {
		opt.HTTP = &http.Client{Timeout: 5 * time.Second}
	}
	if opt.Leeway == 0 {
		opt.Leeway = 30 * time.Second
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	return &Verifier{issuer: issuer, audience: audience, opt: opt, keys: &keySet{issuer: issuer, http: opt.HTTP, now: opt.Now}}
}

type claims struct {
	jwt.RegisteredClaims
	ClientID string `json:"client_id"`
}

// Verify gives the token's owner. Errors never hold the token.
func (v *Verifier) Verify(ctx context.Context, token string) (chat.Identity, error) {
	if token == "" {
		return chat.Identity{}, errors.New("verify token: there is none")
	}
	var c claims
	_, err := jwt.ParseWithClaims(token, &c, func(t *jwt.Token) (any, error) {
		kid, _ := t.Header["kid"].(string)
		return v.keys.get(ctx, kid)
	},
		// No symmetric and no "none": a public key must never serve as a secret.
		jwt.WithValidMethods([]string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}),
		jwt.WithIssuer(v.issuer), jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(v.opt.Leeway), jwt.WithTimeFunc(v.opt.Now))
	if err != nil {
		return chat.Identity{}, fmt.Errorf("verify token: %w", err)
	}
	if !v.forUs(c) {
		return chat.Identity{}, errors.New("verify token: it is meant for another audience")
	}
	if c.Subject == "" {
		return chat.Identity{}, errors.New("verify token: it has no subject")
	}
	return chat.Identity{User: c.Issuer + " " + c.Subject, Expires: c.ExpiresAt.Time}, nil
}

func (v *Verifier) forUs(c claims) bool {
	if len(c.Audience) == 0 {
		return v.audience != "" && c.ClientID == v.audience
	}
	return slices.Contains(c.Audience, v.audience)
}
