package term

import (
	"bytes"
	"io"
	"slices"
	"strings"

	"kaiwa/client/cells"
	"kaiwa/pkg/plain"
)

// Screen writes a conversation on a terminal. Finished lines are written once,
// unwrapped and unpadded, and belong to the terminal from then on. Only the
// live region below them is drawn again: the unfinished line, a status, and the
// text being edited, with the real cursor at its caret.
//
// Everything given to a Screen is made harmless to the terminal first. It is
// not safe for concurrent use.
type Screen struct {
	out  io.Writer
	size func() (cols, rows int)
	opt  ScreenOptions

	done   strings.Builder // lines to write above the region
	text   string          // the line that was unfinished at the last Draw and all after it, without tabs
	marks  int             // at its end
	broken bool            // a part of that line is finished already
	drawn  region          // what the terminal shows
	cols   int             // its size when that was drawn
	height int
	widths cells.Measure
	clear  int     // rows to scroll up
	found  *[2]int // where the cursor is, after a change of the size
	err    error   // the first failure to write
}

// ScreenOptions are what a Screen cannot find out by itself.
type ScreenOptions struct {
	// NoReflow says that the terminal does not wrap lines anew when its width
	// changes: xterm, screen, the linux console. The region then starts afresh
	// after a resize.
	NoReflow bool
	// Kinsoku cuts finished text into rows by itself, where a Japanese typesetter or
	// an English one would. Without it the terminal wraps lines as it likes, and
	// copying gives them whole.
	Kinsoku bool
	// Style renders the text's lines once they are finished. nil: as they are.
	Style Styler
}

// Styler renders a text line by line. What it adds to a line is its own affair:
// it must be harmless, and leave no colour on.
type Styler interface {
	// Line gives the lines to write for the next line of the text; it may hold
	// lines back, for a later call to give.
	Line(line string, cols int) []string
	// Flush gives what is held back, in the middle of a text.
	Flush(cols int) []string
	// End gives what is held back. The next line begins another text.
	End(cols int) []string
}

// Marks in Screen.text, where no control characters can be otherwise.
const (
	aside   = "\x00" // before a line that is not the text's
	textEnd = "\x01" // the line where a text ends
)

// Input is the live region below the unfinished line.
type Input struct {
	Status string // one line above the text; "" for none
	Prompt string // stands before the text
	Text   string
	Caret  int // in Text, in bytes, between two graphemes
}

// NewScreen draws on out, whose cursor must stand in the first column. size is
// asked at every Draw; 0 means unknown.
func NewScreen(out io.Writer, size func() (cols, rows int), opt *ScreenOptions) *Screen {
	s := &Screen{out: out, size: size}
	if opt != nil {
		s.opt = *opt
	}
	return s
}

// Write adds text to the unfinished line. What it finishes is written at the
// next Draw.
func (s *Screen) Write(text string) {
	text, s.marks = calm(plain.Safe(text), s.marks)
	s.text = s.page(0).expandTabs(s.text+text, 0)
}

// EndText finishes the text: its unfinished line, and what the style holds back.
func (s *Screen) EndText() {
	if s.unfinished() < len(s.text) {
		s.text += "\n"
	}
	s.text += textEnd + "\n"
}

// Line puts whole lines above the unfinished one.
func (s *Screen) Line(text string) {
	text, _ = calm(plain.Safe(text), 0)
	text = s.page(0).expandTabs(text, 0)
	i := s.unfinished()
	if i == 0 { // what is unfinished stays at the start of s.text
		cols, _ := s.measure()
		for line := range strings.SplitSeq(text, "\n") {
			s.commitAll(s.Fold(line, cols))
		}
		return
	}
	s.text = s.text[:i] + aside + strings.ReplaceAll(text, "\n", "\n"+aside) + "\n" + s.text[i:]
}

// unfinished is where the unfinished line starts in s.text.
func (s *Screen) unfinished() int { return strings.LastIndexByte(s.text, '\n') + 1 }

// commit gives a whole line to the terminal.
func (s *Screen) commit(line string) { s.done.WriteString(line + "\r\n") }

func (s *Screen) commitAll(lines []string) {
	for _, l := range lines {
		s.commit(l)
	}
}

