package term

import (
	"strings"
	"unicode/utf8"

	"github.com/rivo/uniseg"

	"kaiwa/client/cells"
)

// tabStop is how far apart tab stops are, in cells.
const tabStop = 8

// page is what text is laid out for: how wide the screen is, and how the
// terminal counts.
type page struct {
	cols int
	cells.Measure
}

// wrapper lays text out in rows of a page. A wide character never stands over the
// margin, and none of several code points stands at it: tmux, told not to wrap,
// gives the marks of a row's last character to the one before.
type wrapper struct {
	page
	rows  []string
	row   strings.Builder
	width int
}

// cell makes room for a grapheme and adds it; at is where it stands.
func (w *wrapper) cell(g string) (row, offset int) {
	if g == "\n" {
		row, offset = w.here()
		w.end()
		return row, offset
	}
	n := w.Width(g)
	if over := w.width + n - w.cols; w.width > 0 && (over > 0 || over == 0 && several(g)) {
		w.end()
	}
	row, offset = len(w.rows), w.row.Len()
	w.row.WriteString(g)
	w.width += n
	return row, offset
}

// several says whether g has more than one code point.
func several(g string) bool {
	_, n := utf8.DecodeRuneInString(g)
	return n < len(g)
}

// here is where a caret would stand now: in a row of its own if this one is full.
func (w *wrapper) here() (row, offset int) {
	if w.width >= w.cols {
		w.end()
	}
	return len(w.rows), w.row.Len()
}

// end ends the row.
func (w *wrapper) end() {
	w.rows = append(w.rows, w.row.String())
	w.row.Reset()
	w.width = 0
}

// wrap cuts one line into rows. The last row may be empty only if the line is.
func (p page) wrap(line string) []string {
	w := wrapper{page: p}
	eachGrapheme(line, func(g string) { w.cell(g) })
	w.end()
	return w.rows
}

// rewrap cuts a row as the terminal does when its width changes: where the row is
// full, and, if it counts code points, between any two that take cells.
func (p page) rewrap(row string) []string {
	w := wrapper{page: p}
	p.eachCell(row, func(c string) {
		n := p.Width(c)
		if w.width > 0 && w.width+n > p.cols {
			w.end()
		}
		w.row.WriteString(c)
		w.width += n
	})
	w.end()
	return w.rows
}

// eachCell gives what takes cells together.
func (p page) eachCell(s string, f func(c string)) {
	if p.Selector { // it counts graphemes
		eachGrapheme(s, f)
		return
	}
	start := 0
	for i, r := range s {
		if end := i + utf8.RuneLen(r); i > start && p.Width(s[start:end]) > p.Width(s[start:i]) {
			f(s[start:i])
			start = i
		}
	}
	if start < len(s) {
		f(s[start:])
	}
}

// wrapCaret lays out a text of one line or several with the caret between
// before and after, and tells where the caret stands: its row, and its offset
// there in bytes.
func (p page) wrapCaret(before, after string) (rows []string, row, offset int) {
	w := wrapper{page: p}
	eachGrapheme(before, func(g string) { w.cell(g) })
	placed := false
	eachGrapheme(after, func(g string) {
		r, o := w.cell(g)
		if !placed {
			placed, row, offset = true, r, o
		}
	})
	if !placed {
		row, offset = w.here()
	}
	w.end()
	return w.rows, row, offset
}

func eachGrapheme(s string, f func(g string)) {
	for state := -1; s != ""; {
		var g string
		g, s, _, state = uniseg.FirstGraphemeClusterInString(s, state)
		f(g)
	}
}

// mostMarks is how many marks a character may have. Some scripts use several; what
// has many more is meant to flood the rows around it, or the terminal.
const mostMarks = 16

// calm takes away the marks of which there are too many in a row. before is how many
// there are before s, after how many at its end.
func calm(s string, before int) (calmed string, after int) {
	flood := false
	n := before
	for _, r := range s {
		if n++; r <= '~' || (cells.Measure{}).Width(string(r)) > 0 {
			n = 0
		}
		flood = flood || n > mostMarks
	}
	if !flood {
		return s, n
	}
	n = before
	return strings.Map(func(r rune) rune {
		if n++; r <= '~' || (cells.Measure{}).Width(string(r)) > 0 {
			n = 0
		}
		if n > mostMarks {
			return -1
		}
		return r
	}, s), n
}

// expandTabs puts blanks for tabs: a tab skips over cells and shows what stood
// there before. col is the column at which s starts.
func (p page) expandTabs(s string, col int) string {
	if !strings.Contains(s, "\t") {
		return s
	}
	var b strings.Builder
	eachGrapheme(s, func(g string) {
		switch g {
		case "\n":
			col = 0
		case "\t":
			g = strings.Repeat(" ", tabStop-col%tabStop)
			col += len(g)
		default:
			col += p.Width(g)
		}
		b.WriteString(g)
	})
	return b.String()
}
