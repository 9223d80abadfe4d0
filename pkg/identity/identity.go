// Package identity verifies OpenID Connect bearer tokens: Cognito, Entra, Auth0
// or any other issuer that publishes its keys.
package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"kaiwa/pkg/chat"
)

// Options tune a Verifier. The zero value is the default everywhere.
type Options struct {
	// HTTP fetches the issuer's keys (a client with a 5 s timeout).
	HTTP *http.Client
	// Leeway for clocks that differ (chat.Leeway).
	Leeway time.Duration
	// TopicClaim is the claim that lists the patterns of topics its owner may
	// subscribe to: an array of strings, or one string with spaces between them.
	// Default: no claim, so tokens do not say it.
	TopicClaim string
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
		opt.Leeway = chat.Leeway
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	v := &Verifier{issuer: issuer, audience: audience, opt: opt, keys: &keySet{issuer: issuer, now: opt.Now}}
	client := *opt.HTTP // the caller's own stays as it is
	client.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if len(via) > 3 {
			return errors.New("too many redirects")
		}
		return v.keys.secure(r.URL)
	}
	v.keys.http = &client
	return v
}

// claims are what is read of a token.
type claims struct {
	registered
	others map[string]json.RawMessage
}

type registered struct {
	jwt.RegisteredClaims
	ClientID string `json:"client_id"`
	TokenUse string `json:"token_use"`
}

// names are those of the claims in registered.
var names = []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "token_use"}

// UnmarshalJSON reads the claims by their exact names: encoding/json would take "Sub"
// and "ſub" for "sub" as well, whichever comes last. It keeps all aside, because the
// names of some only the configuration knows.
func (c *claims) UnmarshalJSON(b []byte) error {
	if err := json.Unmarshal(b, &c.others); err != nil {
		return err
	}
	exact := map[string]json.RawMessage{}
	for _, name := range names {
		if claim, ok := c.others[name]; ok {
			exact[name] = claim
		}
	}
	b, err := json.Marshal(exact)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, &c.registered)
}

// Verify gives the token's owner. Errors never hold the token; one of kind
// Unavailable says nothing about it, because the issuer could not be asked.
func (v *Verifier) Verify(ctx context.Context, token string) (chat.Identity, error) {
	id, err := v.verify(ctx, token)
	if err != nil {
		return chat.Identity{}, fmt.Errorf("verify token: %w", err)
	}
	return id, nil
}

func (v *Verifier) verify(ctx context.Context, token string) (id chat.Identity, err error) {
	if token == "" {
		return id, errors.New("there is none")
	}
	var c claims
	_, err = jwt.ParseWithClaims(token, &c, func(t *jwt.Token) (any, error) {
		kid, _ := t.Header["kid"].(string)
		return v.keys.get(ctx, kid, t.Method.Alg())
	},
		// No symmetric and no "none": a public key must never serve as a secret.
		jwt.WithValidMethods([]string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}),
		jwt.WithIssuer(v.issuer), jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(v.opt.Leeway), jwt.WithTimeFunc(v.opt.Now))
	switch {
	case err != nil:
		return id, err
	case !v.forUs(c):
		return id, errors.New("it is meant for another audience")
	case c.Subject == "":
		return id, errors.New("it has no subject")
	}
	id = chat.Identity{User: c.Issuer + " " + c.Subject, Expires: c.ExpiresAt.Time}
	if c.IssuedAt != nil {
		id.Issued = c.IssuedAt.Time
	}
	if v.opt.TopicClaim != "" {
		id.Topics, err = topicsOf(c.others[v.opt.TopicClaim])
	}
	return id, err
}

// maxTopics bounds a token's patterns as a JSON array: an authorizer's whole
// result may have 8 KB (aws-facts §1), and a connection's item is paid by the KB.
const maxTopics = 4 << 10

// topicsOf reads the patterns of a claim; a token without it names none.
func topicsOf(claim json.RawMessage) ([]string, error) {
	topics := []string{}
	if len(claim) == 0 {
		return topics, nil
	}
	var line string
	if json.Unmarshal(claim, &line) == nil {
		topics = append(topics, strings.Fields(line)...)
	} else if err := json.Unmarshal(claim, &topics); err != nil {
		return nil, errors.New("its topics are neither a list of strings nor a string")
	}
	if b, err := json.Marshal(topics); err != nil || len(b) > maxTopics {
		return nil, fmt.Errorf("its %d topics take %d bytes; at most %d fit", len(topics), len(b), maxTopics)
	}
	return topics, nil
}

// forUs tells whether a token is meant for the audience. Cognito's access tokens
// have no aud, but client_id and token_use (publishing.md §5).
func (v *Verifier) forUs(c claims) bool {
	if len(c.Audience) == 0 {
		return v.audience != "" && c.ClientID == v.audience && c.TokenUse == "access"
	}
	return slices.Contains(c.Audience, v.audience)
}
