package history_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"

	"kaiwa/client/history"
)

func TestHistory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b", "history.jsonl")
	if got, err := history.Load(path); got != nil || err != nil {
		t.Errorf("no file: %v %v", got, err)
	}
	for _, text := range []string{"one", "two\nlines", "日本", "one", strings.Repeat("x", history.Longest+1)} {
		if err := history.Add(path, text); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString("\"half a li\nnot JSON\n\"\"\n"); err != nil {
		t.Fatal(err)
	}
	_ = file.Close()
	got, err := history.Load(path)
	if want := []string{"two\nlines", "日本", "one"}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%q %v, want %q", got, err, want)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
}

// A file does not grow without end, and several chats may write to it.
func TestHistoryGrows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.jsonl")
	var work sync.WaitGroup
	for w := range 4 {
		work.Go(func() {
			for i := range history.Most {
				if err := history.Add(path, fmt.Sprintf("%d from %d", i, w)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	work.Wait()
	for range 2 {
		got, err := history.Load(path)
		if err != nil || len(got) != history.Most {
			t.Errorf("%d entries, %v", len(got), err)
		}
	}
	b, err := os.ReadFile(path)
	if lines := strings.Count(string(b), "\n"); err != nil || lines != history.Most {
		t.Errorf("%d lines, %v", lines, err)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
}

func TestPath(t *testing.T) {
	t.Setenv("HOME", "/home/a")
	for state, want := range map[string]string{
		"/s":       "/s/kaiwa/history-p.jsonl",
		"":         "/home/a/.local/state/kaiwa/history-p.jsonl",
		"relative": "/home/a/.local/state/kaiwa/history-p.jsonl",
	} {
		got, err := history.Path(func(string) string { return state }, "p")
		if err != nil || filepath.ToSlash(got) != want {
			t.Errorf("%q: %s %v", state, got, err)
		}
	}
}
