package frame_test

import (
	"errors"
	"strings"
	"testing"

	"kaiwa/pkg/frame"
	"kaiwa/pkg/wire"
)

func TestParts(t *testing.T) {
	const big = wire.MaxMessage
	overhead := len(wire.EncodeRequest(wire.SendMessage{ID: "p1"}))
	for _, c := range []struct {
		name  string
		m     wire.SendMessage
		limit int
		parts int
		err   string
	}{
		{"short", wire.SendMessage{Text: "hello"}, 0, 1, ""},
		{"just fits", wire.SendMessage{ID: "p1", Text: strings.Repeat("x", big-overhead)}, 0, 1, ""},
		{"one byte more", wire.SendMessage{ID: "p1", Text: strings.Repeat("x", big-overhead+1)}, 0, 2, ""},
		{"escapes count", wire.SendMessage{ID: "p1", Text: strings.Repeat("\x01", big/6)}, 0, 2, ""},
		{"line separators cost what they are", wire.SendMessage{ID: "p1", Text: strings.Repeat("\u2028", (big-overhead)/3)}, 0, 1, ""},
		{"frames", wire.SendMessage{ID: "p1", Conversation: "c", Text: strings.Repeat("あ", 100_000)}, wire.MaxFrame, 10, ""},
		{"the most", wire.SendMessage{ID: "p1", Text: strings.Repeat("x", wire.MaxPrompt)}, 0, 5, ""},
		{"worst escapes", wire.SendMessage{ID: "p1", Text: strings.Repeat("\x01", wire.MaxPrompt)}, 0, 25, ""},
		{"too much", wire.SendMessage{ID: "p1", Text: strings.Repeat("x", wire.MaxPrompt+1)}, 0, 0, "prompt is too large: 524289 bytes, 524288 are the most"},
		{"too many", wire.SendMessage{ID: "p1", Text: strings.Repeat("x", 40_000)}, 1000, 0, "prompt is too large: 43 parts of 1000 bytes, 32 are the most"},
		{"no id", wire.SendMessage{Text: strings.Repeat("x", big)}, 0, 0, "prompt needs an id to be sent in parts"},
		{"no room", wire.SendMessage{ID: "p1", Text: strings.Repeat("x", 90)}, 70, 0, "a message of 70 bytes has no room for a part of the prompt"},
	} {
		parts, err := frame.Parts(c.m, c.limit)
		if c.err != "" {
			if err == nil || err.Error() != c.err {
				t.Errorf("%s: error %v, want %s", c.name, err, c.err)
			}
			if errors.Is(err, frame.ErrTooLarge) != strings.HasPrefix(c.err, "prompt is too large") {
				t.Errorf("%s: ErrTooLarge does not tell", c.name)
			}
			continue
		}
		if err != nil || len(parts) != c.parts {
			t.Errorf("%s: %d parts, %v, want %d", c.name, len(parts), err, c.parts)
			continue
		}
		checkParts(t, c.m, parts, c.limit)
	}
}

// checkParts sends the parts through the wire and puts them together again.
func checkParts(t *testing.T, m wire.SendMessage, parts []wire.SendMessage, limit int) {
	t.Helper()
	if limit <= 0 {
		limit = wire.MaxMessage
	}
	texts := make([]string, len(parts))
	for i, p := range parts {
		b := wire.EncodeRequest(p)
		if len(b) > limit {
			t.Fatalf("part %d takes %d bytes, limit %d", i, len(b), limit)
		}
		r, err := wire.DecodeRequest(string(b))
		if err != nil && strings.TrimSpace(m.Text) != "" {
			t.Fatalf("part %d: %v", i, err)
		}
		got, _ := r.(wire.SendMessage)
		if err == nil && (got.ID != m.ID || got.Conversation != m.Conversation) {
			t.Fatalf("part %d is %q in %q", i, got.ID, got.Conversation)
		}
		if len(parts) == 1 && p.Parts != nil || len(parts) > 1 && (got.Parts == nil || *got.Parts != len(parts) || got.Part != i) {
			t.Fatalf("part %d of %d says %d of %v", i, len(parts), got.Part, got.Parts)
		}
		texts[i] = p.Text
		if err == nil {
			texts[i] = got.Text
		}
	}
	if got, want := strings.Join(texts, ""), string([]rune(m.Text)); got != want {
		t.Fatalf("assembled %d bytes, want %d", len(got), len(want))
	}
}

func FuzzParts(f *testing.F) {
	for i, s := range hard {
		f.Add(s, "id", "conv", 80+i)
	}
	f.Add(strings.Repeat("長い\n", 300), "id\"", "", 300)
	f.Fuzz(func(t *testing.T, text, id, conversation string, limit int) {
		if len(text) > 8192 || len(id) > wire.MaxID {
			return
		}
		id, conversation = string([]rune(id)), string([]rune(conversation))
		m := wire.SendMessage{Text: text, ID: id, Conversation: conversation}
		parts, err := frame.Parts(m, limit)
		if err == nil {
			checkParts(t, m, parts, limit)
		}
	})
}
