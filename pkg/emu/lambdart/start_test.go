package lambdart

import (
	"os"
	"strings"
	"testing"
)

// A process that dies between being chosen and taking its work is replaced, and
// the invocation is not counted against it. The race is too narrow to provoke
// from outside.
func TestStartReplacesADeadProcess(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	h := New(nil)
	defer h.Close(t.Context())
	h.SetBaseURL("127.0.0.1:1")
	if err := h.Add(Function{Name: "f", Command: []string{self}, Env: map[string]string{"LAMBDART_TEST_EXIT": "1"}}); err != nil {
		t.Fatal(err)
	}
	fn, _, err := h.find("f", "")
	if err != nil {
		t.Fatal(err)
	}
	p, err := h.spawn(fn)
	if err != nil {
		t.Fatal(err)
	}
	<-p.exited
	inv := &invocation{fn: fn, started: make(chan struct{})}
	replacement, out := h.start(inv, p)
	if out == nil || !strings.Contains(string(out.payload), "Runtime exited with error: exit status 0") {
		t.Errorf("outcome = %+v", out)
	}
	if replacement == p || fn.stats.ColdStarts != 2 || len(h.processes) != 0 {
		t.Errorf("stats = %+v", fn.stats)
	}
	select {
	case <-p.work:
		t.Error("the dead process kept its work")
	default:
	}
}

// Lines, the marks between them, and the request ids they go under.
func TestOutput(t *testing.T) {
	var got []string
	o, err := newOutput("f", "secret", func(_, id string, line []byte) { got = append(got, id+":"+string(line)) })
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", maxLine)
	for id, s := range []string{"be", "fore\n", "a\n\nb", "c\r\n", long, "y", "\n" + long + "z"} {
		o.begin(string(rune('0' + id)))
		if _, err := o.write.WriteString(s); err != nil {
			t.Fatal(err)
		}
		o.catchUp()
	}
	tail := o.tail()
	o.close()
	o.catchUp() // after the end: returns
	want := []string{"1:before", "2:a", "2:", "3:bc"}
	if strings.Join(got[:4], "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q, want %q", got[:4], want)
	}
	var xs strings.Builder
	for _, l := range got[4:] {
		if len(l) > maxLine+100 {
			t.Errorf("a line of %d bytes", len(l))
		}
		xs.WriteString(l[2:])
	}
	if xs.String() != long+"y"+long+"z" {
		t.Errorf("%d bytes in long lines, want %d", xs.Len(), 2*maxLine+2)
	}
	if len(tail) > tailSize {
		t.Errorf("tail of %d bytes", len(tail))
	}
}
