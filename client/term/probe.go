package term

import (
	"slices"
	"strings"

	"kaiwa/client/cells"
)

// samples are what terminals count differently, and the widths they may take.
var samples = []struct {
	text   string
	widths []int
}{
	{"○", []int{1, 2}},
	{"❤️", []int{1, 2}},
	{"👍🏽", []int{2, 4}},
	{"👩‍👩‍👧", []int{2, 6}},
}

// Probe finds out how a terminal counts cells: it asks where the cursor is before
// and after each of some characters, and takes them away again. The zero value is
// ready.
type Probe struct{ at []int }

// Text is what to write, in a row with room for a dozen cells after the cursor. The
// terminal sends Questions Cursor keys for it.
func (p *Probe) Text() string {
	var b strings.Builder
	b.WriteString(begin + "\x1b7" + AskCursor)
	for _, s := range samples {
		b.WriteString(s.text + AskCursor)
	}
	b.WriteString("\x1b8\x1b[K" + finish)
	return b.String()
}

// Questions is how many Cursor keys answer Text.
func (p *Probe) Questions() int { return len(samples) + 1 }

// Answer takes the X of the next of them. After the last one ok says that the
// answers make sense, and m what they mean.
func (p *Probe) Answer(x int) (m cells.Measure, ok bool) {
	if p.at = append(p.at, x); len(p.at) != p.Questions() {
		return m, false
	}
	var first [4]bool // whether it takes the fewer cells
	for i, s := range samples {
		n := p.at[i+1] - p.at[i]
		if !slices.Contains(s.widths, n) {
			return m, false
		}
		first[i] = n == s.widths[0]
	}
	return cells.Measure{Ambiguous: !first[0], Selector: !first[1], Modifier: first[2], Joiner: first[3]}, true
}
