package logs_test

import (
	"strings"
	"testing"

	"kaiwa/local/logs"
)

// FuzzLine: whatever a function logs, it is shown as one line that cannot drive a
// terminal.
func FuzzLine(f *testing.F) {
	for _, line := range []string{
		`{"time":"2026-11-25T10:00:00Z","level":"INFO","msg":"hi","requestId":"r","x":{"a":[1]}}`, `{"level":7,"msg":null}`, `{"msg":"a","msg":"b"}`,
		`{"msg":"\u001b[2J"}`, "plain \x1b]0;x\x07", "\x9b2J\u202e", `{"msg":"x"} {`, `{`, `[]`, "", "a\nb", "\xff",
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		got := said(nil, func(s *logs.Stream) { s.Function("f", id, line) })
		if strings.Count(got, "\n") > 1 || strings.ContainsAny(strings.TrimSuffix(got, "\n"), "\x1b\r\x07\x08\u009b\u202e") {
			t.Errorf("%q is shown as %q", line, got)
		}
	})
}
