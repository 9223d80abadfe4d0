// Package markdown shows markdown on a terminal while it streams, line by line.
//
// A line stays the line it was, so that copying it gives what was written: no
// margin, no padding, no wrapping. Colour is added, the marks of bold text and of
// inline code are taken away for it, and tables, which are held until they end,
// have their columns lined up. The code in fences is coloured, if its language is
// known, and otherwise left as it is.
package markdown

import (
	"strings"

	"kaiwa/client/cells"
	"kaiwa/client/highlight"
)

// Renderer renders one text after another. The zero value lines up tables and
// leaves all else alone. The text must be harmless to a terminal already.
type Renderer struct {
	// Color allows colours and bold.
	Color bool
	// Measure is how the terminal counts cells.
	Measure cells.Measure
	// Fold, if set, cuts a line that is text, with our colours in it, into rows.
	Fold func(line string, cols int) []string

	// Patient: nobody waits for the colours of code.
	Patient bool

	fence string          // that the open code block began with; "": none
	table []string        // held
	code  *highlight.Code // what the fence holds; nil: its language is not known
	color highlight.Highlighter
}

// Our own colours, from the terminal's 16.
const (
	bold  = "\x1b[1m"
	faint = "\x1b[2m"
	code  = "\x1b[36m"
	reset = "\x1b[0m"
)

// Line takes the next line, without its newline, and returns the lines to print:
// none while a table is held, several when one ends. cols is how wide the
// terminal is.
func (r *Renderer) Line(line string, cols int) []string {
	body := strings.TrimLeft(line, " ")
	if r.fence != "" {
		return []string{r.inFence(line, body)}
	}
	if strings.HasPrefix(body, "|") && (len(r.table) != 1 || isRule(body)) {
		r.table = append(r.table, line)
		return nil
	}
	out := r.Flush(cols)
	if strings.HasPrefix(body, "|") { // what was held is no table, but this may begin one
		r.table = []string{line}
		return out
	}
	shown := []string{r.plain(line, body)}
	if r.fence == "" {
		shown = r.folded(shown, cols)
	}
	return append(out, shown...)
}

// folded cuts lines that are text into rows.
func (r *Renderer) folded(lines []string, cols int) []string {
	if r.Fold == nil {
		return lines
	}
	var out []string
	for _, l := range lines {
		out = append(out, r.Fold(l, cols)...)
	}
	return out
}

// End tells that the text has ended: what is held is returned, and the next line
// begins another text.
func (r *Renderer) End(cols int) []string {
	out := r.Flush(cols)
	r.fence, r.code = "", nil
	return out
}

func (r *Renderer) inFence(line, body string) string {
	mark := fenceMark(body)
	switch {
	case strings.HasPrefix(mark, r.fence) && strings.TrimSpace(body[len(mark):]) == "":
		r.fence, r.code = "", nil
		return r.paint(faint, line)
	case r.code != nil:
		return r.code.Line(line)
	}
	return line
}

// language is the first word after a fence's mark: go of go, go title="a" and
// {.go}.
func language(info string) string {
	info = strings.TrimLeft(info, " {.")
	if i := strings.IndexAny(info, " \t,{}:"); i >= 0 {
		info = info[:i]
	}
	return info
}

// plain renders a line outside of fences and tables.
func (r *Renderer) plain(line, body string) string {
	if mark := fenceMark(body); len(mark) >= 3 && !strings.Contains(body[len(mark):], "`") {
		if r.fence = mark; r.Color {
			r.color.Patient = r.Patient
			r.code = r.color.Code(language(body[len(mark):]))
		}
		return r.paint(faint, line)
	}
	if !r.Color {
		return line
	}
	indent := line[:len(line)-len(body)]
	switch {
	case isHeading(body):
		return indent + bold + r.inline(body, bold) + reset
	case strings.HasPrefix(body, ">"):
		return indent + faint + r.inline(body, faint) + reset
	}
	return indent + r.inline(body, "")
}

func (r *Renderer) paint(color, s string) string {
	if !r.Color || s == "" {
		return s
	}
	return color + s + reset
}

// fenceMark is the run of ` or ~ that s begins with.
func fenceMark(s string) string {
	if s == "" || s[0] != '`' && s[0] != '~' {
		return ""
	}
	return s[:len(s)-len(strings.TrimLeft(s, s[:1]))]
}

func isHeading(s string) bool {
	rest := strings.TrimLeft(s, "#")
	n := len(s) - len(rest)
	return n >= 1 && n <= 6 && (rest == "" || rest[0] == ' ')
}

// inline renders bold text and inline code within s; around is the colour that
// goes on after each.
func (r *Renderer) inline(s, around string) string {
	if !r.Color || !strings.ContainsAny(s, "`*") {
		return s
	}
	var b strings.Builder
	for s != "" {
		i := strings.IndexAny(s, "`*\\")
		if i < 0 {
			break
		}
		b.WriteString(s[:i])
		s = s[i:]
		text, n, color := span(s)
		if n == 0 {
			n = unit(s)
			b.WriteString(s[:n])
		} else if color == bold {
			b.WriteString(bold + r.inline(text, around+bold) + reset + around)
		} else {
			b.WriteString(color + text + reset + around)
		}
		s = s[n:]
	}
	return b.String() + s
}

// unit is how much of s, which begins with a mark that means nothing, is copied:
// a backslash takes what it escapes along, a run of marks stays together.
func unit(s string) int {
	if s[0] == '\\' {
		if len(s) > 1 && strings.ContainsRune("`*\\", rune(s[1])) {
			return 2
		}
		return 1
	}
	return len(s) - len(strings.TrimLeft(s, s[:1]))
}

// span reads **bold** or `code` at the start of s: n is its length with the marks,
// 0 if there is none.
func span(s string) (text string, n int, color string) {
	if mark := fenceMark(s); mark != "" && mark[0] == '`' {
		for i := len(mark); i < len(s); i++ {
			end := fenceMark(s[i:])
			if end == mark {
				return unpadded(s[len(mark):i]), i + len(mark), code
			}
			i += len(end)
		}
		return "", 0, ""
	}
	if inner, ok := strings.CutPrefix(s, "**"); ok && inner != "" && inner[0] != ' ' && inner[0] != '*' {
		if i := strings.Index(inner, "**"); i > 0 && inner[i-1] != ' ' {
			return inner[:i], i + 4, bold
		}
	}
	return "", 0, ""
}

// unpadded takes the blank away that keeps the marks of code and a backtick in it
// apart.
func unpadded(s string) string {
	if len(s) > 2 && s[0] == ' ' && s[len(s)-1] == ' ' && strings.TrimSpace(s) != "" {
		return s[1 : len(s)-1]
	}
	return s
}
