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

	"github.com/rivo/uniseg"

	"kaiwa/client/cells"
)

// Terminal is the model. It is an io.Writer. Its methods may be called from any
// goroutine.
type Terminal struct {
	// Measure is how it counts cells.
	Measure cells.Measure
	// Fixed keeps lines as they are when the width changes, as xterm does.
	Fixed bool

	mu           sync.Mutex
	refused      []string
	writes       int
	cols, height int
	history      []line // what scrolled away
	screen       []line
	x, y         int
	full         bool // the last column is taken: the next character wraps
	nowrap       bool
	saved        [2]int
	hidden, held bool
	bracketed    bool
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
	g, _, _, _ := uniseg.FirstGraphemeClusterInString(s, -1)
	t.put(g)
	return len(g)
}

func (t *Terminal) refuse(s string) { t.refused = append(t.refused, fmt.Sprintf("%q", s)) }

// put prints a grapheme.
func (t *Terminal) put(g string) {
	w := t.Measure.Width(g)
	if w == 0 {
		t.combine(g)
		return
	}
	w = min(w, t.cols)
	if t.full || t.x+w > t.cols {
		if t.nowrap {
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
	l.cells[t.x] = g
	for i := 1; i < w; i++ {
		l.cells[t.x+i] = ""
	}
	t.x += w
	t.full = t.x == t.cols
	if t.full {
		t.x--
	}
}

// combine adds a mark without width to the character before.
func (t *Terminal) combine(g string) {
	cells := t.screen[t.y].cells
	x := t.x - 1
	if t.full {
		x = t.x
	}
	for x > 0 && x < len(cells) && cells[x] == "" {
		x--
	}
	if x >= 0 && x < len(cells) {
		cells[x] += g
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
	t.screen = append(t.screen[1:], line{})
}
