package fake

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Main runs a package's tests and fails if goroutines of the client, or of its
// WebSockets, are left. For use as os.Exit(fake.Main(m)).
func Main(m *testing.M) int {
	code := m.Run()
	tick, limit := time.NewTicker(5*time.Millisecond), time.After(5*time.Second)
	defer tick.Stop()
	for code == 0 && leaked() != "" {
		select {
		case <-tick.C:
		case <-limit:
			fmt.Fprintln(os.Stderr, "leaked goroutines:\n"+leaked())
			code = 1
		}
	}
	return code
}

func leaked() string {
	buf := make([]byte, 1<<20)
	var ours []string
	for i, stack := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		// The first is the one asking.
		if i > 0 && (strings.Contains(stack, "kaiwa/client") || strings.Contains(stack, "coder/websocket")) {
			ours = append(ours, stack)
		}
	}
	return strings.Join(ours, "\n\n")
}
