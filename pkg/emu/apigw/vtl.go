package apigw

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// template is a parsed mapping template: text as it stands, and references.
type template []templatePart

// templatePart is text or, if it is not nil, a reference.
type templatePart struct {
	text string
	ref  func(*scope) string
}

// scope is what a template can see while it renders.
type scope struct {
	context        *requestContext
	stageVariables map[string]string
	body           string
}

func (t template) render(s *scope) string {
	var b strings.Builder
	for _, part := range t {
		if part.ref == nil {
			b.WriteString(part.text)
		} else {
			b.WriteString(part.ref(s))
		}
	}
	return b.String()
}

// static reports whether t always renders the same.
func (t template) static() bool {
	return !slices.ContainsFunc(t, func(p templatePart) bool { return p.ref != nil })
}

// contextVariables are those of AWS's WebSocket mapping reference that this
// emulator can fill; authorizer.* comes on top.
var contextVariables = map[string]func(*requestContext) string{
	"apiId":             func(c *requestContext) string { return c.APIID },
	"connectedAt":       func(c *requestContext) string { return strconv.FormatInt(c.ConnectedAt, 10) },
	"connectionId":      func(c *requestContext) string { return c.ConnectionID },
	"domainName":        func(c *requestContext) string { return c.DomainName },
	"eventType":         func(c *requestContext) string { return c.EventType },
	"extendedRequestId": func(c *requestContext) string { return c.ExtendedRequestID },
	"messageDirection":  func(c *requestContext) string { return c.MessageDirection },
	"messageId":         func(c *requestContext) string { return c.MessageID },
	"requestId":         func(c *requestContext) string { return c.RequestID },
	"requestTime":       func(c *requestContext) string { return c.RequestTime },
	"requestTimeEpoch":  func(c *requestContext) string { return strconv.FormatInt(c.RequestTimeEpoch, 10) },
	"routeKey":          func(c *requestContext) string { return c.RouteKey },
	"stage":             func(c *requestContext) string { return c.Stage },

	"identity.accountId":                     func(c *requestContext) string { return c.Identity.AccountID },
	"identity.apiKey":                        func(c *requestContext) string { return c.Identity.APIKey },
	"identity.apiKeyId":                      func(c *requestContext) string { return c.Identity.APIKeyID },
	"identity.caller":                        func(c *requestContext) string { return c.Identity.Caller },
	"identity.cognitoAuthenticationProvider": func(c *requestContext) string { return c.Identity.CognitoAuthenticationProvider },
	"identity.cognitoAuthenticationType":     func(c *requestContext) string { return c.Identity.CognitoAuthenticationType },
	"identity.cognitoIdentityId":             func(c *requestContext) string { return c.Identity.CognitoIdentityID },
	"identity.cognitoIdentityPoolId":         func(c *requestContext) string { return c.Identity.CognitoIdentityPoolID },
	"identity.sourceIp":                      func(c *requestContext) string { return c.Identity.SourceIP },
	"identity.user":                          func(c *requestContext) string { return c.Identity.User },
	"identity.userAgent":                     func(c *requestContext) string { return c.Identity.UserAgent },
	"identity.userArn":                       func(c *requestContext) string { return c.Identity.UserARN },
}

// templateParser walks src once. withInput allows $input.
type templateParser struct {
	src       string
	at        int
	withInput bool
}

// parseTemplate refuses, by name, whatever the subset does not know.
func parseTemplate(src string, withInput bool) (template, error) {
	if len(src) > maxTemplate {
		return nil, fmt.Errorf("a template of %d bytes is over %d", len(src), maxTemplate)
	}
	p := &templateParser{src: src, withInput: withInput}
	var t template
	for p.at < len(p.src) {
		if text := p.text(); text != "" {
			t = append(t, templatePart{text: text})
			continue
		}
		ref, err := p.markup()
		if err != nil {
			return nil, err
		}
		t = append(t, templatePart{ref: ref})
	}
	return t, nil
}

func (p *templateParser) rest() string { return p.src[p.at:] }

// peek is the byte n ahead, 0 past the end.
func (p *templateParser) peek(n int) byte {
	if p.at+n >= len(p.src) {
		return 0
	}
	return p.src[p.at+n]
}

// skip moves past s if it comes next.
func (p *templateParser) skip(s string) bool {
	if !strings.HasPrefix(p.rest(), s) {
		return false
	}
	p.at += len(s)
	return true
}

// text takes what stands before the next markup: a $ or # that means something,
// or a backslash before one.
func (p *templateParser) text() string {
	start := p.at
	for p.at < len(p.src) && !p.atMarkup() {
		p.at++
	}
	return p.src[start:p.at]
}

func (p *templateParser) atMarkup() bool {
	next := p.peek(1)
	switch p.peek(0) {
	case '$':
		return isLetter(next) || next == '{' || next == '!'
	case '#':
		return isLetter(next) || strings.IndexByte("{#*[@", next) >= 0
	case '\\':
		return next == '$' || next == '#'
	}
	return false
}

