package ddb

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// step is one element of a document path: the name of an attribute or member, or an index into a list.
type step struct {
	name  string
	index int // -1 for a name
}

// path is a document path: a.b[0].c. It begins with a name.
type path []step

func (s step) String() string {
	if s.index >= 0 {
		return fmt.Sprintf("[%d]", s.index)
	}
	return s.name
}

func (p path) String() string {
	steps := make([]string, len(p))
	for i, s := range p {
		steps[i] = s.String()
	}
	return "[" + strings.Join(steps, ", ") + "]"
}

// find returns what is at the path, nil if nothing is.
func (p path) find(it item) value {
	var v value = it
	for _, s := range p {
		if v = s.of(v); v == nil {
			return nil
		}
	}
	return v
}

// of returns the member or element of v, nil if v has none or is none.
func (s step) of(v value) value {
	switch v := v.(type) {
	case doc:
		if s.index < 0 {
			return v[s.name]
		}
	case list:
		if s.index >= 0 && s.index < len(v) {
			return v[s.index]
		}
	}
	return nil
}

// compare orders paths so that elements of one list come by their index.
func (p path) compare(q path) int {
	return slices.CompareFunc(p, q, func(a, b step) int {
		return cmp.Or(cmp.Compare(a.index, b.index), strings.Compare(a.name, b.name))
	})
}

// clash tells whether two paths can stand in one expression: neither may contain the other (overlap),
// and what one takes for a list the other must not take for a map (conflict).
func (p path) clash(q path) (overlap, conflict bool) {
	for i := range min(len(p), len(q)) {
		if (p[i].index < 0) != (q[i].index < 0) {
			return false, true
		}
		if p[i] != q[i] {
			return false, false
		}
	}
	return true, false
}
