package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kaiwa/client/internal/fake"
	"kaiwa/client/repl"
	"kaiwa/client/session"
	"kaiwa/pkg/frame"
	"kaiwa/pkg/wire"
)

// inVirtualTime runs f with a pipe to a fake service.
func inVirtualTime(t *testing.T, answer func(string) fake.Script, f func(t *testing.T, server *fake.Server, p *pipe, out, err *bytes.Buffer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server := fake.NewServer(answer)
		client, stop := fake.Serve(server)
		defer stop()
		s, err := session.Dial(t.Context(), "ws://kaiwa/dev", &session.Config{
			Options: session.Options{Seed: 1, GiveUp: giveUp}, Client: client,
		})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		var out, errs bytes.Buffer
		f(t, server, &pipe{s: s, out: &textPrinter{out: &out}, err: &errs}, &out, &errs)
	})
}

func ticking(string) fake.Script {
	return fake.Script{Text: strings.Repeat("word ", 100), Piece: 5, Every: time.Second}
}

// A service that goes away for good: what came is kept, and the code says so.
func TestLostForGood(t *testing.T) {
	inVirtualTime(t, ticking, func(t *testing.T, server *fake.Server, p *pipe, out, err *bytes.Buffer) {
		time.AfterFunc(10*time.Second+time.Millisecond, func() {
			server.Look(func(*fake.Chat) {
				server.Admit = func(*http.Request) int { return http.StatusServiceUnavailable }
			})
			server.Cut()
		})
		if code := p.turn(t.Context(), "q"); code != exitLost {
			t.Errorf("code %d", code)
		}
		if got := out.String(); got != strings.Repeat("word ", 11) {
			t.Errorf("stdout %q", got)
		}
		last := err.String()[strings.LastIndex(strings.TrimSpace(err.String()), "\n")+1:]
		if !strings.Contains(err.String(), "no connection (503 Service Unavailable") || last != "kaiwa: 503 Service Unavailable: the service's $connect failed; its log says why\n" {
			t.Errorf("stderr %s", err)
		}
	})
}

// A cut in the middle of a word is not seen.
func TestCutAndResumed(t *testing.T) {
	inVirtualTime(t, ticking, func(t *testing.T, server *fake.Server, p *pipe, out, err *bytes.Buffer) {
		for n := range 5 {
			time.AfterFunc(time.Duration(n+1)*15*time.Second, server.Cut)
		}
		if code := p.turn(t.Context(), "q"); code != exitOK || out.String() != strings.Repeat("word ", 100)+"\n" || err.Len() > 0 {
			t.Errorf("code %d, %q, stderr %s", code, out, err)
		}
	})
}

// ^C does not wait long for a service that does not listen.
func TestInterruptUnheard(t *testing.T) {
	inVirtualTime(t, func(string) fake.Script { return fake.Script{Text: "half", Hang: true} }, func(t *testing.T, server *fake.Server, p *pipe, out, _ *bytes.Buffer) {
		server.Look(func(*fake.Chat) {
			server.Pass = func(post fake.Post) int {
				if _, end := post.Frame.(wire.End); end {
					return 0
				}
				return 1
			}
		})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		start := time.Now()
		if code := p.turn(ctx, "q"); code != exitInterrupted || out.String() != "half" {
			t.Errorf("code %d, %q", code, out)
		}
		if took := time.Since(start); took != time.Minute+stopWithin {
			t.Errorf("it took %v", took)
		}
	})
}

