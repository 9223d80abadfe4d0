package conform_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"kaiwa/local/conform"
)

// TestUnknownsAreTold: docs/emulator.md lists every unknown, with what the
// emulator does, and no other.
func TestUnknownsAreTold(t *testing.T) {
	text, err := os.ReadFile("../../docs/emulator.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n### Unknown\n")
	section, _, _ = strings.Cut(section, "\n### ")
	var got, want []string
	for line := range strings.Lines(section) {
		if strings.HasPrefix(line, "| ") {
			got = append(got, strings.TrimSpace(line))
		}
	}
	want = append(want, "| | question | the emulator |")
	for _, r := range conform.Rows() {
		here := "–"
		if r.Here != "" {
			here = "`" + r.Here + "`"
		}
		if r.Unknown() {
			want = append(want, fmt.Sprintf("| %s | %s | %s |", r.Section, r.Fact, here))
		}
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("docs/emulator.md says\n%s\nthe table says\n%s", g, w)
	}
}

// TestSourcesAreTold: docs/emulator.md explains the keys of the sources.
func TestSourcesAreTold(t *testing.T) {
	text, err := os.ReadFile("../../docs/emulator.md")
	if err != nil {
		t.Fatal(err)
	}
	_, told, _ := strings.Cut(string(text), "\n| source | |\n")
	told, _, _ = strings.Cut(told, "\n\n")
	key := regexp.MustCompile(`^[A-Z]+[a-z]*[0-9]*$`)
	for _, r := range conform.Rows() {
		for source := range strings.SplitSeq(r.Sources, "; ") {
			if key.MatchString(source) && !regexp.MustCompile(`\b`+source+`\b`).MatchString(told) {
				t.Errorf("%s: nobody says what %s is", r.Fact, source)
			}
		}
	}
}

// Facts name rows, so no two are the same; and every row says where it comes from.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range conform.Rows() {
		if seen[r.Fact] {
			t.Errorf("two rows say %q", r.Fact)
		}
		seen[r.Fact] = true
		asked, cannot := r.Probe != nil, r.Cannot != ""
		if r.Section == "" || r.Sources == "" || r.Confidence == "" || asked == cannot {
			t.Errorf("row %q is incomplete", r.Fact)
		}
		if r.Unknown() && asked && r.Here == "" && r.Section != "10.13" {
			t.Errorf("row %q does not say what the emulator does", r.Fact)
		}
	}
}
