package apigw

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const (
	sigAlgorithm  = "AWS4-HMAC-SHA256"
	sigService    = "execute-api"
	sigTimeFormat = "20060102T150405Z"
	// clockSkew is how far a signature's time may be off.
	clockSkew = 5 * time.Minute
)

// signature is what a request says of its SigV4 signature, in its Authorization
// header or, presigned, in its query.
type signature struct {
	accessKey string
	scope     []string // date, region, service, aws4_request
	headers   []string // names of the signed headers, lower case
	hex       string
	date      string
	token     string
	presigned bool
	expires   time.Duration // of a presigned URL
}

// signed reports whether r claims to be signed at all.
func signed(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Authorization"), sigAlgorithm+" ") ||
		r.URL.Query().Get("X-Amz-Algorithm") == sigAlgorithm
}

// verify checks r's signature by signing it again, and returns who signed. The
// messages are AWS's.
func (g *Gateway) verify(r *http.Request, body []byte) (Identity, *refusal) {
	if !signed(r) {
		return Identity{}, forbidden("Missing Authentication Token")
	}
	s, ok := parseSignature(r)
	if !ok {
		return Identity{}, forbidden("The request signature does not conform to AWS standards.")
	}
	at, no := s.checkTime(g.opt.Now())
	if no == nil {
		no = s.checkScope(g.opt.Region)
	}
	if no != nil {
		return Identity{}, no
	}
	who, known := g.opt.Credentials(s.accessKey)
	if !known || who.SessionToken != "" && who.SessionToken != s.token {
		return Identity{}, forbidden("The security token included in the request is invalid.")
	}
	want, err := s.again(r, body, who, g.opt.Region, at)
	if err != nil || subtle.ConstantTimeCompare([]byte(want), []byte(s.hex)) != 1 {
		return Identity{}, forbidden("The request signature we calculated does not match the signature you provided. " +
			"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
	}
	return who, nil
}

func parseSignature(r *http.Request) (s signature, ok bool) {
	field := r.URL.Query().Get
	if header, found := strings.CutPrefix(r.Header.Get("Authorization"), sigAlgorithm+" "); found {
		parts := map[string]string{}
		for p := range strings.SplitSeq(header, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
			parts["X-Amz-"+name] = value
		}
		parts["X-Amz-Date"] = r.Header.Get("X-Amz-Date")
		parts["X-Amz-Security-Token"] = r.Header.Get("X-Amz-Security-Token")
		field = func(name string) string { return parts[name] }
	} else {
		s.presigned = true
		seconds, err := strconv.Atoi(orElse(field("X-Amz-Expires"), "300"))
		if err != nil || seconds < 1 || seconds > 7*24*3600 {
			return s, false
		}
		s.expires = time.Duration(seconds) * time.Second
	}
	s.accessKey, s.scope, ok = splitCredential(field("X-Amz-Credential"))
	s.headers = strings.Split(field("X-Amz-SignedHeaders"), ";")
	s.hex, s.date, s.token = field("X-Amz-Signature"), field("X-Amz-Date"), field("X-Amz-Security-Token")
	return s, ok && s.hex != "" && s.headers[0] != ""
}

func splitCredential(s string) (accessKey string, scope []string, ok bool) {
	parts := strings.Split(s, "/")
	if len(parts) != 5 {
		return "", nil, false
	}
	return parts[0], parts[1:], true
}

func (s signature) checkTime(now time.Time) (time.Time, *refusal) {
	at, err := time.Parse(sigTimeFormat, s.date)
	if err != nil {
		return at, forbidden("The request signature does not conform to AWS standards.")
	}
	valid := clockSkew
	if s.presigned {
		valid = s.expires
	}
	if oldest := now.Add(-valid); at.Before(oldest) {
		return at, forbidden("Signature expired: " + s.date + " is now earlier than " + oldest.UTC().Format(sigTimeFormat))
	}
	if newest := now.Add(clockSkew); at.After(newest) {
		return at, forbidden("Signature not yet current: " + s.date + " is still later than " + newest.UTC().Format(sigTimeFormat))
	}
	return at, nil
}

func (s signature) checkScope(region string) *refusal {
	switch {
	case s.scope[0] != s.date[:8]:
		return forbidden("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP")
	case s.scope[1] != region:
		return forbidden("Credential should be scoped to a valid region. ")
	case s.scope[2] != sigService:
		return forbidden("Credential should be scoped to correct service: '" + sigService + "'. ")
	case s.scope[3] != "aws4_request":
		return forbidden("Credential should be scoped with a valid terminator: 'aws4_request'. ")
	}
	return nil
}

// again signs the signed part of r with who's secret and returns the hex.
func (s signature) again(r *http.Request, body []byte, who Identity, region string, at time.Time) (string, error) {
	u := *r.URL
	copied := &http.Request{Method: r.Method, URL: &u, Host: r.Host, Header: http.Header{}}
	for _, name := range s.headers {
		switch name {
		case "host", "x-amz-date": // the signer adds them
		case "content-length":
			copied.ContentLength = r.ContentLength
		default:
			// Lower case keeps the signer from leaving out headers that it
			// would not sign itself, such as User-Agent.
			copied.Header[name] = r.Header.Values(name)
		}
	}
	signer := v4.NewSigner(func(o *v4.SignerOptions) {
		o.DisableSessionToken = true // it is in the request already
		o.DisableHeaderHoisting = true
	})
	creds := aws.Credentials{AccessKeyID: s.accessKey, SecretAccessKey: who.SecretAccessKey}
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	ctx := context.Background() // signing is arithmetic; the signer only logs with it
	if !s.presigned {
		err := signer.SignHTTP(ctx, creds, copied, hash, sigService, region, at)
		_, sig, _ := strings.Cut(copied.Header.Get("Authorization"), "Signature=")
		return sig, err
	}
	q := u.Query()
	q.Del("X-Amz-Signature")
	u.RawQuery = q.Encode()
	resigned, _, err := signer.PresignHTTP(ctx, creds, copied, hash, sigService, region, at)
	if err != nil {
		return "", err
	}
	parsed, err := url.Parse(resigned)
	if err != nil {
		return "", err
	}
	return parsed.Query().Get("X-Amz-Signature"), nil
}

// fill copies what AWS_IAM adds to the events of a connection.
func (i Identity) fill(id *identity) {
	id.AccountID, id.Caller, id.User, id.UserARN = i.AccountID, i.Caller, i.User, i.UserARN
	id.CognitoIdentityID, id.CognitoIdentityPoolID = i.CognitoIdentityID, i.CognitoIdentityPoolID
	id.CognitoAuthenticationType = i.CognitoAuthenticationType
	id.CognitoAuthenticationProvider = i.CognitoAuthenticationProvider
}
