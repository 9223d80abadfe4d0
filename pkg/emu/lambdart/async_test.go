package lambdart_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kaiwa/pkg/emu/lambdart"
)

// counted is a payload that fails the first n times, and the file that tells
// under which request ids it ran.
func counted(t *testing.T, n int) (payload, file string) {
	file = filepath.Join(t.TempDir(), "attempts")
	b, err := json.Marshal(map[string]any{"Do": "count", "N": n, "File": file})
	if err != nil {
		t.Fatal(err)
	}
	return string(b), file
}

func attempts(t *testing.T, file string) []string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(b))
}

func TestEventIsRetriedUnderItsID(t *testing.T) {
	r := start(t, &lambdart.Options{AsyncRetry: time.Millisecond}, lambdart.Function{Name: "f"})
	payload, file := counted(t, 2)
	if err := r.InvokeAsync("f", []byte(payload)); err != nil {
		t.Fatal(err)
	}
	r.waitLog(t, "done")
	ids := attempts(t, file)
	if len(ids) != 3 || ids[0] != ids[1] || ids[1] != ids[2] {
		t.Errorf("ids = %v", ids)
	}
	if s := r.Stats()["f"]; s.Events != 1 || s.Retries != 2 || s.Errors != 2 || s.Dropped != 0 || s.Invocations != 3 {
		t.Errorf("stats = %+v", s)
	}
}

func TestDroppedEvent(t *testing.T) {
	const queue = "arn:aws:sqs:us-east-1:123456789012:failures"
	r := start(t, &lambdart.Options{AsyncRetry: time.Millisecond},
		lambdart.Function{Name: "recorded", Async: lambdart.AsyncConfig{OnFailure: queue, MaxRetryAttempts: ptr(1)}},
		lambdart.Function{Name: "handled", Async: lambdart.AsyncConfig{OnFailure: "arn:aws:lambda:us-east-1:123456789012:function:mourner"}},
		lambdart.Function{Name: "lost", Async: lambdart.AsyncConfig{MaxRetryAttempts: ptr(0)}},
		lambdart.Function{Name: "closed", ReservedConcurrency: ptr(0), Async: lambdart.AsyncConfig{OnFailure: queue}},
		lambdart.Function{Name: "mourner"},
	)
	for _, dropped := range []string{
		"recorded RetriesExhausted", "lost RetriesExhausted", "closed ZeroReservedConcurrency", "handled RetriesExhausted",
	} {
		function, _, _ := strings.Cut(dropped, " ")
		if err := r.InvokeAsync(function, []byte(`{"Do":"exit","N":1}`)); err != nil {
			t.Fatal(err)
		}
		r.waitEvent(t, "event dropped "+dropped)
	}
	r.waitEvent(t, "process started mourner")
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	stats := r.Stats()
	for function, want := range map[string][4]int64{ // invocations, retries, dropped, dead letters
		"recorded": {2, 1, 1, 1}, "handled": {3, 2, 1, 1}, "lost": {1, 0, 1, 0}, "closed": {0, 0, 1, 1},
	} {
		s := stats[function]
		if got := [4]int64{s.Invocations, s.Retries, s.Dropped, s.DeadLetters}; got != want {
			t.Errorf("%s: %v, want %v", function, got, want)
		}
	}
	letters := map[string]lambdart.DeadLetter{}
	for _, l := range r.DeadLetters() {
		letters[l.Function] = l
	}
	if len(letters) != 2 || letters["recorded"].Destination != queue || letters["closed"].Destination != queue {
		t.Fatalf("letters = %+v", letters)
	}
	checkRecord(t, letters["recorded"])
}

