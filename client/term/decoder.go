package term

import (
	"bytes"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What makes a terminal mark a paste as one and tell Shift+Enter from Enter (the
// kitty protocol's first flag), and what ends that. Terminals that do not know it
// ignore it.
const (
	On  = "\x1b[?2004h\x1b[>1u"
	Off = "\x1b[<u\x1b[?2004l"
)

// What makes xterm and tmux tell Shift+Enter from Enter, and what ends that. Others
// might take it for colours.
const (
	OtherKeysOn  = "\x1b[>4;1m"
	OtherKeysOff = "\x1b[>4m"
)

// AskCursor makes the terminal tell where the cursor is: a Cursor key comes back.
const AskCursor = "\x1b[6n"

const (
	esc        = 0x1b
	pasteStart = "\x1b[200~"
	pasteEnd   = "\x1b[201~"
)

// Decoder turns the bytes of a terminal into keys. The zero value is ready.
type Decoder struct {
	buf   []byte
	paste bool
}

// Feed takes bytes as they come, in pieces of any size, and returns the keys
// that are complete.
func (d *Decoder) Feed(b []byte) []Key {
	d.buf = append(d.buf, b...)
	var keys []Key
	for len(d.buf) > 0 {
		k, n := d.next()
		if n == 0 {
			break
		}
		d.buf = d.buf[n:]
		if k.Code != 0 {
			keys = appendKey(keys, k)
		}
	}
	return keys
}

// Pending says that an ESC has come that may be the key itself or the start of
// a sequence: call Flush if nothing follows soon.
func (d *Decoder) Pending() bool { return !d.paste && len(d.buf) == 1 && d.buf[0] == esc }

// Flush decides that a pending ESC was the key.
func (d *Decoder) Flush() []Key {
	if !d.Pending() {
		return nil
	}
	d.buf = nil
	return []Key{{Code: Esc}}
}

// appendKey joins characters that were typed, or committed by an input method,
// in one go.
func appendKey(keys []Key, k Key) []Key {
	if n := len(keys); n > 0 && k.Code == Text && k.Mod == 0 && keys[n-1].Code == Text && keys[n-1].Mod == 0 {
		keys[n-1].Text += k.Text
		return keys
	}
	return append(keys, k)
}

// next reads one key at the start of the buffer: n is how many bytes it took, 0
// if more are needed. A Key without Code is to be dropped.
func (d *Decoder) next() (k Key, n int) {
	b := d.buf
	switch {
	case d.paste:
		end := bytes.Index(b, []byte(pasteEnd))
		if end < 0 {
			return Key{}, 0
		}
		d.paste = false
		return Key{Code: Paste, Text: clean(string(b[:end]))}, end + len(pasteEnd)
	case bytes.HasPrefix(b, []byte(pasteStart)):
		d.paste = true
		return Key{}, len(pasteStart)
	case b[0] == esc:
		return escape(b)
	case b[0] < 0x20 || b[0] == 0x7f:
		return control(b[0]), 1
	case !utf8.FullRune(b):
		return Key{}, 0
	}
	r, n := utf8.DecodeRune(b)
	if (r == utf8.RuneError && n == 1) || unicode.IsControl(r) || isFold(r) {
		return Key{}, n
	}
	return Key{Code: Text, Text: string(r)}, n
}

// control names a C0 byte.
func control(c byte) Key {
	switch {
	case c == '\r':
		return Key{Code: Enter}
	case c == '\t':
		return Key{Code: Tab}
	case c == 0x7f || c == 0x08:
		return Key{Code: Backspace}
	case c >= 1 && c <= 26:
		return Key{Code: Ctrl, Text: string(rune('a' + c - 1))}
	case c == 0x1f:
		return Key{Code: Ctrl, Text: "_"}
	}
	return Key{}
}

// escape reads what starts with ESC: a CSI or SS3 sequence, or a key with Alt.
func escape(b []byte) (Key, int) {
	if len(b) == 1 {
		return Key{}, 0
	}
	switch b[1] {
	case '[':
		return csi(b)
	case 'O':
		if len(b) < 3 {
			return Key{}, 0
		}
		return Key{Code: letters[b[2]]}, 3
	case esc:
		return Key{Code: Esc}, 1
	}
	if b[1] < utf8.RuneSelf {
		k := control(b[1])
		if b[1] >= 0x20 && b[1] < 0x7f {
			k = Key{Code: Text, Text: string(rune(b[1]))}
		}
		k.Mod |= Alt
		return k, 2
	}
	return Key{Code: Esc}, 1
}

// super is the modifiers that no key of ours has: Super, Hyper and Meta (kitty).
const super = 8 | 16 | 32

// letters are the final bytes of cursor keys, after CSI or SS3.
var letters = map[byte]Code{'A': Up, 'B': Down, 'C': Right, 'D': Left, 'F': End, 'H': Home, 'M': Enter}

// tildes are the numbers before ~ (VT220, linux, rxvt).
var tildes = map[int]Code{1: Home, 3: Delete, 4: End, 7: Home, 8: End}

// csi reads a control sequence: parameters, then one final byte.
func csi(b []byte) (Key, int) {
	i := 2
	for i < len(b) && b[i] >= 0x20 && b[i] < 0x40 {
		i++
	}
	if i == len(b) {
		return Key{}, 0
	}
	if b[i] > 0x7e || b[i] < 0x40 { // not a sequence after all: let it be read anew
		return Key{}, i
	}
	if b[i] == '[' && i == 2 { // the linux console's F1 to F5: one letter more
		if len(b) < 4 {
			return Key{}, 0
		}
		return Key{}, 4
	}
	p := numbers(string(b[2:i]))
	mods := max(p[1]-1, 0)
	k := Key{Mod: Mod(mods) & (Shift | Alt | Control)}
	switch final := b[i]; {
	case final == 'R' && p[0] > 0 && p[1] > 0:
		k = Key{Code: Cursor, X: p[1] - 1, Y: p[0] - 1}
	case mods&super != 0: // somebody else's keys
	case final == 'u': // kitty: CSI code ; mods u
		k = codepoint(rune(p[0]), k.Mod)
	case final == '~' && p[0] == 27: // xterm modifyOtherKeys: CSI 27 ; mods ; code ~
		k = codepoint(rune(p[2]), k.Mod)
	case final == '~':
		k.Code = tildes[p[0]]
	case final != 'M': // CSI M is a mouse report, not a key
		k.Code = letters[final]
	}
	return k, i + 1
}

// numbers reads the first three parameters; those left out are 0.
func numbers(s string) (p [3]int) {
	for i, f := range strings.SplitN(s, ";", 4) {
		if i < len(p) {
			f, _, _ = strings.Cut(f, ":")
			p[i], _ = strconv.Atoi(f)
		}
	}
	return p
}

// codepoint is a key that a terminal reported by its code point.
func codepoint(r rune, m Mod) Key {
	switch {
	case r == esc:
		return Key{Code: Esc, Mod: m}
	case r < 0x20 || r == 0x7f:
		k := control(byte(r))
		k.Mod = m
		return k
	case !unicode.IsPrint(r) || r >= 0xe000 && r < 0xf900: // kitty's private codes for keys we do not use
		return Key{}
	case m&Control != 0:
		return held(unicode.ToLower(r), m&^(Control|Shift))
	}
	return Key{Code: Text, Text: string(r), Mod: m &^ Shift}
}

// held is a key with Control, as the terminals without such codes have it.
func held(r rune, m Mod) Key {
	switch r {
	case '[':
		return Key{Code: Esc, Mod: m}
	case 'm':
		return Key{Code: Enter, Mod: m}
	case 'i':
		return Key{Code: Tab, Mod: m}
	case '/', '-':
		r = '_'
	}
	return Key{Code: Ctrl, Text: string(r), Mod: m}
}

// clean keeps of a pasted text what may stand in an edited one. Terminals send
// a newline as \r.
func clean(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' || isFold(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}
