package markdown_test

import (
	"strings"
	"testing"

	"kaiwa/client/markdown"
)

// render renders a text, with b, d, c and 0 for our four sequences.
func render(r *markdown.Renderer, text string, cols int) string {
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		out = append(out, r.Line(line, cols)...)
	}
	out = append(out, r.End(cols)...)
	return strings.NewReplacer("\x1b[1m", "<b>", "\x1b[2m", "<d>", "\x1b[36m", "<c>", "\x1b[0m", "<0>").Replace(strings.Join(out, "\n"))
}

func TestLines(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain", "日本語 text", "日本語 text"},
		{"heading", "## A *b*", "<b>## A *b*<0>"},
		{"heading with bold and code", "# a **b** `c` d", "<b># a <b>b<0><b> <c>c<0><b> d<0>"},
		{"no heading", "#tag and ####### seven", "#tag and ####### seven"},
		{"quote", "> so `x`", "<d>> so <c>x<0><d><0>"},
		{"list", "  - **項目**：`ls -l`", "  - <b>項目<0>：<c>ls -l<0>"},
		{"bold with code", "**a `b` c**d", "<b>a <c>b<0><b> c<0>d"},
		{"code with marks", "`**a**` ``x ` y`` `` ` ``", "<c>**a**<0> <c>x ` y<0> <c>`<0>"},
		{"not closed", "**a `b ***", "**a `b ***"},
		{"not bold", "2 ** 3 ** 4 * 5", "2 ** 3 ** 4 * 5"},
		{"escaped", `\**a** and \` + "`b`", `\**a** and \` + "`b`"},
		{"fence", "a\n```go\n# x **y** | z\n| t |\n```\n**b**", "a\n<d>```go<0>\n# x **y** | z\n| t |\n<d>```<0>\n<b>b<0>"},
		{"fence in a fence", "````\n```\n~~~\n`````\n`x`", "<d>````<0>\n```\n~~~\n<d>`````<0>\n<c>x<0>"},
		{"inline code at the start of a line", "```x``` y", "<c>x<0> y"},
		{"a fence ends with the text", "~~~\n**a**", "<d>~~~<0>\n**a**"},
	} {
		r := &markdown.Renderer{Color: true}
		for range 2 { // a text leaves nothing behind
			if got := render(r, c.in, 80); got != c.want {
				t.Errorf("%s: %q gave %q, want %q", c.name, c.in, got, c.want)
			}
		}
		if got := render(&markdown.Renderer{}, c.in, 80); got != c.in {
			t.Errorf("%s: without colour %q became %q", c.name, c.in, got)
		}
	}
}

// Code is coloured by the language its fence names, in each line, over lines.
func TestCode(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"go", "```go\n/* a\nb */ func f()\n```\nx", "<d>```go<0>\n<d>/* a<0>\n<d>b */<0> <m>func<0> <b4>f<0>()\n<d>```<0>\nx"},
		{"an attribute", "```Go title=\"a\"\nif\n```", "<d>```Go title=\"a\"<0>\n<m>if<0>\n<d>```<0>"},
		{"pandoc's way", "~~~ {.go .x}\nif\n~~~", "<d>~~~ {.go .x}<0>\n<m>if<0>\n<d>~~~<0>"},
		{"line numbers", "```go:main.go\nif\n```", "<d>```go:main.go<0>\n<m>if<0>\n<d>```<0>"},
		{"in a list", "- a\n  ```go\n  if\n  ```", "- a\n<d>  ```go<0>\n  <m>if<0>\n<d>  ```<0>"},
		{"unknown", "```klingon\nif **x**\n```", "<d>```klingon<0>\nif **x**\n<d>```<0>"},
		{"none", "```\nif **x**\n```", "<d>```<0>\nif **x**\n<d>```<0>"},
		{"another language next", "```go\nif\n```\n```python\nif elif\n```", "<d>```go<0>\n<m>if<0>\n<d>```<0>\n<d>```python<0>\n<m>if elif<0>\n<d>```<0>"},
		{"the text ends in it", "```go\n/* a", "<d>```go<0>\n<d>/* a<0>"},
	} {
		r := &markdown.Renderer{Color: true, Patient: true}
		for range 2 { // a text leaves nothing behind
			got := strings.NewReplacer("\x1b[35m", "<m>", "\x1b[34m", "<b4>").Replace(render(r, c.in, 80))
			if got != c.want {
				t.Errorf("%s: %q gave %q, want %q", c.name, c.in, got, c.want)
			}
		}
		if got := render(&markdown.Renderer{}, c.in, 80); got != c.in {
			t.Errorf("%s: without colour %q became %q", c.name, c.in, got)
		}
	}
}

