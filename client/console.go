package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"time"

	"golang.org/x/term"
)

// console is the terminal in raw mode.
type console struct {
	fd    int
	state *term.State
	in    *os.File
	// pausable says that reading can be called off, so that an editor gets what is
	// typed into it.
	pausable bool
	paused   chan chan struct{} // offered to the reader that was called off
	undo     func()             // of what the console was told
	// early is how many bytes were typed before the terminal was raw and have not been
	// read yet.
	early int
}

func openConsole() (*console, error) {
	c := &console{fd: int(os.Stdin.Fd()), in: os.Stdin, paused: make(chan chan struct{})}
	state, err := term.MakeRaw(c.fd)
	if err != nil {
		return nil, err
	}
	c.state, c.undo, c.early = state, understands(), typedBytes(c.fd)
	// Opened anew, since only files that Go opened itself know deadlines, and
	// setting one on what others share would change it for them.
	if tty, err := openTTY(); err == nil {
		if tty.SetReadDeadline(time.Time{}) == nil {
			c.in, c.pausable = tty, true
		} else {
			_ = tty.Close()
		}
	}
	return c, nil
}

// close leaves the terminal as it was.
func (c *console) close() {
	_ = term.Restore(c.fd, c.state)
	c.undo()
	if c.pausable {
		_ = c.in.Close()
	}
}

// typed reads the terminal. Where a read cannot be called off its goroutine
// outlives the chat and ends with the program.
func (c *console) typed(ctx context.Context) <-chan []byte {
	in := make(chan []byte)
	go func() {
		defer close(in)
		for {
			b := make([]byte, 4096)
			n, err := c.read(b)
			called := errors.Is(err, os.ErrDeadlineExceeded)
			if n > 0 && !c.hand(ctx, in, b[:n]) || called && !c.hand(ctx, nil, nil) || err != nil && !called {
				return
			}
		}
	}()
	return in
}

// read reads. What was typed before the terminal was raw has its Enter as a newline,
// which by now is another key.
func (c *console) read(b []byte) (int, error) {
	n, err := c.in.Read(b)
	early := b[:min(n, c.early)]
	copy(early, bytes.ReplaceAll(early, []byte("\n"), []byte("\r")))
	c.early -= len(early)
	return n, err
}

// ahead is what was typed before the console was opened.
func (c *console) ahead() string {
	var text []byte
	for b := make([]byte, 4096); c.early > 0; {
		n, err := c.read(b)
		if text = append(text, b[:n]...); err != nil {
			break
		}
	}
	return string(text)
}

// hand gives b to in, or, without in, waits until reading may go on. It lets
// itself be paused, and says false if nobody reads any more.
func (c *console) hand(ctx context.Context, in chan<- []byte, b []byte) bool {
	for {
		select {
		case in <- b:
			return true
		case resume := <-c.paused:
			select {
			case <-resume:
			case <-ctx.Done():
				return false
			}
			if in == nil {
				return true
			}
		case <-ctx.Done():
			return false
		}
	}
}

// editor is the user's editor, as a line for the shell.
func editor(getenv func(string) string) string {
	if runtime.GOOS == "windows" {
		return cmp.Or(getenv("VISUAL"), getenv("EDITOR"), "notepad")
	}
	return cmp.Or(getenv("VISUAL"), getenv("EDITOR"), "vi")
}

// edit lets the user change a text in an editor, which has the terminal
// meanwhile.
func (c *console) edit(ctx context.Context, text, editor string) (string, error) {
	if err := c.in.SetReadDeadline(time.Unix(1, 0)); err != nil {
		return "", err
	}
	resume := make(chan struct{})
	select {
	case c.paused <- resume:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	defer close(resume)
	defer func() { _ = c.in.SetReadDeadline(time.Time{}) }()
	if err := term.Restore(c.fd, c.state); err != nil {
		return "", err
	}
	text, err := inEditor(text, editor)
	_, raw := term.MakeRaw(c.fd)
	return text, errors.Join(err, raw)
}

// inEditor is the text as an editor left it.
func inEditor(text, editor string) (string, error) {
	file, err := os.CreateTemp("", "kaiwa-*.md") // 0600
	if err != nil {
		return "", err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	_, err = file.WriteString(text)
	if err := errors.Join(err, file.Close()); err != nil {
		return "", err
	}
	// VISUAL and EDITOR may have arguments: the shell splits them.
	cmd := exec.Command("sh", "-c", editor+` "$1"`, "sh", file.Name())
	if runtime.GOOS == "windows" {
		cmd = exec.Command(editor, file.Name())
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("the editor %s: %w", editor, err)
	}
	b, err := os.ReadFile(file.Name())
	return string(b), err
}