// Fold gives the rows to write for a line that is text, with colours or without: the
// line itself unless Kinsoku is on.
func (s *Screen) Fold(line string, cols int) []string {
	if !s.opt.Kinsoku {
		return []string{line}
	}
	return s.page(cols).kinsoku(line)
}

// settle commits all lines but the unfinished one.
func (s *Screen) settle(cols, height int) {
	s.scrolled(cols, height)
	i := s.unfinished()
	for line := range strings.Lines(s.text[:i]) {
		s.finish(strings.TrimSuffix(line, "\n"), cols)
	}
	s.text = s.text[i:]
}

// finish commits a line of the text, or one beside it.
func (s *Screen) finish(line string, cols int) {
	var lines []string
	if line == textEnd {
		s.broken = false
	}
	switch other, isAside := strings.CutPrefix(line, aside); {
	case isAside:
		lines = s.Fold(other, cols)
	case line == textEnd && s.opt.Style != nil:
		lines = s.opt.Style.End(cols)
	case line == textEnd:
	case s.opt.Style == nil || s.broken: // the rest of a line means nothing alone
		lines, s.broken = s.Fold(line, cols), false
	default:
		lines = s.opt.Style.Line(line, cols)
	}
	s.commitAll(lines)
}

// Draw writes what is finished and shows the live region. It writes nothing if
// nothing changed: a redraw would disturb an input method. The error is the
// first one the terminal gave.
func (s *Screen) Draw(in Input) error {
	cols, height := s.measure()
	s.settle(cols, height)
	next := s.layout(in, cols, height)
	same := cols == s.cols && height == s.height && s.found == nil // a window may have been changed and back
	if s.done.Len() == 0 && s.clear == 0 && same && next.equal(s.drawn) {
		return s.err
	}
	s.show(next, cols, height)
	return s.err
}

// Close finishes the unfinished line, takes the live region away and leaves the
// cursor below the text.
func (s *Screen) Close() error {
	s.EndText()
	return s.Hide()
}

// Hide takes the live region away until the next Draw, for somebody else to use
// the terminal: an editor, or the shell.
func (s *Screen) Hide() error {
	cols, height := s.measure()
	s.settle(cols, height)
	s.show(region{}, cols, height)
	return s.err
}

// page is what a terminal of that width takes.
func (s *Screen) page(cols int) page { return page{cols, s.widths} }

// Measure tells how the terminal counts cells; the zero Measure is assumed
// before.
func (s *Screen) Measure(m cells.Measure) { s.widths = m }

// Found tells where the cursor is, from 0, on a terminal that has changed its size
// since the last Draw. If that is not where the caret was left, the region is looked
// for at the bottom: rather a row too many is left than one of the text too few.
func (s *Screen) Found(x, y int) { s.found = &[2]int{x, y} }

// Clear leaves nothing on the screen but the live region, which moves to the top;
// what was above it is still to be had by scrolling.
func (s *Screen) Clear() {
	_, height := s.measure()
	s.clear = height - 1
}

func (s *Screen) measure() (cols, height int) {
	cols, height = s.size()
	if cols <= 0 {
		cols = 80
	}
	if height <= 0 {
		height = 24
	}
	return cols, height
}

const (
	begin  = "\x1b[?2026h\x1b[?25l" // hold the picture, hide the cursor
	finish = "\x1b[?25h\x1b[?2026l"
)

func (s *Screen) show(next region, cols, height int) {
	var b bytes.Buffer
	b.WriteString(begin)
	s.erase(&b, cols, height)
	b.WriteString(s.done.String())
	b.WriteString(strings.Repeat("\n", s.clear) + strings.Repeat("\x1b[A", s.clear))
	s.clear = 0
	next.paint(&b)
	b.WriteString(finish)
	s.done.Reset()
	s.drawn, s.cols, s.height, s.found = next, cols, height, nil
	if _, err := s.out.Write(b.Bytes()); err != nil && s.err == nil {
		s.err = err
	}
}

