package main_test

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// issuer makes tokens, and tells the service its key.
type issuer struct {
	*httptest.Server
	key *ecdsa.PrivateKey
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	i := &issuer{key: key}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := any(map[string]string{"issuer": i.URL, "jwks_uri": i.URL + "/keys"})
		if r.URL.Path == "/keys" {
			answer = map[string]any{"keys": []any{map[string]string{"kid": "k", "kty": "EC", "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:])}}}
		}
		_ = json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(i.Close)
	return i
}

// token is one for somebody, that runs out after life.
func (i *issuer) token(t *testing.T, audience string, life time.Duration) string {
	t.Helper()
	now := time.Now()
	token := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{
		"iss": i.URL, "aud": audience, "sub": "taro", "iat": now.Add(-time.Hour).Unix(), "exp": now.Add(life).Unix(),
	})
	token.Header["kid"] = "k"
	signed, err := token.SignedString(i.key)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// The real service lets in whoever has a token, says what is wrong with one that it
// does not take, and a token that runs out while the connection is open is replaced
// over it: the prompt is not lost, and the user sees nothing.
func TestTokensEndToEnd(t *testing.T) {
	is := newIssuer(t)
	url := local(t, "-param", "Auth=jwt", "-param", "JwtIssuer="+is.URL, "-param", "JwtAudience=kaiwa")
	const leeway = 30 * time.Second // the service's
	for _, c := range []struct {
		name string
		args []string
		want string // on stderr
	}{
		{"none", nil, "kaiwa: 401 Unauthorized: the service wants a token: --token, KAIWA_TOKEN, or token-command in the config\n"},
		{"old", []string{"--token", is.token(t, "kaiwa", -2*time.Hour)}, "kaiwa: 401 Unauthorized: the token ran out 2 h ago; get a new one\n"},
		{"another audience", []string{"--token", is.token(t, "other", time.Hour)}, "kaiwa: 401 Unauthorized: the service does not take this token: another issuer or audience, or a bad signature\n"},
		{"another issuer", []string{"--token", newIssuer(t).token(t, "kaiwa", time.Hour)}, "kaiwa: 401 Unauthorized: the service does not take this token: another issuer or audience, or a bad signature\n"},
	} {
		if got := kaiwa(t, "", append([]string{"-p", "hello", url}, c.args...)...); got != (result{"", c.want, 3}) {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
	if got := kaiwa(t, "", "-p", "hello", "--token-as", "subprotocol", "--token", is.token(t, "kaiwa", time.Hour), url); got.code != 0 || !strings.Contains(got.out, "hello") {
		t.Errorf("as a subprotocol: %+v", got)
	}

	file := filepath.Join(t.TempDir(), "token")
	issue := func(life time.Duration) {
		if err := os.WriteFile(file, []byte(is.token(t, "kaiwa", life)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	issue(-leeway + 4*time.Second)
	over := time.After(5 * time.Second)
	cmd := command(t, "--token-command", "cat "+file, url)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	cmd.Stderr = &errs
	before := opened(t, url)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	replies := bufio.NewReader(stdout)
	says := func(prompt string) {
		t.Helper()
		fmt.Fprintln(stdin, prompt)
		if line, err := replies.ReadString('\n'); err != nil || !strings.Contains(line, prompt) {
			t.Fatalf("%s: %q %v %s", prompt, line, err, errs.String())
		}
	}
	says("first")
	<-over
	issue(time.Hour)
	says("second")
	_ = stdin.Close()
	if err := cmd.Wait(); err != nil || errs.Len() > 0 {
		t.Errorf("%v %s", err, errs.String())
	}
	if n := opened(t, url) - before; n != 1 {
		t.Errorf("it took %d connections", n)
	}
}

// opened is how many connections the service has had.
func opened(t *testing.T, url string) int {
	t.Helper()
	at, _, _ := strings.Cut(strings.TrimPrefix(url, "ws://"), "/")
	resp, err := http.Get("http://" + at + "/_local/stats")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var stats struct{ Opened int }
	b, err := io.ReadAll(resp.Body)
	if err == nil {
		err = json.Unmarshal(b, &stats)
	}
	if err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	return stats.Opened
}
