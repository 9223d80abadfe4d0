package vt_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"kaiwa/client/cells"
	"kaiwa/client/internal/tmux"
	"kaiwa/client/internal/vt"
)

// likeTmux is how tmux 3.3a counts.
var likeTmux = cells.Measure{Joiner: true}

// The model shows what tmux shows for the same bytes and the same changes of size:
// every row, the cursor, and all that scrolled away.
func TestLikeTmux(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { likeTmuxFrom(t, seed) })
	}
}

var scraps = []string{"a", "word ", "日本語", "、", "👩‍👩‍👧", "か\u3099", "❤️", "0123456789", "ｶﾞ", "長い段落は空白を含まないので", "🇯🇵", "  ", "é"}

func likeTmuxFrom(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 2))
	cols, rows := 20, 6
	real := tmux.NewOutput(t, cols, rows)
	v := vt.New(cols, rows)
	v.Measure, v.Tmux = likeTmux, true
	text := func(n int) (s string) {
		for range r.IntN(n) {
			s += scraps[r.IntN(len(scraps))]
		}
		return s
	}
	// A row that fits. tmux keeps blanks at its end only sometimes.
	row := func() (s string) {
		for range 4 {
			if more := s + scraps[r.IntN(len(scraps))]; likeTmux.Width(more) <= cols {
				s = more
			}
		}
		return strings.TrimRight(s, " ")
	}
	var done []string
	for range 40 {
		out := ""
		switch r.IntN(6) {
		case 0, 1:
			out = text(6)
		case 2:
			out = text(3) + strings.Repeat("\r\n", 1+r.IntN(3))
		case 3: // a region, drawn the way package term does
			n := 1 + r.IntN(3)
			out = "\r\x1b[?2026h\x1b[?25l" + strings.Repeat("\x1b[A", r.IntN(3)) + "\x1b[2K\x1b[?7l"
			out += strings.Repeat("\n", n) + strings.Repeat("\x1b[A", n) + row() + "\x1b7"
			for range n {
				out += "\r\n\x1b[2K" + row()
			}
			out += "\x1b8\x1b[?7h\x1b[?25h\x1b[?2026l"
		case 4:
			out = "\r\x1b[2K" + strings.Repeat("\x1b[B\x1b[2K", r.IntN(3))
		case 5:
			cols, rows = 12+r.IntN(20), 4+r.IntN(6)
			real.Resize(cols, rows)
			v.Resize(cols, rows)
			done = append(done, fmt.Sprintf("%dx%d", cols, rows))
		}
		if out != "" {
			done = append(done, fmt.Sprintf("%q", out))
			fmt.Fprint(real, out)
			fmt.Fprint(v, out)
		}
		x, y := v.Cursor()
		shown, rx, ry := real.Screen()
		rx = min(rx, cols-1) // tmux counts a cursor behind a full row there
		if got, want := v.Rows(), trimmed(shown); !slices.Equal(got, want) || x != rx || y != ry || v.Refused() != nil {
			t.Fatalf("after\n%s\nthe model shows\n%s\ncursor %d,%d, refused %v; tmux\n%s\ncursor %d,%d",
				strings.Join(done, "\n"), strings.Join(got, "\n"), x, y, v.Refused(), strings.Join(want, "\n"), rx, ry)
		}
	}
	if got, want := strings.Join(v.Text(), "\n"), strings.Join(trimmed(strings.Split(real.Text(), "\n")), "\n"); got != want {
		t.Errorf("after\n%s\nthe model holds\n%s\ntmux\n%s", strings.Join(done, "\n"), got, want)
	}
}

func trimmed(rows []string) []string {
	for i := range rows {
		rows[i] = strings.TrimRight(rows[i], " ")
	}
	return rows
}
