package apigw

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// defaultKey is the catch-all of routes, templates and integration responses.
const defaultKey = "$default"

// mock is a MOCK integration, compiled: the request template's statusCode picks
// the response, whose template is the answer. No function is called.
type mock struct {
	request   templateChoice
	fixed     int // the statusCode, if it is always the same
	responses []mockResponse
	refused   error // it is not emulated, so it fails with this
}

// mockResponse answers the status codes its key matches; a nil match is $default.
type mockResponse struct {
	match *regexp.Regexp
	templateChoice
}

// templateChoice picks a template by a selection expression.
type templateChoice struct {
	key       expression
	templates map[string]template
}

// Check says what of a MOCK integration is not emulated, nil if nothing is.
func (i *Integration) Check() error {
	if i.Type != typeMock {
		return nil
	}
	_, err := compileMock(i)
	return err
}

func compileMock(i *Integration) (*mock, error) {
	if len(i.RequestTemplates) == 0 {
		return nil, errors.New("MOCK without RequestTemplates is not emulated")
	}
	request, err := compileChoice(i.TemplateSelectionExpression, i.RequestTemplates, true)
	if err != nil {
		return nil, err
	}
	m := &mock{request: request}
	if t, _ := request.choose("", ""); request.key.static() && t.static() {
		m.fixed, _ = statusCode(t.render(nil)) // what is wrong, the first message tells
	}
	// $default sorts before /…/, so walking backwards tries it last.
	for _, key := range slices.Backward(slices.Sorted(maps.Keys(i.Responses))) {
		r, err := compileResponse(key, i.Responses[key])
		if err != nil {
			return nil, fmt.Errorf("integration response %s: %w", key, err)
		}
		m.responses = append(m.responses, r)
	}
	return m, nil
}

func compileResponse(key string, r IntegrationResponse) (m mockResponse, err error) {
	if key != defaultKey {
		pattern, ok := strings.CutPrefix(key, "/")
		pattern, closed := strings.CutSuffix(pattern, "/")
		if !ok || !closed {
			return m, errors.New("a key is $default or /pattern/")
		}
		if m.match, err = regexp.Compile("^(?:" + pattern + ")$"); err != nil {
			return m, err
		}
	}
	m.templateChoice, err = compileChoice(r.TemplateSelectionExpression, r.Templates, false)
	return m, err
}

func compileChoice(expr string, sources map[string]string, isRequest bool) (c templateChoice, err error) {
	if c.key, err = parseExpression(expr, !isRequest); err != nil {
		return c, err
	}
	c.templates = make(map[string]template, len(sources))
	for _, key := range slices.Sorted(maps.Keys(sources)) {
		if c.templates[key], err = parseTemplate(sources[key], isRequest); err != nil {
			return c, fmt.Errorf("template %s: %w", key, err)
		}
	}
	if _, ok := c.choose("", ""); !ok && c.key.static() && len(sources) > 0 {
		return c, fmt.Errorf("template selection expression %q finds no template", expr)
	}
	return c, nil
}

// choose falls back to $default, and without any expression to the only one.
func (c templateChoice) choose(body, status string) (template, bool) {
	if t, ok := c.templates[c.key.eval(body, status)]; ok {
		return t, true
	}
	if t, ok := c.templates[defaultKey]; ok {
		return t, true
	}
	if len(c.key) == 0 && len(c.templates) == 1 {
		for _, t := range c.templates {
			return t, true
		}
	}
	return nil, false
}

// status renders the request template and reads its statusCode.
func (m *mock) status(s *scope) (int, error) {
	if m.refused != nil {
		return 0, m.refused
	}
	if m.fixed != 0 {
		return m.fixed, nil
	}
	t, ok := m.request.choose(s.body, "")
	if !ok {
		return 0, errors.New("no request template selected")
	}
	return statusCode(t.render(s))
}

func statusCode(rendered string) (int, error) {
	doc, _ := parseJSON(rendered)
	v, _ := jsonPath{"statusCode"}.find(doc)
	code, err := strconv.Atoi(stringify(v))
	if err != nil || code < 100 || code > 599 {
		return 0, errors.New("the rendered request template is not JSON with a statusCode")
	}
	return code, nil
}

// answer renders what goes back to the client; "" is nothing.
func (m *mock) answer(status int, s *scope) (string, error) {
	code := strconv.Itoa(status)
	for _, r := range m.responses {
		if r.match != nil && !r.match.MatchString(code) {
			continue
		}
		t, _ := r.choose(s.body, code)
		return t.render(s), nil
	}
	return "", fmt.Errorf("no integration response for status %s", code)
}
