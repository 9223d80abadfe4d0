package stack_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
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
	if got := say(t, dial(t, a.URL, nil), "presigned"); got != "hello presigned" {
		t.Errorf("presigned: %q", got)
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

// The keys are the template's; one without a value, or none at all, is made up.
func TestAPIKey(t *testing.T) {
	const key = "\n  %s:\n    Type: AWS::ApiGateway::ApiKey\n    Properties: {Enabled: %t%s}\n"
	const value = ", Value: first-of-the-template"
	tests := []struct {
		name, keys, want string
		refused          string
	}{
		{"none", "", "local-", "first-of-the-template"},
		{"without value", fmt.Sprintf(key, "A", true, ""), "local-", "first-of-the-template"},
		{"with value", fmt.Sprintf(key, "A", true, value) + fmt.Sprintf(key, "B", true, ""), "first-of-the-template", "local-"},
		{"disabled", fmt.Sprintf(key, "A", false, value) + fmt.Sprintf(key, "B", true, ""), "local-", "first-of-the-template"},
	}
	for _, tt := range tests {
		s := run(t, load(t, "apikey", tt.keys), nil)
		a := s.Access()
		if !strings.HasPrefix(a.APIKey, tt.want) || a.AccessKeyID != "" {
			t.Fatalf("%s: access %+v, want a key like %s", tt.name, a, tt.want)
		}
		if status, said := connect(t, s, http.Header{"X-Api-Key": {a.APIKey}}); status != 101 || said != "hello world" {
			t.Errorf("%s: with the key: %d %q", tt.name, status, said)
		}
		if status, _ := connect(t, s, http.Header{"X-Api-Key": {tt.refused}}); status != 403 {
			t.Errorf("%s: with another key: %d, want 403", tt.name, status)
		}
	}
}

func TestIAMAndAWSItself(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	template := load(t, "iam", "")
	_, err = stack.Start(t.Context(), l, template, functions(t, template), &stack.Options{Bedrock: true})
	if err == nil || !strings.Contains(err.Error(), "AWS_IAM cannot be tried together with AWS itself") {
		t.Errorf("error %v", err)
	}
}
