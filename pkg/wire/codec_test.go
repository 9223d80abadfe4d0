package wire_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"kaiwa/pkg/wire"
)

var texts = []string{"", "plain", "日本語", "😀👩\u200d👧", "\"\\/", "\n\r\t\b\f\x00\x1f\x7f", "<&>\u2028\u2029", "\xff", "a\xe3\x81", "\xed\xa0\x80", "\ufffd", strings.Repeat("あ\n", 99)}

func TestAppendString(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", `""`},
		{"a\"b\\c/", `"a\"b\\c/"`},
		{"\n\r\t", `"\n\r\t"`},
		{"\x00\b\f\x1f", `"\u0000\u0008\u000c\u001f"`},
		{"\x7f<&>'\u2028", "\"\x7f<&>'\u2028\""},
		{"日本😀", `"日本😀"`},
		{"a\xffb\xe3\x81", "\"a\ufffdb\ufffd\ufffd\""},
	} {
		if got := string(wire.AppendString(nil, c.in)); got != c.want {
			t.Errorf("%q is %s, want %s", c.in, got, c.want)
		}
	}
	if got := string(wire.AppendString([]byte("x:"), "y")); got != `x:"y"` {
		t.Errorf("appended %s", got)
	}
}

func TestDeltaAllocations(t *testing.T) {
	f := wire.Frame(wire.Delta{Ref: wire.Ref{ID: "p1", Conversation: "c1", Reply: "r1"}, Offset: 123456, Text: "some text\nあ"})
	if n := testing.AllocsPerRun(100, func() { wire.EncodeFrame(f) }); n != 1 {
		t.Errorf("a delta takes %v allocations, want 1: its bytes", n)
	}
	b := make([]byte, 0, 1000)
	if n := testing.AllocsPerRun(100, func() { b = wire.AppendString(b[:0], "some text\nあ\xff") }); n != 0 {
		t.Errorf("AppendString takes %v allocations", n)
	}
	if n := testing.AllocsPerRun(100, func() { wire.DeltaOverhead(wire.Ref{ID: "p1"}, 123456) }); n != 0 {
		t.Errorf("DeltaOverhead takes %v allocations", n)
	}
	if b := wire.EncodeFrame(f); cap(b) > len(b)+32 { // a size class of the allocator at most
		t.Errorf("%d bytes in %d", len(b), cap(b))
	}
}

// FuzzString binds EncodedLen, EncodedPrefix and AppendString to one another and
// to encoding/json.
func FuzzString(f *testing.F) {
	for _, s := range texts {
		f.Add(s, wire.EncodedLen(s)-1)
	}
	f.Fuzz(func(t *testing.T, s string, limit int) {
		b := wire.AppendString(nil, s)
		var got string
		if err := json.Unmarshal(b, &got); err != nil || got != string([]rune(s)) {
			t.Fatalf("%q encodes to %q: %q, %v", s, b, got, err)
		}
		if n := wire.EncodedLen(s); n+2 != len(b) || n < len(s) || n > 6*len(s) {
			t.Fatalf("EncodedLen(%q) = %d, encodes to %d bytes", s, n, len(b)-2)
		}
		i := wire.EncodedPrefix(s, limit)
		if i > 0 && wire.EncodedLen(s[:i]) > limit {
			t.Fatalf("EncodedPrefix(%q, %d) = %d is too much", s, limit, i)
		}
		if i < len(s) {
			_, width := utf8.DecodeRuneInString(s[i:])
			if wire.EncodedLen(s[:i+width]) <= limit || utf8.ValidString(s) && !utf8.ValidString(s[:i]) {
				t.Fatalf("EncodedPrefix(%q, %d) = %d is too little", s, limit, i)
			}
		}
	})
}

func FuzzDeltaOverhead(f *testing.F) {
	for i, s := range texts {
		f.Add(s, "c1", s, i*i*i*1000, s)
	}
	f.Fuzz(func(t *testing.T, id, conversation, reply string, offset int, text string) {
		d := wire.Delta{Ref: wire.Ref{ID: id, Conversation: conversation, Reply: reply}, Offset: offset, Text: text}
		b := wire.EncodeFrame(d)
		if n := wire.DeltaOverhead(d.Ref, offset) + wire.EncodedLen(text); n != len(b) {
			t.Fatalf("%d bytes were expected of %q", n, b)
		}
		if !json.Valid(b) {
			t.Fatalf("%q is not JSON", b)
		}
	})
}

func BenchmarkEncodeDelta(b *testing.B) {
	f := wire.Frame(wire.Delta{Ref: wire.Ref{ID: "p1", Conversation: "c1", Reply: "r1"}, Text: strings.Repeat("some text, 日本語\n", 5)})
	b.ReportAllocs()
	for b.Loop() {
		wire.EncodeFrame(f)
	}
}
