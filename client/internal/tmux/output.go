package tmux

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Output is a pane that shows what is written to it, byte for byte.
type Output struct {
	*Pane
	to    *os.File
	title int
}

// NewOutput makes one.
func NewOutput(t testing.TB, cols, rows int) *Output {
	t.Helper()
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := exec.Command("mkfifo", "-m", "600", pipe).Run(); err != nil {
		t.Fatal("mkfifo: ", err)
	}
	o := &Output{Pane: New(t, cols, rows, "stty raw -echo; exec cat "+pipe)}
	var err error
	if o.to, err = os.OpenFile(pipe, os.O_WRONLY, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.to.Close() })
	return o
}

// Write shows b and waits until tmux has done so: until the window has the title
// that follows b.
func (o *Output) Write(b []byte) (int, error) {
	o.t.Helper()
	o.title++
	title := fmt.Sprintf("after %d", o.title)
	if _, err := o.to.Write(append(b[:len(b):len(b)], "\x1b]2;"+title+"\a"...)); err != nil {
		return 0, err
	}
	o.wait(func() bool { return strings.TrimSpace(o.Do("display-message", "-p", "#{pane_title}")) == title },
		func() string { return "tmux did not show what was written" })
	return len(b), nil
}
