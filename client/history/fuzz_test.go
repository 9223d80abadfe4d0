package history_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"kaiwa/client/history"
)

// FuzzLoad: whatever the file holds, what comes out of it is bounded, each once, and
// stays the same when it is stored again.
func FuzzLoad(f *testing.F) {
	for _, text := range []string{"\"a\"\n\"b\"\n\"a\"\n", "\"half", "7\nnull\n\"\"\n", "\"\\ud800\"\n", "\x00\xff\n"} {
		f.Add([]byte(text))
	}
	folder := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(folder, "history")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		all, err := history.Load(path)
		if err != nil || len(all) > history.Most {
			t.Fatalf("%d entries, %v", len(all), err)
		}
		again := filepath.Join(folder, "again")
		os.Remove(again)
		for _, entry := range all {
			if err := history.Add(again, entry); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := history.Load(again); err != nil || !slices.Equal(got, all) && !slices.ContainsFunc(all, tooLong) {
			t.Errorf("%q became %q, %v", all, got, err)
		}
	})
}

func tooLong(entry string) bool { return len(entry) > history.Longest }
