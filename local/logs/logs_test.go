package logs_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kaiwa/local/logs"
	"kaiwa/pkg/emu/lambdart"
)

const id = "3f2a91c0-1234-4000-8000-123456789abc"

// said is what a stream writes of what do says.
func said(o *logs.Options, do func(*logs.Stream)) string {
	var out bytes.Buffer
	opt := logs.Options{}
	if o != nil {
		opt = *o
	}
	opt.Clock = func() time.Time { return time.Date(2026, 11, 22, 16, 5, 1, 123e6, time.UTC) }
	s := logs.New(&out, &opt)
	do(s)
	s.Close()
	return out.String()
}

func TestFunctionLines(t *testing.T) {
	for line, want := range map[string]string{
		"plain text":   "plain text",
		"":             "",
		"tab\tstays":   "tab\tstays",
		"日本語 é 👋🏽":     "日本語 é 👋🏽",
		"\x1b[2Jgone":  `\x1b[2Jgone`,
		"a\rb\x00\x7f": `a\x0db\x00\x7f`,
		"\u009b2J":     `\x9b2J`,
		"\u202egnp":    `\u202egnp`,
		"\xff\xfeé":    `\xff\xfeé`,
		`{"time":"2026-11-22T16:05:01Z","level":"INFO","msg":"stored","conversation":"c1","n":3,"requestId":"` + id + `"}`: "INFO stored conversation=c1 n=3",
		`{"level":"WARN","msg":"late","error":"post: 410 Gone","list":[1, 2],"empty":""}`:                                  `WARN late error="post: 410 Gone" list=[1, 2] empty=""`,
		`{"timestamp":"x","level":"ERROR","requestId":"other","message":"lambda's own"}`:                                   "ERROR lambda's own requestId=other",
		`{"level":30,"time":1,"msg":"pino"}`: "pino level=30",
		`{"msg":"two\nlines\u001b[2J"}`:      `two\x0alines\x1b[2J`,
		`{"statusCode":200}`:                 `{"statusCode":200}`,
		`{"msg":"half`:                       `{"msg":"half`,
		`{"msg":"two"} {"msg":"values"}`:     `{"msg":"two"} {"msg":"values"}`,
		`["msg"]`:                            `["msg"]`,
		`RequestId: x Error: Runtime exited with error: exit status 1`: `RequestId: x Error: Runtime exited with error: exit status 1`,
	} {
		got := said(nil, func(s *logs.Stream) { s.Function("echo", id, []byte(line)) })
		if want = strings.TrimRight("16:05:01.123 echo  3f2a91c0 "+want, " ") + "\n"; got != want {
			t.Errorf("%q:\n got %q\nwant %q", line, got, want)
		}
	}
}

func TestReports(t *testing.T) {
	for want, r := range map[string]lambdart.Report{
		"ended in 7.0 ms": {Duration: 7 * time.Millisecond},
		"ended in 1234 ms, 18 of 128 MB, cold start 12 ms":        {Duration: 1234 * time.Millisecond, Init: 12 * time.Millisecond, MemoryMB: 128, MaxMemoryMB: 18},
		"timed out after 29.0 s":                                  {Duration: 29 * time.Second, Timeout: true},
		"crashed after 0.0 ms, cold start 0.1 ms":                 {Crash: true, Init: 100 * time.Microsecond},
		"failed in 1.0 ms: errorString: no\\x0away":               {Duration: time.Millisecond, Error: []byte(`{"errorType":"errorString","errorMessage":"no\nway"}`)},
		"failed in 1.0 ms: no error object":                       {Duration: time.Millisecond, Error: []byte(`garbage`)},
		"failed in 1.0 ms, 300 of 256 MB: message without a type": {Duration: time.Millisecond, MemoryMB: 256, MaxMemoryMB: 300, Error: []byte(`{"errorMessage":"message without a type"}`)},
	} {
		r.Function, r.RequestID = "stack-Echo", id
		o := &logs.Options{Labels: map[string]string{"stack-Echo": "echo", "stack-Other": "sendmessage"}}
		got := said(o, func(s *logs.Stream) { s.Report(r) })
		if want = "16:05:01.123 echo        3f2a91c0 " + want + "\n"; got != want {
			t.Errorf("\n got %q\nwant %q", got, want)
		}
	}
}

