package converse_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"kaiwa/pkg/emu/converse"
)

// TestTextIsFixed: other people's tests and benchmarks know these texts, so they must never change.
func TestTextIsFixed(t *testing.T) {
	for _, test := range []struct {
		knobs converse.Knobs
		want  string
	}{
		{converse.Knobs{Tokens: 25, Seed: 1}, "Light travels far, sound travels slowly, and gossip arrives before both. If a message is lost, somebody has to notice,"},
		{converse.Knobs{Tokens: 25, Seed: 1, Lang: "ja"}, "図書館では、いちばんよい本を子どもの手が届く棚に置いています。駅の古い時計"},
		{converse.Knobs{Tokens: 3, Seed: 1, Escape: true}, "\a\u2028\x05\\\t\b\f"},
		{converse.Knobs{Tokens: 9, Size: 12, Seed: 7, Lang: "ja"}, "計画を変えるのはやさしく"},
		{converse.Knobs{}, ""},
	} {
		if got := converse.Text(test.knobs); got != test.want {
			t.Errorf("%v: %q, want %q", test.knobs, got, test.want)
		}
	}
}

func TestTokens(t *testing.T) {
	for _, k := range []converse.Knobs{
		{Tokens: 5000, Seed: 1}, {Tokens: 5000, Seed: 2}, {Tokens: 5000, Seed: 1, Lang: "ja"},
		{Tokens: 5000, Seed: 1, Escape: true}, {Size: 5000, Seed: 1, Lang: "ja"}, {Size: 5000, Seed: 3, Escape: true},
	} {
		tokens := converse.Tokens(k)
		whole := strings.Join(tokens, "")
		if whole != converse.Text(k) {
			t.Errorf("%v: tokens do not make the text", k)
		}
		for i, token := range tokens {
			if token == "" || !utf8.ValidString(token) {
				t.Errorf("%v: token %d is %q", k, i, token)
			}
		}
		shorter := k
		shorter.Tokens, shorter.Size = k.Tokens/3, k.Size/3
		if !strings.HasPrefix(whole, converse.Text(shorter)) {
			t.Errorf("%v: a shorter text is not its beginning", k)
		}
		timed := k
		timed.Every, timed.First, timed.Stall, timed.Cut, timed.Stop = 1, 2, 3, true, "tool_use"
		if converse.Text(timed) != whole {
			t.Errorf("%v: the text depends on more than it may", k)
		}
	}
	if converse.Text(converse.Knobs{Tokens: 50, Seed: 1}) == converse.Text(converse.Knobs{Tokens: 50, Seed: 2}) {
		t.Error("two seeds, one text")
	}
}

// TestTextIsCruelEnough: what a splitter or a terminal may stumble on does occur.
func TestTextIsCruelEnough(t *testing.T) {
	for _, test := range []struct {
		knobs converse.Knobs
		want  []string
	}{
		{converse.Knobs{Tokens: 2000, Seed: 1, Lang: "ja"}, []string{"。", "？", "！」", "\n\n", "🏮", "👨\u200d👩\u200d👧\u200d👦", "か\u3099", " 3.5 "}},
		{converse.Knobs{Tokens: 2000, Seed: 1}, []string{". ", "? ", "\n\n", "👩\u200d💻", "café\u0301", " 3.5 ", "\""}},
		{converse.Knobs{Tokens: 2000, Seed: 1, Escape: true}, []string{"\x00", "\x1b", "\"", "\\", "\u2028", "\u2029", "<", ">", "&", "\x7f"}},
	} {
		text, tokens := converse.Text(test.knobs), converse.Tokens(test.knobs)
		for _, want := range test.want {
			if !strings.Contains(text, want) {
				t.Errorf("%v: no %q", test.knobs, want)
			}
		}
		if n := utf8.RuneCountInString(text); n > 12*len(tokens) {
			t.Errorf("%v: %d characters in %d tokens", test.knobs, n, len(tokens))
		}
	}
	// a grapheme is split between deltas, which a client must put together again
	if tokens := converse.Tokens(converse.Knobs{Tokens: 2000, Seed: 1, Lang: "ja"}); !slices.Contains(tokens, "\u200d") {
		t.Error("no delta begins inside a grapheme")
	}
}

func ExampleText() {
	k, _ := converse.ParseKnobs("@demo tokens=9 every=6ms")
	fmt.Println(converse.Text(k))
	// Output: Light travels far, sound travels slowly, and
}
