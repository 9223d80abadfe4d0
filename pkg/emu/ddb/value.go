package ddb

import (
	"maps"
	"slices"
	"strings"
)

// kind names a type of attribute value as on the wire.
type kind string

const (
	kindS    kind = "S"
	kindN    kind = "N"
	kindB    kind = "B"
	kindBOOL kind = "BOOL"
	kindNULL kind = "NULL"
	kindSS   kind = "SS"
	kindNS   kind = "NS"
	kindBS   kind = "BS"
	kindL    kind = "L"
	kindM    kind = "M"
)

// value is an attribute value: str, number, bin, boolean, null, set, list or doc. Values are never changed once made,
// so that a reader may keep what it found while writers go on.
type value interface{ kind() kind }

type (
	str     string
	bin     string // bytes
	boolean bool
	null    struct{}
	list    []value
	doc     map[string]value

	// set holds its elements sorted, without duplicates.
	set struct {
		of    kind
		elems []value
	}

	// item is a whole item, or a key.
	item = doc
)

func (str) kind() kind     { return kindS }
func (bin) kind() kind     { return kindB }
func (boolean) kind() kind { return kindBOOL }
func (null) kind() kind    { return kindNULL }
func (list) kind() kind    { return kindL }
func (doc) kind() kind     { return kindM }
func (s set) kind() kind   { return s.of }

// compare orders two scalars of one kind: strings and binaries by bytes, numbers by value. ok is false for anything else.
func compare(a, b value) (order int, ok bool) {
	switch a := a.(type) {
	case str:
		b, ok := b.(str)
		return strings.Compare(string(a), string(b)), ok
	case bin:
		b, ok := b.(bin)
		return strings.Compare(string(a), string(b)), ok
	case number:
		b, ok := b.(number)
		return a.compare(b), ok
	}
	return 0, false
}

func equal(a, b value) bool {
	switch a := a.(type) {
	case set:
		b, ok := b.(set)
		return ok && a.of == b.of && slices.EqualFunc(a.elems, b.elems, equal)
	case list:
		b, ok := b.(list)
		return ok && slices.EqualFunc(a, b, equal)
	case doc:
		b, ok := b.(doc)
		return ok && maps.EqualFunc(a, b, equal)
	}
	return a == b // of different types if b cannot be compared, so this cannot panic
}

// newSet sorts elems, which must all be of the kind a set of that kind holds; distinct tells whether they were all different.
func newSet(of kind, elems []value) (s set, distinct bool) {
	sorted := slices.SortedFunc(slices.Values(elems), order)
	compacted := slices.CompactFunc(sorted, equal)
	return set{of: of, elems: compacted}, len(compacted) == len(elems)
}

func order(a, b value) int {
	o, _ := compare(a, b)
	return o
}

func (s set) has(v value) bool {
	i, found := slices.BinarySearchFunc(s.elems, v, order)
	return found && equal(s.elems[i], v)
}

func (s set) plus(other set) set {
	sum, _ := newSet(s.of, slices.Concat(s.elems, other.elems))
	return sum
}

func (s set) minus(other set) set {
	return set{of: s.of, elems: slices.DeleteFunc(slices.Clone(s.elems), other.has)}
}

// size is what v counts for in an item, its name not included (DynamoDB developer guide, "DynamoDB item sizes and formats").
func size(v value) int {
	switch v := v.(type) {
	case str:
		return len(v)
	case bin:
		return len(v)
	case number:
		return v.size()
	case set:
		return sum(slices.Values(v.elems), size)
	case list:
		return 3 + len(v) + sum(slices.Values(v), size)
	case doc:
		return 3 + len(v) + itemSize(v)
	}
	return 1
}

// itemSize is the size AWS bills and limits: names and values.
func itemSize(it item) int {
	return sum(maps.Keys(it), func(name string) int { return len(name) + size(it[name]) })
}

func sum[T any](seq func(yield func(T) bool), f func(T) int) int {
	n := 0
	for v := range seq {
		n += f(v)
	}
	return n
}

// depth is how deep lists and maps are nested in v.
func depth(v value) int {
	deepest := 0
	switch v := v.(type) {
	case list:
		for _, e := range v {
			deepest = max(deepest, depth(e))
		}
		return 1 + deepest
	case doc:
		for _, e := range v {
			deepest = max(deepest, depth(e))
		}
		return 1 + deepest
	}
	return 0
}
