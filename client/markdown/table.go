package markdown

import "strings"

// Flush gives what is held: a table with its columns lined up, or the lines as
// they are if they are none.
func (r *Renderer) Flush(cols int) []string {
	held := r.table
	r.table = nil
	if len(held) < 2 {
		for i, line := range held {
			held[i] = r.inline(line, "")
		}
		return r.folded(held, cols)
	}
	rows := make([][]string, len(held))
	for i, line := range held {
		if rows[i] = cut(line); i != 1 {
			for j := range rows[i] {
				rows[i][j] = r.inline(rows[i][j], "")
			}
		}
	}
	widths := r.columns(rows)
	total := 1
	for _, w := range widths {
		total += w + 3
	}
	if total > cols {
		return r.folded(r.pairs(rows), cols)
	}
	out := make([]string, len(rows))
	for i, row := range rows {
		out[i] = r.aligned(row, rows[1], widths, i == 1)
	}
	return out
}

// isRule says whether a line is what follows the head of a table: | --- | :-: |
func isRule(line string) bool {
	for _, c := range cut(line) {
		if c = strings.TrimSuffix(strings.TrimPrefix(c, ":"), ":"); c == "" || strings.Trim(c, "-") != "" {
			return false
		}
	}
	return true
}

// cut cuts a row into its cells. A bar after a backslash, or in inline code, divides nothing.
func cut(line string) []string {
	line = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(line), "|"), "|")
	var out []string
	start := 0
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '`':
			if _, n, _ := span(line[i:]); n > 0 {
				i += n - 1
			}
		case '|':
			out = append(out, strings.TrimSpace(line[start:i]))
			start = i + 1
		}
	}
	return append(out, strings.TrimSpace(line[start:]))
}

// width is how many cells s takes without the colours in it.
func (r *Renderer) width(s string) int {
	n := 0
	for {
		i := strings.IndexByte(s, '\x1b')
		if i < 0 {
			return n + r.Measure.Width(s)
		}
		n += r.Measure.Width(s[:i])
		s = s[i+strings.IndexByte(s[i:], 'm')+1:]
	}
}

// columns is how wide each column is, at least 3: a rule needs that.
func (r *Renderer) columns(rows [][]string) []int {
	var widths []int
	for i, row := range rows {
		for j, c := range row {
			if j == len(widths) {
				widths = append(widths, 3)
			}
			if i != 1 {
				widths[j] = max(widths[j], r.width(c))
			}
		}
	}
	return widths
}

// aligned is a row with its cells padded. It is still a row of markdown.
func (r *Renderer) aligned(row, rules []string, widths []int, isRule bool) string {
	var b strings.Builder
	b.WriteString("|")
	for j, w := range widths {
		var c, rule string
		if j < len(row) {
			c = row[j]
		}
		if j < len(rules) {
			rule = rules[j]
		}
		left, right := strings.HasPrefix(rule, ":"), strings.HasSuffix(rule, ":")
		fill, before := w-r.width(c), 0
		switch {
		case isRule:
			c, fill = strings.Repeat("-", w), 0
			if left {
				c = ":" + c[1:]
			}
			if right {
				c = c[1:] + ":"
			}
			if left && right {
				c = ":" + c[1:]
			}
		case left && right:
			before = fill / 2
		case right:
			before = fill
		}
		b.WriteString(" " + strings.Repeat(" ", before) + c + strings.Repeat(" ", fill-before) + " |")
	}
	return b.String()
}

// pairs is a table that is too wide for the screen: its cells one below the other,
// each after its column's name.
func (r *Renderer) pairs(rows [][]string) []string {
	var out []string
	for i, row := range rows[2:] {
		if i > 0 {
			out = append(out, "")
		}
		for j, c := range row {
			name := ""
			if j < len(rows[0]) {
				name = rows[0][j]
			}
			out = append(out, strings.TrimSpace(r.paint(bold, name)+": "+c))
		}
	}
	if len(rows) == 2 {
		out = append(out, strings.Join(rows[0], "  "))
	}
	return out
}
