package issuer_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"kaiwa/local/issuer"
	"kaiwa/pkg/identity"
)

// start serves an issuer on a real socket.
func start(t *testing.T) (*issuer.Issuer, *httptest.Server) {
	t.Helper()
	mux := http.NewServeMux()
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	i, err := issuer.New(s.URL+"/_local/issuer", "chat")
	if err != nil {
		t.Fatal(err)
	}
	i.Register(mux, "/_local/issuer", "/_local/token")
	return i, s
}

func ask(t *testing.T, s *httptest.Server, form url.Values) (int, string) {
	t.Helper()
	res, err := http.PostForm(s.URL+"/_local/token", form)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, strings.TrimSpace(string(b))
}

// TestVerified: what it gives is good for whoever verifies as kaiwa's own functions
// do, and says what was asked for.
func TestVerified(t *testing.T) {
	i, s := start(t)
	v := identity.New(i.URL(), i.Audience(), &identity.Options{TopicClaim: "topics"})
	for name, tt := range map[string]struct {
		form   url.Values
		user   string
		life   time.Duration
		topics []string
	}{
		"nothing said":  {nil, "local", 24 * time.Hour, []string{}},
		"all said":      {url.Values{"user": {"太郎 #1"}, "expires": {"90s"}, "claims": {`{"topics":["a.*"]}`}}, "太郎 #1", 90 * time.Second, []string{"a.*"}},
		"within leeway": {url.Values{"expires": {"-10s"}}, "local", -10 * time.Second, []string{}},
	} {
		code, token := ask(t, s, tt.form)
		id, err := v.Verify(t.Context(), token)
		if code != http.StatusOK || err != nil || id.User != i.URL()+" "+tt.user || !slices.Equal(id.Topics, tt.topics) {
			t.Errorf("%s: %d, %+v, %v", name, code, id, err)
		}
		if off := time.Until(id.Expires) - tt.life; off > 0 || off < -time.Minute {
			t.Errorf("%s: expires %v off", name, off)
		}
	}
	if _, token := ask(t, s, url.Values{"expires": {"-1h"}}); token == "" {
		t.Error("no token that has run out")
	} else if _, err := v.Verify(t.Context(), token); err == nil || !strings.Contains(err.Error(), "expired") {
		t.Errorf("one that has run out: %v", err)
	}
	// Another run's tokens are worth nothing here.
	other, err := issuer.New(i.URL(), i.Audience())
	if err != nil {
		t.Fatal(err)
	}
	token, err := other.Token("local", time.Hour, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(t.Context(), token); err == nil {
		t.Error("another run's token is good")
	}
}

func TestRefused(t *testing.T) {
	_, s := start(t)
	for _, tt := range []struct{ name, value, says string }{
		{"expires", "soon", "expires must be a time like 1m or 24h"},
		{"claims", "[]", `claims must be a JSON object like {"topics":["builds.*"]}`},
		{"claims", strings.Repeat("x", 20<<10), "http: request body too large"},
	} {
		if code, body := ask(t, s, url.Values{tt.name: {tt.value}}); code != http.StatusBadRequest || body != tt.says {
			t.Errorf("%s: %d %q", tt.name, code, body)
		}
	}
	res, err := http.Get(s.URL + "/_local/token")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET, which a web page's picture can do: %d", res.StatusCode)
	}
}
