package plain_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rivo/uniseg"

	"kaiwa/pkg/plain"
)

const family = "👩\u200d👩\u200d👧" // one cluster, 18 bytes

func TestLine(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"\n", ""},
		{" \t　\n\n", ""},
		{"\x1b[2J\x07", ""},
		{"hello\n", "hello"},
		{"hello. ", "hello."},
		{"終わり。　\n", "終わり。"},
		{"one\n\ntwo\n", "one\n\ntwo"},
		{"\n\n  indented\n", "  indented"},
		{" \n　\nafter blank lines", "after blank lines"},
		{"a\r\nb\r\n", "a\nb"},
		{"red \x1b[31mtext\x1b[0m\n", "red text"},
	} {
		if got := plain.Line(c.in); got != c.want {
			t.Errorf("Line(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		name, text string
		limit      int
		want       string
	}{
		{"fits", "one. two", 8, "one. two"},
		{"at a line", "one\ntwo three", 8, "one\n"},
		{"at the later of line and sentence", "a\nb. cccc", 6, "a\nb. "},
		{"at a sentence", "一。二。三四五", 14, "一。二。"},
		{"at a cluster", "ab" + family, 10, "ab"},
		{"flags", "🇯🇵🇯🇵", 12, "🇯🇵"},
		{"at a code point of a cluster too long", family, 12, "👩\u200d👩"},
		{"kana", "あいう", 8, "あい"},
		{"CR LF", "ab\r\n", 3, "ab"},
		{"invalid bytes", "\x80\x80\x80\x80\x80\x80", 5, "\x80\x80\x80\x80\x80"},
		{"broken code point", "ab\xf0\x9f\x98", 4, "ab\xf0\x9f"},
		{"nothing fits", "あ", 2, ""},
		{"no room", "a", 0, ""},
		{"less than no room", "a", -1, ""},
		{"empty", "", 0, ""},
		{"empty and no room", "", -64, ""},
	} {
		if got := plain.Cut(c.text, c.limit); got != c.want {
			t.Errorf("%s: Cut(%q, %d) = %q, want %q", c.name, c.text, c.limit, got, c.want)
		}
	}
}

func FuzzCut(f *testing.F) {
	for _, s := range []string{"one. two", "一。二\n三", family + family, "\xff\xe3\x81", "e\u0301\u0302", "「はい。", "1. x 2. y"} {
		for _, limit := range []int{len(s) - 1, len(s), len(s) / 2, 4, 1} {
			f.Add(s, limit)
		}
	}
	f.Fuzz(func(t *testing.T, text string, limit int) {
		text = text[:min(len(text), 1000)]
		p := plain.Cut(text, limit)
		if !strings.HasPrefix(text, p) || len(p) > max(limit, 0) {
			t.Fatalf("Cut(%q, %d) = %q", text, limit, p)
		}
		_, width := utf8.DecodeRuneInString(text)
		if p == "" && text != "" && limit >= width {
			t.Fatalf("Cut(%q, %d) is empty", text, limit)
		}
		if utf8.ValidString(text) && !utf8.ValidString(p) {
			t.Fatalf("Cut(%q, %d) = %q is inside a code point", text, limit, p)
		}
		if len(p) < len(text) && plain.Ready(p) != len(p) { // then it is at a cluster, if one fits
			_, rest, _, _ := uniseg.FirstGraphemeClusterInString(text, -1)
			if len(text)-len(rest) <= limit && !atCluster(text, len(p)) && plain.Ready(text[:limit]) == 0 {
				t.Fatalf("Cut(%q, %d) = %q is inside a cluster", text, limit, p)
			}
		}
		limit, whole := max(limit, 4), ""
		for rest := text; rest != ""; rest = rest[len(p):] {
			p = plain.Cut(rest, limit)
			whole += p
			if line := plain.Line(p); p == "" || len(p) > limit || len(line) > len(p) {
				t.Fatalf("piece %q with line %q, limit %d", p, line, limit)
			}
		}
		if whole != text {
			t.Fatalf("%q became %q", text, whole)
		}
	})
}

// atCluster tells whether a cluster of s ends at byte i.
func atCluster(s string, i int) bool {
	for g := uniseg.NewGraphemes(s); g.Next(); {
		if _, to := g.Positions(); to == i {
			return true
		}
	}
	return false
}
