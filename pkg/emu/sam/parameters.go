package sam

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

var parameterKeys = []string{"AllowedPattern", "AllowedValues", "ConstraintDescription", "Default", "Description", "MaxLength", "MaxValue",
	"MinLength", "MinValue", "NoEcho", "Type"}

// readParameters gives every parameter its value and checks it the way
// CloudFormation does.
func (s *stack) readParameters() error {
	declared, err := s.root.section("Parameters")
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(s.Parameters)) {
		if declared.fields[name] == nil {
			return declared.errorf("no parameter %s: there is %s", name, nonempty(strings.Join(declared.keys, ", "), "none"))
		}
	}
	s.parameters = make(map[string]*node)
	var missing []string
	for _, name := range declared.keys {
		p := declared.fields[name]
		if p.kind != mapping {
			return within("parameter "+name, p.errorf("must be a mapping with Type, not %s", p.what()))
		}
		if err := p.checkKeys(parameterKeys); err != nil {
			return within("parameter "+name, err)
		}
		value, ok := s.Parameters[name]
		if !ok {
			d := p.get("Default")
			if d == nil {
				missing = append(missing, name)
				continue
			}
			if strings.HasPrefix(parameterType(p), "AWS::SSM::Parameter::Value") {
				s.later[name] = d.text // it is an error only where somebody needs it
				continue
			}
			if !d.scalar() {
				return within("parameter "+name, d.errorf("Default: must be a string or number, not %s", d.what()))
			}
			value = d.text
		}
		v, err := s.parameter(name, p, value)
		if err != nil {
			return within("parameter "+name, err)
		}
		s.parameters[name] = v
	}
	switch len(missing) {
	case 0:
		return nil
	case 1:
		return declared.errorf("parameter %s has no value: give it one", missing[0])
	}
	return declared.errorf("parameters %s have no value: give each one", strings.Join(missing, ", "))
}

func parameterType(p *node) string {
	if t := p.get("Type"); t != nil {
		return t.text
	}
	return ""
}

// parameter checks a value and turns it into what Ref gives.
func (s *stack) parameter(name string, p *node, value string) (*node, error) {
	kind := parameterType(p)
	if of, ok := strings.CutPrefix(kind, "AWS::SSM::Parameter::Value<"); ok {
		kind = strings.TrimSuffix(of, ">")
	}
	isList := kind == "CommaDelimitedList" || strings.HasPrefix(kind, "List<")
	if kind == "" {
		return nil, p.errorf("no Type: give it one, like String")
	}
	values := []string{value}
	if isList {
		values = nil
		if value != "" {
			for v := range strings.SplitSeq(value, ",") {
				values = append(values, strings.TrimSpace(v))
			}
		}
	}
	for _, v := range values {
		if err := s.checkParameter(name, p, v, kind == "Number" || kind == "List<Number>"); err != nil {
			if d := p.get("ConstraintDescription"); d != nil && d.text != "" {
				return nil, p.errorf("%s (%s)", err.(*fault).text, d.text)
			}
			return nil, err
		}
	}
	if !isList {
		return newText(p.line, value), nil
	}
	n := &node{kind: list, line: p.line}
	for _, v := range values {
		n.items = append(n.items, newText(p.line, v))
	}
	return n, nil
}

// HasParameter says whether the template declares a parameter.
func (t *Template) HasParameter(name string) bool {
	declared, err := t.stack.root.section("Parameters")
	return err == nil && declared.get(name) != nil
}

// AllowedValues are those of a parameter, nil if it has none or does not exist.
func (t *Template) AllowedValues(parameter string) (values []string) {
	declared, err := t.stack.root.section("Parameters")
	if err != nil {
		return nil
	}
	return allowedValues(declared.get(parameter))
}

func allowedValues(p *node) (values []string) {
	if allowed := p.get("AllowedValues"); allowed != nil {
		for _, a := range allowed.items {
			values = append(values, a.text)
		}
	}
	return values
}

func (s *stack) checkParameter(name string, p *node, v string, numeric bool) error {
	if all := allowedValues(p); all != nil && !slices.Contains(all, v) {
		return p.errorf("must be one of %s, not %q", strings.Join(all, ", "), v)
	}
	if pattern := p.get("AllowedPattern"); pattern != nil {
		re, err := regexp.Compile(`^(?:` + pattern.text + `)$`)
		if err != nil {
			s.note(pattern, "parameter %s: AllowedPattern is not checked: Go's regular expressions cannot say it", name)
		} else if !re.MatchString(v) {
			return p.errorf("must match %s, not %q", pattern.text, v)
		}
	}
	size := float64(utf8.RuneCountInString(v))
	minimum, maximum, what := "MinLength", "MaxLength", "characters"
	if numeric {
		f, err := strconv.ParseFloat(v, 64)
		if err != nil {
			return p.errorf("must be a number, not %q", v)
		}
		size, minimum, maximum, what = f, "MinValue", "MaxValue", ""
	}
	for _, limit := range []struct {
		key, word string
		over      func(limit float64) bool
	}{
		{minimum, "at least", func(l float64) bool { return size < l }},
		{maximum, "at most", func(l float64) bool { return size > l }},
	} {
		n := p.get(limit.key)
		if n == nil {
			continue
		}
		l, err := strconv.ParseFloat(n.text, 64)
		if err != nil {
			return n.errorf("%s: must be a number, not %s", limit.key, n.what())
		}
		if limit.over(l) {
			return p.errorf("must be %s, not %q", strings.TrimSpace(limit.word+" "+n.text+" "+what), v)
		}
	}
	return nil
}

func nonempty(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}
