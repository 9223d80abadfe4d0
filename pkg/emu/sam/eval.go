package sam

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
)

// Strings that functions make may refer to names that refer to others; no value
// CloudFormation takes is longer than this.
const maxText = 64 << 10

// intrinsic returns the name of the function a node calls, "" if it is none.
func intrinsic(n *node) string {
	if n.kind != mapping || len(n.keys) != 1 {
		return ""
	}
	if k := n.keys[0]; k == "Ref" || strings.HasPrefix(k, "Fn::") {
		return k
	}
	return ""
}

// eval resolves the intrinsic functions in a node. A nil node without error is
// AWS::NoValue: as if it were not written.
func (s *stack) eval(n *node) (*node, error) {
	if name := intrinsic(n); name != "" {
		v, err := s.call(name, n, n.fields[name])
		if err == nil && v != nil && len(v.text) > maxText {
			err = n.errorf("longer than %d characters", maxText)
		}
		return v, within(name, err)
	}
	switch n.kind {
	case list:
		out := &node{kind: list, line: n.line}
		for _, item := range n.items {
			v, err := s.eval(item)
			if err != nil {
				return nil, err
			}
			if v != nil {
				out.items = append(out.items, v)
			}
		}
		return out, nil
	case mapping:
		out := newMapping(n.line)
		for _, k := range n.keys {
			v, err := s.eval(n.fields[k])
			if err != nil {
				return nil, err
			}
			if v != nil {
				out.set(k, v)
			}
		}
		return out, nil
	}
	return n, nil
}

// call evaluates one function. n is the whole call, for its line.
func (s *stack) call(name string, n, arg *node) (*node, error) {
	switch name {
	case "Ref":
		if arg.kind != text {
			return nil, n.errorf("must name a parameter or resource, not %s", arg.what())
		}
		return s.ref(n, arg.text)
	case "Fn::GetAtt":
		return s.callGetAtt(n, arg)
	case "Fn::Sub":
		return s.sub(n, arg)
	case "Fn::If":
		return s.callIf(n, arg)
	case "Fn::Join":
		return s.join(n, arg)
	case "Fn::Split":
		return s.split(n, arg)
	case "Fn::Select":
		return s.choose(n, arg)
	case "Fn::FindInMap":
		return s.findInMap(n, arg)
	case "Fn::Base64":
		v, err := s.evalText(arg)
		if err != nil {
			return nil, err
		}
		return newText(n.line, base64.StdEncoding.EncodeToString([]byte(v))), nil
	case "Fn::Equals", "Fn::And", "Fn::Or", "Fn::Not":
		return nil, n.errorf("belongs in Conditions: name it there and use Fn::If")
	case "Fn::ImportValue":
		return s.importValue(n, arg)
	case "Fn::GetAZs":
		return nil, n.errorf("there are no availability zones here: make it a parameter")
	}
	return nil, n.errorf("is not evaluated here: write its value or make it a parameter")
}

// importValue gives what another stack exports, or its name where nobody has said:
// most of what is imported a local run has no use for.
func (s *stack) importValue(n, arg *node) (*node, error) {
	name, err := s.evalText(arg)
	if err != nil {
		return nil, err
	}
	value, known := s.Imports[name]
	if !known && !s.unknown[name] {
		s.unknown[name] = true
		s.note(n, "the import %s is not known here: its name stands for its value", name)
	}
	if !known {
		value = name
	}
	return newText(n.line, value), nil
}

// evalText evaluates what must be one string.
func (s *stack) evalText(n *node) (string, error) {
	v, err := s.eval(n)
	if err != nil {
		return "", err
	}
	if v == nil || !v.scalar() {
		return "", n.errorf("must be a string, not %s", what(v))
	}
	return v.text, nil
}

func what(n *node) string {
	if n == nil {
		return "AWS::NoValue"
	}
	return n.what()
}

// args checks that a function has its list of arguments.
func args(n, arg *node, count int, form string) ([]*node, error) {
	if arg.kind != list || len(arg.items) != count {
		return nil, n.errorf("must be %s", form)
	}
	return arg.items, nil
}

