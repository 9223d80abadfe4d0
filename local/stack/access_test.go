package stack_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/coder/websocket"

	"kaiwa/local/stack"
)

// connect tries to open a socket with headers, and says hello on it.
func connect(t *testing.T, s *stack.Stack, headers http.Header) (status int, said string) {
	t.Helper()
	ws, res, err := websocket.Dial(t.Context(), s.URL(), &websocket.DialOptions{HTTPHeader: headers, HTTPClient: client(t, "")})
	if err != nil {
		if res == nil {
			t.Fatal(err)
		}
		return res.StatusCode, ""
	}
	defer ws.CloseNow()
	return 101, say(t, ws, "world")
}

func signed(t *testing.T, url, key, secret string) http.Header {
	t.Helper()
	r, err := http.NewRequest("GET", strings.Replace(url, "ws:", "http:", 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(nil)
	who := aws.Credentials{AccessKeyID: key, SecretAccessKey: secret}
	if err := v4.NewSigner().SignHTTP(context.Background(), who, r, hex.EncodeToString(sum[:]), "execute-api", region, time.Now()); err != nil {
		t.Fatal(err)
	}
	return r.Header
}

// With AWS_IAM a signed client is let in and its function may post back; others
// may do neither.
func TestIAM(t *testing.T) {
	s := start(t, "iam", nil)
	a := s.Access()
	if a.AccessKeyID == "" || a.SecretAccessKey == "" || a.APIKey != "" {
		t.Fatalf("access %+v", a)
	}
	if status, said := connect(t, s, signed(t, s.URL(), a.AccessKeyID, a.SecretAccessKey)); status != 101 || said != "hello world" {
		t.Errorf("signed: %d %q", status, said)
	}
	for name, headers := range map[string]http.Header{
		"unsigned":     nil,
		"wrong secret": signed(t, s.URL(), a.AccessKeyID, "wrong"),
		"unknown key":  signed(t, s.URL(), "AKIAUNKNOWN", a.SecretAccessKey),
	} {
		if status, _ := connect(t, s, headers); status != 403 {
			t.Errorf("%s: %d, want 403", name, status)
		}
	}
	callback := here(s) + "/dev/@connections/abc="
	status, _ := ask(t, "POST", callback, "x", func(r *http.Request) {
		r.Header.Set("Authorization", signed(t, callback, a.AccessKeyID, "wrong").Get("Authorization"))
	})
	if status != 403 {
		t.Errorf("callback with a wrong signature: %d, want 403", status)
	}
}

func TestAPIKey(t *testing.T) {
	s := start(t, "apikey", nil)
	a := s.Access()
	if a.APIKey == "" || a.AccessKeyID != "" {
		t.Fatalf("access %+v", a)
	}
	if status, said := connect(t, s, http.Header{"X-Api-Key": {a.APIKey}}); status != 101 || said != "hello world" {
		t.Errorf("with the key: %d %q", status, said)
	}
	if status, _ := connect(t, s, http.Header{"X-Api-Key": {"wrong"}}); status != 403 {
		t.Errorf("with a wrong key: %d, want 403", status)
	}
}

func TestIAMAndAWSItself(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, err = stack.Start(t.Context(), l, load(t, map[string]string{"Auth": "iam"}), program(t), &stack.Options{Bedrock: true})
	if err == nil || !strings.Contains(err.Error(), "AWS_IAM cannot be tried together with AWS itself") {
		t.Errorf("error %v", err)
	}
}
