package handler_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"kaiwa/pkg/handler"
)

func TestEnv(t *testing.T) {
	vars := map[string]string{"NAME": "x", "NUMBER": "42", "ZERO": "0", "LIST": " a, ,b,, c "}
	e := handler.NewEnv(func(name string) string { return vars[name] })
	if e.Must("NAME") != "x" || e.String("NAME", "d") != "x" || e.String("NONE", "d") != "d" {
		t.Error("strings")
	}
	if e.Int("NUMBER", 1) != 42 || e.Int("ZERO", 1) != 0 || e.Int("NONE", 7) != 7 {
		t.Error("numbers")
	}
	if e.Duration("NUMBER", 1, time.Second) != 42*time.Second || e.Duration("NONE", 3, time.Hour) != 3*time.Hour {
		t.Error("durations")
	}
	if got := e.List("LIST"); !slices.Equal(got, []string{"a", "b", "c"}) || e.List("NONE") != nil {
		t.Errorf("list %q", got)
	}
	if err := e.Err(); err != nil {
		t.Error(err)
	}
}

// TestEnvFaults: a broken deployment names everything that is wrong, at once.
func TestEnvFaults(t *testing.T) {
	vars := map[string]string{"MAX": "-1", "MIN": "many", "BIG": "99999999999999999999", "FLUSH_MILLISECONDS": "1.5"}
	e := handler.NewEnv(func(name string) string { return vars[name] })
	e.Must("TABLE")
	e.Must("AUTH")
	e.Int("MAX", 1)
	e.Int("MIN", 1)
	e.Duration("BIG", 1, time.Hour)
	handler.NewReply(e, nil, nil, nil)
	want := []string{
		"TABLE is not set", "AUTH is not set",
		`MAX is "-1"; it must be a whole number, 0 or more`, `MIN is "many"; it must be a whole number, 0 or more`,
		`BIG is "99999999999999999999"; it must be a whole number, 0 or more`,
		`FLUSH_MILLISECONDS is "1.5"; it must be a whole number, 0 or more`,
	}
	if err := e.Err(); err == nil || err.Error() != strings.Join(want, "\n") {
		t.Errorf("got\n%v", err)
	}
}

// TestReplyEvent: what is no event of ours is an error that says what is.
func TestReplyEvent(t *testing.T) {
	h := handler.NewReply(handler.NewEnv(func(string) string { return "" }), nil, nil, nil)
	for event, says := range map[string]string{`nonsense`: "decode event", `{}`: `send {"reply":"ID"}`, `{"reply":5}`: "decode event", `{"reply":""}`: `send {"reply":"ID"}`} {
		if err := h.Handle(t.Context(), json.RawMessage(event)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v, want %q", event, err, says)
		}
	}
}
