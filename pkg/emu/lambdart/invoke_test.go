package lambdart_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kaiwa/pkg/emu/lambdart"
)

func TestInvoke(t *testing.T) {
	r := start(t, nil, lambdart.Function{Name: "f", Timeout: time.Minute}, lambdart.Function{Name: "short", Timeout: 300 * time.Millisecond})
	for _, c := range []struct {
		name, payload, out, functionError string
	}{
		{"echo", `{"a":[1,2]}`, `{"a":[1,2]}`, ""},
		{"no payload", ``, `{}`, ""},
		{"error", `{"Do":"error","Text":"no"}`, `{"errorMessage":"no","errorType":"errorString"}`, "Unhandled"},
		{"panic", `{"Do":"panic","Text":"aargh"}`, `{"errorMessage":"aargh","errorType":"string","stackTrace":.*}`, "Unhandled"},
		{"exit", `{"Do":"exit","N":7}`, `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: [0-9a-f-]{36} Error: Runtime exited with error: exit status 7"}`, "Unhandled"},
		{"exit 0", `{"Do":"exit"}`, `.*Runtime exited with error: exit status 0"}`, "Unhandled"},
		{"timeout", `{"Do":"sleep","Ms":60000}`, `{"errorMessage":"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d.\d\d\dZ [0-9a-f-]{36} Task timed out after 0.30 seconds"}`, "Unhandled"},
		{"stream", `{"Do":"stream"}`, `one two`, ""},
		{"torn stream", `{"Do":"torn"}`, `{"errorMessage":"torn","errorType":"errorString"}`, "Unhandled"},
		{"largest answer", fmt.Sprintf(`{"Do":"big","N":%d}`, 6<<20), `"x*"`, ""},
		{"answer too large", fmt.Sprintf(`{"Do":"big","N":%d}`, 6<<20+200), `{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum allowed payload size \(6291556 bytes\)."}`, "Unhandled"},
		{"and it still works", `1`, `1`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			function := "f"
			if c.name == "timeout" {
				function = "short"
			}
			out, functionError := r.call(t, function, c.payload)
			if !regexp.MustCompile(`^(?s)`+c.out+`$`).MatchString(out) && out != c.out {
				t.Errorf("out = %.300s, want %s", out, c.out)
			}
			if functionError != c.functionError {
				t.Errorf("functionError = %q, want %q", functionError, c.functionError)
			}
		})
	}
	// A panic, two exits and the refused answer end the process.
	got := r.Stats()["f"]
	want := lambdart.Stats{Invocations: 11, ColdStarts: 5, Errors: 6, Crashes: 4, Processes: 1}
	want.BilledMS, want.GBSeconds = got.BilledMS, got.GBSeconds
	if got != want {
		t.Errorf("stats = %+v, want %+v", got, want)
	}
	if s := r.Stats()["short"]; s.Timeouts != 1 || s.Errors != 1 || s.Processes != 0 || s.BilledMS < 300 || math.Abs(s.GBSeconds-float64(s.BilledMS)/8000) > 1e-9 {
		t.Errorf("stats = %+v", s)
	}
}

func TestInvokeRefuses(t *testing.T) {
	r := start(t, nil,
		lambdart.Function{Name: "f"},
		lambdart.Function{Name: "never", ReservedConcurrency: ptr(0)},
	)
	for _, c := range []struct{ function, payload, want string }{
		{"g", "{}", "ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:123456789012:function:g"},
		{"f", strings.Repeat(" ", 6<<20+1), "RequestTooLargeException: Request must be smaller than 6291456 bytes for the InvokeFunction operation"},
		{"never", "{}", "TooManyRequestsException: Rate Exceeded."},
	} {
		_, _, err := r.Invoke(t.Context(), c.function, []byte(c.payload))
		if fmt.Sprint(err) != c.want {
			t.Errorf("%s: %v, want %s", c.function, err, c.want)
		}
	}
	if n := r.Stats()["never"].Throttles; n != 1 {
		t.Errorf("throttles = %d", n)
	}
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.Invoke(t.Context(), "f", nil); !errors.Is(err, lambdart.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if err := r.InvokeAsync("f", nil); !errors.Is(err, lambdart.ErrClosed) {
		t.Errorf("async after Close: %v", err)
	}
}

// A caller that gives up does not end the invocation (aws-facts §1).
func TestInvokeOutlivesItsCaller(t *testing.T) {
	r := start(t, nil, lambdart.Function{Name: "f"})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		r.waitLog(t, "sleeping")
		cancel()
	}()
	_, _, err := r.Invoke(ctx, "f", []byte(`{"Do":"sleep","Ms":50}`))
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("err = %v", err)
	}
	// It goes on in its process, so another one is needed now.
	r.call(t, "f", "{}")
	if s := r.Stats()["f"]; s.ColdStarts != 2 || s.Errors != 0 {
		t.Errorf("stats = %+v", s)
	}
}

