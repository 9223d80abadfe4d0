// Package logs makes one readable stream of what functions print, of how their
// invocations end, and of what the emulators have to say:
//
//	16:05:01.123 sendmessage 3f2a91c0 INFO stored conversation=h90s…
//	16:05:01.130 sendmessage 3f2a91c0 ended in 7 ms, 18 of 128 MB, cold start 12 ms
//
// Every line names its function and the beginning of its request id, so that
// invocations that run at the same time can be told apart, by eye where there are
// colours and by grep where there are none. Lines are written whole. What could drive
// a terminal is shown, not sent.
package logs

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"kaiwa/pkg/emu/lambdart"
)

// The stream waits this long for a reader who does not read, once; then lines are
// lost, and counted, until he does again. Nothing else may stand still because of him.
const patience = time.Second

// maxPending is how many bytes wait for the reader.
const maxPending = 1 << 20

// Options of New. Nil and zero values are the defaults.
type Options struct {
	// Colour turns colours on.
	Colour bool
	// Labels are what functions are called in the stream, by name. Default: their
	// names.
	Labels map[string]string
	// Clock tells the time. Default: time.Now.
	Clock func() time.Time
}

// Stream is the stream. It is safe for concurrent use.
type Stream struct {
	opt   Options
	out   io.Writer
	width int
	wake  chan struct{} // room for one
	ended chan struct{}

	mu      sync.Mutex
	pending []byte
	taken   chan struct{} // closed when pending is taken to be written
	stuck   bool          // the reader does not read
	lost    int           // lines, since
	closed  bool
}

// New starts a stream to out. Close ends it.
func New(out io.Writer, o *Options) *Stream {
	s := &Stream{out: out, width: len(own), wake: make(chan struct{}, 1), taken: make(chan struct{}), ended: make(chan struct{})}
	if o != nil {
		s.opt = *o
	}
	if s.opt.Clock == nil {
		s.opt.Clock = time.Now
	}
	for _, l := range s.opt.Labels {
		s.width = max(s.width, min(len(l), maxWidth))
	}
	go s.write()
	return s
}

// Function takes a line that a function printed; see lambdart.Options.Logs.
func (s *Stream) Function(name, requestID string, line []byte) {
	p := s.begin(s.label(name), requestID)
	p.line(line, requestID)
	s.put(p.end())
}

// Report takes the end of an invocation; see lambdart.Options.Report.
func (s *Stream) Report(r lambdart.Report) {
	p := s.begin(s.label(r.Function), r.RequestID)
	p.report(r)
	s.put(p.end())
}

// Say takes a line of the program itself.
func (s *Stream) Say(level slog.Level, text string) {
	p := s.begin(own, "")
	p.level(level.String())
	p.text(text)
	s.put(p.end())
}

// Logger is a logger of the emulators, from level Info on.
func (s *Stream) Logger() *slog.Logger { return slog.New(&handler{stream: s}) }

func (s *Stream) label(function string) string {
	if l := s.opt.Labels[function]; l != "" {
		return l
	}
	return function
}

// put hands a whole line to the writer.
func (s *Stream) put(line []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.pending) >= maxPending && !s.stuck {
		taken := s.taken
		s.mu.Unlock()
		wait := time.NewTimer(patience)
		select {
		case <-taken:
		case <-wait.C:
		}
		wait.Stop()
		s.mu.Lock()
		s.stuck = len(s.pending) >= maxPending
	}
	if s.stuck || s.closed {
		s.lost++
		return
	}
	s.pending = append(s.pending, line...)
	s.nudge()
}

func (s *Stream) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// write brings out what is pending until the stream is closed.
func (s *Stream) write() {
	defer close(s.ended)
	var batch []byte
	for range s.wake {
		for {
			s.mu.Lock()
			batch, s.pending = s.pending, batch[:0]
			close(s.taken)
			s.taken = make(chan struct{})
			if s.lost > 0 {
				batch = fmt.Appendf(batch, "… %d lines are lost: nobody read them in time\n", s.lost)
			}
			s.stuck, s.lost = false, 0
			closed := s.closed
			s.mu.Unlock()
			if len(batch) == 0 {
				if closed {
					return
				}
				break
			}
			_, _ = s.out.Write(batch) // a reader who is gone needs no lines
		}
	}
}

// Close returns when everything is written, or when it takes a reader too long to
// read it; what comes later is lost.
func (s *Stream) Close() {
	s.mu.Lock()
	s.closed = true
	s.nudge()
	s.mu.Unlock()
	wait := time.NewTimer(patience)
	defer wait.Stop()
	select {
	case <-s.ended:
	case <-wait.C: // the write that stands still ends with the program
	}
}

// begin starts a line.
func (s *Stream) begin(label, requestID string) *printer {
	p := &printer{Buffer: bytes.Buffer{}, colour: s.opt.Colour}
	p.head(s.opt.Clock(), label, s.width, requestID)
	return p
}
