package main

import (
	"encoding/json"
	"testing"
)

func TestFirstBlock(t *testing.T) {
	for _, c := range []struct {
		in, want string
		ok       bool
	}{
		{"", "", false},
		{"no code, only `inline` and ``", "", false},
		{"```go\na\nb\n```\nrest\n```\nc\n```", "a\nb\n", true},
		{"~~~\n```\n~~~", "```\n", true},
		{"````\n```\nx\n```\n````", "```\nx\n```\n", true},
		{"```\nnever ends", "never ends", true},
		{"```\n```go\n```", "```go\n", true},
		{"```\r\na\r\n```\r\n", "a\r\n", true},
		{"1. so\n\n   ```\n   a\n     b\n   ```\n", "a\n  b\n", true},
	} {
		if got, ok := firstBlock(c.in); got != c.want || ok != c.ok {
			t.Errorf("%q: %q %v, want %q %v", c.in, got, ok, c.want, c.ok)
		}
	}
}

// What could drive a terminal is escaped, and is still the same text.
func FuzzHarmlessJSON(f *testing.F) {
	f.Add("a\x1b[2J\u009b31m\u202ereversed\x7f\U000e0001👩\u200d👧日本語\"\\\n")
	f.Fuzz(func(t *testing.T, s string) {
		in, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		out := harmlessJSON(in)
		var got, want string
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatalf("%q: %v", out, err)
		}
		_ = json.Unmarshal(in, &want)
		if got != want {
			t.Errorf("%q became %q", want, got)
		}
		for _, r := range string(out) {
			if r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x202e || r == 0x200d {
				t.Errorf("%q has %U", out, r)
			}
		}
	})
}
