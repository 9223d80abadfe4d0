package apigw_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"kaiwa/local/conform"
	"kaiwa/local/conform/conformtest"
)

// TestFacts asks the whole table of what is known of AWS: over real sockets with
// the real SDK, and the rows that take minutes or hours in virtual time. The other
// tests of this package look closer, or at what cannot be asked from outside.
func TestFacts(t *testing.T) {
	s := conformtest.Run(t, false, nil)
	for _, r := range conform.Rows() {
		t.Run("§"+r.Section+" "+r.Fact, func(t *testing.T) {
			if r.Takes == 0 {
				t.Parallel()
				right(t, s.Ask(t.Context(), r))
				return
			}
			synctest.Test(t, func(t *testing.T) {
				right(t, conformtest.Run(t, true, nil).Ask(t.Context(), r))
			})
		})
	}
}

// right checks that the emulator is what the table says of AWS, and, where nobody
// knows, what the table says of it.
func right(t *testing.T, got conform.Result) {
	t.Helper()
	lines := strings.Join(got.Lines, "; ")
	switch r := got.Row; {
	case got.Verdict == conform.Cannot && (r.Cannot != "" || r.Here == ""):
		t.Log(lines)
	case r.Unknown() && lines != r.Here:
		t.Errorf("observed %s; the table says %s", lines, r.Here)
	case !r.Unknown() && got.Verdict != conform.Same:
		t.Errorf("%s: %s", got.Verdict, lines)
	}
}
