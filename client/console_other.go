//go:build !unix

package main

import (
	"errors"
	"os"
)

// notifyResized says nothing where there is no signal for it: every drawing asks
// for the size anyway.
func notifyResized() (resized <-chan os.Signal, stop func()) { return nil, func() {} }

// unechoed has nothing to do where what is typed is shown when it is read.
func unechoed() (undo func()) { return func() {} }

// typedBytes is not needed where Enter is always the same.
func typedBytes(int) int { return 0 }

func openTTY() (*os.File, error) { return nil, errors.ErrUnsupported }

// suspend is nothing here: there is no ^Z.
func (c *console) suspend() func() { return nil }