func checkRecord(t *testing.T, l lambdart.DeadLetter) {
	t.Helper()
	record := decode[struct {
		Version        string
		Timestamp      time.Time
		RequestContext struct {
			RequestID, FunctionArn, Condition string
			ApproximateInvokeCount            int
		}
		RequestPayload  json.RawMessage
		ResponseContext struct {
			StatusCode                     int
			ExecutedVersion, FunctionError string
		}
		ResponsePayload struct{ ErrorType string }
	}](t, string(l.Record))
	c := record.RequestContext
	got := fmt.Sprint(record.Version, c.FunctionArn, c.Condition, c.ApproximateInvokeCount, string(record.RequestPayload), record.ResponseContext, record.ResponsePayload)
	want := `1.0arn:aws:lambda:us-east-1:123456789012:function:recorded:$LATESTRetriesExhausted2{"Do":"exit","N":1}{200 $LATEST Unhandled}{Runtime.ExitError}`
	if strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(want, " ", "") || c.RequestID != l.RequestID || record.Timestamp.IsZero() {
		t.Errorf("record = %s\n%s\n%s", l.Record, got, want)
	}
}

// A throttled event waits its second and runs when there is room.
func TestThrottledEvent(t *testing.T) {
	r := start(t, nil, lambdart.Function{Name: "f", ReservedConcurrency: ptr(1)})
	for range 2 {
		if err := r.InvokeAsync("f", []byte(`{"Do":"sleep","Ms":300}`)); err != nil {
			t.Fatal(err)
		}
	}
	r.waitLog(t, "sleeping")
	r.waitLog(t, "sleeping")
	if s := r.Stats()["f"]; s.Throttles != 1 || s.ColdStarts != 1 || s.Dropped != 0 || s.Queued < 1 {
		t.Errorf("stats = %+v", s)
	}
}

func TestDuplicateFault(t *testing.T) {
	var asked atomic.Int32
	r := start(t, &lambdart.Options{Fault: func(function string, async bool) lambdart.Fault {
		if function != "f" || !async {
			t.Errorf("asked for %s %v", function, async)
		}
		return lambdart.Fault{Duplicate: asked.Add(1) == 1}
	}}, lambdart.Function{Name: "f"})
	payload, file := counted(t, 0)
	if err := r.InvokeAsync("f", []byte(payload)); err != nil {
		t.Fatal(err)
	}
	r.waitLog(t, "done")
	r.waitLog(t, "done")
	if ids := attempts(t, file); len(ids) != 2 || ids[0] != ids[1] {
		t.Errorf("ids = %v", ids)
	}
	if s := r.Stats()["f"]; s.Events != 1 || s.Invocations != 2 || asked.Load() != 2 {
		t.Errorf("stats = %+v, asked %d times", s, asked.Load())
	}
}

// A kill after the work is done is what a handler must be ready for: it runs
// again with the same id.
func TestKilledEventRunsAgain(t *testing.T) {
	var asked atomic.Int32
	r := start(t, &lambdart.Options{AsyncRetry: time.Millisecond, Fault: func(string, bool) lambdart.Fault {
		return lambdart.Fault{Kill: asked.Add(1) == 1, After: time.Hour, Delay: time.Microsecond}
	}}, lambdart.Function{Name: "f"})
	payload, file := counted(t, 0)
	if err := r.InvokeAsync("f", []byte(payload)); err != nil {
		t.Fatal(err)
	}
	r.waitLog(t, "done")
	r.waitLog(t, "done")
	if ids := attempts(t, file); len(ids) != 2 || ids[0] != ids[1] {
		t.Errorf("ids = %v", ids)
	}
	if s := r.Stats()["f"]; s.Crashes != 1 || s.Retries != 1 {
		t.Errorf("stats = %+v", s)
	}
}

func TestCloseForgetsWaitingEvents(t *testing.T) {
	r := start(t, nil, lambdart.Function{Name: "f"})
	payload, _ := counted(t, 1)
	if err := r.InvokeAsync("f", []byte(payload)); err != nil {
		t.Fatal(err)
	}
	r.waitLog(t, "failed 1")
	if err := r.Close(t.Context()); err != nil { // well within the minute
		t.Fatal(err)
	}
	if s := r.Stats()["f"]; s.Queued != 0 || s.Dropped != 0 {
		t.Errorf("stats = %+v", s)
	}
}
