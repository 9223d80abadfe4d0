package stack

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"kaiwa/pkg/emu/apigw"
	"kaiwa/pkg/emu/sam"
)

// The account everything is in, as in AWS's own examples.
const account = "123456789012"

// Access is what the template's APIs ask of a client. All of it is made up for
// this run.
type Access struct {
	// URL is the address of the first API's sockets, like
	// ws://127.0.0.1:3001/dev, presigned for a week where it asks for AWS_IAM.
	URL string
	// AccessKeyID and SecretAccessKey sign a connect where the API asks for
	// AWS_IAM; else they are empty.
	AccessKeyID, SecretAccessKey string
	// APIKey goes into the header x-api-key where the API asks for one; it is the
	// template's first.
	APIKey string
	// Token goes into the header Authorization, after "Bearer ", where the run has
	// an issuer: TokenUser's, for a day.
	Token string
	// Open says that the API asks nobody who they are.
	Open bool

	keys   map[string]string // accepted, with the id that events carry
	signed bool
}

var errForeignSignatures = errors.New("AWS_IAM cannot be tried together with AWS itself: " +
	"signatures are verified with keys made up for this run, and the functions would sign with yours")

// newAccess looks at what the APIs ask for. With AWS_IAM the functions' callbacks
// are verified as well.
func (s *Stack) newAccess(t *sam.Template) (Access, error) {
	a := Access{URL: s.url}
	for _, api := range t.APIs() {
		connect := api.Routes["$connect"]
		if connect.Authorization == "AWS_IAM" {
			a.signed = true
		}
		if connect.APIKeyRequired && a.APIKey == "" {
			a.addKeys(t.APIKeys())
		}
	}
	connect := t.APIs()[0].Routes["$connect"]
	a.Open = connect.Authorization != "AWS_IAM" && connect.Authorizer == nil && !connect.APIKeyRequired
	if s.opt.Issuer != nil {
		var err error
		if a.Token, err = s.opt.Issuer.Token(TokenUser, tokenLife, nil); err != nil {
			return a, err
		}
	}
	if !a.signed {
		return a, nil
	}
	if s.callsAWS() {
		return a, errForeignSignatures
	}
	a.AccessKeyID, a.SecretAccessKey = "AKIA"+rand.Text()[:16], rand.Text()
	var err error
	if connect.Authorization == "AWS_IAM" {
		a.URL, err = a.presign(s.url, s.opt.Region)
	}
	return a, err
}

// TokenUser is whose token is made at the start.
const TokenUser = "local"

const tokenLife = 24 * time.Hour

// presignedFor is the longest that AWS allows.
const presignedFor = 7 * 24 * time.Hour

// presign adds the client's signature to a socket's address.
func (a *Access) presign(address, region string) (string, error) {
	ctx := context.Background() // signing is arithmetic; the signer only logs with it
	r, err := http.NewRequest(http.MethodGet, strings.Replace(address, "ws:", "http:", 1), nil)
	if err != nil {
		return "", err
	}
	r.URL.RawQuery = url.Values{"X-Amz-Expires": {fmt.Sprint(int(presignedFor.Seconds()))}}.Encode()
	nothing := sha256.Sum256(nil)
	who := aws.Credentials{AccessKeyID: a.AccessKeyID, SecretAccessKey: a.SecretAccessKey}
	signed, _, err := v4.NewSigner().PresignHTTP(ctx, who, r, hex.EncodeToString(nothing[:]), "execute-api", region, time.Now())
	if err != nil {
		return "", fmt.Errorf("presign %s: %w", address, err)
	}
	return strings.Replace(signed, "http:", "ws:", 1), nil
}

// identity is the caller behind an access key: the client or a function.
func (s *Stack) identity(accessKeyID string) (apigw.Identity, bool) {
	if a := &s.access; a.signed && accessKeyID == a.AccessKeyID {
		return apigw.Identity{
			SecretAccessKey: a.SecretAccessKey,
			AccountID:       account, Caller: "AIDALOCALUSER0000000", User: "AIDALOCALUSER0000000",
			UserARN: "arn:aws:iam::" + account + ":user/local",
		}, true
	}
	if c := s.callers[accessKeyID]; c != nil {
		role := "AROALOCALROLE0000000:" + c.function
		return apigw.Identity{
			SecretAccessKey: c.credentials.SecretAccessKey, SessionToken: c.credentials.SessionToken,
			AccountID: account, Caller: role, User: role, UserARN: c.arn,
		}, true
	}
	return apigw.Identity{}, false
}

// addKeys accepts the template's keys. A value that is left to API Gateway is made
// up, and so is a key if the template has none: it would be made by hand then.
func (a *Access) addKeys(keys []sam.APIKey) {
	if len(keys) == 0 {
		keys = []sam.APIKey{{ID: "local-key", Enabled: true}}
	}
	a.keys = map[string]string{}
	for _, k := range keys {
		if !k.Enabled {
			continue
		}
		if k.Value == "" {
			k.Value = "local-" + rand.Text()
		}
		a.keys[k.Value] = k.ID
		if a.APIKey == "" {
			a.APIKey = k.Value
		}
	}
}