// markup parses one reference; p stands on it.
func (p *templateParser) markup() (func(*scope) string, error) {
	switch p.peek(0) {
	case '#':
		return nil, fmt.Errorf("%s is not emulated in templates", p.excerpt())
	case '\\':
		return nil, fmt.Errorf("escape %s is not emulated in templates", p.excerpt())
	}
	start := p.excerpt()
	p.at++
	p.skip("!")
	braced := p.skip("{")
	ref, err := p.reference(start)
	if err != nil {
		return nil, err
	}
	if braced && !p.skip("}") {
		return nil, fmt.Errorf("%s: } expected in template", start)
	}
	if !braced && (p.peek(0) == '.' && isLetter(p.peek(1)) || p.peek(0) == '[') {
		return nil, fmt.Errorf("%s%s: methods and members of a value are not emulated", start, p.excerpt())
	}
	return ref, nil
}

// excerpt names what comes next in an error: up to the first blank.
func (p *templateParser) excerpt() string {
	s := p.rest()
	if i := strings.IndexAny(s, " \t\r\n"); i > 0 {
		s = s[:i]
	}
	if len(s) > 60 {
		s = s[:60]
	}
	return s
}

// reference parses a reference after its $.
func (p *templateParser) reference(start string) (func(*scope) string, error) {
	root := p.name()
	switch {
	case root == "context":
		return p.contextReference()
	case root == "stageVariables":
		return p.stageVariable(start)
	case root == "input" && !p.withInput:
		return nil, fmt.Errorf("%s: $input in a MOCK response template is not emulated", start)
	case root == "input" && p.skip(".body"):
		return func(s *scope) string { return s.body }, nil
	case root == "input" && p.skip(".json"):
		return p.inputJSON(start)
	case root == "util" && p.skip(".escapeJavaScript"):
		return p.escapeJavaScript(start)
	}
	return nil, fmt.Errorf("%s is not emulated in templates", start)
}

func (p *templateParser) name() string {
	start := p.at
	for isNameByte(p.peek(0)) {
		p.at++
	}
	return p.src[start:p.at]
}

func (p *templateParser) contextReference() (func(*scope) string, error) {
	var path []string
	for p.peek(0) == '.' && isLetter(p.peek(1)) {
		p.at++
		path = append(path, p.name())
	}
	full := strings.Join(path, ".")
	if len(path) == 2 && path[0] == "authorizer" {
		return func(s *scope) string { return stringify(s.context.Authorizer[path[1]]) }, nil
	}
	variable, ok := contextVariables[full]
	if !ok {
		return nil, fmt.Errorf("$context.%s is not emulated in templates", full)
	}
	return func(s *scope) string { return variable(s.context) }, nil
}

func (p *templateParser) stageVariable(start string) (func(*scope) string, error) {
	var name string
	if p.skip(".") {
		name = p.name()
	} else if elem, rest, ok := bracket(p.rest()); ok {
		name, _ = elem.(string)
		p.at = len(p.src) - len(rest)
	}
	if name == "" {
		return nil, fmt.Errorf("%s: name of a stage variable expected", start)
	}
	return func(s *scope) string { return s.stageVariables[name] }, nil
}

func (p *templateParser) inputJSON(start string) (func(*scope) string, error) {
	var arg string
	var ok bool
	if p.skip("(") {
		arg, ok = p.quoted()
	}
	if !ok || !p.skip(")") || !strings.HasPrefix(arg, "$") {
		return nil, fmt.Errorf("%s: ('$.path') expected", start)
	}
	path, err := parseJSONPath(arg[1:])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", start, err)
	}
	return func(s *scope) string {
		doc, isJSON := parseJSON(s.body)
		v, found := path.find(doc)
		if !isJSON || !found {
			return `""`
		}
		return toJSON(v)
	}, nil
}

// quoted takes a string literal without references in it.
func (p *templateParser) quoted() (string, bool) {
	quote := p.peek(0)
	if quote != '\'' && quote != '"' {
		return "", false
	}
	s, _, closed := strings.Cut(p.src[p.at+1:], string(quote))
	// Double quotes interpolate, but a JSONPath's $. is no reference.
	if !closed || quote == '"' && strings.ContainsAny(strings.TrimPrefix(s, "$."), "$#") {
		return "", false
	}
	p.at += len(s) + 2
	return s, true
}

func (p *templateParser) escapeJavaScript(start string) (func(*scope) string, error) {
	if !p.skip("(") {
		return nil, fmt.Errorf("%s: ( expected", start)
	}
	var arg func(*scope) string
	if s, ok := p.quoted(); ok {
		arg = func(*scope) string { return s }
	} else if p.skip("$") {
		var err error
		if arg, err = p.reference(start); err != nil {
			return nil, err
		}
	}
	if arg == nil || !p.skip(")") {
		return nil, fmt.Errorf("%s: one string or reference expected", start)
	}
	return func(s *scope) string { return escapeJavaScript(arg(s)) }, nil
}
