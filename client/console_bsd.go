//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package main

import "golang.org/x/sys/unix"

const (
	getTerminal, setTerminal = unix.TIOCGETA, unix.TIOCSETA
	getTyped                 = 0x4004667f // FIONREAD, which x/sys/unix does not have
)
