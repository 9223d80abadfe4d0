package sam

import (
	"fmt"
	"strings"
)

// kind is what a node is.
type kind int

const (
	null kind = iota
	text
	number
	boolean
	list
	mapping
)

// node is one value of the template, YAML and JSON alike, short intrinsic tags
// written out.
type node struct {
	kind   kind
	line   int
	text   string // of a scalar, the way CloudFormation turns it into a string
	items  []*node
	keys   []string // in the template's order
	fields map[string]*node
	lines  map[string]int // of keys that do not stand on the line of their values
}

// fault is an error at a line of the template.
type fault struct {
	line int
	text string
}

func (f *fault) Error() string { return fmt.Sprintf("line %d: %s", f.line, f.text) }

// at is the fault as one line for people.
func (f *fault) at(file string) string {
	return fmt.Sprintf("%s:%d: %s", file, f.line, strings.Join(strings.Fields(f.text), " "))
}

func (n *node) errorf(format string, args ...any) error {
	return &fault{n.line, fmt.Sprintf(format, args...)}
}

// within says where in the template a fault is.
func within(where string, err error) error {
	if f, ok := err.(*fault); ok {
		return &fault{f.line, where + ": " + f.text}
	}
	return err
}

func newText(line int, s string) *node { return &node{kind: text, line: line, text: s} }

func newMapping(line int) *node {
	return &node{kind: mapping, line: line, fields: make(map[string]*node)}
}

// keyErrorf is an error about a key.
func (n *node) keyErrorf(key, format string, args ...any) error {
	return &fault{n.keyLine(key), fmt.Sprintf(format, args...)}
}

func (n *node) keyLine(key string) int {
	if line, ok := n.lines[key]; ok {
		return line
	}
	return n.fields[key].line
}

// setAt is set for a key that stands on a line of its own.
func (n *node) setAt(key string, line int, v *node) {
	n.set(key, v)
	if line != v.line {
		if n.lines == nil {
			n.lines = make(map[string]int)
		}
		n.lines[key] = line
	}
}

// take sets a field to v on the line that from has for the key.
func (n *node) take(from *node, key string, v *node) {
	n.setAt(key, from.keyLine(key), v)
}

// set adds a field; a key that is there keeps its place.
func (n *node) set(key string, v *node) {
	if n.fields[key] == nil {
		n.keys = append(n.keys, key)
	}
	n.fields[key] = v
}

// get returns a field, nil if n is no mapping or has none.
func (n *node) get(key string) *node {
	if n == nil || n.kind != mapping {
		return nil
	}
	return n.fields[key]
}

func (n *node) scalar() bool { return n.kind == text || n.kind == number || n.kind == boolean }

// what names a node in errors.
func (n *node) what() string {
	switch n.kind {
	case null:
		return "nothing"
	case list:
		return "a list"
	case mapping:
		return "a mapping"
	}
	return fmt.Sprintf("%q", n.text)
}

// section returns the mapping under key; an absent one is empty.
func (n *node) section(key string) (*node, error) {
	s := n.get(key)
	switch {
	case s == nil:
		return newMapping(n.line), nil
	case s.kind != mapping:
		return nil, s.errorf("%s: must be a mapping, not %s", key, s.what())
	}
	return s, nil
}
