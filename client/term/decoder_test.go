package term_test

import (
	"reflect"
	"testing"

	"kaiwa/client/term"
)

func text(s string) term.Key { return term.Key{Code: term.Text, Text: s} }
func ctrl(s string) term.Key { return term.Key{Code: term.Ctrl, Text: s} }
func key(c term.Code) term.Key {
	return term.Key{Code: c}
}

var decoded = []struct {
	name, in string
	want     []term.Key
}{
	{"letters come together", "abc", []term.Key{text("abc")}},
	{"an input method's commit", "日本語👩‍👩‍👧か\u3099", []term.Key{text("日本語👩‍👩‍👧か\u3099")}},
	{"enter", "\r", []term.Key{key(term.Enter)}},
	{"ctrl-j", "\n", []term.Key{ctrl("j")}},
	{"ctrl", "\x01\x03\x04\x1a", []term.Key{ctrl("a"), ctrl("c"), ctrl("d"), ctrl("z")}},
	{"backspace as del and as ctrl-h", "\x7f\x08", []term.Key{key(term.Backspace), key(term.Backspace)}},
	{"tab", "\t", []term.Key{key(term.Tab)}},
	{"cursor keys", "\x1b[A\x1b[B\x1b[C\x1b[D", []term.Key{key(term.Up), key(term.Down), key(term.Right), key(term.Left)}},
	{"cursor keys in application mode", "\x1bOA\x1bOH", []term.Key{key(term.Up), key(term.Home)}},
	{"home and end, four ways", "\x1b[H\x1b[F\x1b[1~\x1b[4~\x1b[7~\x1b[8~", []term.Key{
		key(term.Home), key(term.End), key(term.Home), key(term.End), key(term.Home), key(term.End)}},
	{"delete", "\x1b[3~", []term.Key{key(term.Delete)}},
	{"ctrl-left", "\x1b[1;5D", []term.Key{{Code: term.Left, Mod: term.Control}}},
	{"alt-enter", "\x1b\r", []term.Key{{Code: term.Enter, Mod: term.Alt}}},
	{"shift-enter, kitty", "\x1b[13;2u", []term.Key{{Code: term.Enter, Mod: term.Shift}}},
	{"shift-enter, xterm", "\x1b[27;2;13~", []term.Key{{Code: term.Enter, Mod: term.Shift}}},
	{"ctrl-c, kitty", "\x1b[99;5u", []term.Key{ctrl("c")}},
	{"a letter, kitty", "\x1b[97;1:1u", []term.Key{text("a")}},
	{"alt-letter", "\x1bx", []term.Key{{Code: term.Text, Text: "x", Mod: term.Alt}}},
	{"alt-backspace", "\x1b\x7f", []term.Key{{Code: term.Backspace, Mod: term.Alt}}},
	{"a paste is one key", "\x1b[200~one\rtwo\r\nthree\n\x1b[201~x", []term.Key{{Code: term.Paste, Text: "one\ntwo\nthree\n"}, text("x")}},
	{"a paste with controls in it", "\x1b[200~a\x1b[31m\x07\tb\x1b[201~", []term.Key{{Code: term.Paste, Text: "a[31m\tb"}}},
	{"escape before a sequence", "\x1b\x1b[A", []term.Key{key(term.Esc), key(term.Up)}},
	{"escape before a wide letter", "\x1b日", []term.Key{key(term.Esc), text("日")}},
	{"where the cursor is", "\x1b[3;7R\x1b[1;13R", []term.Key{{Code: term.Cursor, X: 6, Y: 2}, {Code: term.Cursor, X: 12}}},
	{"ctrl-underscore", "\x1f\x1b[45;6u\x1b[47;5u", []term.Key{ctrl("_"), ctrl("_"), ctrl("_")}},
	{"ctrl-[, kitty", "\x1b[91;5u", []term.Key{key(term.Esc)}},
	{"shift-tab and ctrl-alt, kitty", "\x1b[120;7u", []term.Key{{Code: term.Ctrl, Text: "x", Mod: term.Alt}}},
	{"with super", "\x1b[99;9u\x1b[13;9u", nil},
	{"num lock is no modifier", "\x1b[13;130u", []term.Key{{Code: term.Enter, Mod: term.Shift}}},
	{"not keys", "\x1b[5n\x1b[?1;2c\x1b[15~\x1b[[A\x1b[57441u\x00\x1c", nil},
	{"a broken sequence", "\x1b[1\rx", []term.Key{key(term.Enter), text("x")}},
	{"not UTF-8", "a\xffb\xe6\x97x", []term.Key{text("abx")}},
	{"C1 as UTF-8", "a\u009b31mb", []term.Key{text("a31mb")}},
}

func TestDecoder(t *testing.T) {
	for _, c := range decoded {
		var d term.Decoder
		if got := d.Feed([]byte(c.in)); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %q gave %+v, want %+v", c.name, c.in, got, c.want)
		}
		if d.Pending() {
			t.Errorf("%s: something is pending", c.name)
		}
	}
}

// Bytes may come one by one, as over a slow line.
func TestDecoderByteByByte(t *testing.T) {
	for _, c := range decoded {
		var d term.Decoder
		var got []term.Key
		for _, b := range []byte(c.in) {
			for _, k := range d.Feed([]byte{b}) {
				if n := len(got); n > 0 && k.Code == term.Text && k.Mod == 0 && got[n-1].Code == term.Text && got[n-1].Mod == 0 {
					got[n-1].Text += k.Text
					continue
				}
				got = append(got, k)
			}
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %q gave %+v, want %+v", c.name, c.in, got, c.want)
		}
	}
}

func TestDecoderEscapeAlone(t *testing.T) {
	var d term.Decoder
	if got := d.Feed([]byte("\x1b")); got != nil || !d.Pending() {
		t.Fatalf("ESC gave %v, pending %v", got, d.Pending())
	}
	if got := d.Flush(); !reflect.DeepEqual(got, []term.Key{key(term.Esc)}) || d.Pending() {
		t.Errorf("flush gave %v", got)
	}
	d.Feed([]byte("\x1b[200~\x1b"))
	if d.Pending() || d.Flush() != nil {
		t.Error("an ESC inside a paste is no key")
	}
}
