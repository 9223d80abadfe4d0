package bootstrap_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"kaiwa/pkg/emu/bootstrap"
)

func TestFor(t *testing.T) {
	for runtime, want := range map[string]bootstrap.Language{
		"nodejs12.x": "nodejs", "nodejs24.x": "nodejs", "python3.9": "python", "python3.13": "python",
		"nodejs": "", "java21": "", "provided.al2023": "", "go1.x": "", "dotnet8": "", "ruby3.4": "", "": "",
	} {
		if got, ok := bootstrap.For(runtime); got != want || ok != (want != "") {
			t.Errorf("%s: %q, %v", runtime, got, ok)
		}
	}
}

// Several runs share a folder, and none finds half a file.
func TestWrite(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "new")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for _, l := range []bootstrap.Language{bootstrap.Node, bootstrap.Python} {
				if file, err := l.Write(folder); err != nil || !filepath.IsAbs(file) {
					t.Errorf("%s: %q, %v", l, file, err)
				}
			}
		})
	}
	all.Wait()
	files, err := os.ReadDir(folder)
	if err != nil || len(files) != 2 {
		t.Errorf("%d files, %v", len(files), err)
	}
	if _, err := bootstrap.Node.Write(filepath.Join(folder, "node.cjs")); err == nil || !strings.HasPrefix(err.Error(), "write the bootstrap for nodejs: ") {
		t.Errorf("a file for a folder: %v", err)
	}
}

func TestFind(t *testing.T) {
	folder := write(t, map[string]string{
		"app.js": "", "m.mjs": "", "c.cjs": "", "plain": "", "src/api/index.js": "", "ts.ts": "", "lib/index.js": "", "node_modules/dep/package.json": "",
		"py.py": "", "pkg/__init__.py": "", "pkg/deep/mod.py": "",
	})
	for _, tt := range []struct {
		l             bootstrap.Language
		handler, want string
	}{
		{bootstrap.Node, "app.handler", ""},
		{bootstrap.Node, "app.nested.handler", ""},
		{bootstrap.Node, "./app.handler", ""},
		{bootstrap.Node, "m.handler", ""},
		{bootstrap.Node, "c.handler", ""},
		{bootstrap.Node, "plain.handler", ""},
		{bootstrap.Node, "src/api/index.handler", ""},
		{bootstrap.Node, "lib.handler", ""},
		{bootstrap.Node, "dep.handler", ""},
		{bootstrap.Node, "gone.handler", "handler gone.handler: there is no gone.js in "},
		{bootstrap.Node, "src/gone.handler", "there is no src/gone.js in "},
		{bootstrap.Node, "ts.handler", "handler ts.handler is TypeScript: run sam build"},
		{bootstrap.Node, "handler", `handler "handler" is not FILE.FUNCTION`},
		{bootstrap.Node, "src/api/handler", "is not FILE.FUNCTION"},
		{bootstrap.Python, "py.handler", ""},
		{bootstrap.Python, "pkg.handler", ""},
		{bootstrap.Python, "pkg/deep/mod.handler", ""},
		{bootstrap.Python, "pkg.deep.mod.handler", ""},
		{bootstrap.Python, "app.handler", "handler app.handler: there is no app.py in "},
		{bootstrap.Python, "handler", "is not FILE.FUNCTION"},
	} {
		err := tt.l.Find(folder, tt.handler)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s %s: %v, want %q", tt.l, tt.handler, err, tt.want)
		}
	}
}
