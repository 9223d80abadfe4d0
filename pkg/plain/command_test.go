package plain_test

import (
	"strings"
	"testing"

	"kaiwa/pkg/plain"
)

func TestParse(t *testing.T) {
	const (
		unknown = "; /help shows the commands, and // begins a text with a slash"
		number  = "/open needs a number of /list, for example /open 2"
	)
	for _, c := range []struct {
		line string
		want plain.Command
	}{
		{"hello", plain.Say{"hello"}},
		{"hello\n", plain.Say{"hello"}},
		{"hello\r\n", plain.Say{"hello"}},
		{"two\nlines\n\n", plain.Say{"two\nlines\n"}},
		{"  indented ", plain.Say{"  indented "}},
		{"日本語で話す", plain.Say{"日本語で話す"}},
		{"", plain.Say{""}},
		{"and/or", plain.Say{"and/or"}},
		{"//x", plain.Say{"/x"}},
		{" //x /help", plain.Say{"/x /help"}},
		{"//", plain.Say{"/"}},
		{"///", plain.Say{"//"}},
		{"/help", plain.Help{}},
		{"  /HELP \n", plain.Help{}},
		{"/help me", plain.Help{}},
		{"／help", plain.Help{}},
		{"／ｈｅｌｐ", plain.Help{}},
		{"／笑", plain.Say{"／笑"}},
		{"／／help", plain.Say{"／／help"}},
		{"/new", plain.New{""}},
		{"/new   what is a kaiwa? ", plain.New{"what is a kaiwa?"}},
		{"/new\nfirst\nsecond", plain.New{"first\nsecond"}},
		{"　/new　会話とは", plain.New{"会話とは"}},
		{"/list", plain.List{}},
		{"\t/list\t", plain.List{}},
		{"/stop", plain.Stop{}},
		{"/open 3", plain.Open{3}},
		{"／ｏｐｅｎ　１２", plain.Open{12}},
		{"/open", plain.Bad{number}},
		{"/open 0", plain.Bad{number}},
		{"/open -1", plain.Bad{number}},
		{"/open two", plain.Bad{number}},
		{"/open 1 2", plain.Bad{number}},
		{"/open 99999999999999999999", plain.Bad{number}},
		{"/", plain.Bad{"there is no /" + unknown}},
		{"/quit now", plain.Bad{"there is no /quit" + unknown}},
		{"/newer", plain.Bad{"there is no /newer" + unknown}},
		{"/usr/bin/go", plain.Bad{"there is no /usr/bin/go" + unknown}},
		{"/\x1b[2Jx", plain.Bad{"there is no /x" + unknown}},
		{"/" + strings.Repeat("あ", 50), plain.Bad{"there is no /" + strings.Repeat("あ", 31) + "…" + unknown}},
	} {
		if got := plain.Parse(c.line); got != c.want {
			t.Errorf("Parse(%q) = %#v, want %#v", c.line, got, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"hello", "/open 1", "//x", "／help", "/\xff\x1b]0;x\x07", "\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		switch c := plain.Parse(line).(type) {
		case plain.Bad:
			if plain.Safe(c.Message) != c.Message || strings.ContainsAny(c.Message, "\n\t") {
				t.Errorf("Parse(%q) complains with %q", line, c.Message)
			}
		case plain.Say:
			if !strings.Contains(line, c.Text) {
				t.Errorf("Parse(%q) says %q", line, c.Text)
			}
		case plain.Open:
			if c.N < 1 {
				t.Errorf("Parse(%q) opens %d", line, c.N)
			}
		case nil:
			t.Errorf("Parse(%q) is nil", line)
		}
	})
}
