package signin_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kaiwa/client/signin"
)

// token is a JWT, unsigned, that runs out after life; with 0 it does not say.
func token(n int, life time.Duration) string {
	claims := fmt.Sprintf(`{"n":%d}`, n)
	if life > 0 {
		claims = fmt.Sprintf(`{"n":%d,"exp":%d}`, n, time.Now().Add(life).Unix())
	}
	return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
}

// sign signs a handshake and gives its headers.
func sign(t *testing.T, s *signin.SignIn, address string) (http.Header, error) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Sec-Websocket-Protocol", "kaiwa.v1")
	_, err = s.Sign(t.Context(), r)
	return r.Header, err
}

func newSignIn(t *testing.T, opt signin.Options) *signin.SignIn {
	t.Helper()
	s, err := signin.New(opt)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestHeaders(t *testing.T) {
	for _, c := range []struct {
		name string
		opt  signin.Options
		want string
	}{
		{"nothing", signin.Options{}, "map[Sec-Websocket-Protocol:[kaiwa.v1]]"},
		{"token", signin.Options{Token: "a.b"}, "map[Authorization:[Bearer a.b] Sec-Websocket-Protocol:[kaiwa.v1]]"},
		{"subprotocol", signin.Options{Token: "a.b", AsSubprotocol: true}, "map[Sec-Websocket-Protocol:[kaiwa.v1 bearer.a.b]]"},
		{"key", signin.Options{APIKey: "k"}, "map[Sec-Websocket-Protocol:[kaiwa.v1] X-Api-Key:[k]]"},
		{"key and token", signin.Options{APIKey: "k", Token: "t"}, "map[Authorization:[Bearer t] Sec-Websocket-Protocol:[kaiwa.v1] X-Api-Key:[k]]"},
	} {
		got, err := sign(t, newSignIn(t, c.opt), "http://x/dev")
		if fmt.Sprint(got) != c.want || err != nil {
			t.Errorf("%s: %v %v\nwant %s", c.name, got, err, c.want)
		}
	}
	if _, err := sign(t, newSignIn(t, signin.Options{Token: "a=b", AsSubprotocol: true}), "http://x/dev"); err == nil {
		t.Error("a token that is no name goes as a subprotocol")
	}
	for _, opt := range []signin.Options{{Token: "a", Command: "b"}, {Token: "a", SigV4: true}, {Command: "a", SigV4: true}} {
		if _, err := signin.New(opt); err == nil || !strings.HasSuffix(err.Error(), "choose one") {
			t.Errorf("%+v: %v", opt, err)
		}
	}
	for _, opt := range []signin.Options{{Token: "a\n"}, {APIKey: "a b"}, {Token: "トークン"}} {
		if _, err := signin.New(opt); err == nil {
			t.Errorf("%+v passes", opt)
		}
	}
}

// The command runs when there is no token, when the token is about to run out, and
// when the service wants another; not more often.
func TestCommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs, life := 0, time.Hour
		s := newSignIn(t, signin.Options{Command: "get token", Run: func(_ context.Context, command string) (string, error) {
			if command != "get token" {
				t.Errorf("ran %q", command)
			}
			runs++
			return token(runs, life) + "\n", nil
		}})
		uses := func(after time.Duration, n int) {
			t.Helper()
			time.Sleep(after)
			h, err := sign(t, s, "http://x/dev")
			if err != nil || runs != n || h.Get("Authorization") == "" {
				t.Fatalf("%d runs, want %d: %v %v", runs, n, h, err)
			}
		}
		uses(0, 1)
		uses(59*time.Minute, 1)
		uses(31*time.Second, 2) // early
		got, expires, err := s.Renew(t.Context())
		if err != nil || runs != 3 || got != token(3, life) || time.Until(expires) != life {
			t.Errorf("renewed: %q %v %v", got, expires, err)
		}
		uses(0, 3)
		life = time.Second // of a clock that is late
		uses(2*time.Hour, 4)
		uses(5*time.Second, 5)
		life = 0
		uses(time.Minute, 6)
		uses(100*time.Hour, 6)
	})
}

func TestCommandFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			out  string
			err  error
			want string
		}{
			{"", errors.New("exit status 1: not signed in"), "token-command: exit status 1: not signed in"},
			{" \n", nil, "token-command printed nothing; it should print a token"},
			{"Here is\nyour token", nil, "token-command printed 4 words; it should print a token and nothing else"},
		} {
			s := newSignIn(t, signin.Options{Command: "c", Run: func(context.Context, string) (string, error) { return c.out, c.err }})
			_, err := sign(t, s, "http://x/dev")
			if _, _, again := s.Renew(t.Context()); fmt.Sprint(err) != c.want || fmt.Sprint(again) != c.want {
				t.Errorf("got %v and %v, want %s", err, again, c.want)
			}
		}
		same := newSignIn(t, signin.Options{Command: "c", Run: func(context.Context, string) (string, error) { return "Bearer same", nil }})
		if h, err := sign(t, same, "http://x/dev"); err != nil || h.Get("Authorization") != "Bearer same" {
			t.Error(h, err)
		}
		time.Sleep(time.Minute)
		if _, _, err := same.Renew(t.Context()); fmt.Sprint(err) != "token-command gives the same one again" {
			t.Error(err)
		}
		good := token(1, time.Hour)
		forgotten := newSignIn(t, signin.Options{Command: "c", Run: func(context.Context, string) (string, error) { return good, nil }})
		for range 2 {
			if got, _, err := forgotten.Renew(t.Context()); got != good || err != nil {
				t.Error(got, err)
			}
		}
		if _, _, err := newSignIn(t, signin.Options{Token: "t"}).Renew(t.Context()); err == nil {
			t.Error("a fixed token was renewed")
		}
	})
}

// One that waits for another's command can be called off.
func TestCommandCalledOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSignIn(t, signin.Options{Command: "c", Run: func(ctx context.Context, _ string) (string, error) {
			<-ctx.Done()
			return "", ctx.Err()
		}})
		long, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); _, _, _ = s.Renew(long) }()
		synctest.Wait()
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, _, err := s.Renew(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		stop()
		<-done
	})
}

// The shell's own: what it prints, what it says, that it can be called off.
func TestShell(t *testing.T) {
	for command, want := range map[string]string{
		"printf 'tok'": "Bearer tok",
		"echo first >&2; echo no such user >&2; exit 3": `token-command: "echo first >&2; echo no such user >&2; exit 3": exit status 3: no such user`,
		"cat": "token-command printed nothing; it should print a token", // nothing to read
	} {
		h, err := sign(t, newSignIn(t, signin.Options{Command: command}), "http://x/dev")
		if got := h.Get("Authorization"); err == nil && got != want || err != nil && err.Error() != want {
			t.Errorf("%s: %q %v", command, got, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, _, err := newSignIn(t, signin.Options{Command: "sleep 60"}).Renew(ctx); err == nil || time.Since(start) > 20*time.Second {
		t.Errorf("%v after %v", err, time.Since(start))
	}
}

// noAWS has AWS's chain find nothing of this machine.
func noAWS(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(dir, "config"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(dir, "credentials"))
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

func TestNoCredentials(t *testing.T) {
	noAWS(t)
	s := newSignIn(t, signin.Options{SigV4: true})
	if _, err := sign(t, s, "https://abc.execute-api.eu-west-1.amazonaws.com/dev"); err == nil || !strings.HasPrefix(err.Error(), "there are no AWS credentials: set AWS_PROFILE") {
		t.Error(err)
	}
	s = newSignIn(t, signin.Options{SigV4: true})
	if _, err := sign(t, s, "https://chat.example.com/dev"); err == nil || err.Error() != "which region is chat.example.com in? say it with --region, or AWS_REGION" {
		t.Error(err)
	}
}

// Which region is signed for.
func TestRegion(t *testing.T) {
	noAWS(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIA")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_REGION", "us-west-2")
	for _, c := range []struct{ host, region, want string }{
		{"abc.execute-api.eu-west-1.amazonaws.com", "", "eu-west-1"},
		{"abc.execute-api.cn-north-1.amazonaws.com.cn", "", "cn-north-1"},
		{"abc.execute-api.eu-west-1.amazonaws.com", "eu-west-2", "eu-west-2"},
		{"abc.execute-api.eu-west-1.example.com", "", "us-west-2"},
		{"chat.example.com:8443", "", "us-west-2"},
		{"127.0.0.1:3001", "ap-northeast-1", "ap-northeast-1"},
	} {
		h, err := sign(t, newSignIn(t, signin.Options{SigV4: true, Region: c.region}), "https://"+c.host+"/dev")
		if got := h.Get("Authorization"); err != nil || !strings.Contains(got, "/"+c.want+"/execute-api/aws4_request") {
			t.Errorf("%+v: %s %v", c, got, err)
		}
	}
}
