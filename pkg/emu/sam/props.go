package sam

import (
	"slices"
	"strconv"
	"strings"
)

// props reads the properties of a resource, each evaluated when asked for. The
// first error stays; after it every answer is empty.
type props struct {
	s   *stack
	n   *node
	err error
}

func (s *stack) props(n *node) *props { return &props{s: s, n: n} }

// value returns an evaluated property, nil if it is absent or NoValue.
func (p *props) value(key string) *node {
	n := p.n.get(key)
	if n == nil || p.err != nil {
		return nil
	}
	v, err := p.s.eval(n)
	if err == nil && v != nil && v.kind == null {
		err = n.errorf("is empty, which CloudFormation refuses: remove it or give it a value")
	}
	if err != nil {
		p.err = within(key, err)
		return nil
	}
	return v
}

func (p *props) fail(n *node, key, format string, args ...any) {
	if p.err == nil {
		p.err = within(key, n.errorf(format, args...))
	}
}

// text returns a string property, "" if absent.
func (p *props) text(key string) string {
	v := p.value(key)
	switch {
	case v == nil:
		return ""
	case !v.scalar():
		p.fail(v, key, "must be a string, not %s", v.what())
		return ""
	}
	return v.text
}

// required is text that may not be absent or empty.
func (p *props) required(key string) string {
	v := p.text(key)
	if v == "" && p.err == nil {
		p.err = p.n.errorf("no %s: add it", key)
	}
	return v
}

// integer returns a whole number between low and high, nil if absent.
func (p *props) integer(key string, low, high int) *int {
	v := p.value(key)
	if v == nil {
		return nil
	}
	n, err := strconv.Atoi(strings.TrimSuffix(v.text, ".0"))
	if !v.scalar() || err != nil || n < low || n > high {
		p.fail(v, key, "must be a whole number from %d to %d, not %s", low, high, v.what())
		return nil
	}
	return &n
}

// decimal returns a number from 0 up, 0 if absent.
func (p *props) decimal(key string) float64 {
	v := p.value(key)
	if v == nil {
		return 0
	}
	f, err := strconv.ParseFloat(v.text, 64)
	if !v.scalar() || err != nil || !(f >= 0 && f <= 1e12) {
		p.fail(v, key, "must be a number from 0 up, not %s", v.what())
		return 0
	}
	return f
}

// flag returns a boolean, which may be written as a string; false if absent.
func (p *props) flag(key string) bool {
	v := p.value(key)
	if v == nil {
		return false
	}
	b := strings.ToLower(v.text)
	if !v.scalar() || b != "true" && b != "false" {
		p.fail(v, key, "must be true or false, not %s", v.what())
	}
	return b == "true"
}

// texts returns a list of strings; a single string is a list of one.
func (p *props) texts(key string) []string {
	v := p.value(key)
	if v == nil {
		return nil
	}
	items := v.items
	if v.scalar() {
		items = []*node{v}
	}
	if v.kind == mapping || slices.ContainsFunc(items, func(i *node) bool { return !i.scalar() }) {
		p.fail(v, key, "must be a list of strings")
		return nil
	}
	var out []string
	for _, i := range items {
		out = append(out, i.text)
	}
	return out
}

// textMap returns a mapping of strings, nil if absent.
func (p *props) textMap(key string) map[string]string {
	v := p.value(key)
	if v == nil {
		return nil
	}
	if v.kind != mapping {
		p.fail(v, key, "must be a mapping, not %s", v.what())
		return nil
	}
	out := make(map[string]string, len(v.keys))
	for _, k := range v.keys {
		f := v.fields[k]
		if !f.scalar() {
			p.fail(f, key+"."+k, "must be a string, not %s", f.what())
			return nil
		}
		out[k] = f.text
	}
	return out
}

// mapping returns the properties under a property; an absent one is empty.
func (p *props) mapping(key string) *props {
	sub := &props{s: p.s, n: newMapping(p.n.line)}
	switch v := p.value(key); {
	case v == nil:
	case v.kind != mapping:
		p.fail(v, key, "must be a mapping, not %s", v.what())
	default:
		sub.n = v
	}
	return sub
}

// take makes the error of a property's own properties the reader's.
func (p *props) take(key string, sub *props) {
	if p.err == nil && sub.err != nil {
		p.err = within(key, sub.err)
	}
}
