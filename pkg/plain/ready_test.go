package plain_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"kaiwa/pkg/plain"
)

func TestReady(t *testing.T) {
	for _, c := range []string{ // the bar stands after what is ready
		"|", "|word", "line\n|", "line\n|next", "one\ntwo\n|three",
		"\n|", "a\r\n|b",
		// Japanese
		"こんにちは。|", "はい。|いいえ", "本当？|", "本当！？|え", "一。二。|三", "終わり．|", "。|", "。　|次",
		"「はい。」|と", "（終わり。）|", "「本当？」|", "『一。』」|二", "と言った。」|次",
		"|「はい。", "一。|「はい。", "「はい。|い", "|（「はい。」", "（「はい。」）|",
		"」。|", "答えは３．１４です。|x", "|答えは３．１４", "|３．", "|３．１", "終わり２．|次", "|１．りんご", "一\n|１．りんご",
		"|句点のない、文", "|「かぎ括弧」だけ",
		// English
		"Hello. |", "Hello. |World", "|Hello.", "|Hello", "Really? |Yes", "No! |Never", "|No!", "What?! |So",
		"He said \"hi.\" |Then", "(Done.) |Next", "|He said \"hi.\"", "Well... |ok", "|Well...", "|...", "End.  |Two blanks",
		"Wide!　|次", "|pi is 3.14", "pi is 3.14. |Next", "e.g. |this", "|a.b.c", "|v1.2.3 is", "|example.com/x?y=1",
		"|1. First", "intro\n|12. Twelfth", "  \n|  3. third", "In 1999. |So", "1. First. |it", "! |x", ". |x",
		"Mixed です。|And more", "Fine. |まだ", "code\n|x := 1.5",
	} {
		want := strings.Index(c, "|")
		text := c[:want] + c[want+1:]
		if got := plain.Ready(text); got != want {
			t.Errorf("Ready(%q) = %d, want %d (%q)", text, got, want, text[:want])
		}
	}
}

// A stream is shown piece by piece: what is ready goes, the rest waits. However
// the tokens fall, nothing is lost, and no line begins with a closing bracket
// whose opening one was still waiting.
func TestReadyStream(t *testing.T) {
	const text = "彼は「そうです。」と言った。\n円周率は3.14です。Then he left. 1. Not a list.\n1. A list.\n『終わり！』（完。）"
	for size := 1; size < 9; size++ {
		lines := stream(text, size)
		if got := strings.Join(lines, ""); got != text {
			t.Errorf("tokens of %d: %q", size, got)
		}
		for _, line := range lines {
			if r, _ := utf8.DecodeRuneInString(line); strings.ContainsRune("」』）", r) {
				t.Errorf("tokens of %d: a line begins with %q", size, line)
			}
		}
	}
}

// stream shows text that arrives in tokens of size code points.
func stream(text string, size int) (lines []string) {
	tail := ""
	runes := []rune(text)
	for len(runes) > 0 {
		n := min(size, len(runes))
		tail += string(runes[:n])
		runes = runes[n:]
		if n := plain.Ready(tail); n > 0 {
			lines = append(lines, tail[:n])
			tail = tail[n:]
		}
	}
	return append(lines, tail)
}

func FuzzReady(f *testing.F) {
	for _, s := range []string{"a. b", "「はい。」次", "1. x\n2. y", "３．１４。", "...!?\"' ", "\xe3\x80.", "。\xff "} {
		f.Add(s, uint64(1))
	}
	f.Fuzz(func(t *testing.T, text string, seed uint64) {
		text = text[:min(len(text), 1000)]
		n := plain.Ready(text)
		if n < 0 || n > len(text) {
			t.Fatalf("Ready(%q) = %d", text, n)
		}
		if strings.Contains(text[n:], "\n") {
			t.Fatalf("Ready(%q) = %d is before a newline", text, n)
		}
		if n > 0 && !strings.ContainsAny(text[:n], "\n。．！？.!?") {
			t.Fatalf("Ready(%q) = %d, but nothing ends there", text, n)
		}
		if utf8.ValidString(text) && !utf8.ValidString(text[:n]) {
			t.Fatalf("Ready(%q) = %d is inside a code point", text, n)
		}
		shown, tail, r := "", "", rand.New(rand.NewPCG(seed, 3))
		for rest := text; rest != ""; {
			k := 1 + r.IntN(min(len(rest), 9))
			tail, rest = tail+rest[:k], rest[k:]
			n := plain.Ready(tail)
			shown, tail = shown+tail[:n], tail[n:]
		}
		if shown+tail != text {
			t.Fatalf("%q became %q", text, shown+tail)
		}
	})
}

func BenchmarkReady(b *testing.B) {
	for _, s := range []struct{ name, text string }{
		{"english", strings.Repeat("words without an end ", 1500)},
		{"japanese", strings.Repeat("終わりのない文章が続いて", 900)},
		{"dots", strings.Repeat(".", 32<<10)},
		{"quoted", "「" + strings.Repeat("。", 10<<10)},
	} {
		b.Run(s.name, func(b *testing.B) {
			b.SetBytes(int64(len(s.text)))
			b.ReportAllocs()
			for b.Loop() {
				plain.Ready(s.text)
			}
		})
	}
}
