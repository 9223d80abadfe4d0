package conform

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"kaiwa/local/conform/probe"
)

// access are the rows of aws-facts §5, and those of §3 about authorizers.
func access() []Row {
	return []Row{
		{Section: "5", Fact: "AWS_IAM: a connect signed in its headers is let in, and the event has accountId, caller, user and userArn", Sources: "DG; BC", Confidence: "H", Probe: iamSigned},
		{Section: "5", Fact: "AWS_IAM: a presigned URL is let in", Sources: "DG; BC", Confidence: "H", Probe: iamPresigned},
		{Section: "5", Fact: "AWS_IAM: an unsigned or badly signed connect is 403", Sources: "DG; BC", Confidence: "H", Probe: iamRefused},
		{Section: "3", Fact: "an authorizer that allows its methodArn lets in", Sources: "DG; BC", Confidence: "H",
			Probe: func(ctx context.Context, c *Check) {
				authorized(ctx, c, policyOf(nil, statement("Allow", "$methodArn")), 101)
			}},
		{Section: "3", Fact: "an authorizer that denies: 403", Sources: "DG; powertools#5800", Confidence: "H",
			Probe: func(ctx context.Context, c *Check) {
				authorized(ctx, c, policyOf(nil, statement("Deny", "$methodArn")), 403)
			}},
		{Section: "3", Fact: "a policy for another ARN: 403", Sources: "DG; powertools#5800", Confidence: "H",
			Probe: func(ctx context.Context, c *Check) {
				authorized(ctx, c, policyOf(nil, statement("Allow", "arn:aws:execute-api:eu-west-9:123456789012:none/none/$connect")), 403)
			}},
		{Section: "5", Fact: "a REST-style stage/*/* does not match: 403", Sources: "DG; powertools#5800", Confidence: "H", Probe: restARN},
		{Section: "3", Fact: "an authorizer that throws Unauthorized: 401", Sources: "DG", Confidence: "H",
			Probe: func(ctx context.Context, c *Check) { authorizerThrows(ctx, c, "Unauthorized", 401) }},
		{Section: "3", Fact: "an authorizer that crashes: 500", Sources: "DG", Confidence: "M",
			Probe: func(ctx context.Context, c *Check) { authorizerThrows(ctx, c, "boom", 500) }},
		{Section: "5", Fact: "an identity source that is missing or empty: 401, and the authorizer is not called", Sources: "BC; DG", Confidence: "H", Probe: identitySources},
		{Section: "5", Fact: "a simple response, which HTTP APIs have, does not let in", Sources: "BC; DG", Confidence: "H", Probe: simpleResponse},
		{Section: "5", Fact: "an authorizer runs for every connect: nothing is cached", Sources: "BC", Confidence: "H", Probe: notCached},
		{Section: "5", Fact: "an API key that is missing or wrong: 403", Sources: "DG; CDK", Confidence: "H", Probe: keyRefused},
		{Section: "2", Fact: "an API key lets in, and the event has apiKey and apiKeyId", Sources: "DG", Confidence: "M", Probe: keyAccepted},
		{Section: "5", Fact: "an API key may be named by the authorizer as usageIdentifierKey", Sources: "DG; CDK; lambdasharp", Confidence: "H", Probe: usageKey},
		{Section: "5", Fact: "a foreign Origin is the function's business", Sources: "BC; CAP3", Confidence: "H", Probe: foreignOrigin},
		{Section: "5", Fact: "IAM policies of callers on other routes are not enforced", Sources: "DG; developer-guide#121", Confidence: "M",
			Cannot: "it would need a second caller with another policy"},
	}
}

