package sam

import (
	"regexp"
	"strings"
)

var (
	placeholder = regexp.MustCompile(`\$\{[^}]*\}`)
	variable    = regexp.MustCompile(`^[A-Za-z0-9_.:]+$`)
)

// sub is Fn::Sub: a string, or a string and a mapping of further variables.
func (s *stack) sub(n, arg *node) (*node, error) {
	own := newMapping(n.line)
	if arg.kind == list {
		if len(arg.items) != 2 || arg.items[1].kind != mapping {
			return nil, n.errorf("must be a string or [string, mapping]")
		}
		arg, own = arg.items[0], arg.items[1]
	}
	if arg.kind != text {
		return nil, n.errorf("must be a string or [string, mapping]")
	}
	var out strings.Builder
	rest := arg.text
	for {
		at := placeholder.FindStringIndex(rest)
		if at == nil {
			out.WriteString(rest)
			return newText(n.line, out.String()), nil
		}
		out.WriteString(rest[:at[0]])
		v, err := s.substitute(n, rest[at[0]+2:at[1]-1], own)
		if err != nil {
			return nil, err
		}
		out.WriteString(v)
		rest = rest[at[1]:]
		if out.Len() > maxText {
			return nil, n.errorf("longer than %d characters", maxText)
		}
	}
}

// substitute gives the value of one ${name}.
func (s *stack) substitute(n *node, name string, own *node) (string, error) {
	if literal, ok := strings.CutPrefix(name, "!"); ok {
		return "${" + literal + "}", nil
	}
	if !variable.MatchString(name) {
		return "", n.errorf("${%s}: a variable has letters, digits, _ . and : only; write ${!%s} for the text itself", name, name)
	}
	if v := own.get(name); v != nil {
		return s.evalText(v)
	}
	if id, attribute, ok := strings.Cut(name, "."); ok {
		return s.getAtt(n, id, attribute)
	}
	v, err := s.ref(n, name)
	if err != nil {
		return "", err
	}
	if v == nil || !v.scalar() {
		return "", n.errorf("${%s} is %s: only a string can stand in a string", name, what(v))
	}
	return v.text, nil
}
