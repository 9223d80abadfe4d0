// Package vt is a small model of a terminal, for tests of what the client
// writes: the sequences package term uses, autowrap as VT100s have it (a full
// row wraps when the next character comes), history, and a width that can
// change with or without the lines being wrapped anew. What it does not know it
// refuses by name.
package vt

import (
	"fmt"
	"slices"
	"sync"
	"unicode/utf8"

	"kaiwa/client/cells"
)

// Terminal is the model. It is an io.Writer. Its methods may be called from any
// goroutine.
type Terminal struct {
	// Measure is how it counts cells.
	Measure cells.Measure
	// Answer, if set, is given what the terminal sends when it is asked where the
	// cursor is.
	Answer func(string)
	// Tmux has lines wrapped anew as tmux 3.3a does it, which at times takes one
	// line for two, and then has the cursor leave its own.
	Tmux bool
	// Fixed keeps lines as they are when the width changes, as xterm does.
	Fixed bool

	mu           sync.Mutex
	refused      []string
	writes       int
	cols, height int
	history      []line // what scrolled away
	scrolled     int    // how many of them a larger height brings back
	screen       []line
	x, y         int
	full         bool // the last column is taken: the next character wraps
	nowrap       bool
	saved        [2]int
	hidden, held bool
	bracketed    bool
	keys         int
	rest         string // an unfinished sequence or character
}

// line is one row. wrapped: the next row goes on with it.
type line struct {
	cells   []string // one a cell; "" is the right half of a wide one, " " nothing
	wrapped bool
}

// New makes a terminal with an empty screen.
func New(cols, height int) *Terminal {
	t := &Terminal{cols: cols, height: height}
	t.screen = make([]line, height)
	return t
}

// Size has the shape that term.NewScreen asks for.
func (t *Terminal) Size() (cols, rows int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.cols, t.height
}

// Refused lists what was written and is not understood or not allowed.
func (t *Terminal) Refused() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.refused)
}

// Writes counts the calls of Write.
func (t *Terminal) Writes() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.writes
}

// Write takes what a program writes. It never fails.
func (t *Terminal) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.writes++
	s := t.rest + string(p)
	t.rest = ""
	for s != "" {
		n := t.step(s)
		if n == 0 {
			t.rest = s
			break
		}
		s = s[n:]
	}
	return len(p), nil
}

// step does one character or sequence; n is its length, 0 if more is needed.
func (t *Terminal) step(s string) (n int) {
	switch c := s[0]; {
	case c == '\x1b':
		return t.escape(s)
	case c == '\r':
		t.x, t.full = 0, false
		return 1
	case c == '\n':
		t.down()
		return 1
	case c < 0x20 || c == 0x7f:
		t.refuse(s[:1])
		return 1
	}
	if !utf8.FullRuneInString(s) {
		return 0
	}
	r, n := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && n == 1 || 0x80 <= r && r <= 0x9f {
		t.refuse(s[:n])
		return n
	}
	t.put(s[:n])
	return n
}

func (t *Terminal) refuse(s string) { t.refused = append(t.refused, fmt.Sprintf("%q", s)) }

// put prints a character. One that takes no cells of its own after the one before
// stands with it.
func (t *Terminal) put(c string) {
	before, at := t.before()
	w := t.Measure.Width(before+c) - t.Measure.Width(before)
	switch {
	case w == 0:
		if before != "" {
			t.screen[t.y].cells[at] += c
		}
		return
	case c == selector && t.x < t.cols-1 && !t.full:
		t.screen[t.y].cells[at] += c
		c = ""
	case c == selector: // no room to become wide in
		return
	}
	w = min(w, t.cols)
	if t.full || t.x+w > t.cols {
		if t.nowrap {
			if w > 1 { // as tmux does
				return
			}
			t.x = t.cols - w
		} else {
			t.screen[t.y].wrapped = true
			t.down()
			t.x = 0
		}
	}
	l := &t.screen[t.y]
	for len(l.cells) < t.x+w {
		l.cells = append(l.cells, " ")
	}
	t.vacate(t.x, t.x+w)
	l.cells[t.x] = c
	for i := 1; i < w; i++ {
		l.cells[t.x+i] = ""
	}
	t.x += w
	t.full = t.x == t.cols && !t.nowrap
	t.x = min(t.x, t.cols-1)
}

const selector = "\ufe0f"

// before is the character before the cursor, and the cell it stands in.
func (t *Terminal) before() (c string, at int) {
	cells := t.screen[t.y].cells
	if at = t.x - 1; t.full {
		at = t.x
	}
	for at > 0 && at < len(cells) && cells[at] == "" {
		at--
	}
	if at < 0 || at >= len(cells) {
		return "", 0
	}
	return cells[at], at
}

// vacate blanks what is left of wide characters when the cells from..to are
// written over.
func (t *Terminal) vacate(from, to int) {
	cells := t.screen[t.y].cells
	if cells[from] == "" {
		for i := from - 1; i >= 0; i-- {
			whole := cells[i] != ""
			if cells[i] = " "; whole {
				break
			}
		}
	}
	for i := to; i < len(cells) && cells[i] == ""; i++ {
		cells[i] = " "
	}
}

// down goes one row down and scrolls at the bottom.
func (t *Terminal) down() {
	t.full = false
	if t.y < t.height-1 {
		t.y++
		return
	}
	t.history = append(t.history, t.screen[0])
	t.scrolled++
	t.screen = append(t.screen[1:], line{})
}
