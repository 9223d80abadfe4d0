package term

import (
	"bytes"
	"slices"
	"strings"
)

// region is the live part of the screen: rows, each of which fits the width,
// and the caret in one of them. No rows: the cursor stands alone in a first
// column.
type region struct {
	rows   []string
	tail   []int // the topmost show the unfinished line: how many of its bytes each
	caret  int   // its row
	offset int   // in that row, in bytes
}

func (r region) equal(o region) bool {
	return r.caret == o.caret && r.offset == o.offset && slices.Equal(r.rows, o.rows)
}

// drop takes away the first n rows, which are above the caret.
func (r *region) drop(n int) {
	r.rows, r.caret, r.tail = r.rows[n:], r.caret-n, r.tail[min(n, len(r.tail)):]
}

// around counts the rows above and below the caret's on a terminal that has the
// width of p now and has wrapped anew what no longer fits.
func (r region) around(p page) (above, below int) {
	for i, row := range r.rows {
		n := len(p.rewrap(row))
		switch {
		case i < r.caret:
			above += n
		case i > r.caret:
			below += n
		default:
			k := len(p.rewrap(row[:r.offset])) - 1
			above += k
			below += n - 1 - k
		}
	}
	return above, below
}

// caretAt says whether x is a column where the caret can be on a terminal of that
// width. Blanks before it may be gone: tmux drops what it never wrote.
func (r region) caretAt(p page, x int) bool {
	rows := p.rewrap(r.rows[r.caret][:r.offset])
	last := rows[len(rows)-1]
	return x <= p.Width(last) && x >= min(p.Width(strings.TrimRight(last, " ")), p.cols-1)
}

// paint draws the region from the cursor down and leaves the cursor at the
// caret. Two things make it independent of what the terminal thinks of widths:
// with autowrap off a row can never take two, and the caret is not counted out
// but remembered where the text before it ended. The room is made first, as a
// scroll would move the place remembered.
func (r region) paint(b *bytes.Buffer) {
	n := len(r.rows)
	if n == 0 {
		return
	}
	b.WriteString("\x1b[?7l")
	if n > 1 {
		b.WriteString(strings.Repeat("\n", n-1) + strings.Repeat("\x1b[A", n-1))
	}
	for i, row := range r.rows {
		if i > 0 {
			b.WriteString("\r\n")
		}
		if i == r.caret {
			b.WriteString(row[:r.offset] + "\x1b7" + row[r.offset:])
			continue
		}
		b.WriteString(row)
	}
	b.WriteString("\x1b8\x1b[?7h")
}
