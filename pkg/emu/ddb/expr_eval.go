package ddb

import (
	"slices"
	"strings"
	"unicode/utf16"
)

// holds tells whether a condition is true of an item. An absent expression is; an absent item is an empty one.
func (n *node) holds(it item) bool {
	if n == nil {
		return true
	}
	switch n.op {
	case "AND":
		return n.args[0].holds(it) && n.args[1].holds(it)
	case "OR":
		return n.args[0].holds(it) || n.args[1].holds(it)
	case "NOT":
		return !n.args[0].holds(it)
	}
	operands := make([]value, len(n.args))
	for i, a := range n.args {
		operands[i] = a.of(it)
	}
	if n.function {
		return passes(n.op, operands)
	}
	return compares(n.op, operands)
}

// of is the value of an operand, nil if it has none: the attribute is missing, or has no size.
func (n *node) of(it item) value {
	switch n.op {
	case "path":
		return n.path.find(it)
	case "value":
		return n.value
	}
	return sizeValue(n.args[0].of(it)) // the only function that is an operand of a condition
}

// sizeValue is what size() returns: of text the number of UTF-16 units (dynalite, measured against AWS), of binaries bytes, else elements.
func sizeValue(v value) value {
	n := 0
	switch v := v.(type) {
	case str:
		n = len(utf16.Encode([]rune(string(v))))
	case bin:
		n = len(v)
	case set:
		n = len(v.elems)
	case list:
		n = len(v)
	case doc:
		n = len(v)
	default:
		return nil
	}
	return wholeNumber(n)
}

func compares(op string, v []value) bool {
	switch op {
	case "=":
		return same(v[0], v[1])
	case "<>":
		return !same(v[0], v[1])
	case "IN":
		return slices.ContainsFunc(v[1:], func(w value) bool { return same(v[0], w) })
	case "BETWEEN":
		return inOrder(">=", v[0], v[1]) && inOrder("<=", v[0], v[2])
	}
	return inOrder(op, v[0], v[1])
}

// same is equality of what exists.
func same(a, b value) bool { return a != nil && b != nil && equal(a, b) }

func inOrder(op string, a, b value) bool {
	o, ok := compare(a, b)
	if !ok {
		return false
	}
	switch op {
	case "<":
		return o < 0
	case "<=":
		return o <= 0
	case ">":
		return o > 0
	}
	return o >= 0
}

func passes(function string, v []value) bool {
	switch function {
	case "attribute_exists":
		return v[0] != nil
	case "attribute_not_exists":
		return v[0] == nil
	case "attribute_type":
		return v[0] != nil && str(v[0].kind()) == v[1]
	case "begins_with":
		return beginsWith(v[0], v[1])
	}
	return contains(v[0], v[1])
}

func beginsWith(v, prefix value) bool {
	switch v := v.(type) {
	case str:
		p, ok := prefix.(str)
		return ok && strings.HasPrefix(string(v), string(p))
	case bin:
		p, ok := prefix.(bin)
		return ok && strings.HasPrefix(string(v), string(p))
	}
	return false
}

// contains looks for a part of a text or binary, or for an element of a set or list.
func contains(v, part value) bool {
	switch v := v.(type) {
	case str:
		p, ok := part.(str)
		return ok && strings.Contains(string(v), string(p))
	case bin:
		p, ok := part.(bin)
		return ok && strings.Contains(string(v), string(p))
	case set:
		return part != nil && v.has(part)
	case list:
		return slices.ContainsFunc(v, func(e value) bool { return same(e, part) })
	}
	return false
}
