package journal

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// take makes the folder this process's own, as long as the file is open or the process lives, and leaves its id there for
// others to read.
func take(dir string) (*os.File, error) {
	file, err := exclusive(filepath.Join(dir, lockName))
	if err != nil {
		return nil, err
	}
	if file == nil {
		return nil, fmt.Errorf("another process%s uses it: end that, or name another folder", holder(dir))
	}
	if err := file.Truncate(0); err == nil {
		_, _ = fmt.Fprintln(file, os.Getpid()) // only a help for people
	}
	return file, nil
}

// holder tells the id of who has the folder, if it can be read.
func holder(dir string) string {
	file, err := os.Open(filepath.Join(dir, lockName))
	if err != nil {
		return ""
	}
	defer file.Close()
	id, err := io.ReadAll(io.LimitReader(file, 20))
	if text := strings.TrimSpace(string(id)); err == nil && text != "" {
		return " (" + text + ")"
	}
	return ""
}