func statement(effect, resource string) map[string]any {
	return map[string]any{"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}
}

// policyOf is an authorizer's answer.
func policyOf(context map[string]any, statements ...map[string]any) json.RawMessage {
	p := map[string]any{
		"principalId":    "probe",
		"policyDocument": map[string]any{"Version": "2012-10-17", "Statement": statements},
	}
	if context != nil {
		p["context"] = context
	}
	return raw(p)
}

func iamSigned(ctx context.Context, c *Check) {
	s := c.dial(ctx, "iam", &dialing{sign: c.signUpgrade})
	e := c.event(ctx, s.key, "CONNECT")
	c.same("identity.accountId", e.text("requestContext.identity.accountId"), c.about.Account)
	for _, name := range []string{"caller", "user", "userArn"} {
		c.holds(e.text("requestContext.identity."+name) != "", "identity.%s: expected a text, got nothing", name)
	}
}

func iamPresigned(ctx context.Context, c *Check) {
	c.same("status", c.status(ctx, "iam", &dialing{sign: c.presign}), 101)
}

func iamRefused(ctx context.Context, c *Check) {
	_, no := c.knock(ctx, "iam", nil)
	if no == nil {
		no = &response{status: 101}
	}
	c.same("unsigned: status", no.status, 403)
	c.observe("unsigned: %s, x-amzn-ErrorType %q", no.body, no.header.Get("X-Amzn-ErrorType"))
	spoiled := func(ctx context.Context, r *http.Request) error {
		err := c.signUpgrade(ctx, r)
		r.Header.Set("Authorization", r.Header.Get("Authorization")+"0")
		return err
	}
	c.same("badly signed: status", c.status(ctx, "iam", &dialing{sign: spoiled}), 403)
}

// custom is a connect to the API with an authorizer.
func custom(do probe.Command) *dialing {
	return &dialing{header: http.Header{"X-Probe": {"here"}}, authorize: &do}
}

func authorized(ctx context.Context, c *Check, answer json.RawMessage, want int) {
	c.same("status", c.status(ctx, "custom", custom(probe.Command{Answer: answer})), want)
}

func authorizerThrows(ctx context.Context, c *Check, text string, want int) {
	c.same("status", c.status(ctx, "custom", custom(probe.Command{Throw: text})), want)
}

// restARN allows what would match if the method stood in the ARN, as for REST.
func restARN(ctx context.Context, c *Check) {
	d := custom(probe.Command{})
	s := c.dial(ctx, "custom", d)
	arn := c.event(ctx, s.key, "REQUEST").text("methodArn")
	authorized(ctx, c, policyOf(nil, statement("Allow", strings.TrimSuffix(arn, "$connect")+"*/*")), 403)
}

func identitySources(ctx context.Context, c *Check) {
	for _, missing := range []struct {
		name string
		d    *dialing
	}{
		{"header missing", &dialing{key: freshKey()}},
		{"header empty", &dialing{key: freshKey(), header: http.Header{"X-Probe": {""}}}},
		{"parameter missing", &dialing{plain: true, header: http.Header{"X-Probe": {"here"}}}},
		{"parameter empty", &dialing{plain: true, header: http.Header{"X-Probe": {"here"}}, query: url.Values{"probe": {""}}}},
	} {
		c.same(missing.name+": status", c.status(ctx, "custom", missing.d), 401)
		if missing.d.key != "" {
			c.same(missing.name+": REQUEST events", len(c.find(ctx, missing.d.key, "REQUEST")), 0)
		}
	}
}

func simpleResponse(ctx context.Context, c *Check) {
	status := c.status(ctx, "custom", custom(probe.Command{Answer: raw(map[string]any{"isAuthorized": true})}))
	c.holds(status != 101, "status: expected a refusal, got 101")
	c.observe("%d", status)
}

func notCached(ctx context.Context, c *Check) {
	d := custom(probe.Command{})
	d.key = freshKey()
	for range 2 {
		c.dial(ctx, "custom", d)
	}
	c.same("REQUEST events of two equal connects", len(c.await(ctx, d.key, "REQUEST", 2)), 2)
}

func withKey(key string) *dialing { return &dialing{header: http.Header{"X-Api-Key": {key}}} }

func keyRefused(ctx context.Context, c *Check) {
	c.same("missing: status", c.status(ctx, "keyed", nil), 403)
	c.same("wrong: status", c.status(ctx, "keyed", withKey("wrong-wrong-wrong-wrong-wrong")), 403)
}

func keyAccepted(ctx context.Context, c *Check) {
	s := c.dial(ctx, "keyed", withKey(c.about.APIKey))
	e := c.event(ctx, s.key, "CONNECT")
	c.same("identity.apiKey", e.text("requestContext.identity.apiKey"), c.about.APIKey)
	c.holds(e.text("requestContext.identity.apiKeyId") != "", "identity.apiKeyId: expected a text, got nothing")
}

func usageKey(ctx context.Context, c *Check) {
	for key, want := range map[string]int{c.about.APIKey: 101, "wrong-wrong-wrong-wrong-wrong": 403} {
		answer := map[string]any{
			"principalId": "probe", "usageIdentifierKey": key,
			"policyDocument": map[string]any{"Version": "2012-10-17", "Statement": []any{statement("Allow", "$methodArn")}},
		}
		d := withKey(c.about.APIKey) // which does not count here
		d.authorize = &probe.Command{Answer: raw(answer)}
		c.same(fmt.Sprintf("status when it names the key %.5s…", key), c.status(ctx, "usage", d), want)
	}
}

func foreignOrigin(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", &dialing{header: http.Header{"Origin": {"https://evil.example"}}})
	c.same("the function sees Origin", c.event(ctx, s.key, "CONNECT").header("Origin"), "https://evil.example")
}
