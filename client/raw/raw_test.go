package raw_test

import (
	"os"
	"reflect"
	"strings"
	"testing"
	"unicode"

	"kaiwa/client/internal/fake"
	"kaiwa/client/raw"
)

func TestMain(m *testing.M) { os.Exit(fake.Main(m)) }

func TestParseWait(t *testing.T) {
	for in, want := range map[string]raw.Wait{"3": {Count: 3}, "2s": {Idle: 2e9}, "pong": {Text: "pong"}, `"type":"end"`: {Text: `"type":"end"`}} {
		if got, err := raw.ParseWait(in); err != nil || got != want {
			t.Errorf("%q: %+v %v", in, got, err)
		}
	}
	for _, in := range []string{"", "0", "-1", "-2s", "0s"} {
		if got, err := raw.ParseWait(in); err == nil {
			t.Errorf("%q: %+v", in, got)
		}
	}
}

func TestJoiner(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []string
		rest string
	}{
		{"a\n\nb", []string{"a", "b"}, ""},
		{`{"a":1}` + "\n[1]", []string{`{"a":1}`, "[1]"}, ""},
		{"{\n\"a\":1\n}\nx", []string{"{\n\"a\":1\n}", "x"}, ""},
		{"{a\nb\n\nc", []string{"{a\nb", "c"}, ""},
		{"x\n{\n1", []string{"x"}, "{\n1"},
	} {
		var j raw.Joiner
		var got []string
		for line := range strings.SplitSeq(c.in, "\n") {
			if m, ok := j.Line(line); ok {
				got = append(got, m)
			}
		}
		if rest, _ := j.Rest(); !reflect.DeepEqual(got, c.want) || rest != c.rest {
			t.Errorf("%q: %q, %q", c.in, got, rest)
		}
	}
}

// Nothing that is shown can drive a terminal, and what is harmless is not changed.
func FuzzVisible(f *testing.F) {
	f.Add("a\x1b[2J\x07\u009b31m\u202e\x7f\xff日本👩\u200d👧\t\n")
	f.Fuzz(func(t *testing.T, s string) {
		got := raw.Visible(s)
		harmless := true
		for _, r := range s {
			harmless = harmless && !unicode.IsControl(r) && !unicode.Is(unicode.Cf, r) && r != unicode.ReplacementChar && r != 0x2028 && r != 0x2029
		}
		if harmless && got != s {
			t.Errorf("%q became %q", s, got)
		}
		for _, r := range got {
			if unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r) {
				t.Errorf("%q became %q", s, got)
			}
		}
	})
}