func TestWarmProcessIsReused(t *testing.T) {
	r := start(t, nil, lambdart.Function{Name: "f", ReservedConcurrency: ptr(1)})
	first, _ := r.call(t, "f", `{"Do":"pid"}`)
	for range 200 { // back to back, so that an answer that came early would be throttled
		if again, _ := r.call(t, "f", `{"Do":"pid"}`); again != first {
			t.Fatalf("pid %s, then %s", first, again)
		}
	}
	r.call(t, "f", `{"Do":"panic"}`)
	if again, _ := r.call(t, "f", `{"Do":"pid"}`); again == first {
		t.Error("a crashed process lives on")
	}
}

func TestConcurrency(t *testing.T) {
	r := start(t, &lambdart.Options{AccountConcurrency: 5},
		lambdart.Function{Name: "reserved", ReservedConcurrency: ptr(2), Timeout: time.Minute},
		lambdart.Function{Name: "other", Timeout: time.Minute},
	)
	var group sync.WaitGroup
	release, cancel := context.WithCancel(t.Context())
	defer group.Wait()
	defer cancel()
	busy := func(function string, n int) {
		for range n {
			group.Go(func() { r.Invoke(release, function, []byte(`{"Do":"sleep","Ms":60000}`)) })
		}
		for range n {
			r.waitLog(t, "sleeping")
		}
	}
	busy("reserved", 2)
	busy("other", 3) // 5 less the 2 reserved
	for function, reason := range map[string]string{
		"reserved": "ReservedFunctionConcurrentInvocationLimitExceeded",
		"other":    "ConcurrentInvocationLimitExceeded",
	} {
		_, _, err := r.Invoke(t.Context(), function, nil)
		var api *lambdart.APIError
		if !errors.As(err, &api) || api.Code != "TooManyRequestsException" || api.Status != 429 || api.Reason != reason {
			t.Errorf("%s: %v (%+v)", function, err, api)
		}
	}
	if s := r.Stats(); s["reserved"].InFlight != 2 || s["other"].InFlight != 3 || s["other"].Processes != 3 {
		t.Errorf("stats = %+v", s)
	}
}

// At the process cap an idle process of another function makes room; when all
// are busy the caller is told which setting is in the way.
func TestProcessCap(t *testing.T) {
	r := start(t, &lambdart.Options{MaxProcesses: 1, ProcessWait: 100 * time.Millisecond}, lambdart.Function{Name: "a"}, lambdart.Function{Name: "b", Timeout: time.Minute})
	r.call(t, "a", "{}")
	r.call(t, "b", "{}")
	if s := r.Stats(); s["a"].Processes != 0 || s["b"].Processes != 1 {
		t.Errorf("stats = %+v", s)
	}
	var group sync.WaitGroup
	release, cancel := context.WithCancel(t.Context())
	defer group.Wait()
	defer cancel()
	group.Go(func() { r.Invoke(release, "b", []byte(`{"Do":"sleep","Ms":60000}`)) })
	r.waitLog(t, "sleeping")
	_, _, err := r.Invoke(t.Context(), "a", nil)
	if want := "TooManyRequestsException: Rate Exceeded: all 1 local processes are busy (Options.MaxProcesses)"; fmt.Sprint(err) != want {
		t.Errorf("err = %v, want %s", err, want)
	}
}

