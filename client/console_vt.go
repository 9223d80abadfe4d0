//go:build !windows

package main

// understands has nothing to do here: terminals understand escape sequences.
func understands() (undo func()) { return func() {} }
