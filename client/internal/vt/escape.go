package vt

import (
	"strconv"
	"strings"
)

// escape does one sequence; n is its length, 0 if more is needed.
func (t *Terminal) escape(s string) (n int) {
	if len(s) < 2 {
		return 0
	}
	switch s[1] {
	case '7':
		t.saved = [2]int{t.x, t.y}
		return 2
	case '8':
		t.x, t.y, t.full = t.saved[0], t.saved[1], false
		return 2
	case '[':
	default:
		t.refuse(s[:2])
		return 2
	}
	i := 2
	for i < len(s) && s[i] < 0x40 {
		i++
	}
	if i == len(s) {
		return 0
	}
	t.csi(s[2:i], s[i], s[:i+1])
	return i + 1
}

func (t *Terminal) csi(params string, final byte, whole string) {
	if mode, private := strings.CutPrefix(params, "?"); private {
		t.mode(mode, final == 'h', whole)
		return
	}
	if final == 'm' { // colours are not kept
		return
	}
	n, err := strconv.Atoi(params)
	if params != "" && err != nil {
		t.refuse(whole)
		return
	}
	switch final {
	case 'A':
		t.y, t.full = max(0, t.y-max(n, 1)), false
	case 'B':
		t.y, t.full = min(t.height-1, t.y+max(n, 1)), false
	case 'K':
		if n != 2 {
			t.refuse(whole)
		}
		t.screen[t.y] = line{}
	default:
		t.refuse(whole)
	}
}

func (t *Terminal) mode(mode string, on bool, whole string) {
	switch mode {
	case "7":
		t.nowrap = !on
	case "25":
		t.hidden = !on
	case "2026":
		t.held = on
	case "2004":
		t.bracketed = on
	default:
		t.refuse(whole)
	}
}

// Resize changes the size. Lines are wrapped anew, and the cursor stays with its
// character, unless Fixed.
func (t *Terminal) Resize(cols, height int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.Fixed {
		t.resizeFixed(cols, height)
		return
	}
	all, cy := append(t.history, t.screen[:t.used()]...), len(t.history)+t.y
	x := t.x
	if t.full {
		x++
	}
	var out []line
	var nx, ny int
	for i := 0; i < len(all); i++ {
		var cells []string // one logical line
		at := -1
		for {
			if i == cy {
				at = len(cells) + x
			}
			cells = append(cells, all[i].cells...)
			if !all[i].wrapped || i == len(all)-1 {
				break
			}
			i++
		}
		rows, ax, ay := fold(cells, at, cols)
		if at >= 0 {
			nx, ny = ax, len(out)+ay
		}
		out = append(out, rows...)
	}
	top := max(0, len(out)-height)
	top = min(top, ny) // the cursor stays visible
	t.history = out[:top:top]
	t.screen = append([]line{}, out[top:min(len(out), top+height)]...)
	for len(t.screen) < height {
		t.screen = append(t.screen, line{})
	}
	t.cols, t.height, t.x, t.y, t.full = cols, height, min(nx, cols-1), ny-top, false
}

// fold wraps one logical line; the cell at becomes (x, y).
func fold(cells []string, at, cols int) (rows []line, x, y int) {
	row := line{}
	for i := 0; i < len(cells); {
		w := 1
		for i+w < len(cells) && cells[i+w] == "" {
			w++
		}
		if len(row.cells)+w > cols && len(row.cells) > 0 {
			row.wrapped = true
			rows = append(rows, row)
			row = line{}
		}
		if at >= i && at < i+w {
			x, y = len(row.cells), len(rows)
		}
		row.cells = append(row.cells, cells[i:i+w]...)
		i += w
	}
	if at >= len(cells) {
		x, y = len(row.cells)+at-len(cells), len(rows)
	}
	return append(rows, row), x, y
}

func (t *Terminal) resizeFixed(cols, height int) {
	for i := range t.screen {
		if l := &t.screen[i]; len(l.cells) > cols {
			l.cells = l.cells[:cols]
		}
	}
	for len(t.screen) > height {
		if t.y < height {
			t.screen = t.screen[:height]
			break
		}
		t.history = append(t.history, t.screen[0])
		t.screen = t.screen[1:]
		t.y--
	}
	for len(t.screen) < height {
		t.screen = append(t.screen, line{})
	}
	t.cols, t.height, t.x, t.full = cols, height, min(t.x, cols-1), false
}

// used is how many rows of the screen hold anything, the cursor's included.
func (t *Terminal) used() int {
	n := t.height
	for n > t.y+1 && len(t.screen[n-1].cells) == 0 {
		n--
	}
	return n
}

// Text is all that was ever shown, as lines: what a user would copy. Blanks at
// the end of a line and empty lines at the end are left out.
func (t *Terminal) Text() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []string
	text := ""
	for _, l := range append(t.history[:len(t.history):len(t.history)], t.screen...) {
		text += strings.Join(l.cells, "")
		if !l.wrapped {
			out = append(out, strings.TrimRight(text, " "))
			text = ""
		}
	}
	for len(out) > 0 && out[len(out)-1] == "" {
		out = out[:len(out)-1]
	}
	return out
}

// Rows is what the screen shows, top to bottom, without blanks at the ends.
func (t *Terminal) Rows() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]string, len(t.screen))
	for i, l := range t.screen {
		out[i] = strings.TrimRight(strings.Join(l.cells, ""), " ")
	}
	return out
}

// Cursor is where the cursor stands, from 0.
func (t *Terminal) Cursor() (x, y int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.x, t.y
}

// AtRest says that the cursor is shown, lines wrap and nothing is held back: the
// state between two draws.
func (t *Terminal) AtRest() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.hidden && !t.held && !t.nowrap && t.rest == ""
}

// Bracketed says whether pastes are bracketed.
func (t *Terminal) Bracketed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.bracketed
}
