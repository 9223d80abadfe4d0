package lambdart

import (
	"bytes"
	"errors"
	"fmt"
	"os"
)

// memoryKnown tells that memory limits are enforced.
const memoryKnown = true

// ownMemory is what a process has in memory, less what is shared or backed by a
// file (proc(5), statm).
func ownMemory(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, err
	}
	var size, resident, shared int64
	if _, err := fmt.Sscan(string(text), &size, &resident, &shared); err != nil {
		return 0, err
	}
	return (resident - shared) * int64(os.Getpagesize()), nil
}

// peakMemory is the most a process ever had in memory (proc(5), VmHWM).
func peakMemory(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, after, ok := bytes.Cut(text, []byte("VmHWM:"))
	if !ok { // it has ended and waits to be reaped
		return 0, errors.New("no VmHWM")
	}
	var kilobytes int64
	_, err = fmt.Sscan(string(after), &kilobytes)
	return kilobytes << 10, err
}
