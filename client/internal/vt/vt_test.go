package vt_test

import (
	"fmt"
	"slices"
	"testing"

	"kaiwa/client/internal/vt"
)

func TestWrite(t *testing.T) {
	for _, c := range []struct {
		name, in string
		rows     []string
		x, y     int
	}{
		{"plain", "ab\r\ncd", []string{"ab", "cd", ""}, 2, 1},
		{"a full row wraps with the next character", "abcdef", []string{"abcdef", "", ""}, 5, 0},
		{"wrap", "abcdefg", []string{"abcdef", "g", ""}, 1, 1},
		{"newline after a full row", "abcdef\r\ng", []string{"abcdef", "g", ""}, 1, 1},
		{"a wide character does not split", "abcde日", []string{"abcde", "日", ""}, 2, 1},
		{"combining", "か\u3099x", []string{"か\u3099x", "", ""}, 3, 0},
		{"scroll", "1\r\n2\r\n3\r\n4", []string{"2", "3", "4"}, 1, 2},
		{"erase and move", "ab\r\ncd\x1b[2K\x1b[Ax", []string{"abx", "", ""}, 3, 0},
		{"erase to the right", "ab\r\ncd\r\x1b[K\x1b[A\x1b7cd\x1b8\x1b[K", []string{"", "", ""}, 0, 0},
		{"save and restore", "ab\x1b7cd\x1b8x", []string{"abxd", "", ""}, 3, 0},
		{"no autowrap", "\x1b[?7labcdefgh\x1b[?7h", []string{"abcdeh", "", ""}, 5, 0},
	} {
		v := vt.New(6, 3)
		fmt.Fprint(v, c.in)
		if x, y := v.Cursor(); !slices.Equal(v.Rows(), c.rows) || x != c.x || y != c.y || v.Refused() != nil {
			t.Errorf("%s: rows %q cursor %d,%d refused %v; want %q %d,%d", c.name, v.Rows(), x, y, v.Refused(), c.rows, c.x, c.y)
		}
	}
}

func TestWriteInPieces(t *testing.T) {
	v := vt.New(6, 3)
	for _, b := range []byte("ab\x1b[2K\x1b[?25l\rc") {
		_, _ = v.Write([]byte{b})
	}
	if got := v.Rows()[0]; got != "c" || v.AtRest() || v.Refused() != nil {
		t.Errorf("got %q at rest %v refused %v", got, v.AtRest(), v.Refused())
	}
}

func TestRefuses(t *testing.T) {
	v := vt.New(6, 3)
	fmt.Fprint(v, "\x1b[J\x1b[?1049h\a\x1b]0;x\x1b[5n\x1b[1K\x1b[41m\u009b")
	want := []string{`"\x1b[J"`, `"\x1b[?1049h"`, `"\a"`, `"\x1b]"`, `"\x1b[5n"`, `"\x1b[1K"`, `"\x1b[41m"`, `"\u009b"`}
	if !slices.Equal(v.Refused(), want) {
		t.Errorf("refused %v, want %v", v.Refused(), want)
	}
}

func TestAnswers(t *testing.T) {
	v := vt.New(6, 3)
	var got string
	v.Answer = func(s string) { got += s }
	fmt.Fprint(v, "\x1b[6nab\r\n日\x1b[6n")
	if want := "\x1b[1;1R\x1b[2;3R"; got != want || v.Refused() != nil {
		t.Errorf("answered %q, want %q; refused %v", got, want, v.Refused())
	}
}

func TestResize(t *testing.T) {
	v := vt.New(6, 3)
	fmt.Fprint(v, "abcdefgh\r\n日本語日本\r\n> x")
	v.Resize(4, 4)
	if got, want := v.Rows(), []string{"日本", "語日", "本", "> x"}; !slices.Equal(got, want) {
		t.Errorf("after narrowing %q, want %q", got, want)
	}
	v.Resize(20, 4)
	if got, want := v.Text(), []string{"abcdefgh", "日本語日本", "> x"}; !slices.Equal(got, want) {
		t.Errorf("after widening %q, want %q", got, want)
	}
	if x, y := v.Cursor(); x != 3 || v.Rows()[y] != "> x" {
		t.Errorf("the cursor left its character: %d,%d", x, y)
	}
}

func TestResizeFixed(t *testing.T) {
	v := vt.New(6, 3)
	v.Fixed = true
	fmt.Fprint(v, "abcdefgh\r\nij")
	v.Resize(4, 3)
	if got, want := v.Rows(), []string{"abcd", "gh", "ij"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
