package lambdart_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"kaiwa/pkg/emu/lambdart"
)

func TestAddRefuses(t *testing.T) {
	h := lambdart.New(&lambdart.Options{AccountConcurrency: 10})
	defer h.Close(t.Context())
	ok := lambdart.Function{Name: "f", Command: []string{"x"}, ReservedConcurrency: ptr(6)}
	if err := h.Add(ok); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		change func(*lambdart.Function)
		want   string
	}{
		{func(f *lambdart.Function) { f.Name = "f" }, "a function of this name was added before"},
		{func(f *lambdart.Function) { f.Name = "" }, "name must be 1 to 64 of A-Z a-z 0-9 - _"},
		{func(f *lambdart.Function) { f.Name = strings.Repeat("x", 65) }, "name must be"},
		{func(f *lambdart.Function) { f.Name = "a b" }, "name must be"},
		{func(f *lambdart.Function) { f.Command = nil }, "no command to run"},
		{func(f *lambdart.Function) { f.Timeout = 901 * time.Second }, "timeout 15m1s is not between 0 and 15m"},
		{func(f *lambdart.Function) { f.MemoryMB = 127 }, "memory 127 MB is not between 128 and 10240"},
		{func(f *lambdart.Function) { f.ReservedConcurrency = ptr(5) }, "reserves 5 of 4 left in the account"},
		{func(f *lambdart.Function) { f.ReservedConcurrency = ptr(-1) }, "reserved concurrency -1 is negative"},
		{func(f *lambdart.Function) { f.Async.MaxRetryAttempts = ptr(3) }, "maximum retry attempts 3 is not between 0 and 2"},
		{func(f *lambdart.Function) { f.Async.MaxEventAge = time.Second }, "maximum event age 1s is not between 60s and 6h"},
		{func(f *lambdart.Function) { f.Env = map[string]string{"AWS_REGION": "x"} }, "environment variable AWS_REGION is reserved by Lambda: take it out"},
		{func(f *lambdart.Function) { f.Env = map[string]string{"a-b": "x"} }, `environment variable "a-b": a name is a letter and then`},
		{func(f *lambdart.Function) { f.Env = map[string]string{"1x": "x"} }, `environment variable "1x": `},
		{func(f *lambdart.Function) { f.Env = map[string]string{"_HANDLER2": "x"} }, `environment variable "_HANDLER2": `},
		{func(f *lambdart.Function) { f.Env = map[string]string{"x": "x"} }, `environment variable "x": `},
		{func(f *lambdart.Function) { f.Env = map[string]string{"XX": strings.Repeat("x", 4095)} }, "environment of 4097 bytes is over Lambda's 4096"},
	} {
		f := lambdart.Function{Name: "g", Command: []string{"x"}}
		c.change(&f)
		if err := h.Add(f); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("err = %v, want %s", err, c.want)
		}
	}
}

func TestNames(t *testing.T) {
	r := start(t, nil,
		lambdart.Function{Name: "stack-ReplyFunction", LogicalID: "ReplyFunction", Alias: "reply", ARN: "arn:aws-cn:lambda:cn-north-1:111122223333:function:stack-ReplyFunction"},
		lambdart.Function{Name: "my-function", LogicalID: "Mine", Alias: "src"},
		lambdart.Function{Name: "other", LogicalID: "other", Alias: "src"},
	)
	const reply, mine = "stack-ReplyFunction", "my-function"
	for name, want := range map[string]string{
		"stack-ReplyFunction":         reply,
		"stack-ReplyFunction:$LATEST": reply,
		"ReplyFunction":               reply,
		"ReplyFunction:$LATEST":       reply,
		"reply":                       reply,
		"arn:aws-cn:lambda:cn-north-1:111122223333:function:stack-ReplyFunction":         reply,
		"arn:aws-cn:lambda:cn-north-1:111122223333:function:stack-ReplyFunction:$LATEST": reply,
		"111122223333:function:stack-ReplyFunction":                                      reply,
		"my-function":         mine,
		"my-function:$LATEST": mine,
		"arn:aws:lambda:us-east-1:123456789012:function:my-function": mine,
		"src": "",
		"arn:aws:lambda:us-east-1:123456789012:function:Mine":        "",
		"arn:aws:lambda:us-east-1:999999999999:function:my-function": "",
		"my-function:1": "",
		"Reply":         "",
		"":              "",
		"arn:":          "",
	} {
		got := "" // by whose counter moved
		before := r.Stats()
		_, _, err := r.Invoke(t.Context(), name, nil)
		for f, s := range r.Stats() {
			if s.Invocations > before[f].Invocations {
				got = f
			}
		}
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q ran %q (%v), want %q", name, got, err, want)
		}
		if want == "" && !strings.HasPrefix(fmt.Sprint(err), "ResourceNotFoundException: Function not found: arn:") {
			t.Errorf("%q: %v", name, err)
		}
	}
}
