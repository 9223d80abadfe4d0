package main_test

import (
	"bufio"
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"kaiwa/client/internal/fake"
	"kaiwa/pkg/emu/apigw"
	"kaiwa/pkg/wire"
)

// What the program sends to be let in.
func TestSignIn(t *testing.T) {
	server, url := service(t)
	var got http.Header
	server.Look(func(*fake.Chat) {
		server.Admit = func(r *http.Request) int { got = r.Header.Clone(); return 0 }
	})
	for _, c := range []struct {
		env, args []string
		header    string
		want      string
	}{
		{nil, []string{"--token", "t"}, "Authorization", "Bearer t"},
		{[]string{"KAIWA_TOKEN=t"}, nil, "Authorization", "Bearer t"},
		{nil, []string{"--token-command", "echo t; echo noise >&2"}, "Authorization", "Bearer t"},
		{[]string{"KAIWA_TOKEN_COMMAND=echo t"}, []string{"--token-as", "subprotocol"}, "Sec-Websocket-Protocol", "kaiwa.v1,bearer.t"},
		{nil, []string{"--api-key", "k"}, "X-Api-Key", "k"},
		{nil, []string{"-H", "Host: chat.example.com", "-H", "X-A: b"}, "X-A", "b"},
	} {
		cmd := command(t, append([]string{"-p", "x", url}, c.args...)...)
		cmd.Env = append(cmd.Env, c.env...)
		out, err := cmd.CombinedOutput()
		server.Look(func(*fake.Chat) {
			if err != nil || string(out) != "You said: x\n" || got.Get(c.header) != c.want {
				t.Errorf("%v: %q %v, %s: %q, want %q", c.args, out, err, c.header, got.Get(c.header), c.want)
			}
		})
	}
	for _, c := range []struct {
		args []string
		want result
	}{
		{[]string{"--token-command", "echo not signed in >&2; exit 1"}, result{"", "kaiwa: token-command: \"echo not signed in >&2; exit 1\": exit status 1: not signed in\n", 3}},
		{[]string{"--token", "a", "--sigv4"}, result{"", "kaiwa: a token and sigv4 both go into the header Authorization; choose one\n", 2}},
		{[]string{"--ca", "testdata/note.md"}, result{"", "kaiwa: ca: testdata/note.md has no certificate in PEM\n", 2}},
		{[]string{"--cert", "x"}, result{"", "kaiwa: cert and key go together: a certificate, and the key to it\n", 2}},
		{[]string{"--proxy", "here"}, result{"", "kaiwa: the proxy has the form http://HOST:PORT, https:// or socks5://\n", 2}},
	} {
		if got := kaiwa(t, "", append([]string{"-p", "x", url}, c.args...)...); got != c.want {
			t.Errorf("%v: %+v", c.args, got)
		}
	}
}

// A token that runs out is replaced over the connection that is open, and the
// prompt is not lost.
func TestTokenRunsOut(t *testing.T) {
	server, url := service(t)
	file := filepath.Join(t.TempDir(), "token")
	valid := func(token string) {
		if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
		server.Look(func(c *fake.Chat) { c.Token = token })
	}
	valid("t1")
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
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	replies := bufio.NewReader(stdout)
	for _, token := range []string{"t1", "t2", "t3"} {
		valid(token)
		fmt.Fprintf(stdin, "with %s\n", token)
		if line, err := replies.ReadString('\n'); err != nil || line != "You said: with "+token+"\n" {
			t.Fatalf("%q %v %s", line, err, errs.String())
		}
	}
	_ = stdin.Close()
	if err := cmd.Wait(); err != nil || errs.Len() > 0 {
		t.Errorf("%v %s", err, errs.String())
	}
	auths := 0
	_ = server.Await(t.Context(), func(heard []wire.Request, _ int) bool {
		for _, q := range heard {
			if _, ok := q.(wire.Auth); ok {
				auths++
			}
		}
		return true
	})
	if auths != 2 {
		t.Errorf("%d tokens were handed over", auths)
	}
}

// awsEnv is the environment of somebody with these AWS credentials and nothing
// else.
func awsEnv(t *testing.T, key, secret string) []string {
	dir := t.TempDir()
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "AWS_EC2_METADATA_DISABLED=true",
		"AWS_ACCESS_KEY_ID=" + key, "AWS_SECRET_ACCESS_KEY=" + secret,
	}
}

