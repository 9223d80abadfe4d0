package build_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"kaiwa/local/build"
)

const hello = "package main\n\nfunc main() { println(%q) }\n"

// tree writes files and returns their folder.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func says(word string) string { return strings.Replace(hello, "%q", `"`+word+`"`, 1) }

// Two modules, a folder name that occurs twice, a version as folder name, and a
// module that is one function: each folder gets its own binary.
func TestBinaries(t *testing.T) {
	root := tree(t, map[string]string{
		"go.mod":           "module one\n\ngo 1.25\n",
		"a/send/main.go":   says("a/send"),
		"b/send/main.go":   says("b/send"),
		"a/v2/main.go":     says("a/v2"),
		"a/other/main.go":  says("a/other"),
		"two/go.mod":       "module example.com/two/v3\n\ngo 1.25\n",
		"two/main.go":      says("two"),
		"two/deep/main.go": says("two/deep"),
	})
	t.Setenv("GOOS", "plan9") // what the caller builds for is not our business
	var dirs []string
	for _, d := range []string{"a/send", "b/send", "a/v2", "a/other", "two", "two/deep", "a/send"} {
		dirs = append(dirs, filepath.Join(root, d))
	}
	files, err := build.Binaries(t.Context(), t.TempDir(), dirs)
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		rel, _ := filepath.Rel(root, dir)
		out, err := exec.Command(files[dir]).CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != filepath.ToSlash(rel) {
			t.Errorf("%s: %s says %q, %v", rel, files[dir], got, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	root := tree(t, map[string]string{
		"go.mod":          "module one\n\ngo 1.25\n",
		"good/main.go":    says("good"),
		"broken/main.go":  "package main\n\nfunc main() {\n\tx := 1\n\ty := 2\n}\n",
		"library/lib.go":  "package library\n",
		"empty/README.md": "nothing",
		"import/main.go":  "package main\n\nimport _ \"one/nowhere\"\n\nfunc main() {}\n",
	})
	tests := []struct{ dir, want string }{
		{"broken", "broken/main.go:4:2: declared and not used: x (and 1 more lines: go build)"},
		{"empty", "no Go files in"},
		{"import", "one/nowhere"},
		{"nowhere", "no such folder"},
		{"library", "is not a main package"},
	}
	for _, tt := range tests {
		_, err := build.Binaries(t.Context(), t.TempDir(), []string{filepath.Join(root, "good"), filepath.Join(root, tt.dir)})
		if err == nil || !strings.Contains(filepath.ToSlash(err.Error()), tt.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %q, want one line with %q", tt.dir, err, tt.want)
		}
	}
}

func TestWithoutGoTool(t *testing.T) {
	root := tree(t, map[string]string{"go.mod": "module one\n", "main.go": says("one")})
	t.Setenv("PATH", t.TempDir())
	t.Setenv("GOROOT", "")
	_, err := build.Binaries(t.Context(), t.TempDir(), []string{root})
	if err == nil || !strings.HasPrefix(err.Error(), "find the go tool: ") {
		t.Errorf("error %v", err)
	}
}

func TestCancelled(t *testing.T) {
	root := tree(t, map[string]string{"go.mod": "module one\n", "main.go": says("one")})
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	cancel(why)
	if _, err := build.Binaries(ctx, t.TempDir(), []string{root}); !errors.Is(err, why) {
		t.Errorf("error %v, want %v", err, why)
	}
}
