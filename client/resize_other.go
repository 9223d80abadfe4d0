//go:build !unix

package main

import "os"

// notifyResized says nothing where there is no signal for it: every drawing asks
// for the size anyway.
func notifyResized() (resized <-chan os.Signal, stop func()) { return nil, func() {} }
