package highlight_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kaiwa/client/highlight"
)

var marks = strings.NewReplacer(
	"\x1b[0m", "", "\x1b[2m", "", "\x1b[31m", "", "\x1b[32m", "", "\x1b[34m", "", "\x1b[35m", "", "\x1b[36m", "",
)

var shown = strings.NewReplacer(
	"\x1b[0m", ">", "\x1b[2m", "<c ", "\x1b[31m", "<- ", "\x1b[32m", "<s ", "\x1b[34m", "<n ", "\x1b[35m", "<k ", "\x1b[36m", "<v ",
)

func colored(c *highlight.Code, code string) string {
	var out []string
	for line := range strings.SplitSeq(code, "\n") {
		out = append(out, c.Line(line))
	}
	return strings.Join(out, "\n")
}

func TestLine(t *testing.T) {
	h := &highlight.Highlighter{Patient: true}
	for _, c := range []struct{ language, in, want string }{
		{"go", "func main() { // はい", "<k func> <n main>() { <c // はい>"},
		{"Go", "x := \"日本\" + 1", "x := <s \"日本\"> + <v 1>"},
		{"golang", "/* one\ntwo */ var x = `a\nb` // c\nfunc", "<c /* one>\n<c two */> <k var> x = <s `a>\n<s b`> <c // c>\n<k func>"},
		{"go", "a := `x` + `y\n\nz`; if", "a := <s `x`> + <s `y>\n\n<s z`>; <k if>"},
		{"python", "def f(x):\n    \"\"\"Doc\n    more\"\"\"\n    return None", "<k def> <n f>(x):\n    <s \"\"\"Doc>\n<s     more\"\"\">\n    <k return> <v None>"},
		{"js", "const a = `x ${1}\ny`; /* c\nd */ let b", "<k const> a = <s `x ${><v 1><s }>\n<s y`>; <c /* c>\n<c d */> <k let> b"},
		{"jsx", "return <b>x</b>", "<k return> &"},
		{"html", "<p class=\"a\"><!-- b\nc --></p>", "<<k p> <n class>=<s \"a\">><c <!-- b>\n<c c -->></<k p>>"},
		{"json", "{\"a\": [1, true]}", "{<k \"a\">: [<v 1>, <v true>]}"},
		{"yaml", "a: b # c", "<k a>: b <c # c>"},
		{"sh", "if true; then echo \"$A\"; fi", "<k if> true; <k then> <n echo> <s \">$A<s \">; <k fi>"},
		{"diff", "-a\n+b\n c", "<- -a>\n<s +b>\n c"},
		{"sql", "SELECT 'a' -- b", "<k SELECT> <s 'a'> <c -- b>"},
		{"c", "/* one line */ int x;", "<c /* one line */> <v int> x;"},
		{"c", "x /* never closed", "x <c /* never closed>"},
		{"rust", "fn f() -> u8 { 'a' }", "<k fn> <n f>() -> <v u8> { <s 'a'> }"},
		{"docker", "FROM a\nRUN b && \\\n  c", "&"},
		{"tsx", "let x: string", "<k let> x: <v string>"},
	} {
		code := h.Code(c.language)
		if code == nil {
			t.Errorf("%s is not known", c.language)
			continue
		}
		got := shown.Replace(colored(code, c.in))
		if rest, ok := strings.CutSuffix(c.want, "&"); got != c.want && (!ok || !strings.HasPrefix(got, rest)) {
			t.Errorf("%s: %q\n got %s\nwant %s", c.language, c.in, got, c.want)
		}
	}
	for _, language := range []string{"", "klingon", "plaintext", "text", "../go", "names", "go.xml", "\x1b[31m"} {
		if h.Code(language) != nil {
			t.Errorf("%q is known", language)
		}
	}
}

// known are the samples with more over several lines that chroma knows only whole
// and that we do not: {eos|…|eos} in OCaml; what a here-string holds in PowerShell;
// blocks and quotes of several lines in YAML.
var known = []string{"ocaml", "powershell", "yaml"}