func TestLogger(t *testing.T) {
	got := said(nil, func(s *logs.Stream) {
		l := s.Logger().With("connection", "c 1").WithGroup("call")
		l.Debug("not shown")
		l.Warn("denied", "action", "dynamodb:Scan", "requestId", "x")
		s.Logger().Info("converse", "requestId", id, "tokens", 3)
		s.Say(slog.LevelError, "main.go:4:2: undefined: x")
	})
	want := "16:05:01.123 local          WARN denied connection=\"c 1\" call.action=dynamodb:Scan call.requestId=x\n" +
		"16:05:01.123 local 3f2a91c0 INFO converse tokens=3\n" +
		"16:05:01.123 local          ERROR main.go:4:2: undefined: x\n"
	if got != want {
		t.Errorf("\n got %q\nwant %q", got, want)
	}
}

// Where there are colours, lines of one invocation have one, and nothing is told by
// colour alone.
func TestColours(t *testing.T) {
	lines := func(s *logs.Stream) {
		s.Function("echo", id, []byte(`{"level":"ERROR","msg":"no","k":"v"}`))
		s.Function("echo", "b"+id, []byte("plain"))
		s.Report(lambdart.Report{Function: "echo", RequestID: id, Crash: true})
	}
	coloured, plain := said(&logs.Options{Colour: true}, lines), said(nil, lines)
	first := "\x1b[2m16:05:01.123\x1b[0m \x1b[35mecho \x1b[0m \x1b[36m3f2a91c0\x1b[0m \x1b[31mERROR\x1b[0m no \x1b[2mk=\x1b[0mv\n"
	if !strings.HasPrefix(coloured, first) {
		t.Errorf("got %q", coloured)
	}
	if bare := regexp.MustCompile(`\x1b\[[0-9]+m`).ReplaceAllString(coloured, ""); bare != plain || strings.Contains(plain, "\x1b") {
		t.Errorf("coloured %q, plain %q", coloured, plain)
	}
}

// Lines that come at the same time are written whole, and each source's in order.
func TestInterleaving(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s := logs.New(w, nil)
	const sources, lines = 8, 200
	var all sync.WaitGroup
	for i := range sources {
		all.Go(func() {
			for n := range lines {
				s.Function(fmt.Sprint("f", i), fmt.Sprintf("%08d", i), fmt.Appendf(nil, "%d %s", n, strings.Repeat("x", n)))
			}
		})
	}
	go func() {
		all.Wait()
		s.Close()
		w.Close()
	}()
	var text bytes.Buffer
	if _, err := text.ReadFrom(r); err != nil {
		t.Fatal(err)
	}
	next := map[string]int{}
	for line := range strings.Lines(text.String()) {
		var at, f, id, pad string
		var n int
		if _, err := fmt.Sscanf(strings.TrimSpace(line)+" -", "%s %s %s %d %s", &at, &f, &id, &n, &pad); err != nil || pad != strings.Repeat("x", n) && pad != "-" || n != next[f] || id != "0000000"+f[1:] {
			t.Fatalf("line %.100q: %v", line, err)
		}
		next[f]++
	}
	for i := range sources {
		if f := fmt.Sprint("f", i); next[f] != lines {
			t.Errorf("%s: %d lines", f, next[f])
		}
	}
}

// stuck is a reader who does not read until he is let.
type stuck struct {
	let chan struct{}
	bytes.Buffer
}

func (s *stuck) Write(b []byte) (int, error) {
	<-s.let
	return s.Buffer.Write(b)
}

// A reader who does not read holds nobody up for longer than a moment, and is told
// how much he missed.
func TestNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &stuck{let: make(chan struct{})}
		s := logs.New(out, nil)
		began := time.Now()
		const lines = 5000
		for range lines {
			s.Function("f", id, bytes.Repeat([]byte("x"), 1000))
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("held up for %v", took)
		}
		close(out.let)
		synctest.Wait()
		s.Function("f", id, []byte("read again"))
		s.Close()
		got := out.String()
		whole := strings.Count(got, "\n") - 2
		want := fmt.Sprintf("… %d lines are lost: nobody read them in time\n", lines-whole)
		if whole < 1000 || !strings.Contains(got, want) || !strings.HasSuffix(got, "read again\n") {
			t.Errorf("%d lines came, then %q", whole, got[len(got)-200:])
		}
	})
}

// Close does not wait for ever.
func TestCloseUnread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &stuck{let: make(chan struct{})}
		s := logs.New(out, nil)
		s.Function("f", id, []byte("x"))
		began := time.Now()
		s.Close()
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("closed after %v", took)
		}
		close(out.let) // the program would have ended
	})
}

func TestMain(m *testing.M) {
	before := runtime.NumGoroutine()
	code := m.Run()
	if after := runtime.NumGoroutine(); code == 0 && after > before {
		fmt.Fprintf(os.Stderr, "%d goroutines before, %d after\n", before, after)
		code = 1
	}
	os.Exit(code)
}
