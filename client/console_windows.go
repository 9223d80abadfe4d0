package main

import (
	"os"

	"golang.org/x/sys/windows"
)

// understands has the console understand escape sequences, which only newer ones do
// by themselves, until undo is called.
func understands() (undo func()) {
	out := windows.Handle(os.Stdout.Fd())
	var mode uint32
	if windows.GetConsoleMode(out, &mode) != nil {
		return func() {}
	}
	_ = windows.SetConsoleMode(out, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING)
	return func() { _ = windows.SetConsoleMode(out, mode) }
}
