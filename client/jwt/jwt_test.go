package jwt_test

import (
	"encoding/base64"
	"testing"
	"time"

	"kaiwa/client/jwt"
)

func token(claims string) string {
	return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
}

func TestValidity(t *testing.T) {
	for _, c := range []struct {
		token       string
		from, until time.Time
	}{
		{token(`{"nbf":1700000000,"exp":1700003600}`), time.Unix(1700000000, 0), time.Unix(1700003600, 0)},
		{token(`{"exp":1700003600.5}`), time.Time{}, time.Unix(1700003600, 5e8)},
		{token(`{"sub":"a"}`), time.Time{}, time.Time{}},
		{token(`{"exp":-1}`), time.Time{}, time.Time{}},
		{token(`{"exp":1e300}`), time.Time{}, time.Time{}},
		{token(`{"exp":"soon"}`), time.Time{}, time.Time{}},
		{token(`[]`), time.Time{}, time.Time{}},
		{"e30.%%%.c2ln", time.Time{}, time.Time{}},
		{"opaque", time.Time{}, time.Time{}},
		{"", time.Time{}, time.Time{}},
	} {
		if from, until := jwt.Validity(c.token); !from.Equal(c.from) || !until.Equal(c.until) {
			t.Errorf("%s: %v to %v, want %v to %v", c.token, from, until, c.from, c.until)
		}
	}
}
