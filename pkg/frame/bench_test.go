package frame_test

import (
	"strings"
	"testing"

	"kaiwa/pkg/frame"
	"kaiwa/pkg/wire"
)

var samples = []struct{ name, text string }{
	{"english", strings.Repeat("The quick brown fox jumps. ", 20_000)},
	{"japanese", strings.Repeat("会話は言葉のやりとりです。", 13_000)},
	{"emoji", strings.Repeat(family+japan, 20_000)},
	{"escapes", strings.Repeat("\x01\"\n", 170_000)},
}

func TestAllocations(t *testing.T) {
	ref := wire.Ref{ID: "id", Conversation: "conversation", Reply: "reply"}
	for _, s := range samples {
		var text frame.Text
		text.Append(s.text)
		if n := testing.AllocsPerRun(5, func() { frame.Cut(s.text, wire.MaxFrame) }); n != 0 {
			t.Errorf("%s: Cut allocates %v times", s.name, n)
		}
		if n := testing.AllocsPerRun(5, func() { text.Slice(5000, text.Len()) }); n != 0 {
			t.Errorf("%s: Slice allocates %v times", s.name, n)
		}
		// One for the frame as an interface, one for its bytes.
		if n := testing.AllocsPerRun(5, func() {
			piece := frame.Cut(text.Slice(5000, text.Len()), frame.DeltaLimit(ref, wire.MaxFrame))
			wire.EncodeFrame(wire.Delta{Ref: ref, Offset: 5000, Text: piece})
		}); n > 2 {
			t.Errorf("%s: a delta allocates %v times", s.name, n)
		}
	}
}

func BenchmarkCut(b *testing.B) {
	for _, s := range samples {
		b.Run(s.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(frame.Cut(s.text, wire.MaxFrame))))
			for b.Loop() {
				frame.Cut(s.text, wire.MaxFrame)
			}
		})
	}
}

// BenchmarkToken is a token's way through the service: appended, cut, encoded.
func BenchmarkToken(b *testing.B) {
	ref := wire.Ref{ID: "id", Conversation: "conversation", Reply: "reply"}
	limit := frame.DeltaLimit(ref, wire.MaxFrame)
	b.ReportAllocs()
	var text frame.Text
	from := 0
	for b.Loop() {
		text.Append("token ")
		piece := frame.Cut(text.Slice(from, text.Len()), limit)
		wire.EncodeFrame(wire.Delta{Ref: ref, Offset: from, Text: piece})
		from = text.Len() // a token fits
	}
}

func BenchmarkJoin(b *testing.B) {
	b.ReportAllocs()
	var j frame.Join
	for b.Loop() {
		j.Delta(j.Held(), "token ")
	}
}
