// Package jwt reads from a token when it is valid. It verifies nothing: whether
// the token is good is for the service to say.
package jwt

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"strings"
	"time"
)

// Validity is from when until when a token is valid by its own word (RFC 7519,
// nbf and exp). A time is zero where the token does not say it, or is no JWT.
func Validity(token string) (from, until time.Time) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return from, until
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return from, until
	}
	var claims struct {
		From  float64 `json:"nbf"`
		Until float64 `json:"exp"`
	}
	if json.Unmarshal(body, &claims) != nil {
		return from, until
	}
	return at(claims.From), at(claims.Until)
}

// at is a time in seconds since 1970, which may have a fraction.
func at(seconds float64) time.Time {
	const most = 1 << 40 // beyond it time.Time does not print
	if seconds <= 0 || seconds > most {
		return time.Time{}
	}
	whole, part := math.Modf(seconds)
	return time.Unix(int64(whole), int64(part*1e9))
}