func TestAsides(t *testing.T) {
	busy := true
	inVirtualTime(t, func(string) fake.Script {
		if busy {
			busy = false
			return fake.Script{Refuse: wire.Error{Code: wire.CodeBusy, Message: "the last reply\nstill runs"}}
		}
		return fake.Script{Text: "done", Unsaved: true}
	}, func(t *testing.T, server *fake.Server, p *pipe, out, err *bytes.Buffer) {
		time.AfterFunc(time.Second, func() {
			server.Send(wire.Notification{ID: "n", Title: "build", Text: "green"})
			server.Send(wire.Error{Code: wire.CodeInternal, Message: "oops\x1b[2J"})
		})
		code := p.turn(t.Context(), "q")
		const want = `kaiwa: the last reply still runs; trying again in 3s
kaiwa: * build green
kaiwa: oops
kaiwa: the service could not save the reply yet
`
		if code != exitOK || out.String() != "done\n" || err.String() != want {
			t.Errorf("code %d, stdout %q, stderr\n%s", code, out, err)
		}
	})
}

// On one terminal a line of stderr does not begin in the middle of the reply's.
func TestAsidesOnOneTerminal(t *testing.T) {
	inVirtualTime(t, func(string) fake.Script { return fake.Script{Text: "one two", Piece: 4, Every: time.Second} }, func(t *testing.T, server *fake.Server, p *pipe, out, err *bytes.Buffer) {
		p.err, p.together = out, true
		time.AfterFunc(500*time.Millisecond, func() { server.Send(wire.Notification{ID: "n", Title: "build", Text: "green"}) })
		if code := p.turn(t.Context(), "q"); code != exitOK || out.String() != "one \nkaiwa: * build green\ntwo\n" {
			t.Errorf("code %d, %q", code, out)
		}
	})
}

// The plain chat tells what happens while nobody types, and goes on.
func TestPlainNotified(t *testing.T) {
	inVirtualTime(t, func(string) fake.Script { return fake.Script{Text: "hi"} }, func(t *testing.T, server *fake.Server, p *pipe, out, err *bytes.Buffer) {
		lines := make(chan typed, 1)
		time.AfterFunc(time.Second, func() { server.Send(wire.Notification{ID: "n", Title: "build", Text: "green"}) })
		time.AfterFunc(2*time.Second, func() { lines <- typed{"hello", time.Now()} })
		entry, ok := p.heard(&keyboard{lines: lines}, func() { err.WriteString("> ") })
		if entry != "hello" || !ok || err.String() != "\nkaiwa: * build green\n> " {
			t.Errorf("%q %v, %q", entry, ok, err)
		}
	})
}

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		err         error
		other, want int
	}{
		{errors.New("x"), exitConnect, 4},
		{&session.DialError{Status: 401}, exitConnect, 3},
		{&session.DialError{Status: 403}, exitLost, 3},
		{&session.DialError{Status: 403, Nowhere: true}, exitConnect, 4},
		{&session.SignError{Err: errors.New("x")}, exitConnect, 3},
		{&session.DialError{Status: 429}, exitConnect, 6},
		{&session.DialError{Status: 502}, exitLost, 5},
		{&session.DialError{Err: context.Canceled}, exitConnect, 130},
		{repl.ErrInterrupted, exitLost, 130},
		{session.ErrNoAnswer, exitService, 5},
		{fmt.Errorf("p: %w", frame.ErrTooLarge), exitService, 2},
		{wire.Error{Code: wire.CodeBusy}, exitService, 6},
		{wire.Error{Code: wire.CodeRateLimited}, exitService, 6},
		{wire.Error{Code: wire.CodeModelThrottled}, exitService, 6},
		{wire.Error{Code: wire.CodeUnauthorized}, exitService, 3},
		{wire.Error{Code: wire.CodeModelError}, exitService, 1},
		{wire.Error{Code: "news"}, exitService, 1},
	} {
		if got := exitCode(c.err, c.other); got != c.want {
			t.Errorf("%v (else %d): %d, want %d", c.err, c.other, got, c.want)
		}
	}
	for stop, want := range map[string]int{"end_turn": 0, "max_tokens": 0, "stopped": 1, "interrupted": 1, "guardrail_intervened": 6, "content_filtered": 6} {
		if got := endCode(session.Ended{End: wire.End{Stop: stop}}); got != want {
			t.Errorf("%s: %d, want %d", stop, got, want)
		}
	}
}
