package lambdart_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"kaiwa/pkg/emu/lambdart"
)

// What runs when a function is replaced ends as it began; all that comes later is new.
func TestReplace(t *testing.T) {
	r := start(t, nil, lambdart.Function{Name: "f", Command: []string{program, "one"}, Timeout: 60e9})
	args := func() string {
		out, _ := r.call(t, "f", `{"Do":"args"}`)
		return out
	}
	if got := args(); got != `["one"]` {
		t.Errorf("before: %s", got)
	}
	slow := make(chan string, 1)
	go func() {
		out, functionError, err := r.Invoke(context.Background(), "f", []byte(`{"Do":"sleep","Ms":500}`))
		slow <- fmt.Sprint(string(out), functionError, err)
	}()
	r.waitLog(t, "sleeping")
	r.call(t, "f", `{"Do":"args"}`) // leaves an idle process of the old command
	if err := r.Replace("f", []string{program, "two"}); err != nil {
		t.Fatal(err)
	}
	if got := args(); got != `["two"]` {
		t.Errorf("after: %s", got)
	}
	if got := <-slow; got != `"slept"<nil>` {
		t.Errorf("the one under way: %s", got)
	}
	r.waitEvent(t, "process ended f")
	r.waitEvent(t, "process ended f")
	if s := r.Stats()["f"]; s.Crashes != 0 || s.Errors != 0 || s.Processes != 1 {
		t.Errorf("stats = %+v", s)
	}
	if r.Replace("g", []string{"x"}) == nil {
		t.Error("a function that is not there was replaced")
	}
	pid, _ := r.call(t, "f", `{"Do":"pid"}`)
	if err := r.Replace("f", nil); err != nil {
		t.Fatal(err)
	}
	if again, _ := r.call(t, "f", `{"Do":"pid"}`); again == pid || args() != `["two"]` {
		t.Errorf("the same command in process %s, before in %s, with %s", again, pid, args())
	}
}

// However often and whenever it is replaced, no invocation fails.
func TestReplaceUnderLoad(t *testing.T) {
	r := start(t, nil, lambdart.Function{Name: "f", Command: []string{program, "0"}, Timeout: 60e9})
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			for range 40 {
				if out, functionError, err := r.Invoke(t.Context(), "f", []byte(`{"Do":"args"}`)); functionError != "" || err != nil {
					t.Errorf("%s %s %v", out, functionError, err)
				}
			}
		})
	}
	for i := range 20 {
		if err := r.Replace("f", []string{program, fmt.Sprint(i)}); err != nil {
			t.Error(err)
		}
		r.call(t, "f", `{"Do":"args"}`)
	}
	callers.Wait()
	if out, _ := r.call(t, "f", `{"Do":"args"}`); out != `["19"]` {
		t.Errorf("at the end: %s", out)
	}
	if s := r.Stats()["f"]; s.Crashes != 0 || s.Errors != 0 {
		t.Errorf("stats = %+v", s)
	}
}
