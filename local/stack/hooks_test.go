package stack

import (
	"errors"
	"testing"
	"time"

	"kaiwa/local/faults"
	"kaiwa/pkg/emu/apigw"
	"kaiwa/pkg/emu/converse"
	"kaiwa/pkg/emu/ddb"
	"kaiwa/pkg/emu/lambdart"
)

func faulty(t *testing.T, text string) *Stack {
	t.Helper()
	plan, err := faults.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	s := &Stack{}
	s.dice.Use(plan)
	return s
}

// Every name does what the language says it does, to the kind it names alone.
func TestFaults(t *testing.T) {
	const late = 20 * time.Millisecond
	tests := []struct {
		text  string
		post  apigw.Fault
		event lambdart.Fault // for an asynchronous invocation
		call  lambdart.Fault // for a synchronous one
		table error
		lost  error
		model bool
		cut   bool
	}{
		{text: ""},
		{text: "post.delay=20ms", post: apigw.Fault{Delay: late}},
		{text: "post.410=1", post: apigw.Fault{Status: 410}},
		{text: "post.429=1", post: apigw.Fault{Status: 429}},
		{text: "post.500=1,post.delay=20ms", post: apigw.Fault{Status: 500, Delay: late}},
		{text: "post.500=1,post.410=1", post: apigw.Fault{Status: 410}},
		{text: "post.timeout=1", post: apigw.Fault{Status: 504, DeliverAnyway: true, Delay: neverInTime}},
		{text: "invoke.delay=20ms", event: lambdart.Fault{Delay: late}, call: lambdart.Fault{Delay: late}},
		{text: "invoke.kill=1/1", event: lambdart.Fault{Kill: true}, call: lambdart.Fault{Kill: true}},
		{text: "invoke.duplicate=1/1", event: lambdart.Fault{Duplicate: true}},
		{text: "ddb.throttle=1", table: ddb.Throttle},
		{text: "ddb.500=1", table: ddb.Unavailable},
		{text: "ddb.lost=1", lost: ddb.Unavailable},
		{text: "model.throttle=1", model: true},
		{text: "socket.cut=1", cut: true},
	}
	for _, tt := range tests {
		s := faulty(t, tt.text)
		if got := s.postFault("id"); got != tt.post {
			t.Errorf("%s: post %+v, want %+v", tt.text, got, tt.post)
		}
		if got := s.invokeFault("f", true); got != tt.event {
			t.Errorf("%s: event %+v, want %+v", tt.text, got, tt.event)
		}
		if got := s.invokeFault("f", false); got != tt.call {
			t.Errorf("%s: call %+v, want %+v", tt.text, got, tt.call)
		}
		if got := s.tableFault("PutItem", "t"); got != tt.table {
			t.Errorf("%s: table %v, want %v", tt.text, got, tt.table)
		}
		if got := s.tableFaultAfter("PutItem", "t"); got != tt.lost {
			t.Errorf("%s: table afterwards %v, want %v", tt.text, got, tt.lost)
		}
		var e *converse.Error
		if got := errors.As(s.modelFault(), &e) && e.Exception == converse.Throttling; got != tt.model {
			t.Errorf("%s: model throttled is %t, want %t", tt.text, got, tt.model)
		}
		if got := s.cutFault("id"); got != tt.cut {
			t.Errorf("%s: cut is %t, want %t", tt.text, got, tt.cut)
		}
	}
}

// Each fault counts every post, also those that another one hit.
func TestFaultsCountForThemselves(t *testing.T) {
	s := faulty(t, "post.429=1/2,post.500=1/3")
	var got []int
	for range 6 {
		got = append(got, s.postFault("id").Status)
	}
	want := []int{0, 429, 500, 429, 0, 429}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("posts %v, want %v", got, want)
		}
	}
}
