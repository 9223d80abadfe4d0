package main

import (
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What belongs to one prompt in the plain chat: a line, what goes on after \, and a
// paste, whose last line comes with Enter; also when it is looked at much later.
func TestKeyboard(t *testing.T) {
	const typing = time.Second
	for _, busy := range []time.Duration{0, time.Hour} { // how long nobody looks
		for _, c := range []struct {
			typed         []string // at once each; between them a second passes
			want          []string
			prompts, hint int
		}{
			{[]string{"one\n", "two\n"}, []string{"one", "two"}, 0, 0},
			{[]string{"\n", "x"}, []string{"", "x"}, 0, 0},
			{[]string{"one\\\n", "two\\\n", "three\n", "four\n"}, []string{"one\ntwo\nthree", "four"}, 2, 0},
			{[]string{"a\nb\nc", "\n", "d\n"}, []string{"a\nb\nc", "d"}, 0, 1},
			{[]string{"a\nb\n", "\n", "d\n"}, []string{"a\nb", "d"}, 0, 1},
			{[]string{"a\n\n\\\nb\n", "c", " more\n"}, []string{"a\n\n\\\nb\nc more"}, 0, 1},
			{[]string{"a\nb\n", "c\nd\n", "\n", "e\n"}, []string{"a\nb\nc\nd", "e"}, 0, 2},
			{[]string{"a\nb\n"}, []string{"a\nb"}, 0, 1},
			{[]string{"a\\\n"}, []string{"a"}, 1, 0},
		} {
			synctest.Test(t, func(t *testing.T) {
				r, w := io.Pipe()
				prompts, hints := 0, 0
				k := &keyboard{lines: readTyped(r), more: func() { prompts++ }, hint: func() { hints++ }}
				go func() {
					for _, s := range c.typed {
						_, _ = io.WriteString(w, s)
						time.Sleep(typing)
					}
					_ = w.Close()
				}()
				time.Sleep(busy)
				var got []string
				for {
					l, ok := k.next()
					if !ok {
						break
					}
					got = append(got, k.entry(l))
				}
				if !slices.Equal(got, c.want) || prompts != c.prompts || hints != c.hint {
					t.Errorf("%q, %v later: %q with %d prompts and %d hints, want %q", strings.Join(c.typed, "|"), busy, got, prompts, hints, c.want)
				}
			})
		}
	}
}
