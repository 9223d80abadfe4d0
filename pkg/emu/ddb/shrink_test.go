package ddb_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// maxShrinking is how many programs are tried to find a shorter one.
const maxShrinking = 20_000

// shrink makes a program that parts ways as short as it can: it leaves out calls, then members, elements and parts of
// expressions, and puts simpler values in the place of others, as long as the last call still differs in the same way.
func shrink(t *testing.T, oracle string, program []step, d difference) ([]step, difference) {
	t.Helper()
	program = program[:d.at+1]
	tries := 0
	better := func(shorter []step) bool {
		if tries++; tries > maxShrinking {
			return false
		}
		e := compare(t, oracle, shorter)
		if e.at != len(shorter)-1 || e.kinds() != d.kinds() {
			return false
		}
		program, d = shorter, e
		return true
	}
	for found := true; found; {
		found = false
		for size := len(program) / 2; size > 0; size /= 2 {
			for i := 0; i+size < len(program); {
				if better(slices.Delete(slices.Clone(program), i, i+size)) {
					found = true
				} else {
					i += size
				}
			}
		}
		for i := range program {
			for again := true; again; {
				again = false
				for body := range simpler(program[i].body) {
					shorter := slices.Clone(program)
					shorter[i].body = body
					if better(shorter) {
						again, found = true, true
						break
					}
				}
			}
		}
	}
	return program, d
}

// simpler yields what a JSON value can be with one thing less in it.
func simpler(v any) func(yield func(any) bool) {
	return func(yield func(any) bool) {
		switch v := v.(type) {
		case m:
			for _, name := range slices.Sorted(maps.Keys(v)) {
				without := maps.Clone(v)
				delete(without, name)
				if !yield(without) {
					return
				}
			}
			if len(v) == 1 && !isPlain(v) {
				for name := range v {
					if slices.Contains([]string{"S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M"}, name) && !yield(m{"S": "x"}) {
						return
					}
				}
			}
			for _, name := range slices.Sorted(maps.Keys(v)) {
				for e := range simpler(v[name]) {
					with := maps.Clone(v)
					with[name] = e
					if !yield(with) {
						return
					}
				}
			}
		case []any:
			for i := range v {
				if !yield(slices.Delete(slices.Clone(v), i, i+1)) {
					return
				}
			}
			for i := range v {
				for e := range simpler(v[i]) {
					with := slices.Clone(v)
					with[i] = e
					if !yield(with) {
						return
					}
				}
			}
		case string:
			tokens := expressionToken.FindAllString(v, -1)
			for size := len(tokens) / 2; size > 0; size /= 2 {
				for i := 0; i+size <= len(tokens); i++ {
					if !yield(strings.TrimSpace(strings.Join(slices.Delete(slices.Clone(tokens), i, i+size), ""))) {
						return
					}
				}
			}
		}
	}
}

// isPlain says whether nothing simpler is worth trying.
func isPlain(v m) bool {
	s, is := v["S"].(string)
	return is && len(s) <= 1
}

// expressionToken is a word, a reference or a symbol, with what blank follows.
var expressionToken = regexp.MustCompile(`(?s)([#:]?\w+|<=|>=|<>|.)\s*`)

// asFound prints a program as a line of the table in found_test.go.
func asFound(program []step, want answer) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\t{\"why\", []step{\n")
	for _, s := range program {
		op := fmt.Sprintf("%q", s.op)
		switch s.op {
		case allScan:
			op = "allScan"
		case allQuery:
			op = "allQuery"
		}
		fmt.Fprintf(&b, "\t\t{%s, parsed(`%s`)},\n", op, shown(s.body))
	}
	fmt.Fprintf(&b, "\t}, answer{`%s`, `%s`}},\n", want.kind, want.text)
	return b.String()
}
