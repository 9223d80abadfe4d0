package term

import (
	"strings"

	"github.com/rivo/uniseg"
)

// kinsoku cuts a line into rows where it may be cut: between words, and not before
// 、。」ー or a small kana, nor after 「 (UAX #14, which has the rules of JIS X 4051).
// The blanks at which it is cut are left out. What has no such place is cut where
// the row is full. The line may hold colours (CSI … m); they take no cells.
func (p page) kinsoku(line string) []string {
	text, colours := uncoloured(line)
	rows := p.breaks(text)
	if len(rows) == 1 {
		return []string{line}
	}
	at := 0
	for i, row := range rows {
		end := at + len(row)
		if i == len(rows)-1 {
			end = len(text)
		}
		rows[i] = coloured(strings.TrimRight(text[at:end], " "), at, end, &colours)
		at = end
	}
	return rows
}

// breaks cuts a text without colours into rows; the blanks at their ends may stand
// over the margin.
func (p page) breaks(text string) []string {
	var rows []string
	row, width := "", 0
	for state := -1; text != ""; {
		var unit string
		unit, text, _, state = uniseg.FirstLineSegmentInString(text, state)
		n := p.Width(strings.TrimRight(unit, " "))
		if width > 0 && width+n > p.cols {
			rows, row, width = append(rows, row), "", 0
		}
		if n > p.cols {
			cut := p.wrap(unit)
			rows, unit = append(rows, cut[:len(cut)-1]...), cut[len(cut)-1]
		}
		row += unit
		width += p.Width(unit)
	}
	return append(rows, row)
}

// colour is a sequence and where it stands in the text without them.
type colour struct {
	at       int
	sequence string
}

// uncoloured takes the colours out of a line.
func uncoloured(line string) (text string, colours []colour) {
	var b strings.Builder
	for {
		i := strings.IndexByte(line, '\x1b')
		if i < 0 {
			b.WriteString(line)
			return b.String(), colours
		}
		n := i + strings.IndexByte(line[i:], 'm') + 1
		b.WriteString(line[:i])
		colours = append(colours, colour{b.Len(), line[i:n]})
		line = line[n:]
	}
}

// coloured puts the colours of the text from at to end back into row, which may be
// shorter. Those at its end stay for the next row, unless this is the last.
func coloured(row string, at, end int, colours *[]colour) string {
	var b strings.Builder
	done := 0
	for len(*colours) > 0 && (*colours)[0].at <= end {
		c := (*colours)[0]
		i := min(c.at-at, len(row))
		b.WriteString(row[done:i] + c.sequence)
		*colours, done = (*colours)[1:], i
	}
	return b.String() + row[done:]
}
