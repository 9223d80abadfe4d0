package chat

import "time"

// Identity is who speaks and until when: what a verified token says, or what API
// Gateway verified itself.
type Identity struct {
	// User is the name that everything is stored under: of a token the issuer and
	// the subject, as one string.
	User string
	// Issued is when the token was made, Expires when it runs out: the zero time for
	// unknown, and never.
	Issued, Expires time.Time
	// Topics are the patterns (see TopicMatches) of topics that the token names, if
	// the deployment has such a claim: nil if it has none, empty if the token has
	// none.
	Topics []string
}

// Leeway is how far the clocks of an issuer of tokens and ours may differ.
const Leeway = 30 * time.Second

// Expired tells whether the connection's token has run out, or was revoked.
func (c Connection) Expired(now time.Time) bool {
	return !c.Expires.IsZero() && now.After(c.Expires.Add(Leeway))
}

// RefreshWithin is how long after the first message that was refused for it a
// connection may still hand over a new token. Then the next refusal closes it.
const RefreshWithin = time.Minute
