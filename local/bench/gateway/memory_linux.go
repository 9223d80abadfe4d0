package gateway

import (
	"fmt"
	"os"
)

// resident is the resident memory of this process in bytes.
func resident() (int64, error) {
	var size, pages int64
	statm, err := os.ReadFile("/proc/self/statm")
	if err == nil {
		_, err = fmt.Sscan(string(statm), &size, &pages)
	}
	if err != nil {
		return 0, fmt.Errorf("read this process's memory: %w", err)
	}
	return pages * int64(os.Getpagesize()), nil
}
