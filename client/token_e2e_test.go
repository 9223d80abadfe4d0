package main_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	neturl "net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// grant has the issuer of the real service make a token that runs out after life.
func grant(t *testing.T, url string, life time.Duration, claims string) string {
	t.Helper()
	at, _, _ := strings.Cut(strings.TrimPrefix(url, "ws://"), "/")
	resp, err := http.PostForm("http://"+at+"/_local/token", neturl.Values{"user": {"taro"}, "expires": {life.String()}, "claims": {claims}})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("no token: %s %s %v", resp.Status, b, err)
	}
	return strings.TrimSpace(string(b))
}

// The real service lets in whoever has a token, says what is wrong with one that it
// does not take, and a token that runs out while the connection is open is replaced
// over it: the prompt is not lost, and the user sees nothing.
func TestTokensEndToEnd(t *testing.T) {
	url := local(t, "-auth", "jwt")
	const leeway = 30 * time.Second // the service's
	for _, c := range []struct {
		name string
		args []string
		want string // on stderr
	}{
		{"none", nil, "kaiwa: 401 Unauthorized: the service wants a token: --token, KAIWA_TOKEN, or token-command in the config\n"},
		{"old", []string{"--token", grant(t, url, -2*time.Hour, "")}, "kaiwa: 401 Unauthorized: the token ran out 2 h ago; get a new one\n"},
		{"another audience", []string{"--token", grant(t, url, time.Hour, `{"aud":"other"}`)}, "kaiwa: 401 Unauthorized: the service does not take this token: another issuer or audience, or a bad signature\n"},
		{"no JWT", []string{"--token", "x"}, "kaiwa: 401 Unauthorized: the service does not take this token: another issuer or audience, or a bad signature\n"},
	} {
		if got := kaiwa(t, "", append([]string{"-p", "hello", url}, c.args...)...); got != (result{"", c.want, 3}) {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
	if got := kaiwa(t, "", "-p", "hello", "--token-as", "subprotocol", "--token", grant(t, url, time.Hour, ""), url); got.code != 0 || !strings.Contains(got.out, "hello") {
		t.Errorf("as a subprotocol: %+v", got)
	}

	file := filepath.Join(t.TempDir(), "token")
	issue := func(life time.Duration) {
		if err := os.WriteFile(file, []byte(grant(t, url, life, "")), 0o600); err != nil {
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
