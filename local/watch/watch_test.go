package watch

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Functions that need no building are started anew when anything of theirs changes,
// once for what changes at once.
func TestInterpreted(t *testing.T) {
	dir := t.TempDir()
	one, two, template := filepath.Join(dir, "one"), filepath.Join(dir, "two"), filepath.Join(dir, "template.yaml")
	write(t, filepath.Join(one, "app.js"), "a")
	write(t, filepath.Join(two, "app.py"), "a")
	write(t, template, "a")
	linked := filepath.Join(dir, "linked")
	if err := os.Symlink(one, linked); err != nil {
		t.Skipf("no links on this machine: %v", err)
	}
	synctest.Test(t, func(t *testing.T) {
		said := make(chan string, 100)
		ctx, cancel := context.WithCancel(t.Context())
		w, err := New(ctx, Options{
			Template: template, Folder: filepath.Join(dir, "run"), Data: filepath.Join(two, "tables"),
			Functions: []Function{{Name: "stack-One", Label: "one", Source: linked}, {Name: "stack-Two", Label: "two", Source: two}},
			Say:       func(_ slog.Level, text string) { said <- text },
		})
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			w.Run(ctx, func(name string, command []string) error {
				said <- fmt.Sprint(name, command)
				return nil
			})
		}()
		step := func(what string, change func(), want ...string) {
			t.Helper()
			change()
			time.Sleep(4 * interval)
			synctest.Wait()
			var got []string
			for len(said) > 0 {
				got = append(got, <-said)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", what, got, want)
			}
		}
		step("nothing", func() {})
		step("changed", func() { write(t, filepath.Join(one, "app.js"), "ab") }, "stack-One[]", "restarted: one")
		step("new, below", func() { write(t, filepath.Join(two, "lib", "more.py"), "a") }, "stack-Two[]", "restarted: two")
		step("gone", func() { os.Remove(filepath.Join(two, "lib", "more.py")) }, "stack-Two[]", "restarted: two")
		step("what tools put there", func() {
			write(t, filepath.Join(one, "node_modules", "x", "index.js"), "a")
			write(t, filepath.Join(two, "__pycache__", "app.pyc"), "a")
			write(t, filepath.Join(two, ".app.py.swp"), "a")
			write(t, filepath.Join(two, "tables", "records.log"), "a")
		})
		step("many", func() {
			for i := range 10 {
				write(t, filepath.Join(one, "app.js"), strings.Repeat("c", i))
				time.Sleep(interval / 2)
			}
		}, "stack-One[]", "restarted: one")
		step("the template", func() { write(t, template, "abc") }, template+" has changed: end this run and start another, which will do what it says")
		step("a folder away", func() { os.RemoveAll(two) }, "stack-Two[]", "restarted: two")
		cancel()
		<-ended
	})
}

func TestParseList(t *testing.T) {
	const out = `{"ImportPath":"fmt","Dir":"/go/src/fmt","Standard":true}
		{"ImportPath":"example.com/cached","Dir":"/cache/x","Module":{"Path":"example.com/cached","Version":"v1.0.0","Dir":"/cache/x"}}
		{"ImportPath":"example.com/replaced","Dir":"/fork","Module":{"Path":"example.com/replaced","Version":"v1.0.0","Dir":"/fork","Replace":{"Path":"../fork","Dir":"/fork"}}}
		{"ImportPath":"kaiwa/pkg/web","Dir":"/kaiwa/pkg/web","EmbedFiles":["page/index.html"],"Module":{"Path":"kaiwa","Main":true,"Dir":"/kaiwa"}}
		{"ImportPath":"kaiwa/pkg/later","Error":{"Err":"package kaiwa/pkg/later is not in std"}}
		{"ImportPath":"example.com/never","Error":{"Err":"no required module provides package"}}`
	l, err := parseList([]byte(out))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(l.files)
	want := listing{
		folders: []string{"/fork", "/kaiwa/pkg/web", "/kaiwa/pkg/later"},
		files: []string{"/fork/go.mod", "/fork/go.sum", "/fork/go.work", "/fork/go.work.sum",
			"/kaiwa/go.mod", "/kaiwa/go.sum", "/kaiwa/go.work", "/kaiwa/go.work.sum", "/kaiwa/pkg/web/page/index.html"},
	}
	if !reflect.DeepEqual(l, want) {
		t.Errorf("got %+v\nwant %+v", l, want)
	}
	for file, want := range map[string]bool{
		"/kaiwa/pkg/web/page/index.html": true, "/kaiwa/pkg/web/web.go": true, "/kaiwa/pkg/later/first.go": true, "/kaiwa/go.mod": true, "/fork/x.go": true,
		"/kaiwa/pkg/web/web_test.go": false, "/kaiwa/pkg/web/.#web.go": false, "/kaiwa/pkg/web/README.md": false, "/kaiwa/pkg/other/x.go": false,
	} {
		if got := l.has(file); got != want {
			t.Errorf("%s: %t", file, got)
		}
	}
	if _, err := parseList([]byte("{")); err == nil {
		t.Error("no error")
	}
}

// Only a program that has changed is copied again, and the copies do not pile up.
func TestCopies(t *testing.T) {
	dir := t.TempDir()
	built := filepath.Join(dir, "built")
	c := copies{folder: filepath.Join(dir, "run")}
	var last string
	for i, text := range []string{"a", "a", "b", "b", "c", "d"} {
		write(t, built, text)
		file, isNew, err := c.of("functions/talk", built)
		if err != nil || isNew != (i == 0 || i == 2 || i > 3) || isNew == (file == last) {
			t.Errorf("%d: %s, new %t, %v", i, file, isNew, err)
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != text {
			t.Errorf("%d: %q %v", i, got, err)
		}
		last = file
	}
	if all, _ := os.ReadDir(c.folder); len(all) != 2 {
		t.Errorf("there are %d copies", len(all))
	}
	if err := c.clear(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(c.folder); !os.IsNotExist(err) {
		t.Error("they are left")
	}
	if _, _, err := c.of("functions/talk", filepath.Join(dir, "none")); err == nil {
		t.Error("no error")
	}
}

// What changes while the go tool makes its list is not forgotten.
func TestChangedMeanwhile(t *testing.T) {
	dir := t.TempDir()
	app := filepath.Join(dir, "app.js")
	write(t, app, "a")
	var restarted []string
	w, err := New(t.Context(), Options{
		Folder: filepath.Join(t.TempDir(), "run"), Functions: []Function{{Name: "stack-One", Label: "one", Source: dir}},
		Say:   func(slog.Level, string) {},
		Build: func(context.Context) (map[string]string, error) { return nil, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	w.replaced = func(name string, _ []string) error {
		restarted = append(restarted, name)
		return nil
	}
	write(t, app, "ab")
	w.rebuild(t.Context())
	w.rebuild(t.Context())
	if !slices.Equal(restarted, []string{"stack-One"}) {
		t.Errorf("restarted %q, want stack-One once", restarted)
	}
}