// Chroma's own samples, line by line, look as they do when they are lexed whole:
// nearly all lines do.
func TestLikeWhole(t *testing.T) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/alecthomas/chroma/v2").Output()
	if err != nil {
		t.Fatal(err)
	}
	samples, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "lexers", "testdata", "*.actual"))
	if err != nil || len(samples) == 0 {
		t.Fatal("there are no samples: ", err)
	}
	tried := 0
	h := &highlight.Highlighter{Patient: true}
	for _, path := range samples {
		name := strings.TrimSuffix(filepath.Base(path), ".actual")
		code := h.Code(name)
		if code == nil {
			continue
		}
		tried++
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.TrimSuffix(strings.ReplaceAll(string(b), "\r", ""), "\n")
		if lines := strings.SplitAfterN(text, "\n", 151); len(lines) > 150 {
			text = strings.TrimSuffix(strings.Join(lines[:150], ""), "\n")
		}
		want := strings.Split(wholeLines(t, name, text), "\n")
		got := strings.Split(colored(code, text), "\n")
		wrong := 0
		for i := range got {
			if got[i] != want[i] {
				if wrong++; wrong < 4 {
					t.Logf("%s:%d:\n got %s\nwant %s", name, i+1, shown.Replace(got[i]), shown.Replace(want[i]))
				}
			}
			if marks.Replace(got[i]) != strings.Split(text, "\n")[i] {
				t.Errorf("%s:%d: %q is not the line", name, i+1, got[i])
			}
		}
		if wrong*30 > len(got)+120 && !slices.Contains(known, name) {
			t.Errorf("%s: %d of %d lines are coloured otherwise", name, wrong, len(got))
		}
	}
	if tried < 35 {
		t.Errorf("only %d samples were tried", tried)
	}
}

// What is slow on purpose stays as it is, and does not hold the chat up for long.
func TestPatience(t *testing.T) {
	h := &highlight.Highlighter{}
	start := time.Now()
	for _, language := range []string{"perl", "js", "ruby", "php", "sql", "html", "tex"} {
		code := h.Code(language)
		for _, unit := range []string{"(", "\\", "'", "\"", "{", "<", "a", "/", "`", "<a ", "#{", "日"} {
			line := strings.Repeat(unit, 900/len(unit))
			if got := code.Line(line); marks.Replace(got) != line {
				t.Errorf("%s: a line of %s became %.100q", language, unit, got)
			}
		}
	}
	t.Log(time.Since(start))
}

// Much code that comes at once is coloured in part: until the machine has spent its
// third of a second, however fast it is.
func TestMuchCode(t *testing.T) {
	const line = "for i := range x { f(\"a\", 1) }"
	coloured := func(h *highlight.Highlighter, most int) (n int) {
		for code := h.Code("go"); n < most && code.Line(line) != line; n++ {
		}
		return n
	}
	const some, many = 300, 10_000_000
	if n := coloured(&highlight.Highlighter{Patient: true}, some); n != some { // it loads the lexers, too
		t.Errorf("patient: %d lines of %d are coloured", n, some)
	}
	if n := coloured(&highlight.Highlighter{}, many); n == 0 || n == many {
		t.Errorf("%d lines of %d are coloured", n, many)
	}
}

// FuzzLine: whatever the code, the lines are the lines, each with our own colours
// only, and none left on.
func FuzzLine(f *testing.F) {
	f.Add(uint8(0), "/* a\n*/ \"b\n`c")
	f.Add(uint8(1), "\"\"\"a\nb\"\"\" # 日本\n\t'")
	f.Add(uint8(2), "<a b='c\nd'><!-- e\n--></a>\n<script>/*\n*/</script>")
	names := []string{"go", "python", "html", "js", "sh", "sql", "php", "yaml", "c++", "ruby", "perl", "diff", "tex", "vue", "console"}
	f.Fuzz(func(t *testing.T, language uint8, code string) {
		code = strings.Map(func(r rune) rune {
			if r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 {
				return -1
			}
			return r
		}, strings.ToValidUTF8(code, ""))
		h := &highlight.Highlighter{}
		c := h.Code(names[int(language)%len(names)])
		for line := range strings.SplitSeq(code, "\n") {
			got := c.Line(line)
			if marks.Replace(got) != line {
				t.Fatalf("%q became %q", line, got)
			}
			if strings.Contains(got, "\x1b") && strings.LastIndex(got, "\x1b[0m") != strings.LastIndex(got, "\x1b") {
				t.Fatalf("%q is left coloured", got)
			}
		}
	})
}

func BenchmarkLoad(b *testing.B) {
	for _, language := range []string{"go", "python", "js", "php", "sql", "c++"} {
		b.Run(language, func(b *testing.B) {
			for b.Loop() {
				new(highlight.Highlighter).Code(language).Line("x")
			}
		})
	}
}

func BenchmarkLine(b *testing.B) {
	code := (&highlight.Highlighter{Patient: true}).Code("go")
	for b.Loop() {
		code.Line("\tfor i, x := range strings.Split(text, \"\\n\") { // 日本語")
	}
}
