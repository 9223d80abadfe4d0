package term_test

import (
	"slices"
	"strings"
	"testing"

	"kaiwa/client/internal/vt"
	"kaiwa/client/term"
)

// Rule 14: with kinsoku on, a line is cut where a typesetter would cut it.
func TestKinsoku(t *testing.T) {
	for _, c := range []struct {
		name, in string
		cols     int
		want     []string
	}{
		{"not needed", "短い。", 10, []string{"短い。"}},
		{"no full stop at a line's start", "これは試験です。次", 14, []string{"これは試験で", "す。次"}},
		{"no comma, bracket or small kana either", "あいう、えっとー」か", 6, []string{"あい", "う、", "えっ", "とー」", "か"}},
		{"no opening bracket at a line's end", "あいう「えお」", 8, []string{"あいう", "「えお」"}},
		{"words stay whole", "one two three日本", 9, []string{"one two", "three日本"}},
		{"what is too long is cut", "0123456789ab c", 5, []string{"01234", "56789", "ab c"}},
		{"blanks at a cut go", "aaaa    bbbb", 6, []string{"aaaa", "bbbb"}},
		{"an empty line", "", 6, []string{""}},
		{"colours take no cells", "\x1b[1m太字\x1b[0mと\x1b[36mcode\x1b[0m。", 8, []string{"\x1b[1m太字\x1b[0mと\x1b[36m", "code\x1b[0m。"}},
		{"a colour goes on", "\x1b[1mあいうえお\x1b[0m", 6, []string{"\x1b[1mあいう", "えお\x1b[0m"}},
	} {
		s := term.NewScreen(vt.New(9, 9), nil, &term.ScreenOptions{Kinsoku: true})
		if got := s.Fold(c.in, c.cols); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// What streams is cut as it will be when it is finished, and a line that is too
// tall for the screen loses nothing.
func TestKinsokuStreams(t *testing.T) {
	v := vt.New(14, 5)
	s := term.NewScreen(v, v.Size, &term.ScreenOptions{Kinsoku: true})
	long := "これは試験です。" + strings.Repeat("word と言葉、", 8)
	for _, r := range long {
		s.Write(string(r))
		draw(t, s, "typed", 5)
		for _, row := range v.Rows() {
			if strings.HasPrefix(row, "。") || strings.HasPrefix(row, "、") {
				t.Fatalf("a row starts with %s", row)
			}
		}
	}
	s.Write("\nend")
	s.Line("note, and one that is cut")
	draw(t, s, "typed", 5)
	got := v.Text()
	if want := strings.ReplaceAll(long, " ", "") + "note,andonethatiscutend>typed"; strings.ReplaceAll(strings.Join(got, ""), " ", "") != want {
		t.Errorf("got %q", got)
	}
	if v.Refused() != nil {
		t.Errorf("refused %v", v.Refused())
	}
}
