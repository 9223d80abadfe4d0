package plain

import "unicode/utf8"

const (
	esc = 0x1b
	bel = 0x07
	del = 0x7f
)

// sequence is how many bytes the escape sequence takes with which s begins
// (ECMA-48, and OSC as xterm ends it); of one that is not complete, only what
// introduces it. It is 0 where s begins with something else.
func sequence(s string) int {
	kind, n := introducer(s)
	switch {
	case n == 0:
		return 0
	case kind == '[':
		return parameters(s, n)
	case kind == ']', kind == 'P', kind == 'X', kind == '^', kind == '_':
		return untilTerminator(s, n, kind == ']')
	case s[0] != esc || 0x30 <= kind && kind < del: // a whole sequence of one character
		return n
	}
	return intermediates(s)
}

// introducer reads ESC and what follows, or a C1 character, which means the same
// as ESC and the character 64 below it. n is 0 for anything else.
func introducer(s string) (kind byte, n int) {
	if s[0] == esc {
		if len(s) == 1 {
			return 0, 1
		}
		return s[1], 2
	}
	if r, width := utf8.DecodeRuneInString(s); 0x80 <= r && r <= 0x9f {
		return byte(r - 0x40), width
	}
	return 0, 0
}

// parameters ends a control sequence whose introducer takes n bytes.
func parameters(s string, n int) int {
	i := skip(s, skip(s, n, 0x30, 0x3f), 0x20, 0x2f)
	if i < len(s) && 0x40 <= s[i] && s[i] < del {
		return i + 1
	}
	return alone(s)
}

// intermediates ends a sequence like ESC ( B.
func intermediates(s string) int {
	i := skip(s, 1, 0x20, 0x2f)
	if i > 1 && i < len(s) && 0x30 <= s[i] && s[i] < del {
		return i + 1
	}
	return alone(s)
}

// untilTerminator ends a control string, such as a window title. Any control
// character in it, a newline too, means that it is none.
func untilTerminator(s string, n int, bell bool) int {
	for i := n; i < len(s); i++ {
		switch c := s[i]; {
		case c == bel && bell:
			return i + 1
		case c == esc && i+1 < len(s) && s[i+1] == '\\':
			return i + 2
		case c == 0xc2 && i+1 < len(s) && s[i+1] == 0x9c:
			return i + 2
		case c < 0x20, c == del, c == 0xc2 && i+1 < len(s) && s[i+1] < 0xa0:
			return alone(s)
		}
	}
	return alone(s)
}

// alone is the size of the control character with which s begins.
func alone(s string) int {
	if s[0] == esc {
		return 1
	}
	return 2
}

// skip is the first index from i on whose byte is not between lo and hi.
func skip(s string, i int, lo, hi byte) int {
	for i < len(s) && lo <= s[i] && s[i] <= hi {
		i++
	}
	return i
}
