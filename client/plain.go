package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"

	"golang.org/x/term"

	"kaiwa/client/session"
)

const plainHelp = `/new starts a conversation, /quit leaves, // sends a text that starts with /. A \ at the end of a line goes on in the next, ` +
	"a paste ends with Enter. ^C stops a reply, and leaves between two."

// plainly chats with a person whose terminal, or whose screen reader, is served
// best by lines that only ever follow one another.
func plainly(f *flags, config *session.Config) int {
	first, err := attach(f.first, f.files)
	if err != nil {
		return complain(err, exitUsage)
	}
	s, talk, err := begin(context.Background(), f, config, false)
	if err != nil {
		return complain(err, exitConnect)
	}
	defer s.Close()
	p := &pipe{s: s, out: newPrinter(f), err: os.Stderr, timeout: f.timeout, together: term.IsTerminal(int(os.Stderr.Fd()))}
	p.say("%stalking to %s; /help for commands, ^D leaves", talk, address(f.url))
	if code, over := p.plainTurn(first); over {
		return code
	}
	prompt := func() { fmt.Fprint(os.Stderr, "> ") }
	k := &keyboard{lines: readTyped(os.Stdin), more: prompt, hint: func() {
		fmt.Fprintln(os.Stderr) // the paste's last line may stand there
		p.say("several lines: Enter sends them, or type on")
	}}
	for {
		prompt()
		entry, ok := p.heard(k, prompt)
		if !ok {
			fmt.Fprintln(os.Stderr)
			return exitOK
		}
		if code, over := p.plainTurn(entry); over {
			return code
		}
	}
}

// heard waits for what is typed next, and tells meanwhile what else happens. ok is
// false at its end.
func (p *pipe) heard(k *keyboard, prompt func()) (entry string, ok bool) {
	if k.back != nil {
		l, _ := k.next()
		return k.entry(l), true
	}
	events := p.s.Events()
	for {
		select {
		case l, ok := <-k.lines:
			if !ok {
				return "", false
			}
			return k.entry(l), true
		case e, ok := <-events:
			switch told := aside(e); {
			case !ok:
				events = nil // the next prompt will tell why
			case told != "":
				fmt.Fprintln(p.err) // after the prompt
				p.say("%s", told)
				prompt()
			}
		}
	}
}

// plainTurn does what one entry asks for. over: the chat is at its end.
func (p *pipe) plainTurn(entry string) (code int, over bool) {
	switch word := strings.TrimSpace(entry); {
	case word == "":
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
	case strings.HasPrefix(entry, "//"):
		entry = entry[1:]
	case strings.HasPrefix(entry, "/") && !strings.Contains(entry, "\n"):
		p.say("there is no command %s; /help lists them, // sends a text that starts with /", strings.Fields(entry)[0])
		return exitOK, false
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	code = p.turn(ctx, entry)
	return code, code == exitLost || code == exitUnauthorized
}
