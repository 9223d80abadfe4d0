package plain_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"kaiwa/pkg/plain"
)

// harmless stays as it is.
var harmless = []string{
	"", "plain", "two\nlines\tand a tab", "日本語、カタカナ。", "ｶﾞ ガ か\u3099", family, "❤\ufe0f 👍🏽 🇯🇵 1\ufe0f\u20e3", "한국어 \u1112\u1161\u11ab", "Ελληνικά עברית العربية हिन्दी",
	"[31m looks like one", "nbsp\u00a0 zwnj\u200c bom\ufeff", "\u00a0\u00ad\ufffd\ue000",
}

func TestSafeKeeps(t *testing.T) {
	for _, s := range harmless {
		if got := plain.Safe(s); got != s {
			t.Errorf("Safe(%q) = %q", s, got)
		}
	}
	if n := testing.AllocsPerRun(10, func() { plain.Safe("何も変わらない line\n") }); n != 0 {
		t.Errorf("Safe allocates %v times for harmless text", n)
	}
}

func TestSafeRemoves(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"bell and NUL", "a\x07b\x00c", "abc"},
		{"backspace and delete", "a\bb\x7fc", "abc"},
		{"line ends", "a\r\nb\rc\u2028d\u2029e\x0bf\x0cg", "a\nb\nc\nd\nefg"},
		{"colour", "\x1b[1;31mred\x1b[0m", "red"},
		{"clear", "x\x1b[2J\x1b[Hy", "xy"},
		{"private and intermediate", "\x1b[?25lx\x1b[0 qy", "xy"},
		{"colons", "\x1b[38:2:1:2:3mx", "x"},
		{"title by BEL", "\x1b]0;PWNED\x07x", "x"},
		{"title by ST", "\x1b]0;題\x1b\\x", "x"},
		{"title by C1 ST", "\x1b]0;t\u009cx", "x"},
		{"link", "\x1b]8;;http://e\x07here\x1b]8;;\x07", "here"},
		{"clipboard", "\x1b]52;c;aGk=\x07x", "x"},
		{"DCS, APC, PM, SOS", "\x1bP1$q\x1b\\a\x1b_b\x1b\\c\x1b^d\x1b\\e\x1bXf\x1b\\g", "aceg"},
		{"BEL does not end a DCS", "\x1bPx\x07y", "Pxy"},
		{"reset", "\x1bcx\x1b7y\x1b8", "xy"},
		{"character set", "\x1b(0lqk\x1b(B", "lqk"},
		{"double ESC", "\x1b\x1b[31mx", "x"},
		{"C1 CSI", "\u009b31mx\u0085y", "xy"},
		{"C1 OSC", "\u009d0;t\u0007x\u0090q\u009cy", "xy"},
		{"cut off CSI", "x\x1b[31", "x[31"},
		{"cut off OSC", "x\x1b]0;title", "x]0;title"},
		{"cut off C1 CSI", "x\u009b1", "x1"},
		{"lone ESC", "x\x1b", "x"},
		{"ESC before kana", "\x1bあ", "あ"},
		{"ESC before a newline", "\x1b\nx", "\nx"},
		{"newline in a CSI", "\x1b[\n31m", "[\n31m"},
		{"newline in an OSC", "\x1b]0;a\nb\x07", "]0;a\nb"},
		{"OSC in an OSC", "\x1b]0;a\x1b]0;b\x07c", "]0;ac"},
		{"intermediate without end", "\x1b(", "("},
		{"bidi", "a\u202eb\u202ac\u2066d\u2069e\u200ef\u200fg\u061ch", "abcdefgh"},
		{"annotation", "\ufff9base\ufffaruby\ufffb", "baseruby"},
		{"tags", "🏴\U000E0067\U000E007Fx\U000E0001", "🏴x"},
		{"raw C1 bytes", "a\x9b31mb\x9d", "a31mb"},
		{"invalid UTF-8", "a\xff\xe3\x81b\xc2", "ab"},
		{"bytes that would join", "\xc2\x1b\x9b31m", "31m"},
	} {
		if got := plain.Safe(c.in); got != c.want {
			t.Errorf("%s: Safe(%q) = %q, want %q", c.name, c.in, got, c.want)
		}
	}
}

// forbidden is written apart from the code, from the list of the contract.
func forbidden(r rune) bool {
	switch {
	case r == '\n', r == '\t':
		return false
	case r < ' ', r >= 0x7f && r < 0xa0, r == 0x61c, r == 0x200e, r == 0x200f, r >= 0x202a && r <= 0x202e, r == 0x2028, r == 0x2029,
		r >= 0x2066 && r <= 0x2069, r >= 0xfff9 && r <= 0xfffb, r >= 0xe0000 && r <= 0xe007f:
		return true
	}
	return false
}

func checkSafe(t *testing.T, what, s string) {
	t.Helper()
	if i := strings.IndexFunc(s, forbidden); i >= 0 || !utf8.ValidString(s) {
		t.Fatalf("%s: %q is not safe", what, s)
	}
}

func FuzzSafe(f *testing.F) {
	for _, s := range append(harmless, "\x1b[31mx\x1b]0;t\x07\u009b1m\r\n\r\u2028\xff\u202e\U000E0041") {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := plain.Safe(s)
		checkSafe(t, "Safe", got)
		if again := plain.Safe(got); again != got {
			t.Fatalf("Safe(%q) = %q, then %q", s, got, again)
		}
		if utf8.ValidString(s) && !strings.ContainsFunc(s, forbidden) && got != s {
			t.Fatalf("Safe(%q) = %q", s, got)
		}
		if len(got) > len(s) {
			t.Fatalf("Safe(%q) grew to %q", s, got)
		}
		line := plain.Line(s)
		checkSafe(t, "Line", line)
		if line != strings.TrimRight(line, " \t\n　") || plain.Line(line) != line {
			t.Fatalf("Line(%q) = %q", s, line)
		}
	})
}

func TestSafeIsLinear(t *testing.T) { // quadratic would take minutes
	for _, s := range []string{"\x1b]", "\x1b[", "\x1bP0", "\u009d", "\x1b(", "\xc2", "\r"} {
		checkSafe(t, "long", plain.Safe(strings.Repeat(s, 1<<20)))
	}
}