// TestProcessWait lets many invocations come at once where two processes may be:
// none is throttled.
func TestProcessWait(t *testing.T) {
	r := start(t, &lambdart.Options{MaxProcesses: 2, ProcessWait: time.Minute}, lambdart.Function{Name: "a"}, lambdart.Function{Name: "b"})
	var group sync.WaitGroup
	for i := range 40 {
		group.Go(func() {
			if _, failed, err := r.Invoke(t.Context(), []string{"a", "b"}[i%2], []byte(`{"Do":"sleep","Ms":5}`)); err != nil || failed != "" {
				t.Errorf("invocation %d: %s %v", i, failed, err)
			}
		})
	}
	group.Wait()
	for name, s := range r.Stats() {
		if s.Invocations != 20 || s.Throttles != 0 || s.Processes > 2 {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

// TestProcessWaitGivenUp does not run what nobody waits for any more.
func TestProcessWaitGivenUp(t *testing.T) {
	r := start(t, &lambdart.Options{MaxProcesses: 1, ProcessWait: time.Hour}, lambdart.Function{Name: "a"}, lambdart.Function{Name: "b", Timeout: time.Minute})
	var group sync.WaitGroup
	release, cancel := context.WithCancel(t.Context())
	defer group.Wait()
	defer cancel()
	group.Go(func() { r.Invoke(release, "b", []byte(`{"Do":"sleep","Ms":60000}`)) })
	r.waitLog(t, "sleeping")
	gone, leave := context.WithCancel(t.Context())
	leave()
	if _, _, err := r.Invoke(gone, "a", nil); err != context.Canceled {
		t.Errorf("err = %v", err)
	}
	if s := r.Stats()["a"]; s.Invocations != 0 || s.Throttles != 0 {
		t.Errorf("%+v", s)
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("KAIWA_SECRET_OF_THE_HOST", "leak")
	dir := t.TempDir()
	r := start(t, &lambdart.Options{Region: "ap-northeast-1", Env: map[string]string{"URL": "http://here", "MORE": "1"}},
		lambdart.Function{Name: "f", Dir: dir, Handler: "bootstrap", MemoryMB: 512, LogFormat: "JSON", LogLevel: "DEBUG", Env: map[string]string{"URL": "https://there", "TABLE": "t"}})
	out, _ := r.call(t, "f", `{"Do":"env"}`)
	env := decode[[]string](t, out)
	for _, want := range []string{
		"URL=http://here", "MORE=1", "TABLE=t", "AWS_REGION=ap-northeast-1", "AWS_DEFAULT_REGION=ap-northeast-1",
		"AWS_LAMBDA_FUNCTION_NAME=f", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=512", "AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/f", "AWS_EXECUTION_ENV=AWS_Lambda_provided.al2023", "_HANDLER=bootstrap",
		"LAMBDA_TASK_ROOT=" + dir, "TZ=:UTC", "AWS_ACCESS_KEY_ID=ASIALOCALEMULATION00", "AWS_LAMBDA_LOG_FORMAT=JSON", "AWS_LAMBDA_LOG_LEVEL=DEBUG",
	} {
		if !slices.Contains(env, want) {
			t.Errorf("no %s in %q", want, env)
		}
	}
	for _, e := range env {
		if strings.Contains(e, "leak") {
			t.Errorf("the host's environment leaks: %s", e)
		}
	}
}

func TestContextOfAnInvocation(t *testing.T) {
	r := start(t, nil, lambdart.Function{Name: "f", Timeout: 2 * time.Second})
	before := time.Now()
	out, _ := r.call(t, "f", `{"Do":"context"}`)
	got := decode[map[string]string](t, out)
	if got["arn"] != "arn:aws:lambda:us-east-1:123456789012:function:f" || len(got["id"]) != 36 {
		t.Errorf("context = %v", got)
	}
	if !regexp.MustCompile(`^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0$`).MatchString(got["trace"]) {
		t.Errorf("trace = %s", got["trace"])
	}
	deadline, err := time.Parse(time.RFC3339Nano, got["deadline"])
	if err != nil || deadline.Before(before.Add(1990*time.Millisecond)) || deadline.After(time.Now().Add(2*time.Second)) {
		t.Errorf("deadline = %s, called at %s", got["deadline"], before)
	}
}

func TestKillFault(t *testing.T) {
	for _, c := range []struct {
		name, do string
		after    time.Duration
	}{
		{"in the middle", `{"Do":"sleep","Ms":60000}`, time.Millisecond},
		{"after the work, before the answer", `{}`, time.Hour},
		{"at random", `{"Do":"sleep","Ms":20}`, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			kill := true
			r := start(t, &lambdart.Options{Fault: func(string, bool) lambdart.Fault {
				defer func() { kill = false }()
				return lambdart.Fault{Kill: kill, After: c.after, Delay: time.Millisecond}
			}}, lambdart.Function{Name: "f", Timeout: 30 * time.Second})
			out, functionError := r.call(t, "f", c.do)
			if functionError != "Unhandled" || !strings.Contains(out, "Runtime exited with error: signal: killed") {
				t.Errorf("killed: %s %s", out, functionError)
			}
			if out, _ := r.call(t, "f", "2"); out != "2" {
				t.Errorf("after the kill: %s", out)
			}
			if s := r.Stats()["f"]; s.Crashes != 1 || s.Errors != 1 || s.ColdStarts != 2 {
				t.Errorf("stats = %+v", s)
			}
		})
	}
}