// SigV4 against a gateway that verifies it: the program's own connections, and a
// presigned URL that another program connects with.
func TestSigV4(t *testing.T) {
	api := apigw.API{
		ID: "abc123", RouteSelectionExpression: "$request.body.action", Stage: apigw.Stage{Name: "dev"},
		Routes: map[string]apigw.Route{"$connect": {Authorization: "AWS_IAM"}},
	}
	at, _ := apigw.Start(t, api, nil, &apigw.Options{Credentials: func(id string) (apigw.Identity, bool) {
		return apigw.Identity{SecretAccessKey: "secret"}, id == "AKIAX"
	}})
	run := func(env []string, args ...string) result {
		cmd := command(t, args...)
		cmd.Env = env
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		_ = cmd.Run()
		return result{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
	}
	env := awsEnv(t, "AKIAX", "secret")
	forbidden := func(line string) bool { return strings.HasPrefix(line, `{"message": "Forbidden", "connectionId":`) }
	got := run(env, "raw", "--sigv4", "--region", "us-east-1", at, "hello", "--wait-for", "1")
	if got.code != 0 || !forbidden(got.out) { // the gateway has no route, but it lets us in
		t.Errorf("signed: %+v", got)
	}
	link := run(env, "url", "--presign", "--region", "us-east-1", "--expires", "1m", at+"?user=me")
	if link.code != 0 || !strings.HasPrefix(link.out, at+"?") || !strings.Contains(link.err, "can connect with it until") {
		t.Fatalf("presigned: %+v", link)
	}
	if got := kaiwa(t, "", "raw", strings.TrimSpace(link.out), "hello", "--wait-for", "1"); got.code != 0 || !forbidden(got.out) {
		t.Errorf("with the presigned URL: %+v", got)
	}
	if wscat, err := exec.LookPath("wscat"); err != nil {
		t.Log("not tried with wscat: ", err)
	} else {
		cmd := exec.CommandContext(t.Context(), wscat, "-c", strings.TrimSpace(link.out), "-x", "hello", "-w", "1")
		in, _ := cmd.StdinPipe() // wscat ends with its standard input
		out, err := cmd.Output()
		_ = in.Close()
		if err != nil || !forbidden(strings.TrimSpace(string(out))) {
			t.Errorf("wscat with the presigned URL: %s %v", out, err)
		}
	}
	for _, c := range []struct {
		env  []string
		args []string
		want result
	}{
		{env, []string{"url", "--presign", "--expires", "200h", at}, result{"", "kaiwa: --expires is between 1s and 168h, a week\n", 2}},
		{env, []string{"url", at + "?user=me"}, result{at + "?user=me\n", "", 0}},
		{env, []string{"raw", at, "x"}, result{"", "kaiwa: 403 Forbidden: the service wants requests signed with AWS credentials: --sigv4\n", 3}},
		{env, []string{"raw", "--sigv4", at, "x"}, result{"", "kaiwa: which region is " + strings.TrimSuffix(strings.TrimPrefix(at, "ws://"), "/dev") + " in? say it with --region, or AWS_REGION\n", 3}},
		{awsEnv(t, "", ""), []string{"-p", "x", "--sigv4", "--region", "us-east-1", at}, result{"", "kaiwa: there are no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or sign in with `aws sso login`\n", 3}},
		{awsEnv(t, "AKIAX", "wrong"), []string{"ls", "--sigv4", "--region", "us-east-1", at}, result{"", "kaiwa: 403 Forbidden: the AWS secret access key is wrong, or something on the way changed the request\n", 3}},
	} {
		if got := run(c.env, c.args...); got != c.want {
			t.Errorf("%v: %+v", c.args, got)
		}
	}
}

// A service with a certificate that nobody but --ca vouches for.
func TestTLS(t *testing.T) {
	server := fake.NewServer(nil)
	h := httptest.NewUnstartedServer(server)
	h.Config.ErrorLog = log.New(io.Discard, "", 0)
	h.StartTLS()
	defer h.Close()
	defer server.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pemOf(h.Certificate()), 0o600); err != nil {
		t.Fatal(err)
	}
	url := "wss" + strings.TrimPrefix(h.URL, "https")
	const warning = "kaiwa: --insecure: whoever is on the way can read and change everything\n"
	if got := kaiwa(t, "", "-p", "x", "--ca", ca, url); got != (result{out: "You said: x\n"}) {
		t.Errorf("--ca: %+v", got)
	}
	if got := kaiwa(t, "", "-p", "x", "--insecure", url); got != (result{"You said: x\n", warning, 0}) {
		t.Errorf("--insecure: %+v", got)
	}
	// Through a proxy, which alone knows where that host is.
	proxy := tunnel(t, h.Listener.Addr().String())
	if got := kaiwa(t, "", "-p", "x", "--ca", ca, "--proxy", proxy, "wss://example.com/dev"); got != (result{out: "You said: x\n"}) {
		t.Errorf("through a proxy: %+v", got)
	}
	if got := kaiwa(t, "", "-p", "x", url); got.code != 4 || !strings.Contains(got.err, "give its authority with --ca FILE") {
		t.Errorf("neither: %+v", got)
	}
}

// tunnel is a proxy whose every CONNECT leads to one place.
func tunnel(t *testing.T, to string) string {
	t.Helper()
	var work sync.WaitGroup
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		there, err := net.Dial("tcp", to)
		if r.Method != http.MethodConnect || err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		here, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		_, _ = io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
		pipe := func(a, b net.Conn) { _, _ = io.Copy(a, b); _ = a.Close() }
		work.Go(func() { pipe(here, there) })
		work.Go(func() { pipe(there, here) })
	}))
	t.Cleanup(func() { proxy.Close(); work.Wait() })
	return proxy.URL
}

func pemOf(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}
