package term_test

import (
	"strings"
	"testing"

	"github.com/rivo/uniseg"

	"kaiwa/client/term"
)

// shown is the text with | at the caret.
func shown(l *term.Line) string {
	s, at := l.Shown()
	return s[:at] + "|" + s[at:]
}

func press(l *term.Line, keys string) (last term.Action) {
	var d term.Decoder
	for _, k := range d.Feed([]byte(keys)) {
		last = l.Press(k)
	}
	return last
}

const (
	left, right, up, down = "\x1b[D", "\x1b[C", "\x1b[A", "\x1b[B"
	home, end, del        = "\x1b[H", "\x1b[F", "\x1b[3~"
)

func TestLineEditing(t *testing.T) {
	family := "👩‍👩‍👧"
	for _, c := range []struct{ name, keys, want string }{
		{"type", "日本語", "日本語|"},
		{"backspace takes a wide character", "日本語\x7f", "日本|"},
		{"backspace takes a family", "a" + family + "\x7f", "a|"},
		{"backspace takes a letter with its mark", "xか\u3099\x7f", "x|"},
		{"left over a family", "a" + family + left, "a|" + family},
		{"right over a flag", "🇯🇵b" + home + right, "🇯🇵|b"},
		{"delete", family + "b" + home + del, "|b"},
		{"left and right stop at the ends", "a" + left + left + right + right, "a|"},
		{"a mark joins the letter before", "か\u3099", "か\u3099|"},
		{"a joiner joins what follows too", "👩👧" + left + "\u200d", "👩\u200d👧|"},
		{"what a deletion joins", "👩\u200dx👧" + left + "\x7f", "👩\u200d👧|"},
		{"insert in the middle", "ac" + left + "b", "ab|c"},
		{"ctrl-a and ctrl-e", "one\x01x\x05y", "xoney|"},
		{"home and end stay in the line", "one\ntwo" + home + "x" + end + "y", "one\nxtwoy|"},
		{"ctrl-k", "one two\x01\x1b[C\x0b", "o|"},
		{"ctrl-k at the end takes the newline", "one\ntwo\x01\x02\x0b", "one|two"},
		{"ctrl-u", "one two" + left + "\x15", "|o"},
		{"ctrl-u keeps other lines", "one\ntwo\x15", "one\n|"},
		{"ctrl-w", "one 二つ目 three \x17\x17", "one |"},
		{"alt-backspace", "one two\x1b\x7f", "one |"},
		{"ctrl-y", "one two\x17\x19\x19", "one twotwo|"},
		{"ctrl-j, alt-enter and shift-enter", "a\nb\x1b\rc\x1b[13;2u", "a\nb\nc\n|"},
		{"a paste keeps its newlines", "\x1b[200~a\rb\x1b[201~", "a\nb|"},
		{"backspace over a newline", "a\nb" + left + "\x7f", "a|b"},
		{"left over a newline", "a\n" + left, "a|\n"},
		{"up goes to the same column", "日本語\nあい" + up, "日本|語\nあい"},
		{"up into a shorter line", "a\n日本語" + up, "a|\n日本語"},
		{"up into a wide character", "日本語\nabc" + up, "日|本語\nabc"},
		{"down", "ab\n日本語" + up + home + right + right + down, "ab\n日|本語"},
		{"ctrl-c clears", "one\x03", "|"},
		{"ctrl-d deletes", "ab\x01\x04", "|b"},
		{"tab", "a\tb", "a\tb|"},
		{"backslash and enter", "日本\\\r語", "日本\n語|"},
		{"backslash and enter in the middle", "ab" + left + "\\\rc", "a\nc|b"},
		{"ctrl-x and another key", "a\x18\x01b", "b|a"},
		{"unbound keys do nothing", "a\x0c\x1bx\x1b[15~\x1b[99;9u\x1b[120;7u", "a|"},
		{"ctrl-w stops at a full-width blank", "一　二　\x17", "一　|"},
		{"alt-b", "one, two-three\x1bb\x1bbx", "one, x|two-three"},
		{"alt-b in Japanese", "日本語のテストー中です\x1bb\x1bb\x1bbx", "日本語のx|テストー中です"},
		{"alt-f", "one, two" + home + "\x1bf\x1bfx", "one, twox|"},
		{"alt-f in Japanese", "人々がコーヒーを" + home + "\x1bf\x1bf\x1bfx", "人々がコーヒーx|を"},
		{"alt-d", "one, two" + home + "\x1bd", "|, two"},
		{"words by ctrl and alt with arrows", "one two three\x1b[1;5D\x1b[1;3Dx\x1b[1;5Cy", "one xtwoy| three"},
		{"alt-backspace takes a word", "a.b\x1b\x7f", "a.|"},
		{"ctrl-delete", "one two" + home + "\x1b[3;5~", "| two"},
		{"ctrl-backspace, kitty", "one two\x1b[127;5u", "one |"},
		{"kills in a row are one", "one two three\x17\x17\x19", "one two three|"},
		{"kills both ways are one", "one two three\x1b[1;5D\x17\x0b\x19", "one two three|"},
		{"kills apart are two", "one two\x17 \x17\x19", "one  |"},
		{"alt-y", "one two\x17x\x17\x19\x1by", "one two|"},
		{"alt-y goes round", "one two\x17x\x17\x19\x1by\x1by", "one x|"},
		{"alt-y after another key", "one two\x17x\x17\x19a\x1by", "one xa|"},
		{"nothing to yank", "a\x19\x1by", "a|"},
		{"nothing to undo", "\x1f", "|"},
		{"undo a kill", "one two\x17\x1f", "one two|"},
		{"undo a paste", "a\x1b[200~b\nc\x1b[201~\x1f", "a|"},
		{"undo ctrl-c", "one\x03\x1f", "one|"},
		{"undo by ctrl-x ctrl-u", "one\x17\x18\x15", "one|"},
		{"undo to the start and no further", "a\x1b[200~b\x1b[201~\x1f\x1f\x1f\x1f", "|"},
		{"undo, kitty", "one\x17\x1b[45;6u", "one|"},
		{"ctrl-t", "ab日" + left + "\x14", "a日b|"},
		{"ctrl-t at the end", "ab\x14", "ba|"},
		{"ctrl-t with one letter", "a\x14", "a|"},
		{"ctrl-home and ctrl-end", "a\nb\x1b[1;5Hx\x1b[1;5Fy", "xa\nby|"},
	} {
		var l term.Line
		if press(&l, c.keys); shown(&l) != c.want {
			t.Errorf("%s: got %q, want %q", c.name, shown(&l), c.want)
		}
	}
}

