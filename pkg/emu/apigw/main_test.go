package apigw_test

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestMain fails the package if a test leaves goroutines behind.
func TestMain(m *testing.M) {
	flag.Parse()
	// The table's rows wait most of the time, whatever the number of cores.
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	code := m.Run()
	if left := leaked(); left != "" && code == 0 {
		fmt.Fprintf(os.Stderr, "leaked goroutines:\n%s\n", left)
		code = 1
	}
	os.Exit(code)
}

// leaked gives goroutines five seconds to end and returns those that did not.
func leaked() string {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var left []string
	for range 250 {
		buf := make([]byte, 1<<20)
		left = left[:0]
		for _, g := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if strings.Contains(g, "kaiwa/") && !strings.Contains(g, "apigw_test.leaked") {
				left = append(left, g)
			}
		}
		if len(left) == 0 {
			return ""
		}
		<-tick.C
	}
	return strings.Join(left, "\n\n")
}
