// Kaiwa is the bundled client: an AI chat on a terminal, or in a pipe.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/term"

	"kaiwa/client/session"
	"kaiwa/pkg/plain"
)

func main() { os.Exit(run(os.Args[1:], os.Getenv)) }

// giveUp is how long a client in a pipe tries to connect again. One on a
// terminal never gives up: its user can.
const giveUp = 2 * time.Minute

// run is the program; it returns the exit code. What was printed and did not get
// there makes no good end.
func run(args []string, getenv func(string) string) int {
	out, code := &output{}, exitOK
	f, err := parse(args, getenv)
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, _ = io.WriteString(out, usage)
	case err != nil:
		return complain(err, exitUsage)
	default:
		f.out = out
		code = do(f)
	}
	if out.err != nil {
		complain(out.err, exitService)
		return max(code, exitService)
	}
	return code
}

// do does what the command line asks for; it returns the exit code.
func do(f *flags) int {
	if f.version {
		fmt.Fprintln(f.out, built())
		return exitOK
	}
	config, err := f.reach()
	if err != nil {
		return complain(err, exitUsage)
	}
	if f.insecure {
		say(os.Stderr, "--insecure: whoever is on the way can read and change everything")
	}
	switch person := atTerminal(); {
	case f.command != "":
		return command(f, config)
	case f.prompt == "" && person && !f.plain && !f.scripted():
		return interactive(f, config)
	case f.prompt == "" && person && !f.scripted():
		return plainly(f, config)
	}
	config.GiveUp = giveUp
	return piped(f, config)
}

// atTerminal says whether a person sits there, to read and to type.
func atTerminal() bool {
	return term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stdout.Fd()))
}

// interactive chats until the user leaves or a signal tells it to.
func interactive(f *flags, config *session.Config) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	first, err := attach(f.first, f.files)
	if err != nil {
		return complain(err, exitUsage)
	}
	config.Overhear = true
	s, talk, err := connecting(ctx, f, config, first == "")
	if err != nil {
		return complain(err, exitConnect)
	}
	defer s.Close()
	if first != "" {
		if _, err := s.Prompt(first); err != nil {
			return complain(err, exitUsage)
		}
	}
	if err := chat(ctx, s, talk+"kaiwa at "+address(f.url)+" - /help for commands, ^D leaves", f); err != nil {
		return complain(err, exitLost)
	}
	return exitOK
}

// piped asks one thing, or one thing a line.
func piped(f *flags, config *session.Config) int {
	stdinTerminal := term.IsTerminal(int(os.Stdin.Fd()))
	ask := f.prompt
	if ask == "" {
		ask = f.first
	}
	text := ""
	if ask != "" || len(f.files) > 0 {
		var err error
		if text, err = wholePrompt(ask, f.files, os.Stdin, stdinTerminal); err != nil {
			return complain(err, exitUsage)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	out := newPrinter(f)
	s, _, err := begin(ctx, f, config, false)
	if err != nil {
		_ = out.end("", nil, err) // JSON tells why there is no reply
		return complain(err, exitConnect)
	}
	defer s.Close()
	// The first ^C stops the reply; the second, should that take long, kills.
	unhook := context.AfterFunc(ctx, stop)
	defer unhook()
	p := &pipe{s: s, out: out, err: os.Stderr, timeout: f.timeout,
		together: term.IsTerminal(int(os.Stdout.Fd())) && term.IsTerminal(int(os.Stderr.Fd()))}
	if text != "" {
		return p.turn(ctx, text)
	}
	return p.lines(ctx, os.Stdin)
}

// begin connects, within --timeout, and goes to the conversation that is meant,
// whose title it tells. open asks for its messages too.
func begin(ctx context.Context, f *flags, config *session.Config, open bool) (s *session.Session, title string, err error) {
	c, err := resumed(ctx, f, config)
	if err != nil {
		return nil, "", err
	}
	dial := ctx
	if f.timeout > 0 {
		var cancel context.CancelFunc
		dial, cancel = context.WithTimeout(ctx, f.timeout)
		defer cancel()
	}
	if s, err = session.Dial(dial, f.url, config); err != nil || c.ID == "" {
		return s, "", err
	}
	if open {
		err = s.Open(c.ID)
	} else {
		err = s.Enter(c.ID)
	}
	if err != nil {
		s.Close()
		return nil, "", err
	}
	return s, oneLine(c.Title) + " - ", nil
}

// complain says in one line what went wrong and returns the exit code for it.
func complain(err error, code int) int {
	if code = exitCode(err, code); code != exitInterrupted {
		fmt.Fprintln(os.Stderr, "kaiwa: "+plain.Safe(reason(err)))
	}
	return code
}

// address is a URL without what may be secret in it.
func address(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	return u.Scheme + "://" + u.Host + u.Path
}
