package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"

	"kaiwa/client/session"
)

const plainHelp = "/new starts a conversation, /quit leaves, // sends a text that starts with /. ^C stops a reply, and leaves between two."

// plainly chats with a person whose terminal, or whose screen reader, is served
// best by lines that only ever follow one another.
func plainly(f *flags, config *session.Config) int {
	first, err := attach(f.first, f.files)
	if err != nil {
		return complain(err, exitUsage)
	}
	s, _, err := begin(context.Background(), f, config, false)
	if err != nil {
		return complain(err, exitConnect)
	}
	defer s.Close()
	p := &pipe{s: s, out: newPrinter(f, os.Stdout), err: os.Stderr, timeout: f.timeout}
	p.say("talking to %s; /help for commands, ^D leaves", address(f.url))
	in := bufio.NewReader(os.Stdin)
	for line, err := first, error(nil); ; {
		if code, over := p.plainTurn(line); over {
			return code
		}
		if err != nil {
			return exitOK
		}
		fmt.Fprint(os.Stderr, "> ")
		line, err = in.ReadString('\n')
		if err != nil {
			fmt.Fprintln(os.Stderr)
		}
	}
}

// plainTurn does what one line asks for. over: the chat is at its end.
func (p *pipe) plainTurn(line string) (code int, over bool) {
	line = strings.TrimRight(line, "\r\n")
	switch word := strings.TrimSpace(line); {
	case word == "":
		p.pending()
		return exitOK, false
	case word == "/quit", word == "/exit":
		return exitOK, true
	case word == "/help":
		p.say("%s", plainHelp)
		return exitOK, false
	case word == "/new":
		if err := p.s.New(); err != nil {
			p.say("%v", err)
		}
		return exitOK, false
	case strings.HasPrefix(line, "//"):
		line = line[1:]
	case strings.HasPrefix(line, "/"):
		p.say("there is no command %s; /help lists them, // sends a text that starts with /", strings.Fields(line)[0])
		return exitOK, false
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	code = p.turn(ctx, line)
	return code, code == exitLost || code == exitUnauthorized
}

// pending shows what has happened since the last turn.
func (p *pipe) pending() {
	for {
		select {
		case e, ok := <-p.s.Events():
			if !ok {
				return
			}
			p.aside(e)
		default:
			return
		}
	}
}
