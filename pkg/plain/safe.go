package plain

import (
	"strings"
	"unicode/utf8"
)

// Safe returns s without anything that could drive a terminal or change the order
// in which it is read: control characters but newline and tab, complete escape
// sequences with all they contain, invalid UTF-8, bidirectional controls,
// interlinear annotations and tag characters. Every kind of line end becomes \n.
// Emoji, their joiners and variation selectors, and all scripts stay. The result
// is never longer than s, and s itself where nothing was wrong.
func Safe(s string) string {
	i := harmless(s)
	if i == len(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	b.WriteString(s[:i])
	for i < len(s) {
		if n := sequence(s[i:]); n > 0 {
			i += n
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '\r' && strings.HasPrefix(s[i+1:], "\n"):
		case r == '\r', r == '\u2028', r == '\u2029':
			b.WriteByte('\n')
		case r == utf8.RuneError && n == 1, isForbidden(r):
		default:
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}

// harmless is how many leading bytes of s need no change.
func harmless(s string) int {
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 || isForbidden(r) {
			return i
		}
		i += n
	}
	return len(s)
}

// isForbidden tells of the code points that Safe does not let pass.
func isForbidden(r rune) bool {
	switch {
	case r < 0x20:
		return r != '\n' && r != '\t'
	case r < 0x7f:
		return false
	case r <= 0x9f, // DEL and C1
		r == 0x061c, r == 0x200e, r == 0x200f, // marks of direction
		0x2028 <= r && r <= 0x202e, // line ends; embeddings and overrides
		0x2066 <= r && r <= 0x2069, // isolates
		0xfff9 <= r && r <= 0xfffb, // annotations
		0xe0000 <= r && r <= 0xe007f:
		return true
	}
	return false
}
