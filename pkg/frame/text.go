package frame

import (
	"strings"
	"unicode/utf8"
)

// stride is how many code points lie between two entries of a Text's index.
const stride = 1024

// Text is an append-only buffer of a reply's text, addressed by code points. The
// zero value is empty and ready; do not copy one that was used. It takes memory
// in proportion to its bytes, whatever the number of appends. The strings it
// returns share its memory and stay valid for ever.
type Text struct {
	b       strings.Builder
	n       int    // code points
	index   []int  // where code point k*stride starts, in bytes
	partial string // the beginning of a code point that is not complete yet
}

// Append adds s. Invalid UTF-8 becomes U+FFFD, one for each byte; a code point
// that is split over two appends counts when it is complete.
func (t *Text) Append(s string) {
	s = t.partial + s
	whole := len(s) - unfinished(s)
	t.partial = s[whole:]
	t.add(s[:whole])
}

// Flush turns what Append holds back into U+FFFD: nothing more will come.
func (t *Text) Flush() {
	s := t.partial
	t.partial = ""
	t.add(s)
}

// Len is how many code points there are.
func (t *Text) Len() int { return t.n }

// Slice returns the code points from (included) up to to (excluded), in time that
// does not depend on the size of the text. What lies outside it is left out.
func (t *Text) Slice(from, to int) string {
	from = max(from, 0)
	if from >= min(to, t.n) {
		return ""
	}
	return t.b.String()[t.position(from):t.position(to)]
}

func (t *Text) add(s string) {
	s = valid(s)
	base := t.b.Len()
	for i := range s {
		if t.n%stride == 0 {
			t.index = append(t.index, base+i)
		}
		t.n++
	}
	t.b.WriteString(s)
}

// position is where code point n starts, in bytes.
func (t *Text) position(n int) int {
	if n >= t.n {
		return t.b.Len()
	}
	s, p := t.b.String(), t.index[n/stride]
	for range n % stride {
		_, width := utf8.DecodeRuneInString(s[p:])
		p += width
	}
	return p
}

// keep drops all but the first n code points.
func (t *Text) keep(n int) {
	s := t.Slice(0, n)
	*t = Text{}
	t.add(s)
}

// valid is s with U+FFFD for each byte that is not part of a code point.
func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}

// unfinished is how many bytes at the end of s begin a code point that more bytes
// could complete.
func unfinished(s string) int {
	for i := len(s) - 1; i >= max(0, len(s)-utf8.UTFMax); i-- {
		if utf8.RuneStart(s[i]) {
			if utf8.FullRuneInString(s[i:]) {
				return 0
			}
			return len(s) - i
		}
	}
	return 0
}
