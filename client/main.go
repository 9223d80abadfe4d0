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

// run is the program; it returns the exit code.
func run(args []string, getenv func(string) string) int {
	f, err := parse(args, getenv)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Print(usage)
		return exitOK
	case err != nil:
		return complain(err, exitUsage)
	}
	config := &session.Config{Options: session.Options{Ping: f.ping}, Header: f.header}
	if f.prompt == "" && onTerminal(getenv) {
		return interactive(f, config)
	}
	config.GiveUp = giveUp
	return piped(f, config)
}

// onTerminal says whether a person sits in front of a terminal that can move its
// cursor.
func onTerminal(getenv func(string) string) bool {
	return getenv("TERM") != "dumb" && term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stdout.Fd()))
}

// interactive chats until the user leaves or a signal tells it to.
func interactive(f *flags, config *session.Config) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	s, err := session.Dial(ctx, f.url, config)
	if err != nil {
		return complain(err, exitConnect)
	}
	defer s.Close()
	if err := chat(ctx, s, "kaiwa at "+address(f.url)+" - /help for commands, ^D leaves"); err != nil {
		return complain(err, exitLost)
	}
	return exitOK
}

// piped asks one thing, or one thing a line.
func piped(f *flags, config *session.Config) int {
	stdinTerminal := term.IsTerminal(int(os.Stdin.Fd()))
	text := ""
	if f.prompt != "" {
		var err error
		if text, err = wholePrompt(f.prompt, os.Stdin, stdinTerminal); err != nil {
			return complain(err, exitUsage)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	s, err := session.Dial(ctx, f.url, config)
	if err != nil {
		return complain(err, exitConnect)
	}
	defer s.Close()
	// The first ^C stops the reply; the second, should that take long, kills.
	unhook := context.AfterFunc(ctx, stop)
	defer unhook()
	p := &pipe{s: s, out: os.Stdout, err: os.Stderr}
	if f.prompt != "" {
		return p.turn(ctx, text)
	}
	return p.lines(ctx, os.Stdin)
}

// complain says in one line what went wrong and returns the exit code for it.
func complain(err error, code int) int {
	if code = exitCode(err, code); code != exitInterrupted {
		fmt.Fprintln(os.Stderr, "kaiwa: "+plain.Safe(err.Error()))
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

// wholePrompt is the prompt of -p: text, and after it whatever is piped in. The
// text - is what is piped in alone.
func wholePrompt(text string, stdin io.Reader, isTerminal bool) (string, error) {
	if text == "-" {
		text = ""
	} else if isTerminal {
		return text, nil
	}
	// A closed standard input cannot be read: then there is nothing in it.
	piped, _ := io.ReadAll(io.LimitReader(stdin, maxPiped))
	switch {
	case text == "" && len(piped) == 0:
		return "", errors.New("there is nothing to send: standard input is empty")
	case len(piped) == 0:
		return text, nil
	case text == "":
		return string(piped), nil
	}
	return text + "\n\n" + string(piped), nil
}
