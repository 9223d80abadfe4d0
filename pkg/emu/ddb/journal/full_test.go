//go:build unix

package journal_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
)

// asWriter makes the test binary write a journal in the folder it names, with no room for more than so many bytes.
const asWriter = "JOURNAL_TEST_WRITER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(asWriter); dir != "" {
		fmt.Print(writeUntilFull(dir))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// A write that does not fit leaves nothing behind, and what fits is taken.
func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), asWriter+"="+dir)
	out, err := child.Output()
	if err != nil || string(out) != "file too large, then <nil>" {
		t.Fatalf("%s %v", out, err)
	}
	if _, records := mustOpen(t, dir); strings.Join(records, " ") != "a b" {
		t.Errorf("got %q", records)
	}
}

func writeUntilFull(dir string) string {
	signal.Ignore(syscall.SIGXFSZ)
	j, _, err := open(dir)
	if err != nil {
		return err.Error()
	}
	defer j.Close()
	if err := j.Append([]byte("a")); err != nil {
		return err.Error()
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 200, Max: 200}); err != nil {
		return err.Error()
	}
	first := errors.Unwrap(j.Append([]byte(strings.Repeat("x", 1000))))
	return fmt.Sprintf("%v, then %v", first, j.Append([]byte("b")))
}
