package apigw_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/coder/websocket"

	"kaiwa/pkg/emu/apigw"
)

// signing is how a test client signs its upgrade.
type signing struct {
	key, secret, token string
	service, region    string
	age                time.Duration
	expires            string // presigned only
	spoil              func(*http.Request)
}

var goodSigning = signing{key: "AKIDEXAMPLE", secret: "secret", service: "execute-api", region: "us-east-1"}

func (s signing) with(change func(*signing)) signing {
	change(&s)
	return s
}

// request signs an upgrade of url, in the header or in the query.
func (s signing) request(t *testing.T, target string, presign bool) *http.Request {
	t.Helper()
	req, err := http.NewRequest("GET", target, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("User-Agent", "tester")
	creds := aws.Credentials{AccessKeyID: s.key, SecretAccessKey: s.secret, SessionToken: s.token}
	empty := sha256.Sum256(nil)
	hash, at := hex.EncodeToString(empty[:]), time.Now().Add(-s.age)
	if !presign {
		err = v4.NewSigner().SignHTTP(context.Background(), creds, req, hash, s.service, s.region, at)
	} else {
		if s.expires != "" {
			req.URL.RawQuery += "&X-Amz-Expires=" + s.expires
		}
		var signed string
		signed, _, err = v4.NewSigner().PresignHTTP(context.Background(), creds, req, hash, s.service, s.region, at)
		req.Header = http.Header{}
		if err == nil {
			req.URL, err = url.Parse(signed)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	if s.spoil != nil {
		s.spoil(req)
	}
	return req
}

func iamAPI() apigw.API {
	api := testAPI()
	connect := api.Routes["$connect"]
	connect.Authorization = "AWS_IAM"
	api.Routes["$connect"] = connect
	return api
}

func iamOptions() *apigw.Options {
	return &apigw.Options{Credentials: func(key string) (apigw.Identity, bool) {
		switch key {
		case "AKIDEXAMPLE":
			return apigw.Identity{SecretAccessKey: "secret", AccountID: "123456789012", Caller: "AIDA1", User: "AIDA1",
				UserARN: "arn:aws:iam::123456789012:user/me"}, true
		case "ASIAEXAMPLE":
			return apigw.Identity{SecretAccessKey: "secret", SessionToken: "tok/en+=", CognitoIdentityID: "us-east-1:1"}, true
		}
		return apigw.Identity{}, false
	}}
}

// connectSigned dials and returns the handshake's status and message.
func connectSigned(r *rig, req *http.Request) (int, string) {
	r.t.Helper()
	ws, resp, err := websocket.Dial(r.t.Context(), req.URL.String(), &websocket.DialOptions{HTTPHeader: req.Header})
	if err == nil {
		_ = ws.CloseNow()
		return 101, ""
	}
	b, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b)
}

func TestIamSignatures(t *testing.T) {
	r := start(t, iamAPI(), nil, iamOptions())
	const mismatch = "The request signature we calculated does not match the signature you provided."
	for _, tt := range []struct {
		name string
		s    signing
		want string // "" is accepted
	}{
		{"good", goodSigning, ""},
		{"4 minutes old", goodSigning.with(func(s *signing) { s.age = 4 * time.Minute }), ""},
		{"4 minutes ahead", goodSigning.with(func(s *signing) { s.age = -4 * time.Minute }), ""},
		{"session token", goodSigning.with(func(s *signing) { s.key, s.token = "ASIAEXAMPLE", "tok/en+=" }), ""},
		{"no session token", goodSigning.with(func(s *signing) { s.key = "ASIAEXAMPLE" }), "The security token included in the request is invalid."},
		{"unknown key", goodSigning.with(func(s *signing) { s.key = "AKIDOTHER" }), "The security token included in the request is invalid."},
		{"wrong secret", goodSigning.with(func(s *signing) { s.secret = "guess" }), mismatch},
		{"6 minutes old", goodSigning.with(func(s *signing) { s.age = 6 * time.Minute }), "Signature expired: "},
		{"6 minutes ahead", goodSigning.with(func(s *signing) { s.age = -6 * time.Minute }), "Signature not yet current: "},
		{"other service", goodSigning.with(func(s *signing) { s.service = "s3" }), "Credential should be scoped to correct service: 'execute-api'."},
		{"other region", goodSigning.with(func(s *signing) { s.region = "eu-west-1" }), "Credential should be scoped to a valid region."},
	} {
		for _, presign := range []bool{false, true} {
			target := strings.Replace(r.url, "ws://", "http://", 1) + "?user=a%20b&x=%2F"
			status, body := connectSigned(r, tt.s.request(t, target, presign))
			if want := map[bool]int{true: 101, false: 403}[tt.want == ""]; status != want || !strings.Contains(body, tt.want) {
				t.Errorf("%s, presigned %v: %d %s", tt.name, presign, status, body)
			}
		}
	}
}

func TestTamperedSignatures(t *testing.T) {
	r := start(t, iamAPI(), nil, iamOptions())
	target := strings.Replace(r.url, "ws://", "http://", 1) + "?user=me"
	authorization := func(v string) func(*http.Request) {
		return func(req *http.Request) { req.Header.Set("Authorization", v) }
	}
	query := func(name, v string) func(*http.Request) {
		return func(req *http.Request) {
			q := req.URL.Query()
			q.Set(name, v)
			req.URL.RawQuery = q.Encode()
		}
	}
	for name, tt := range map[string]struct {
		spoil   func(*http.Request)
		presign bool
	}{
		"other query":          {query("user", "you"), false},
		"other query, presign": {query("user", "you"), true},
		"no signature":         {authorization("AWS4-HMAC-SHA256 Credential=a/b/c/d/e"), false},
		"bad credential":       {authorization("AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host, Signature=00"), false},
		"other scheme":         {authorization("Bearer x"), false},
		"bad date":             {func(req *http.Request) { req.Header.Set("X-Amz-Date", "today") }, false},
		"bad expiry":           {query("X-Amz-Expires", "-1"), true},
		"later expiry":         {query("X-Amz-Expires", "999"), true},
	} {
		s := goodSigning.with(func(s *signing) { s.spoil = tt.spoil })
		if status, body := connectSigned(r, s.request(t, target, tt.presign)); status != 403 {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	expired := goodSigning.with(func(s *signing) { s.age, s.expires = 31*time.Second, "30" })
	if status, body := connectSigned(r, expired.request(t, target, true)); status != 403 || !strings.Contains(body, "Signature expired") {
		t.Errorf("expired: %d %s", status, body)
	}
	long := goodSigning.with(func(s *signing) { s.age, s.expires = 10*time.Minute, "3600" })
	if status, body := connectSigned(r, long.request(t, target, true)); status != 101 {
		t.Errorf("valid for an hour: %d %s", status, body)
	}
}

// Other SDKs sign headers that Go's signer leaves out.
func TestSignedUserAgent(t *testing.T) {
	r := start(t, iamAPI(), nil, iamOptions())
	target := strings.Replace(r.url, "ws://", "http://", 1)
	req, err := http.NewRequest("GET", target, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header["user-agent"] = []string{"tester"} // this spelling the signer signs
	empty := sha256.Sum256(nil)
	creds := aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}
	err = v4.NewSigner().SignHTTP(t.Context(), creds, req, hex.EncodeToString(empty[:]), "execute-api", "us-east-1", time.Now())
	if err != nil || !strings.Contains(req.Header.Get("Authorization"), "user-agent") {
		t.Fatalf("%v %v", err, req.Header)
	}
	req.Header = http.Header{"User-Agent": {"tester"}, "X-Amz-Date": req.Header["X-Amz-Date"], "Authorization": req.Header["Authorization"]}
	if status, body := connectSigned(r, req); status != 101 {
		t.Errorf("%d %s", status, body)
	}
}

func TestIamIdentity(t *testing.T) {
	r := start(t, iamAPI(), nil, iamOptions())
	target := strings.Replace(r.url, "ws://", "http://", 1)
	connectSigned(r, goodSigning.request(t, target, false))
	for range 2 { // CONNECT and DISCONNECT
		id := r.event().RequestContext.Identity
		if id["userArn"] != "arn:aws:iam::123456789012:user/me" || id["accountId"] != "123456789012" ||
			id["caller"] != "AIDA1" || id["user"] != "AIDA1" || id["cognitoIdentityId"] != nil {
			t.Errorf("%v", id)
		}
	}
	cognito := goodSigning.with(func(s *signing) { s.key, s.token = "ASIAEXAMPLE", "tok/en+=" })
	connectSigned(r, cognito.request(t, target, true))
	if id := r.event().RequestContext.Identity; id["cognitoIdentityId"] != "us-east-1:1" || id["userArn"] != nil {
		t.Errorf("%v", id)
	}
}
