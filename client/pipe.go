package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"kaiwa/client/repl"
	"kaiwa/client/session"
	"kaiwa/pkg/plain"
	"kaiwa/pkg/wire"
)

// stopWithin is how long a stopped reply may take to end.
const stopWithin = 2 * time.Second

// pipe is a session without a person: replies go to out, all else to err.
type pipe struct {
	s       *session.Session
	out     printer
	err     io.Writer
	timeout time.Duration // of one reply; 0: none
	// together: out and err are one terminal, where a line of err must not begin in
	// the middle of one of out.
	together bool
}

// errLate is why a reply was stopped that took longer than --timeout.
var errLate = errors.New("it took longer than --timeout allows")

// turn asks one thing and returns the exit code for what came of it. The end of
// ctx stops the reply.
func (p *pipe) turn(ctx context.Context, text string) int {
	if p.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, p.timeout, errLate)
		defer cancel()
	}
	id, err := p.s.Prompt(text)
	if err != nil {
		return p.failed("", err, exitService)
	}
	var late <-chan time.Time
	interrupted := ctx.Done()
	for {
		select {
		case <-interrupted:
			p.s.Stop()
			interrupted, late = nil, time.After(stopWithin)
		case <-late:
			return p.failed(id, cause(ctx), exitInterrupted)
		case e, ok := <-p.s.Events():
			if !ok {
				return p.failed(id, session.ErrClosed, exitLost)
			}
			p.out.event(id, e)
			switch e := e.(type) {
			case session.Ended:
				if e.ID == id {
					return p.ended(ctx, e)
				}
			case session.Refused:
				if e.ID != id {
					continue
				}
				if errors.Is(e.Err, session.ErrStopped) {
					e.Err = cause(ctx)
				}
				return p.failed(id, e.Err, exitService)
			case session.Gone:
				return p.failed(id, e.Err, exitLost)
			default:
				p.aside(e)
			}
		}
	}
}

// failed tells why there is no whole reply and returns the exit code for it,
// other if nothing better is known.
func (p *pipe) failed(id string, err error, other int) int {
	code := exitCode(err, other)
	if code != exitInterrupted {
		p.say("%s", reason(err))
	}
	if e := p.out.end(id, nil, err); e != nil {
		p.say("%v", e)
	}
	return code
}

// ended tells how the reply ended, where it is not complete.
func (p *pipe) ended(ctx context.Context, e session.Ended) int {
	code, why := endCode(e), e.Err
	if ctx.Err() != nil {
		why = cause(ctx)
		code = exitCode(why, exitInterrupted)
	}
	printed := p.out.end(e.ID, &e, why)
	if e.Cut > 0 {
		p.say("the last %d characters were lost by the service", e.Cut)
	}
	if !e.Saved {
		p.say("the service could not save the reply yet")
	}
	switch stop := endReason(&e); {
	case code == exitInterrupted:
		return code
	case errors.Is(why, errLate):
		p.say("%v", why)
	case stop != "":
		p.say("the reply ended early: %s", stop)
	}
	if printed != nil {
		p.say("%v", printed)
		return max(code, exitService)
	}
	return code
}

// cause is why a prompt's context ended.
func cause(ctx context.Context) error {
	if errors.Is(context.Cause(ctx), errLate) {
		return errLate
	}
	return repl.ErrInterrupted
}

// aside says what happens beside the replies.
func (p *pipe) aside(e session.Event) {
	if told := aside(e); told != "" {
		p.say("%s", told)
	}
}

// aside is what an event beside the replies tells a person, "" for nothing.
func aside(e session.Event) string {
	switch e := e.(type) {
	case session.Trouble:
		return reason(e.Err)
	case session.Delayed:
		return fmt.Sprintf("%s; trying again in %v", reason(e.Err), e.In)
	case session.Notified:
		return fmt.Sprintf("* %s %s", e.Title, e.Notification.Text)
	case session.Lost:
		if e.In >= time.Second { // else it is over before it is read
			return fmt.Sprintf("no connection (%v), try %d in %d s", e.Err, e.Try, int(e.In/time.Second))
		}
	}
	return ""
}

// say writes one line to err.
func (p *pipe) say(format string, args ...any) {
	if text, ok := p.out.(*textPrinter); ok && p.together {
		text.endLine()
	}
	say(p.err, format, args...)
}

func say(w io.Writer, format string, args ...any) {
	text := plain.Safe(fmt.Sprintf(format, args...))
	fmt.Fprintln(w, "kaiwa: "+strings.Join(strings.Fields(text), " "))
}

// lines sends every line of in as a prompt and waits for its reply before the
// next. It returns the code of the first that failed; what would fail for all of
// them ends it.
func (p *pipe) lines(ctx context.Context, in io.Reader) (code int) {
	for line := range p.read(ctx, in) {
		if err := textError("a line of standard input", []byte(line)); err != nil {
			p.say("%v", err)
			return exitUsage
		}
		got := p.turn(ctx, line)
		if code == exitOK {
			code = got
		}
		if got != exitOK && got != exitService && got != exitRefused {
			return code
		}
	}
	if ctx.Err() != nil {
		return exitInterrupted
	}
	return code
}

// read gives the lines of in that are not blank, and shows meanwhile what else
// happens.
func (p *pipe) read(ctx context.Context, in io.Reader) func(yield func(string) bool) {
	lines := readLines(ctx, in)
	return func(yield func(string) bool) {
		for {
			select {
			case <-ctx.Done():
				return
			case line, ok := <-lines:
				if !ok || !yield(line) {
					return
				}
			case e, ok := <-p.s.Events():
				if !ok {
					return
				}
				p.out.event("", e)
				p.aside(e)
			}
		}
	}
}

// readLines reads the lines that are not blank. A read cannot be called off: its
// goroutine may outlive the program's interest in it, and ends with the program.
func readLines(ctx context.Context, in io.Reader) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for r := bufio.NewReader(in); ; {
			line, err := r.ReadString('\n')
			if line = strings.TrimRight(line, "\r\n"); strings.TrimSpace(line) != "" {
				select {
				case lines <- line:
				case <-ctx.Done():
					return
				}
			}
			if err != nil {
				return
			}
		}
	}()
	return lines
}

// reason is what an error tells the user: the service's words without its code.
func reason(err error) string {
	var e wire.Error
	if errors.As(err, &e) && e.Message != "" {
		return e.Message
	}
	return err.Error()
}
