package watch

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// copies are the programs that run. The last two of each are kept, for a process may
// be about to be started from the older.
type copies struct {
	folder string
	n      int
	last   map[string]program
}

type program struct {
	sum         [sha256.Size]byte
	file, older string
}

// of returns the copy of what was built from a source, and whether it had to be made:
// the go tool gives what it has not changed a new time all the same.
func (c *copies) of(source, built string) (file string, isNew bool, err error) {
	text, err := os.ReadFile(built)
	if err != nil {
		return "", false, err
	}
	is := sha256.Sum256(text)
	last, had := c.last[source]
	if had && last.sum == is {
		return last.file, false, nil
	}
	c.n++
	name := fmt.Sprintf("%s-%d", filepath.Base(source), c.n)
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	file = filepath.Join(c.folder, name)
	if err := os.MkdirAll(c.folder, 0o700); err != nil {
		return "", false, err
	}
	if err := os.WriteFile(file, text, 0o700); err != nil {
		return "", false, err
	}
	if last.older != "" {
		os.Remove(last.older) // where it still runs and cannot be removed, it stays until the end
	}
	if c.last == nil {
		c.last = map[string]program{}
	}
	c.last[source] = program{is, file, last.file}
	return file, true, nil
}

// clear removes all copies, those of a run that was killed too.
func (c *copies) clear() error { return os.RemoveAll(c.folder) }
