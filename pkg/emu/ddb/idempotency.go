package ddb

import (
	"crypto/sha256"
	"time"
)

// tokenLife is how long a ClientRequestToken is remembered (DynamoDB API reference, TransactWriteItems).
const tokenLife = 10 * time.Minute

// tokens remembers the tokens of transactions that happened. The server's lock guards it. The zero value is empty.
type tokens struct {
	known map[string]remembered
	order []string // oldest first
}

type remembered struct {
	fingerprint [sha256.Size]byte
	at          time.Time
	reads       map[string]float64 // what a repetition costs, by table: reading the items
}

// receipt is a token with what is remembered of its transaction; the zero value is that of one without.
type receipt struct {
	token string
	remembered
}

// fingerprintOf tells requests apart, apart from the members that a repetition may have otherwise.
func fingerprintOf(body any) [sha256.Size]byte {
	object, _ := body.(map[string]any)
	return sha256.Sum256(appendJSON(nil, object["TransactItems"]))
}

func (t *tokens) remember(r receipt) {
	if r.token == "" {
		return
	}
	if t.known == nil {
		t.known = map[string]remembered{}
	}
	t.known[r.token] = r.remembered
	t.order = append(t.order, r.token)
}

// forget drops what is too old.
func (t *tokens) forget(now time.Time) {
	for len(t.order) > 0 && now.Sub(t.known[t.order[0]].at) >= tokenLife {
		delete(t.known, t.order[0])
		t.order = t.order[1:]
	}
}

// replay tells whether the token's transaction has happened already; it must have been the same request.
func (c *call) replay(token string, fingerprint [sha256.Size]byte) (bool, error) {
	c.store.tokens.forget(c.options.Clock())
	r, known := c.store.tokens.known[token]
	switch {
	case !known:
		return false, nil
	case r.fingerprint != fingerprint:
		return true, refusal(dynamoDB+"IdempotentParameterMismatchException",
			"The request uses the same client token as a previous, but non-identical request")
	}
	for table, units := range r.reads {
		if t := c.store.tables[table]; t != nil {
			c.used.of(t).reads("", units)
		}
	}
	return true, nil
}
