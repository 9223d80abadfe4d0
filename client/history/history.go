// Package history keeps on disk what was sent, for the next chat: one JSON string
// a line, oldest first, readable by its owner alone.
package history

import (
	"bufio"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	// Most is how many entries are kept.
	Most = 1000
	// Longest is the most bytes of an entry; a longer text is not kept.
	Longest = 32 << 10
)

// Path is the file for a profile: in the state folder of XDG, or where that is by
// default.
func Path(getenv func(string) string, profile string) (string, error) {
	dir := getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(dir) { // as XDG asks
		home, err := os.UserHomeDir()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(dir, "kaiwa", "history-"+profile+".jsonl"), nil
}

// Load reads the entries of a file, oldest first and each once. No file, no
// entries. A file that has grown long is written anew.
func Load(path string) ([]string, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []string // newest first
	seen := map[string]bool{}
	lines := strings.Split(string(b), "\n")
	for _, line := range slices.Backward(lines) {
		var text string
		if json.Unmarshal([]byte(line), &text) != nil || seen[text] || text == "" {
			continue // half a line, from a full disk
		}
		if seen[text] = true; len(all) < Most {
			all = append(all, text)
		}
	}
	slices.Reverse(all)
	if len(lines) > 2*Most {
		return all, rewrite(path, all)
	}
	return all, nil
}

// Add adds an entry. Several programs may do so at once.
func Add(path, text string) error {
	if len(text) > Longest {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(line(text))
	return errors.Join(err, file.Close())
}

func line(text string) []byte {
	b, err := json.Marshal(text)
	if err != nil { // a string always has a JSON form
		return nil
	}
	return append(b, '\n')
}

// rewrite puts a shorter file in the place of the old one. What another program
// adds in this moment is lost.
func rewrite(path string, all []string) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".history-*") // 0600
	if err != nil {
		return err
	}
	w := bufio.NewWriter(file)
	for _, text := range all {
		_, _ = w.Write(line(text)) // Flush tells
	}
	if err := errors.Join(w.Flush(), file.Close()); err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return os.Rename(file.Name(), path)
}