func TestLineActions(t *testing.T) {
	for _, c := range []struct {
		name, keys string
		want       term.Action
	}{
		{"enter", "hi\r", term.Send},
		{"enter on nothing", "\r", term.Send},
		{"ctrl-c on a text", "hi\x03", term.None},
		{"ctrl-c on nothing", "\x03", term.Break},
		{"ctrl-d on a text", "hi\x04", term.None},
		{"ctrl-d on nothing", "\x04", term.Leave},
		{"enter after a backslash", "a\\\r", term.None},
		{"ctrl-x ctrl-e", "a\x18\x05", term.Edit},
		{"ctrl-g", "a\x07", term.Edit},
		{"ctrl-z", "\x1a", term.Suspend},
		{"ctrl-l", "a\x0c", term.Clear},
		{"enter with shift", "a\x1b[13;2u", term.None},
		{"ctrl-enter", "a\x1b[13;5u", term.None},
	} {
		var l term.Line
		if got := press(&l, c.keys); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// Letters come one by one from a keyboard.
func typed(l *term.Line, text string) {
	for _, r := range text {
		l.Press(term.Key{Code: term.Text, Text: string(r)})
	}
}

func TestLineUndoTakesWords(t *testing.T) {
	var l term.Line
	typed(&l, "one two  three")
	press(&l, left+"x")
	for _, want := range []string{"one two  thre|e", "one two  |", "one two |", "one |", "|", "|"} {
		if press(&l, "\x1f"); shown(&l) != want {
			t.Errorf("got %q, want %q", shown(&l), want)
		}
	}
}

func TestLineEnterBreaks(t *testing.T) {
	for _, c := range []struct {
		name, keys string
		want       term.Action
		text       string
	}{
		{"enter", "a\r", term.None, "a\n|"},
		{"enter after a backslash", "a\\\r", term.None, "a\\\n|"},
		{"alt-enter", "a\x1b\r", term.Send, "a|"},
		{"shift-enter, kitty", "a\x1b[13;2u", term.Send, "a|"},
		{"ctrl-enter, xterm", "a\x1b[27;5;13~", term.Send, "a|"},
		{"ctrl-j", "a\n", term.Send, "a|"},
		{"a command", "/help\r", term.Send, "/help|"},
		{"a text with a slash", "//a\r", term.None, "//a\n|"},
		{"two lines, the first with a slash", "/a\r", term.Send, "/a|"},
	} {
		l := term.Line{EnterBreaks: true}
		if got := press(&l, c.keys); got != c.want || shown(&l) != c.text {
			t.Errorf("%s: %v %q, want %v %q", c.name, got, shown(&l), c.want, c.text)
		}
	}
}

// A long paste is a few words until Tab shows it; it is one edit, and sent whole.
func TestLineLongPaste(t *testing.T) {
	paste := func(s string) string { return "\x1b[200~" + s + "\x1b[201~" }
	long := strings.Repeat("行\n", 311) + "end"
	large := strings.Repeat("x", 5000)
	for _, c := range []struct{ name, keys, want, text string }{
		{"long", "a" + paste(long) + "b", "a[paste 312 lines]b|", "a" + long + "b"},
		{"21 lines", paste(strings.Repeat("x\n", 21)), "[paste 21 lines]|", strings.Repeat("x\n", 21)},
		{"20 lines", paste(strings.Repeat("x\n", 19) + "x"), strings.Repeat("x\n", 19) + "x|", strings.Repeat("x\n", 19) + "x"},
		{"large", paste(large), "[paste 5000 characters]|", large},
		{"two", paste(long) + " " + paste(large), "[paste 312 lines] [paste 5000 characters]|", long + " " + large},
		{"taken away at once", "a" + paste(long) + "\x7f", "a|", "a"},
		{"undone", "a" + paste(long) + "\x1f", "a|", "a"},
		{"taken away and undone", paste(long) + "\x7f\x1f", "[paste 312 lines]|", long},
		{"killed and yanked", paste(long) + "\x17\x19\x19", "[paste 312 lines][paste 312 lines]|", long + long},
		{"shown", paste("1\n"+long) + "\t", "1\n" + long + "|", "1\n" + long},
		{"shown, and folded again", paste(long) + "\t\x1f", "[paste 312 lines]|", long},
		{"the caret before it", "a" + paste(long) + left + "b", "ab|[paste 312 lines]", "ab" + long},
		{"a tab before it", paste(long) + left + "\t", "\t|[paste 312 lines]", "\t" + long},
		{"what stands for a paste cannot be pasted", "\ufdd0" + paste("a\ufdd0b"), "ab|", "ab"},
	} {
		var l term.Line
		press(&l, c.keys)
		if shown(&l) != c.want || l.Text() != c.text {
			t.Errorf("%s: shows %.80q, is %.80q, want %.80q, %.80q", c.name, shown(&l), l.Text(), c.want, c.text)
		}
		l.Accept()
		if press(&l, up); c.text != "" && l.Text() != c.text {
			t.Errorf("%s: the history has %.80q", c.name, l.Text())
		}
	}
}

func TestLineHistory(t *testing.T) {
	var l term.Line
	for _, s := range []string{"one", "two\nlines", "two\nlines", "  "} {
		press(&l, s)
		l.Accept()
		if shown(&l) != "|" {
			t.Fatalf("accepting left %q", shown(&l))
		}
	}
	for _, c := range []struct{ keys, want string }{
		{"dra" + up, "two\nlines|"}, // doubles and blanks are not kept
		{up, "two|\nlines"},
		{up, "one|"},
		{up, "one|"},
		{down, "two\nlines|"},
		{down, "dra|"},
		{down, "dra|"},
		{"ft", "draft|"},
	} {
		if press(&l, c.keys); shown(&l) != c.want {
			t.Fatalf("after %q: %q, want %q", c.keys, shown(&l), c.want)
		}
	}
}

func TestLineSearch(t *testing.T) {
	for _, c := range []struct{ name, keys, want, query string }{
		{"nothing asked yet", "dr\x12", "dr|", "()"},
		{"the newest one", "dr\x12日本", "日本語 two|", "(日本)"},
		{"letter by letter, whatever the case", "\x12T\x12W", "日本語 two|", "(TW)"},
		{"an older one", "\x12日本\x12", "日本 one|", "(日本)"},
		{"none older", "\x12日本\x12\x12\x12", "日本 one|", "(日本)"},
		{"not found", "dr\x12two!", "dr|", "(two!) no"},
		{"corrected", "\x12two!\x7f", "日本語 two|", "(two)"},
		{"all taken away", "dr\x12t\x7f", "dr|", "()"},
		{"taken", "\x12one\r", "日本 one|", ""},
		{"taken and moved in", "\x12one" + left, "日本 on|e", ""},
		{"called off", "dr" + left + "\x12one\x07", "d|r", ""},
		{"called off with ctrl-c", "dr\x12one\x03", "dr|", ""},
	} {
		var l term.Line
		l.Recall([]string{"日本 one", "日本語 two", "x"})
		press(&l, c.keys)
		query, found, under := l.Search()
		if under {
			query = "(" + query + ")"
		}
		if under && !found {
			query += " no"
		}
		if shown(&l) != c.want || query != c.query {
			t.Errorf("%s: %q %q, want %q %q", c.name, shown(&l), query, c.want, c.query)
		}
	}
}

// Whatever is pressed, the caret stands between two graphemes.
func FuzzLine(f *testing.F) {
	f.Add("👩👧\x1b[D\u200d\x7f日本\x1b[A\n\x15\x19")
	f.Add("か\x1b[D\u3099\x1b[200~e\u0301\r🇯🇵\x1b[201~\x02\x02\x04\x04")
	f.Fuzz(func(t *testing.T, keys string) {
		var l term.Line
		var d term.Decoder
		for _, k := range d.Feed([]byte(keys)) {
			if l.Press(k) == term.Send {
				l.Accept()
			}
			s, at := l.Shown()
			if strings.ContainsAny(s, "\x1b\r\x7f") {
				t.Fatalf("a control character in %q", s)
			}
			for i := 0; i != at; {
				g, _, _, _ := uniseg.FirstGraphemeClusterInString(s[i:], -1)
				if i += len(g); i > at {
					t.Fatalf("after %+v the caret is inside a grapheme: %q", k, shown(&l))
				}
			}
		}
	})
}
