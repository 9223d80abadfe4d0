package highlight_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"flag"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/chroma/v2"
	"github.com/alecthomas/chroma/v2/lexers"
)

var update = flag.Bool("update", false, "make lexers.zip anew")

// languages are those that are packed, by chroma's names: what people ask a model
// for. The rest is shown as it is.
var languages = []string{
	"Awk", "Bash", "Bash Session", "Batchfile", "C", "C#", "C++", "CMake", "CSS", "Clojure", "Dart", "Diff", "Django/Jinja",
	"Docker", "Elixir", "Erlang", "FSharp", "Fortran", "GAS", "Go", "GraphQL", "Groovy", "HCL", "HTML", "Haskell", "INI", "JSON", "Java",
	"JavaScript", "Julia", "Kotlin", "Lua", "Makefile", "Matlab", "NASM", "Nginx configuration file", "Nix", "OCaml",
	"Objective-C", "PHP", "Perl", "PostgreSQL SQL dialect", "PowerShell", "Protocol Buffer", "Python", "R", "Ruby", "Rust", "SCSS", "SQL",
	"Scala", "Scheme", "Solidity", "Swift", "TOML", "TeX", "Terraform", "TypeScript", "VB.net", "VimL", "XML", "YAML", "Zig", "properties", "react", "vue",
}

// pack is what lexers.zip is to hold.
func pack(t *testing.T) map[string]string {
	t.Helper()
	files, byName, byEnding := map[string]string{}, map[string]string{}, map[string]string{}
	for _, name := range languages {
		lexer, ok := lexers.Get(name).(*chroma.RegexLexer)
		if !ok {
			t.Errorf("chroma has no lexer %q that can be packed: %T", name, lexers.Get(name))
			continue
		}
		b, err := chroma.Marshal(packable(t, lexer))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		c := lexer.Config()
		file := strings.NewReplacer("/", "_", " ", "_").Replace(strings.ToLower(c.Name)) + ".xml"
		files[file] = sorted(string(b))
		for _, alias := range append([]string{c.Name}, c.Aliases...) {
			byName[strings.ToLower(alias)] = file
		}
		for _, pattern := range c.Filenames { // people write ```yml
			if ext, ok := strings.CutPrefix(pattern, "*."); ok && !strings.ContainsAny(ext, "*?[") {
				byEnding[strings.ToLower(ext)] = file
			}
		}
	}
	maps.Copy(byEnding, byName)
	var names strings.Builder
	for _, name := range slices.Sorted(maps.Keys(byEnding)) {
		names.WriteString(name + "\t" + byEnding[name] + "\n")
	}
	files["names"] = names.String()
	return files
}

// state is one state of a lexer, which may have no rules.
var state = regexp.MustCompile(`(?s)    <state name="[^"]*"(?:/>\n|>\n.*?\n    </state>\n)`)

// sorted puts the states of a lexer in order; chroma has them in a map.
func sorted(lexer string) string {
	at := state.FindAllStringIndex(lexer, -1)
	if len(at) == 0 {
		return lexer
	}
	states := state.FindAllString(lexer, -1)
	slices.Sort(states)
	return lexer[:at[0][0]] + strings.Join(states, "") + lexer[at[len(at)-1][1]:]
}

// packable is a lexer without what has no XML: templates in Go's raw strings.
func packable(t *testing.T, l *chroma.RegexLexer) *chroma.RegexLexer {
	t.Helper()
	if l.Config().Name != "Go" {
		return l
	}
	rules, err := l.Rules()
	if err != nil {
		t.Fatal(err)
	}
	rules = rules.Clone()
	for i, r := range rules["root"] {
		if r.Pattern == "(`)([^`]*)(`)" {
			rules["root"][i] = chroma.Rule{Pattern: "`[^`]*`", Type: chroma.LiteralString}
		}
	}
	return chroma.MustNewLexer(l.Config(), func() chroma.Rules { return rules })
}

// lexers.zip is what chroma's lexers are now.
func TestLexers(t *testing.T) {
	want := pack(t)
	if *update {
		write(t, want)
	}
	b, err := os.ReadFile("lexers.zip")
	if err != nil {
		t.Fatal(err)
	}
	archive, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range archive.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want[f.Name] {
			t.Errorf("%s is not what chroma has: go test ./client/highlight -run TestLexers -update", f.Name)
		}
		delete(want, f.Name)
	}
	if len(want) > 0 {
		t.Errorf("%d lexers are missing: go test ./client/highlight -run TestLexers -update", len(want))
	}
}

func write(t *testing.T, files map[string]string) {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	w.RegisterCompressor(zip.Deflate, func(out io.Writer) (io.WriteCloser, error) { return flate.NewWriter(out, flate.BestCompression) })
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, files[name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("lexers.zip", b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}