func (s *stack) callGetAtt(n, arg *node) (*node, error) {
	const form = "must be Resource.Attribute or [Resource, Attribute]"
	var id, attribute string
	switch arg.kind {
	case text:
		var ok bool
		if id, attribute, ok = strings.Cut(arg.text, "."); !ok {
			return nil, n.errorf(form)
		}
	case list:
		if len(arg.items) < 2 || arg.items[0].kind != text {
			return nil, n.errorf(form)
		}
		id = arg.items[0].text
		var parts []string
		for _, item := range arg.items[1:] {
			part, err := s.evalText(item)
			if err != nil {
				return nil, err
			}
			parts = append(parts, part)
		}
		attribute = strings.Join(parts, ".")
	default:
		return nil, n.errorf(form)
	}
	v, err := s.getAtt(n, id, attribute)
	return newText(n.line, v), err
}

func (s *stack) callIf(n, arg *node) (*node, error) {
	a, err := args(n, arg, 3, "[condition, value if true, value if false]")
	if err != nil {
		return nil, err
	}
	yes, err := s.condition(a[0])
	if err != nil {
		return nil, err
	}
	if yes {
		return s.eval(a[1])
	}
	return s.eval(a[2])
}

func (s *stack) join(n, arg *node) (*node, error) {
	a, err := args(n, arg, 2, "[delimiter, list]")
	if err != nil {
		return nil, err
	}
	if a[0].kind != text {
		return nil, n.errorf("the delimiter must be a string, not %s", a[0].what())
	}
	items, err := s.evalList(n, a[1])
	if err != nil {
		return nil, err
	}
	parts, size := make([]string, len(items)), 0
	for i, item := range items {
		if !item.scalar() {
			return nil, n.errorf("can join strings only, not %s", item.what())
		}
		parts[i] = item.text
		if size += len(item.text) + len(a[0].text); size > 2*maxText {
			return nil, n.errorf("longer than %d characters", maxText)
		}
	}
	return newText(n.line, strings.Join(parts, a[0].text)), nil
}

func (s *stack) evalList(n, arg *node) ([]*node, error) {
	v, err := s.eval(arg)
	if err != nil {
		return nil, err
	}
	if v == nil || v.kind != list {
		return nil, n.errorf("wants a list, not %s", what(v))
	}
	return v.items, nil
}

func (s *stack) split(n, arg *node) (*node, error) {
	a, err := args(n, arg, 2, "[delimiter, string]")
	if err != nil {
		return nil, err
	}
	if a[0].kind != text || a[0].text == "" {
		return nil, n.errorf("the delimiter must be a string that is not empty, not %s", a[0].what())
	}
	v, err := s.evalText(a[1])
	if err != nil {
		return nil, err
	}
	out := &node{kind: list, line: n.line}
	for part := range strings.SplitSeq(v, a[0].text) {
		out.items = append(out.items, newText(n.line, part))
	}
	return out, nil
}

func (s *stack) choose(n, arg *node) (*node, error) {
	a, err := args(n, arg, 2, "[index, list]")
	if err != nil {
		return nil, err
	}
	index, err := s.evalText(a[0])
	if err != nil {
		return nil, err
	}
	items, err := s.evalList(n, a[1])
	if err != nil {
		return nil, err
	}
	i, err := strconv.Atoi(index)
	if err != nil || i < 0 || i >= len(items) {
		return nil, n.errorf("no item %q in a list of %d", index, len(items))
	}
	return items[i], nil
}

func (s *stack) findInMap(n, arg *node) (*node, error) {
	a, err := args(n, arg, 3, "[map, top level key, second level key]")
	if err != nil {
		return nil, err
	}
	found, path := s.mappings, make([]string, 0, 3)
	for _, item := range a {
		key, err := s.evalText(item)
		if err != nil {
			return nil, err
		}
		path = append(path, key)
		if found = found.get(key); found == nil {
			return nil, n.errorf("no %s in Mappings: add it", strings.Join(path, "."))
		}
	}
	if !found.scalar() && (found.kind != list || slices.ContainsFunc(found.items, func(i *node) bool { return !i.scalar() })) {
		return nil, n.errorf("%s must be a string or a list of strings, not %s", strings.Join(path, "."), found.what())
	}
	return found, nil
}
