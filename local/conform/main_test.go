package conform_test

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"testing"
	"time"
)

// TestMain fails when a goroutine outlives its test.
func TestMain(m *testing.M) {
	flag.Parse()
	// Most tests wait most of the time, whatever the number of cores.
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	before := runtime.NumGoroutine()
	code := m.Run()
	tick, limit := time.NewTicker(5*time.Millisecond), time.After(5*time.Second)
	for code == 0 && runtime.NumGoroutine() > before {
		select {
		case <-tick.C:
		case <-limit:
			fmt.Fprintln(os.Stderr, "goroutines leaked:")
			_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
			code = 1
		}
	}
	os.Exit(code)
}
