package vt

import "math"

// Resize changes the size, as tmux does it: a smaller height takes rows from below
// the cursor, then from the top; a larger one brings rows back from the history. At
// another width lines are wrapped anew, and the cursor stays with its character,
// unless Fixed.
func (t *Terminal) Resize(cols, height int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.Fixed:
		t.resizeFixed(cols, height)
		return
	case height != t.height:
		t.setHeight(height)
	}
	if cols != t.cols {
		t.setWidth(cols)
	}
}

func (t *Terminal) setHeight(height int) {
	for len(t.screen) > height && len(t.screen)-1 > t.y {
		t.screen = t.screen[:len(t.screen)-1]
	}
	for len(t.screen) > height {
		t.history = append(t.history, t.screen[0])
		t.screen = t.screen[1:]
		t.y--
		t.scrolled++
	}
	for len(t.screen) < height {
		if n := len(t.history); t.scrolled > 0 {
			t.screen = append([]line{t.history[n-1]}, t.screen...)
			t.history = t.history[:n-1]
			t.y++
			t.scrolled--
			continue
		}
		t.screen = append(t.screen, line{})
	}
	t.height = height
}

func (t *Terminal) setWidth(cols int) {
	r := reflow{from: append(t.history, t.screen...), cols: cols, tmux: t.Tmux, scrolled: t.scrolled}
	x := t.x
	if t.full {
		x++
	}
	at, which := place(r.from, x, len(t.history)+t.y)
	r.run()
	for len(r.to) < t.height {
		r.to = append(r.to, line{})
	}
	top := len(r.to) - t.height
	x, y := position(r.to, at, which)
	t.history, t.screen = r.to[:top:top], append([]line{}, r.to[top:]...)
	t.cols, t.scrolled = cols, min(r.scrolled, top)
	if y -= top; y < 0 { // it scrolled away
		x, y = 0, 0
	}
	t.y, t.full = y, x >= cols
	t.x = min(x, cols-1)
}

// place is where (x, y) is in the text: which line, counted in whole ones, and the
// cell in it, MaxInt if it is behind the row's text.
func place(rows []line, x, y int) (at, which int) {
	for _, row := range rows[:y] {
		if at += len(row.cells); !row.wrapped {
			at, which = 0, which+1
		}
	}
	if x >= len(rows[y].cells) {
		return math.MaxInt, which
	}
	return at + x, which
}

// position is the row and column of what place tells.
func position(rows []line, at, which int) (x, y int) {
	for ; y < len(rows)-1 && which > 0; y++ {
		if !rows[y].wrapped {
			which--
		}
	}
	for ; y < len(rows)-1 && rows[y].wrapped && at >= len(rows[y].cells); y++ {
		if at != math.MaxInt {
			at -= len(rows[y].cells)
		}
	}
	return min(at, len(rows[y].cells)), y
}

// reflow wraps rows anew, row by row as tmux does. What is consumed of from is nil.
type reflow struct {
	from, to []line
	cols     int
	tmux     bool
	scrolled int // rows that a larger height may bring back
	dead     map[int]bool
}

func (r *reflow) run() {
	r.dead = map[int]bool{}
	for i, row := range r.from {
		row = r.from[i]
		switch width := len(row.cells); {
		case r.dead[i]:
		case width > r.cols:
			r.split(i)
		case width < r.cols && row.wrapped:
			r.to = append(r.to, row)
			r.join(i)
		default:
			r.to = append(r.to, row)
		}
	}
}

// split makes several rows of one.
func (r *reflow) split(i int) {
	row, before := r.from[i], len(r.to)
	for rest := row.cells; len(rest) > 0; {
		n := fit(rest, r.cols)
		if n == 0 { // a wide character in a single column
			n = fit(rest, 2)
		}
		r.to = append(r.to, line{cells: rest[:n:n], wrapped: n < len(rest) || row.wrapped})
		rest = rest[n:]
	}
	if i <= r.scrolled {
		r.scrolled += len(r.to) - before - 1
	}
	if last := r.to[len(r.to)-1]; len(last.cells) < r.cols && row.wrapped {
		r.join(i)
	}
}

// join fills the last row with what follows row i. tmux 3.3a takes the row for a
// whole line if a row was used up and the next, which ends its line, begins with a
// character that is too wide for the cell left.
func (r *reflow) join(i int) {
	at := len(r.to) - 1
	row := &r.to[at]
	n, wrapped, rest := 0, true, false
	for wrapped && i+1+n < len(r.from) {
		next := &r.from[i+1+n]
		k := fit(next.cells, r.cols-len(row.cells))
		if k == 0 && len(next.cells) > 0 {
			wrapped = next.wrapped || !r.tmux
			break
		}
		if wrapped = next.wrapped; k == 0 && !wrapped {
			break
		}
		row.cells = append(row.cells[:len(row.cells):len(row.cells)], next.cells[:k]...)
		if next.cells = next.cells[k:]; len(next.cells) > 0 {
			rest = true
			break
		}
		r.dead[i+1+n] = true
		if n++; len(row.cells) == r.cols {
			break
		}
	}
	if n > 0 && !rest && !wrapped {
		row.wrapped = false
	}
	if r.scrolled > at+n {
		r.scrolled -= n
	} else if n > 0 && r.scrolled > at {
		r.scrolled = at
	}
}

// fit is how many of the cells stand in a row of that width.
func fit(cells []string, width int) int {
	n := 0
	for n < len(cells) {
		w := 1
		for n+w < len(cells) && cells[n+w] == "" {
			w++
		}
		if n+w > width {
			break
		}
		n += w
	}
	return n
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
