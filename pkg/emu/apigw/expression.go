package apigw

import (
	"fmt"
	"strings"
)

// statusVariable is what IntegrationResponse selects by for MOCK.
const statusVariable = "integration.response.statuscode"

// expression is a parsed selection expression: static text, and variables
// marked by $ or ${…}; \$ is a literal dollar (aws-facts §3).
type expression []exprPart

// exprPart is static text, a path into the message, or the status code.
type exprPart struct {
	text   string
	path   jsonPath
	body   bool
	status bool
}

// parseExpression reads s. withStatus allows $integration.response.statuscode,
// which exists only for response templates.
func parseExpression(s string, withStatus bool) (expression, error) {
	var e expression
	var text strings.Builder
	for rest := s; rest != ""; {
		if strings.HasPrefix(rest, `\$`) {
			text.WriteByte('$')
			rest = rest[2:]
			continue
		}
		if rest[0] != '$' {
			text.WriteByte(rest[0])
			rest = rest[1:]
			continue
		}
		name, after, ok := variable(rest)
		if !ok {
			return nil, fmt.Errorf("selection expression %q: bad variable at %q", s, rest)
		}
		part, err := variablePart(name, withStatus)
		if err != nil {
			return nil, fmt.Errorf("selection expression %q: %w", s, err)
		}
		if text.Len() > 0 {
			e = append(e, exprPart{text: text.String()})
			text.Reset()
		}
		e = append(e, part)
		rest = after
	}
	if text.Len() > 0 {
		e = append(e, exprPart{text: text.String()})
	}
	return e, nil
}

// variable takes the $name or ${name} off the front of s.
func variable(s string) (name, rest string, ok bool) {
	if inner, braced := strings.CutPrefix(s, "${"); braced {
		name, rest, ok = strings.Cut(inner, "}")
		return name, rest, ok && name != ""
	}
	n := 1
	for n < len(s) {
		if s[n] == '[' {
			_, after, closed := bracket(s[n:])
			if !closed {
				return "", s, false
			}
			n = len(s) - len(after)
			continue
		}
		if s[n] != '.' && s[n] < 0x80 && !isNameByte(s[n]) {
			break
		}
		n++
	}
	return s[1:n], s[n:], n > 1
}

func variablePart(name string, withStatus bool) (exprPart, error) {
	if path, ok := strings.CutPrefix(name, "request.body"); ok {
		p, err := parseJSONPath(path)
		return exprPart{body: true, path: p}, err
	}
	if name == statusVariable && withStatus {
		return exprPart{status: true}, nil
	}
	return exprPart{}, fmt.Errorf("variable $%s is not emulated", name)
}

// static reports whether e always gives the same key.
func (e expression) static() bool {
	for _, p := range e {
		if p.body || p.status {
			return false
		}
	}
	return true
}

// eval gives the key for one message. A body that is not JSON, or lacks the
// path, counts as empty text.
func (e expression) eval(body, status string) string {
	var doc any
	if !e.static() {
		doc, _ = parseJSON(body)
	}
	var b strings.Builder
	for _, p := range e {
		b.WriteString(p.text)
		if p.status {
			b.WriteString(status)
		}
		if p.body {
			v, _ := p.path.find(doc)
			b.WriteString(stringify(v))
		}
	}
	return b.String()
}
