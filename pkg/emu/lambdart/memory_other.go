//go:build !linux

package lambdart

import "errors"

// memoryKnown tells that memory limits are not enforced.
const memoryKnown = false

func ownMemory(int) (int64, error) { return 0, errors.ErrUnsupported }

func peakMemory(int) (int64, error) { return 0, errors.ErrUnsupported }
