package kaiwa_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// named is a test in prose: `pkg/handler.TestIsolation`.
var named = regexp.MustCompile("`([a-z][\\w/]*)\\.((?:Test|Fuzz)\\w+)`")

// TestSecurityPage: every test that docs/security.md names exists, and every threat
// names one.
func TestSecurityPage(t *testing.T) {
	page, err := os.ReadFile("docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range pageFaults(t, string(page)) {
		t.Error(fault)
	}
	for text, want := range map[string]string{
		"see `pkg/handler.TestNoSuchThing`":                        "pkg/handler has no TestNoSuchThing",
		"see `pkg/nowhere.TestIsolation`":                          "pkg/nowhere has no TestIsolation",
		"| a stranger | do harm | it is stopped | |":               "names no test",
		"| a stranger | do harm | it is stopped | `.ci/nowhere` |": ".ci/nowhere does not exist",
	} {
		if got := strings.Join(pageFaults(t, text), "; "); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func pageFaults(t *testing.T, page string) (faults []string) {
	t.Helper()
	for _, m := range named.FindAllStringSubmatch(page, -1) {
		if !hasTest(t, m[1], m[2]) {
			faults = append(faults, m[1]+" has no "+m[2]+": correct docs/security.md")
		}
	}
	for _, m := range regexp.MustCompile("`(\\.ci/[\\w-]+)`").FindAllStringSubmatch(page, -1) {
		if _, err := os.Stat(m[1]); err != nil {
			faults = append(faults, m[1]+" does not exist")
		}
	}
	for row := range strings.Lines(page) {
		cells := strings.Split(row, "|")
		threat := len(cells) == 6 && !strings.HasPrefix(cells[1], "---") && strings.TrimSpace(cells[1]) != "who"
		if threat && !strings.Contains(cells[4], "`") {
			faults = append(faults, "a threat names no test: "+strings.TrimSpace(row))
		}
	}
	return faults
}

// hasTest looks for a test function in a folder.
func hasTest(t *testing.T, folder, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(filepath.FromSlash(folder), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\nfunc "+name+"(") {
			return true
		}
	}
	return false
}
