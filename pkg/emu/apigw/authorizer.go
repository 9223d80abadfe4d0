package apigw

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"kaiwa/pkg/emu/iam"
)

// maxAuthorizerResult bounds what an authorizer returns (aws-facts §1).
const maxAuthorizerResult = 8 << 10

// connectARN is the methodArn an authorizer's policy must allow (aws-facts §5).
func (g *Gateway) connectARN() string {
	return fmt.Sprintf("arn:aws:execute-api:%s:%s:%s/%s/%s",
		g.opt.Region, g.opt.AccountID, g.api.ID, g.api.Stage.Name, connectRoute)
}

// authorizerResult is what a REQUEST authorizer returns.
type authorizerResult struct {
	PrincipalID        any            `json:"principalId"`
	PolicyDocument     *iam.Policy    `json:"policyDocument"`
	Context            map[string]any `json:"context"`
	UsageIdentifierKey string         `json:"usageIdentifierKey"`
}

// authorize runs a's function for h. It fills h.authorizer and returns the API
// key the function named, or tells why not (aws-facts §3): 401 for a missing
// identity source or a thrown "Unauthorized", 403 for a policy that does not
// allow, 500 for anything broken.
func (g *Gateway) authorize(a *Authorizer, h *handshake) (usageKey string, no *refusal) {
	for _, source := range a.IdentitySources {
		if g.identityValue(source, h) == "" {
			return "", unauthorized()
		}
	}
	started := time.Now()
	out, err := g.invoke(a.Function, g.opt.IntegrationTimeout, g.authorizerEvent(h))
	took := time.Since(started)
	if thrown := (*functionError)(nil); errors.As(err, &thrown) && thrown.message() == "Unauthorized" {
		return "", unauthorized()
	}
	var result authorizerResult
	if err == nil {
		result, err = parseAuthorizerResult(out)
	}
	allowed := false
	if err == nil {
		allowed, err = allows(*result.PolicyDocument, g.connectARN())
	}
	if err == nil {
		h.authorizer, err = result.values(took)
	}
	if err != nil {
		g.log.Warn("authorizer failed", "function", a.Function, "connectionId", h.id, "error", err)
		return "", &refusal{http.StatusInternalServerError, "AuthorizerConfigurationException", "Internal server error"}
	}
	if !allowed {
		return "", forbidden("User is not authorized to access this resource")
	}
	return result.UsageIdentifierKey, nil
}

// allows evaluates an authorizer's policy. What its conditions would see of the
// request is not emulated.
func allows(p iam.Policy, methodARN string) (bool, error) {
	for i, s := range p.Statements {
		if len(s.Conditions) > 0 {
			return false, fmt.Errorf("statement %d: Condition is not emulated", i)
		}
	}
	return iam.Allows([]iam.Policy{p}, iam.Need{Action: "execute-api:Invoke", Resource: methodARN}), nil
}

func unauthorized() *refusal {
	return &refusal{http.StatusUnauthorized, "UnauthorizedException", "Unauthorized"}
}

func parseAuthorizerResult(out []byte) (r authorizerResult, err error) {
	if len(out) > maxAuthorizerResult {
		return r, fmt.Errorf("result of %d bytes is over %d", len(out), maxAuthorizerResult)
	}
	d := json.NewDecoder(strings.NewReader(string(out)))
	d.UseNumber()
	if err := d.Decode(&r); err != nil {
		return r, fmt.Errorf("result: %w", err)
	}
	if r.PolicyDocument == nil || stringify(r.PrincipalID) == "" {
		return r, errors.New("result needs principalId and policyDocument")
	}
	return r, nil
}

// values is requestContext.authorizer: the context with its values as strings,
// principalId, and how long the authorizer took in milliseconds (aws-facts §2).
func (r authorizerResult) values(took time.Duration) (map[string]any, error) {
	m := map[string]any{}
	for name, v := range r.Context {
		switch v.(type) {
		case map[string]any, []any:
			return nil, fmt.Errorf("context.%s is not a string, number or boolean", name)
		case nil:
			continue
		}
		m[name] = stringify(v)
	}
	m["principalId"] = stringify(r.PrincipalID)
	m["integrationLatency"] = took.Milliseconds()
	return m, nil
}

// identitySources are the prefixes New accepts.
var identitySources = []string{
	"route.request.header.", "route.request.querystring.", "stageVariables.", "context.",
}

func checkIdentitySource(s string) error {
	for _, prefix := range identitySources {
		if len(s) > len(prefix) && strings.HasPrefix(s, prefix) {
			return nil
		}
	}
	return fmt.Errorf("identity source %q is not emulated", s)
}

func (g *Gateway) identityValue(source string, h *handshake) string {
	if name, ok := strings.CutPrefix(source, "route.request.header."); ok {
		return h.header(name)
	}
	if name, ok := strings.CutPrefix(source, "route.request.querystring."); ok {
		return h.query.Get(name)
	}
	if name, ok := strings.CutPrefix(source, "stageVariables."); ok {
		return g.api.Stage.Variables[name]
	}
	name, _ := strings.CutPrefix(source, "context.")
	doc, _ := parseJSON(toJSON(h.context))
	path, err := parseJSONPath("." + name)
	if err != nil {
		return ""
	}
	v, _ := path.find(doc)
	return stringify(v)
}
