package lambdart_test

import (
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"kaiwa/pkg/emu/lambdart"
)

// reporting is a rig whose reports come on a channel.
func reporting(t *testing.T, functions ...lambdart.Function) (*rig, <-chan lambdart.Report) {
	t.Helper()
	reports := make(chan lambdart.Report, 100)
	return start(t, &lambdart.Options{Report: func(r lambdart.Report) { reports <- r }}, functions...), reports
}

func TestReports(t *testing.T) {
	r, reports := reporting(t,
		lambdart.Function{Name: "f", Timeout: time.Minute, MemoryMB: 256},
		lambdart.Function{Name: "hurried", Timeout: time.Second},
		lambdart.Function{Name: "exits", Command: []string{program, "init-exit"}},
	)
	call := func(function, do string) lambdart.Report {
		t.Helper()
		r.call(t, function, do)
		got := <-reports // comes before the answer
		if got.Function != function || len(got.RequestID) != 36 || got.Duration < 0 {
			t.Errorf("%s: %+v", do, got)
		}
		return got
	}
	cold := call("f", `1`)
	if cold.Init <= 0 || cold.Duration <= 0 || cold.MemoryMB != 256 || cold.Timeout || cold.Crash || cold.Error != nil {
		t.Errorf("cold: %+v", cold)
	}
	if known := runtime.GOOS == "linux"; known && (cold.MaxMemoryMB < 2 || cold.MaxMemoryMB > 100) || !known && cold.MaxMemoryMB != 0 {
		t.Errorf("memory: %+v", cold)
	}
	if warm := call("f", `{"Do":"eat","N":60,"Ms":100}`); warm.Init != 0 || warm.Duration < 100*time.Millisecond || runtime.GOOS == "linux" && warm.MaxMemoryMB < 60 {
		t.Errorf("warm: %+v", warm)
	}
	if failed := call("f", `{"Do":"error","Text":"no"}`); string(failed.Error) != `{"errorMessage":"no","errorType":"errorString"}` || failed.Crash || failed.Timeout {
		t.Errorf("failed: %+v %s", failed, failed.Error)
	}
	if late := call("hurried", `{"Do":"sleep","Ms":60000}`); !late.Timeout || late.Crash || late.Error != nil || late.Duration < time.Second {
		t.Errorf("late: %+v", late)
	}
	if gone := call("hurried", `{"Do":"exit","N":1}`); !gone.Crash || gone.Init == 0 {
		t.Errorf("gone: %+v", gone)
	}
	if never := call("exits", `{}`); !never.Crash || never.Duration != 0 || never.Init == 0 {
		t.Errorf("never: %+v", never)
	}
}

// A process that takes more memory than its function has is killed, as on AWS.
func TestOutOfMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("memory is watched on Linux only")
	}
	r, reports := reporting(t, lambdart.Function{Name: "f", Timeout: time.Minute, MemoryMB: 128})
	if out, functionError := r.call(t, "f", `{"Do":"eat","N":60,"Ms":200}`); functionError != "" {
		t.Errorf("within the limit: %s", out)
	}
	<-reports
	for range 2 {
		out, functionError := r.call(t, "f", `{"Do":"eat","N":200,"Ms":60000}`)
		if functionError != "Unhandled" || !strings.HasPrefix(out, `{"errorType":"Runtime.OutOfMemory","errorMessage":"RequestId: `) ||
			!strings.Contains(out, "Error: Runtime exited with error: signal: killed") {
			t.Errorf("%s %s", functionError, out)
		}
		if got := <-reports; !got.Crash || got.MaxMemoryMB <= 128 {
			t.Errorf("%+v", got)
		}
		wait(t, r.logs, "why", func(l logLine) bool {
			return strings.Contains(l.text, "more than its MemorySize of 128 MB: killed")
		})
	}
	if out, _ := r.call(t, "f", "5"); out != "5" {
		t.Errorf("afterwards: %s", out)
	}
	if s := r.Stats()["f"]; s.Crashes != 2 || s.Processes != 1 {
		t.Errorf("stats = %+v", s)
	}
}

// What a process started and what left its process group ends with it all the same.
func TestGrandchildrenThatLeft(t *testing.T) {
	if _, err := exec.LookPath("setsid"); err != nil || runtime.GOOS != "linux" {
		t.Skip("needs Linux and setsid")
	}
	addr, conns := held(t)
	r := start(t, nil, lambdart.Function{Name: "f"})
	escape := fmt.Sprintf(`{"Do":"escape","Addr":%q}`, addr)
	r.call(t, "f", escape)
	first := <-conns
	r.call(t, "f", `{"Do":"exit"}`)
	gone(t, first)
	r.call(t, "f", escape)
	second := <-conns
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	gone(t, second)
}

// Whatever a function prints, it is answered, and no line is longer than it may be.
func TestFlood(t *testing.T) {
	r := start(t, nil, lambdart.Function{Name: "f"})
	drained := make(chan int)
	go func() {
		n := 0
		for l := range r.logs {
			n += len(l.text)
			if len(l.text) > 512<<10 { // a piece is one read longer than a line may be
				t.Errorf("a line of %d bytes", len(l.text))
			}
		}
		drained <- n
	}()
	for range 2 {
		if out, functionError := r.call(t, "f", `{"Do":"flood","N":10}`); functionError != "" || out != "null" {
			t.Errorf("%s %s", functionError, out)
		}
	}
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	close(r.logs)
	if n := <-drained; n < 20<<20 {
		t.Errorf("only %d bytes came", n)
	}
}
