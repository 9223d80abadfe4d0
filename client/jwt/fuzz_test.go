package jwt_test

import (
	"testing"
	"time"

	"kaiwa/client/jwt"
)

// FuzzValidity: whatever a token says, its times can be compared and printed.
func FuzzValidity(f *testing.F) {
	for _, token := range []string{"a.eyJuYmYiOjEsImV4cCI6MWUzMDB9.b", "a.eyJleHAiOi0xfQ.b", "..", "a.bnVsbA.b", "a.W10.b", "\x00"} {
		f.Add(token)
	}
	f.Fuzz(func(t *testing.T, token string) {
		from, until := jwt.Validity(token)
		for _, at := range []time.Time{from, until} {
			if _, err := at.MarshalText(); err != nil && !at.IsZero() && at.Before(time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)) {
				t.Errorf("%q: %v", token, err)
			}
		}
	})
}
