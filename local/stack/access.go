package stack

import (
	"crypto/rand"
	"errors"

	"kaiwa/pkg/emu/apigw"
	"kaiwa/pkg/emu/lambdart"
	"kaiwa/pkg/emu/sam"
)

// The account everything is in, as in AWS's own examples.
const account = "123456789012"

// Access is what the template's APIs ask of a client. All of it is made up for
// this run.
type Access struct {
	// AccessKeyID and SecretAccessKey sign a connect where the API asks for
	// AWS_IAM; else they are empty.
	AccessKeyID, SecretAccessKey string
	// APIKey goes into the header x-api-key where the API asks for one; it is the
	// template's first.
	APIKey string

	keys      map[string]string // accepted, with the id that events carry
	signed    bool
	functions lambdart.Credentials // zero: dummies that nobody verifies
}

var errForeignSignatures = errors.New("AWS_IAM cannot be tried together with AWS itself: " +
	"signatures are verified with keys made up for this run, and the functions would sign with yours")

// newAccess looks at what the APIs ask for. With AWS_IAM the functions' callbacks
// are verified as well, so they get keys of their own, as a role has.
func newAccess(apis []apigw.API, keys []sam.APIKey, callsAWS bool) (Access, error) {
	var a Access
	for _, api := range apis {
		connect := api.Routes["$connect"]
		if connect.Authorization == "AWS_IAM" {
			a.signed = true
		}
		if connect.APIKeyRequired && a.APIKey == "" {
			a.addKeys(keys)
		}
	}
	if !a.signed {
		return a, nil
	}
	if callsAWS {
		return a, errForeignSignatures
	}
	a.AccessKeyID, a.SecretAccessKey = "AKIA"+rand.Text()[:16], rand.Text()
	a.functions = lambdart.Credentials{
		AccessKeyID: "ASIA" + rand.Text()[:16], SecretAccessKey: rand.Text(), SessionToken: rand.Text(),
	}
	return a, nil
}

// identity is the caller behind an access key.
func (a *Access) identity(accessKeyID string) (apigw.Identity, bool) {
	switch {
	case !a.signed:
	case accessKeyID == a.AccessKeyID:
		return apigw.Identity{
			SecretAccessKey: a.SecretAccessKey,
			AccountID:       account, Caller: "AIDALOCALUSER0000000", User: "AIDALOCALUSER0000000",
			UserARN: "arn:aws:iam::" + account + ":user/local",
		}, true
	case accessKeyID == a.functions.AccessKeyID:
		return apigw.Identity{
			SecretAccessKey: a.functions.SecretAccessKey, SessionToken: a.functions.SessionToken,
			AccountID: account, Caller: "AROALOCALROLE0000000:function", User: "AROALOCALROLE0000000:function",
			UserARN: "arn:aws:sts::" + account + ":assumed-role/local/function",
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
