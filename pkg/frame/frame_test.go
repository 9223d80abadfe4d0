package frame_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rivo/uniseg"

	"kaiwa/pkg/frame"
	"kaiwa/pkg/wire"
)

// Texts that are hard to cut.
const (
	family   = "👩\u200d👩\u200d👧" // one cluster of five code points, 18 bytes
	japan    = "\U0001F1EF\U0001F1F5"
	hangul   = "\u1112\u1161\u11ab"  // 한 as three jamo
	combined = "e\u0301\u0302\u0303" // e under three accents
	ga       = "か\u3099"             // か with a combining voiced mark
)

var hard = []string{
	"", "a", "plain words", "日本語のテキスト。改行\nもある", "a\r\nb\r\n", "\x00\x1b\x7f\"\\\t", family, strings.Repeat(family, 3), japan + japan + japan,
	hangul + hangul, combined + "x" + combined, ga + ga, "🏴\U000E0067\U000E0062\U000E007F!", "❤\ufe0f👍🏽", "\xff\xe3\x81", "あ\xf0\x9f\x98い", "\u2028\u2029",
	strings.Repeat("\u0301", 40), "x" + strings.Repeat("\u0301", 40) + "y", strings.Repeat("長い文章です。", 30), "क्षि", "\u0600\u06001",
}

// checkCut holds for every cut: see Cut's comment.
func checkCut(t *testing.T, text string, limit int) {
	t.Helper()
	p := frame.Cut(text, limit)
	rest, ok := strings.CutPrefix(text, p)
	if !ok {
		t.Fatalf("Cut(%q, %d) = %q is no prefix", text, limit, p)
	}
	if n := wire.EncodedLen(p); n > limit && p != "" {
		t.Fatalf("Cut(%q, %d) encodes to %d bytes", text, limit, n)
	}
	if rest == "" {
		return
	}
	_, width := utf8.DecodeRuneInString(text)
	if p == "" {
		if wire.EncodedLen(text[:width]) <= limit {
			t.Fatalf("Cut(%q, %d) is empty although a code point fits", text, limit)
		}
		return
	}
	// Slow, by definition: add clusters while they fit.
	want, clusters := "", uniseg.NewGraphemes(text)
	for clusters.Next() && wire.EncodedLen(want+clusters.Str()) <= limit {
		want += clusters.Str()
	}
	if want != "" && p != want {
		t.Fatalf("Cut(%q, %d) = %q, want %q", text, limit, p, want)
	}
	if r, n := utf8.DecodeLastRuneInString(p); r == utf8.RuneError && n == 1 && utf8.ValidString(text) {
		t.Fatalf("Cut(%q, %d) = %q is cut inside a code point", text, limit, p)
	}
}

func TestCut(t *testing.T) {
	for _, text := range hard {
		for limit := -1; limit <= wire.EncodedLen(text)+1; limit++ {
			checkCut(t, text, limit)
		}
	}
}

func TestCutWhere(t *testing.T) {
	for _, c := range []struct {
		name, text string
		limit      int
		want       string
	}{
		{"fits", "abc", 3, "abc"},
		{"over by one", "abcd", 3, "abc"},
		{"escape counts", "a\nb", 3, "a\n"},
		{"escape does not fit", "a\nb", 2, "a"},
		{"control byte counts six", "a\x01", 6, "a"},
		{"kana are three bytes", "あいう", 8, "あい"},
		{"nothing fits", "あ", 2, ""},
		{"zero", "a", 0, ""},
		{"CR LF stays together", "ab\r\n", 4, "ab"},
		{"lone CR LF cannot", "\r\n", 2, "\r"},
		{"family stays together", "ab" + family, 19, "ab"},
		{"family that is too long", family, 17, family[:len(family)-len("👧")]},
		{"marks rather than a joiner", family + strings.Repeat("\u0301", 9), 24, family + "\u0301\u0301\u0301"},
		{"before the joiner's neighbours", "e" + "\u0301" + "\u200d" + "\u0302", 5, "e"},
		{"flags in pairs", japan + japan, 15, japan},
		{"jamo", hangul + hangul, 17, hangul},
		{"accents", "a" + combined, 7, "a"},
		{"invalid bytes cost three", "\xff\xff", 5, "\xff"},
	} {
		if got := frame.Cut(c.text, c.limit); got != c.want {
			t.Errorf("%s: Cut(%q, %d) = %q, want %q", c.name, c.text, c.limit, got, c.want)
		}
	}
}

func TestSplitSmallLimitStillAdvances(t *testing.T) {
	got := frame.Split("a\x00あ", 0)
	if want := []string{"a", "\x00", "あ"}; strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("Split = %q, want %q", got, want)
	}
	if got := frame.Split("", 10); got != nil {
		t.Errorf("Split of nothing = %q", got)
	}
}

func FuzzSplit(f *testing.F) {
	for _, text := range hard {
		n := wire.EncodedLen(text)
		for _, limit := range []int{n - 1, n, n + 1, n / 2, 1, 7} {
			f.Add(text, limit)
		}
	}
	f.Fuzz(func(t *testing.T, text string, limit int) {
		if len(text) > 4096 {
			text = text[:4096]
		}
		checkCut(t, text, limit)
		pieces := frame.Split(text, limit)
		if got := strings.Join(pieces, ""); got != text {
			t.Fatalf("pieces make %q, want %q", got, text)
		}
		for _, p := range pieces {
			if n := wire.EncodedLen(p); p == "" || n > max(limit, 6) {
				t.Fatalf("piece %q encodes to %d bytes, limit %d", p, n, limit)
			}
		}
	})
}

func TestDeltaLimit(t *testing.T) {
	ref := wire.Ref{ID: `my "id"`, Conversation: "c", Reply: "r"}
	room := frame.DeltaLimit(ref, 1000)
	d := wire.Delta{Ref: ref, Offset: 1<<63 - 1, Text: strings.Repeat("x", room)}
	if n := len(wire.EncodeFrame(d)); n != 1000 {
		t.Errorf("a full delta at the worst offset takes %d bytes, want 1000", n)
	}
	if room := frame.DeltaLimit(ref, 10); room != 0 {
		t.Errorf("room in 10 bytes = %d", room)
	}
}
