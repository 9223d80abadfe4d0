package chat

import "time"

// Identity is what a verified token says.
type Identity struct {
	// User is the issuer and subject, as one string.
	User string
	// Expires is when the token runs out.
	Expires time.Time
}
