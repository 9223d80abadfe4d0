package cells_test

import (
	"testing"

	"kaiwa/client/cells"
)

func TestWidth(t *testing.T) {
	wcwidth := cells.Measure{}
	graphemes := cells.Measure{Selector: true, Modifier: true, Joiner: true}
	tmux := cells.Measure{Joiner: true} // 3.3a
	wide := cells.Measure{Ambiguous: true}
	for _, c := range []struct {
		text                            string
		wcwidth, graphemes, tmux, wider int
	}{
		{"", 0, 0, 0, 0},
		{"plain", 5, 5, 5, 5},
		{"日本語、ｶﾞ", 10, 10, 10, 10},
		{"か\u3099e\u0301\u200b", 3, 3, 3, 3},
		{"한국 \u1112\u1161", 7, 7, 7, 7},
		{"○→“”…①", 6, 6, 6, 12},
		{"🇯🇵", 2, 2, 2, 2},
		{"👍🏽", 4, 2, 4, 4},
		{"🏽", 2, 2, 2, 2},
		{"a🏽", 3, 3, 3, 3},
		{"❤️", 1, 2, 1, 1},
		{"1️⃣", 1, 2, 1, 1},
		{"⌚️", 2, 2, 2, 2},
		{"👩‍👩‍👧", 6, 2, 2, 6},
		{"👩‍👩‍👧👧", 8, 4, 4, 8},
		{"क\u094d\u200dष", 2, 2, 2, 2},
		{"❤️‍🔥", 3, 2, 1, 3},
	} {
		for name, m := range map[string]struct {
			measure cells.Measure
			want    int
		}{
			"wcwidth": {wcwidth, c.wcwidth}, "graphemes": {graphemes, c.graphemes}, "tmux": {tmux, c.tmux}, "wide": {wide, c.wider},
		} {
			if got := m.measure.Width(c.text); got != m.want {
				t.Errorf("%s: %q takes %d, want %d", name, c.text, got, m.want)
			}
		}
	}
}
