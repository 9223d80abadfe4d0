package vt

import (
	"fmt"
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

// colours are the parameters of the ones that may be asked for: the first eight,
// bold and faint, and none.
var colours = map[string]bool{
	"0": true, "1": true, "2": true, "31": true, "32": true, "33": true, "34": true, "35": true, "36": true,
}

func (t *Terminal) csi(params string, final byte, whole string) {
	switch mode, private := strings.CutPrefix(params, "?"); {
	case private && (final == 'h' || final == 'l'):
		t.mode(mode, final == 'h', whole)
		return
	case params == ">1" && final == 'u':
		t.keys++
		return
	case params == "<" && final == 'u':
		t.keys--
		return
	case params == ">4;1" && final == 'm', params == ">4" && final == 'm':
		return
	}
	if final == 'm' { // colours are not kept
		if !colours[params] {
			t.refuse(whole)
		}
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
		t.erase(n, whole)
	case 'n':
		if n != 6 {
			t.refuse(whole)
		} else if t.Answer != nil {
			t.Answer(fmt.Sprintf("\x1b[%d;%dR", t.y+1, t.x+1))
		}
	default:
		t.refuse(whole)
	}
}

// erase empties the cursor's row (2), or what is right of the cursor (0).
func (t *Terminal) erase(n int, whole string) {
	switch l := &t.screen[t.y]; n {
	case 0:
		l.cells = l.cells[:min(t.x, len(l.cells))]
	case 2:
		*l = line{}
		if t.y > 0 { // what went on in this row goes on no more
			t.screen[t.y-1].wrapped = false
		} else if n := len(t.history); n > 0 {
			t.history[n-1].wrapped = false
		}
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

// Bracketed says whether pastes are bracketed, and keys told apart as kitty does.
func (t *Terminal) Bracketed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.bracketed || t.keys > 0
}
