package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"kaiwa/client/session"
	"kaiwa/pkg/plain"
	"kaiwa/pkg/wire"
)

// stopWithin is how long a stopped reply may take to end.
const stopWithin = 2 * time.Second

// pipe is a session without a person: replies go to out, all else to err.
type pipe struct {
	s        *session.Session
	out, err io.Writer
}

// turn asks one thing and returns the exit code for what came of it. The end of
// ctx stops the reply.
func (p *pipe) turn(ctx context.Context, text string) int {
	id, err := p.s.Prompt(text)
	if err != nil {
		p.say("%v", err)
		return exitCode(err, exitService)
	}
	var late <-chan time.Time
	interrupted := ctx.Done()
	newline := true
	for {
		select {
		case <-interrupted:
			p.s.Stop()
			interrupted, late = nil, time.After(stopWithin)
		case <-late:
			return exitInterrupted
		case e, ok := <-p.s.Events():
			switch e := e.(type) {
			case session.Text:
				if e.ID == id {
					newline = p.write(e.Text)
				}
				continue
			case session.Ended:
				if e.ID != id {
					continue
				}
				if !newline {
					fmt.Fprintln(p.out)
				}
				return p.ended(ctx, e)
			case session.Refused:
				p.say("%s", reason(e.Err))
				return exitCode(e.Err, exitService)
			case session.Gone:
				p.say("%v", e.Err)
				return exitCode(e.Err, exitLost)
			}
			if !ok {
				return exitLost
			}
			p.aside(e)
		}
	}
}

// write writes a piece of the reply. It says whether that ended a line.
func (p *pipe) write(text string) (newline bool) {
	text = plain.Safe(text)
	// Writing fails only if nobody reads: SIGPIPE ends the program then.
	_, _ = io.WriteString(p.out, text)
	return strings.HasSuffix(text, "\n")
}

// ended tells how the reply ended, where it is not complete.
func (p *pipe) ended(ctx context.Context, e session.Ended) int {
	if e.Cut > 0 {
		p.say("the last %d characters were lost by the service", e.Cut)
	}
	if !e.Saved {
		p.say("the service could not save the reply yet")
	}
	if ctx.Err() != nil {
		return exitInterrupted
	}
	if e.Stop != wire.StopEndTurn {
		p.say("the reply ended early: %s", e.Stop)
	}
	return endCode(e)
}

// aside says what happens beside the replies.
func (p *pipe) aside(e session.Event) {
	switch e := e.(type) {
	case session.Trouble:
		p.say("%s", reason(e.Err))
	case session.Delayed:
		p.say("%s; trying again in %v", reason(e.Err), e.In)
	case session.Notified:
		p.say("* %s %s", e.Title, e.Notification.Text)
	case session.Lost:
		if e.In >= time.Second { // else it is over before it is read
			p.say("no connection (%v), try %d in %d s", e.Err, e.Try, int(e.In/time.Second))
		}
	}
}

// say writes one line to err.
func (p *pipe) say(format string, args ...any) {
	text := plain.Safe(fmt.Sprintf(format, args...))
	fmt.Fprintln(p.err, "kaiwa: "+strings.Join(strings.Fields(text), " "))
}

// reason is what an error tells the user: the service's words without its code.
func reason(err error) string {
	var e wire.Error
	if errors.As(err, &e) && e.Message != "" {
		return e.Message
	}
	return err.Error()
}

// lines sends every line of in as a prompt and waits for its reply before the
// next. It returns the code of the first that failed; what would fail for all of
// them ends it.
func (p *pipe) lines(ctx context.Context, in io.Reader) (code int) {
	for line := range p.read(ctx, in) {
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
// happens. A read cannot be called off: its goroutine may outlive the program's
// interest in it, and ends with the program.
func (p *pipe) read(ctx context.Context, in io.Reader) func(yield func(string) bool) {
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
				p.aside(e)
			}
		}
	}
}