func TestTables(t *testing.T) {
	for _, c := range []struct {
		name, in string
		cols     int
		want     string
	}{
		{"aligned", "| 名前 | n |\n|---|--:|\n| 日本語 | 1 |\n| a | 100 |\nend", 40,
			"| 名前   |   n |\n| ------ | --: |\n| 日本語 |   1 |\n| a      | 100 |\nend"},
		{"centred, ragged, with bars in cells", "|a|b|\n|:-:|:--|\n|`x|y`|c \\| d|\n|1|\n|1|2|3|", 60,
			"|   a   | b      |     |\n| :---: | :----- | --- |\n| `x|y` | c \\| d |     |\n|   1   |        |     |\n|   1   | 2      | 3   |"},
		{"too wide", "| name | what |\n|--|--|\n| a | long text |\n| b | more |", 15, "name: a\nwhat: long text\n\nname: b\nwhat: more"},
		{"no table", "| not one\nnext", 40, "| not one\nnext"},
		{"two beginnings", "| x |\n| a | b |\n|---|---|\n| 1 | 2 |", 40, "| x |\n| a   | b   |\n| --- | --- |\n| 1   | 2   |"},
		{"only a head", "| a |\n|---|", 40, "| a   |\n| --- |"},
		{"in a fence", "```\n| a |\n|---|\n```", 40, "```\n| a |\n|---|\n```"},
	} {
		if got := render(&markdown.Renderer{}, c.in, c.cols); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
	got := render(&markdown.Renderer{Color: true}, "| **a** | b |\n|---|---|\n| `x` | y |", 40)
	if want := "| <b>a<0>   | b   |\n| --- | --- |\n| <c>x<0>   | y   |"; got != want {
		t.Errorf("with colour: got\n%s\nwant\n%s", got, want)
	}
}

// Whatever comes, no letter is lost, nothing is left coloured, and nothing but our
// own sequences is added.
func FuzzRenderer(f *testing.F) {
	f.Add("```go\n/* x\ny */ \"z\n```\n~~~py\n\"\"\"a\nb\"\"\" # c\n~~~", 20)
	f.Add("# a **b** `c`\n```\n| x |\n```\n| a | b |\n|---|---|\n| 1 | `|` |\n> q", 20)
	f.Fuzz(func(t *testing.T, in string, cols int) {
		in = strings.Map(func(r rune) rune {
			if r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 {
				return -1
			}
			return r
		}, strings.ToValidUTF8(in, ""))
		r := &markdown.Renderer{Color: true}
		var out []string
		for line := range strings.SplitSeq(in, "\n") {
			out = append(out, r.Line(line, cols)...)
		}
		out = append(out, r.End(cols)...)
		letters := func(s string) string {
			return strings.Map(func(r rune) rune {
				if strings.ContainsRune(" \t\n\u3000`*|:-", r) || r >= 0x80 && strings.TrimSpace(string(r)) == "" {
					return -1
				}
				return r
			}, s)
		}
		plain := strings.Join(out, "\n")
		for _, s := range []string{"\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[34m", "\x1b[35m", "\x1b[36m", "\x1b[0m"} {
			plain = strings.ReplaceAll(plain, s, "")
		}
		if strings.Contains(plain, "\x1b") {
			t.Errorf("%q gave %q", in, out)
		}
		if got, want := letters(plain), letters(in); !strings.Contains(in, "|") && got != want {
			t.Errorf("%q became %q", want, got)
		}
		for _, line := range out {
			if strings.Contains(line, "\x1b") && strings.LastIndex(line, "\x1b[0m") != strings.LastIndex(line, "\x1b") {
				t.Errorf("%q is left coloured", line)
			}
		}
	})
}
