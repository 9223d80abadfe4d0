package main

import "golang.org/x/sys/unix"

const getTerminal, setTerminal, getTyped = unix.TCGETS, unix.TCSETS, unix.TIOCINQ
