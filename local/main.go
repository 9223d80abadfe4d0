// Local runs a SAM template on this machine, with nothing but Go: it builds the
// functions and the client, starts emulators of the AWS services they call behind
// one loopback listener, prints
//
//	ready ws://127.0.0.1:3001/dev
//
// on stdout and, in a terminal, opens a chat. Everything else it has to say goes to
// stderr. When the chat or the listener ends, all ends; SIGINT, SIGTERM and SIGHUP
// leave nothing behind. It exits with 0 when it was asked to end, with the chat's
// own code after a chat, with 1 when something failed, with 2 when the command line
// is wrong.
//
//	go run ./local -h
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
)

func main() { os.Exit(run(os.Args[1:], terminal{os.Stdin, os.Stdout, os.Stderr})) }

// terminal is where this program talks to people.
type terminal struct{ in, out, err *os.File }

func run(args []string, t terminal) int {
	if len(args) > 0 && args[0] == "bench" {
		return benchmark(args[1:], t)
	}
	if len(args) > 0 && args[0] == "conform" {
		return conformance(args[1:], t)
	}
	if len(args) > 0 && args[0] == "token" {
		return token(args[1:], t)
	}
	if len(args) > 0 && args[0] == "notify" {
		return notify(args[1:], t)
	}
	settings, err := parse(args, t.out)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintf(t.err, "local: %v (-h lists the flags)\n", err)
		return 2
	}
	signals := catchSignals()
	defer signals.release()
	code, err := (&session{settings: settings, terminal: t, signals: signals}).run(signals.ctx)
	switch {
	case signals.ctx.Err() != nil: // whatever that made fail
		return 0
	case err != nil:
		fmt.Fprintf(t.err, "local: %s\n", oneLine(err))
		return 1
	}
	return code
}
