package config_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kaiwa/client/config"
)

// FuzzLoad: whatever the file holds, only known settings come out of it, and what
// is wrong is one line.
func FuzzLoad(f *testing.F) {
	for _, text := range []string{"url = ws://a\n[work]\nheader = A: 1\n", "[", "[]\n=\n", "url", "\x00=\x00", "#\n\r\n", "[work]\nurl=\nurl=b"} {
		f.Add([]byte(text), "")
		f.Add([]byte(text), "work")
	}
	known := []string{"url", "header"}
	path := filepath.Join(f.TempDir(), "config")
	f.Fuzz(func(t *testing.T, text []byte, profile string) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(path, profile, known)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\r\x1b") {
				t.Errorf("the error is %q", err)
			}
			return
		}
		for name := range c.Values {
			if !slices.Contains(known, name) {
				t.Errorf("there is a setting %q", name)
			}
		}
	})
}
