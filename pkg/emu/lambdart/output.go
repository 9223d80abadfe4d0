package lambdart

import (
	"bytes"
	"io"
	"os"
	"sync"
	"time"
)

// A line longer than this is handed on in pieces, so that a process that never
// writes a newline cannot fill the host's memory.
const maxLine = 256 << 10

// The log tail that Invoke returns is this long (Lambda API, LogType Tail).
const tailSize = 4 << 10

// A grandchild that left the process group may hold the pipe open this much
// longer than the process lived.
const pipeDelay = 250 * time.Millisecond

// output is the pipe that a process writes to. It cuts what comes into lines and
// gives each to the sink, under the request id of the time. Its own end of the
// pipe lets the host write a mark behind what the process has written, and so
// know when all of that has been read.
type output struct {
	function string
	sink     func(function, requestID string, line []byte)
	mark     []byte // a line that nobody else writes

	read, write *os.File
	ended       chan struct{} // closed at the end of the pipe
	marked      chan struct{} // one for each mark read

	mu        sync.Mutex
	requestID string
	partial   []byte
	last      []byte // of this invocation
}

func newOutput(function, secret string, sink func(function, requestID string, line []byte)) (*output, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	o := &output{
		function: function, sink: sink, mark: []byte("\x00" + secret + "\n"), read: r, write: w,
		ended: make(chan struct{}), marked: make(chan struct{}, 1),
	}
	go func() {
		defer close(o.ended)
		io.Copy(o, r) // ends when the pipe does or is closed
	}()
	return o, nil
}

// close reads what is left and hands on a last line without newline.
func (o *output) close() {
	o.write.Close()
	held := time.NewTimer(pipeDelay)
	defer held.Stop()
	select {
	case <-o.ended:
	case <-held.C:
	}
	o.read.Close()
	<-o.ended
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.partial) > 0 {
		o.emit(o.partial)
	}
}

// catchUp returns when everything written until now has been handed on.
func (o *output) catchUp() {
	if _, err := o.write.Write(o.mark); err != nil {
		return
	}
	select {
	case <-o.marked:
	case <-o.ended:
	}
}

// Write implements io.Writer for the reading goroutine; it never fails.
func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for rest := b; len(rest) > 0; {
		line, after, ended := bytes.Cut(rest, []byte("\n"))
		o.partial = append(o.partial, line...)
		before, found := bytes.CutSuffix(o.partial, o.mark[:len(o.mark)-1])
		switch whole := len(o.partial) - len(o.mark); {
		case ended && found:
			o.partial = before
			o.marked <- struct{}{}
		case ended:
			o.emit(o.partial)
			o.partial = o.partial[:0]
		case whole >= maxLine: // the rest may be the beginning of a mark
			o.emit(o.partial[:whole])
			o.partial = append(o.partial[:0], o.partial[whole:]...)
		}
		rest = after
	}
	return len(b), nil
}

// emit hands on one line and keeps it for the tail.
func (o *output) emit(line []byte) {
	o.sink(o.function, o.requestID, bytes.TrimSuffix(line, []byte("\r")))
	o.last = append(append(o.last, line...), '\n')
	if over := len(o.last) - tailSize; over > 0 {
		o.last = append(o.last[:0], o.last[over:]...)
	}
}

// begin says to which invocation the output belongs from now on.
func (o *output) begin(requestID string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.requestID, o.last = requestID, o.last[:0]
}

// tail returns the end of the invocation's output.
func (o *output) tail() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	return bytes.Clone(o.last)
}