// scrolled finishes the rows of the unfinished line that a smaller window has
// pushed, wholly or in part, into the terminal's history: they cannot be erased
// there, and are not to be said twice.
func (s *Screen) scrolled(cols, height int) {
	if s.adrift(cols) {
		return
	}
	above, _ := s.drawn.around(s.page(cols))
	row := height - 1
	if s.found != nil {
		row = s.found[1]
	}
	for gone := above - row; gone > 0 && len(s.drawn.tail) > 0; {
		gone -= len(s.page(cols).rewrap(s.drawn.rows[0]))
		s.text, s.broken = s.text[s.drawn.tail[0]:], true
		s.drawn.drop(1)
	}
}

// erase clears the region row by row and leaves the cursor at its top. Never
// CSI J there: tmux would push the region into its history. It goes down, since
// a terminal that grew smaller may have dropped rows below the cursor.
func (s *Screen) erase(b *bytes.Buffer, cols, height int) {
	if len(s.drawn.rows) == 0 {
		return
	}
	down, above, below := 0, 0, 0
	switch {
	case !s.adrift(cols):
		above, below = s.drawn.around(s.page(cols))
	case s.found == nil:
		b.WriteString(strings.Repeat("\x1b[B", len(s.drawn.rows)-1-s.drawn.caret) + "\r\n")
		return
	default: // at the bottom, most likely; a smaller window has no rows below the caret
		down, above = height, len(s.drawn.rows)-1
		if height < s.height {
			above = s.drawn.caret
		}
	}
	b.WriteString("\r" + strings.Repeat("\x1b[B", down) + strings.Repeat("\x1b[A", above) + "\x1b7\x1b[2K")
	b.WriteString(strings.Repeat("\x1b[B\x1b[2K", above+below) + "\x1b8")
}

// adrift says that nobody knows where the region's rows are: on a terminal that
// does not wrap anew, and where the cursor does not stand at the caret any more
// (tmux loses its line in some texts with wide characters).
func (s *Screen) adrift(cols int) bool {
	switch {
	case len(s.drawn.rows) == 0:
		return false
	case cols != s.cols && s.opt.NoReflow:
		return true
	}
	return s.found != nil && !s.drawn.caretAt(s.page(cols), s.found[0])
}

// layout lays the live region out. An unfinished line that is too tall for the
// screen is finished up to its last row.
func (s *Screen) layout(in Input, cols, height int) region {
	p := s.page(cols)
	before := p.expandTabs(plain.Safe(in.Prompt+in.Text[:in.Caret]), 0)
	col := p.Width(before[strings.LastIndexByte(before, '\n')+1:])
	input, row, offset := p.wrapCaret(before, p.expandTabs(plain.Safe(in.Text[in.Caret:]), col))
	if most := max(1, height-2); len(input) > most { // show the rows around the caret
		first := min(max(0, row-most+1), len(input)-most)
		input, row = input[first:first+most], row-first
	}
	var status []string
	if in.Status != "" {
		status = p.wrap(p.expandTabs(plain.Safe(in.Status), 0))[:1]
	}
	r := region{caret: row, offset: offset}
	if s.text != "" {
		r.rows, r.tail = s.tailRows(cols, max(1, height-1-len(status)-len(input)))
	}
	r.rows = slices.Concat(r.rows, status, input)
	r.caret += len(r.rows) - len(input)
	if over := len(r.rows) - height; over > 0 {
		r.drop(over)
	}
	return r
}

// tailRows wraps the unfinished line, and tells how many bytes of it each row stands
// for. If that takes more than most rows, all but the last are finished: in one
// piece, so that the terminal keeps them as one line, unless we cut lines ourselves.
func (s *Screen) tailRows(cols, most int) (rows []string, lengths []int) {
	cut, between := s.page(cols).wrap, ""
	if s.opt.Kinsoku {
		cut, between = s.page(cols).breaks, "\r\n"
	}
	for _, row := range cut(s.text) {
		rows, lengths = append(rows, row), append(lengths, len(row))
		if s.opt.Kinsoku {
			rows[len(rows)-1] = strings.TrimRight(row, " ")
		}
	}
	if len(rows) <= most {
		return rows, lengths
	}
	last := len(rows) - 1
	if s.opt.Style != nil && !s.broken { // what is held back comes before it
		s.commitAll(s.opt.Style.Flush(cols))
	}
	s.commit(strings.Join(rows[:last], between))
	s.text, s.broken = s.text[len(s.text)-lengths[last]:], true
	return rows[last:], lengths[last:]
}
