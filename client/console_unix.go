//go:build unix

package main

import (
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// unechoed has the terminal show nothing of what is typed, until undo is called.
func unechoed() (undo func()) {
	fd := int(os.Stdin.Fd())
	was, err := unix.IoctlGetTermios(fd, getTerminal)
	if err != nil {
		return func() {}
	}
	quiet := *was
	quiet.Lflag &^= unix.ECHO
	_ = unix.IoctlSetTermios(fd, setTerminal, &quiet) // or what is typed is seen twice
	return func() { _ = unix.IoctlSetTermios(fd, setTerminal, was) }
}

// notifyResized says when the terminal's size changes.
func notifyResized() (resized <-chan os.Signal, stop func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGWINCH)
	return c, func() { signal.Stop(c) }
}

// typedBytes is how many bytes are there to be read.
func typedBytes(fd int) int {
	n, err := unix.IoctlGetInt(fd, getTyped)
	if err != nil {
		return 0
	}
	return n
}

// openTTY opens the terminal of stdin once more. Where /dev/stdin would not open
// it anew but share it, the controlling terminal has to do: it is the same but for
// programs that are given somebody else's.
func openTTY() (*os.File, error) {
	name := "/dev/tty"
	if runtime.GOOS == "linux" {
		name = "/dev/stdin"
	}
	return os.OpenFile(name, os.O_RDONLY|syscall.O_NOCTTY, 0)
}

// goesOn is how long to wait for the signal to go on: a program that no shell
// watches does not stop at all.
const goesOn = 100 * time.Millisecond

// suspend is ^Z: it stops the program, and whatever was started with it, until
// the shell has it go on.
func (c *console) suspend() func() {
	return func() {
		if term.Restore(c.fd, c.state) != nil {
			return
		}
		on := make(chan os.Signal, 1)
		signal.Notify(on, syscall.SIGCONT)
		defer signal.Stop(on)
		_ = syscall.Kill(0, syscall.SIGTSTP)
		select {
		case <-on:
		case <-time.After(goesOn):
		}
		_, _ = term.MakeRaw(c.fd) // if it fails, the terminal is gone: reading tells
	}
}
