package ddb_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestMain serves a folder if asked to; else it fails if a goroutine of the emulator outlives the tests.
func TestMain(m *testing.M) {
	if dir := os.Getenv(asServer); dir != "" {
		os.Exit(serveFolder(dir))
	}
	code := m.Run()
	transport.CloseIdleConnections()
	for deadline := time.Now().Add(5 * time.Second); leaked() != "" && time.Now().Before(deadline); {
		runtime.Gosched()
	}
	if stacks := leaked(); stacks != "" {
		fmt.Fprintln(os.Stderr, "leaked goroutines:\n"+stacks)
		code = 1
	}
	os.Exit(code)
}

// leaked are the stacks that have this package in them, but for the one asking.
func leaked() string {
	buf := make([]byte, 1<<20)
	var ours []string
	for _, stack := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(stack, "pkg/emu/ddb.") && !strings.Contains(stack, "ddb_test.leaked") {
			ours = append(ours, stack)
		}
	}
	return strings.Join(ours, "\n\n")
}
