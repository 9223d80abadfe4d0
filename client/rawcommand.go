package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"github.com/coder/websocket"
	"golang.org/x/term"

	"kaiwa/client/history"
	"kaiwa/client/raw"
	"kaiwa/client/session"
)

// rawCommand talks to any WebSocket: with a person, or with what is piped in or
// given as words.
func rawCommand(ctx context.Context, _ *session.Query, f *flags) error {
	opt := raw.Options{Wait: f.wait, Times: f.times, Slash: f.slash, PingFrame: f.pingFrame}
	if f.source["ping"] == "the command line" {
		opt.Ping = f.ping
	}
	person := atTerminal() && !f.plain && len(f.words) == 0
	// A terminal is shown what drives it; a program gets what came.
	out := term.IsTerminal(int(os.Stdout.Fd()))
	opt.Pretty, opt.Verbatim = out && !f.json, !out
	conn, err := rawConnect(ctx, f, &opt)
	if err != nil {
		return err
	}
	if person {
		return rawChat(ctx, f, func(t raw.Terminal, past []string, keep func(string)) error {
			return raw.Chat(ctx, conn, t, past, keep, opt)
		})
	}
	in := make(chan string)
	if opt.All = len(f.words) > 0; opt.All {
		go hand(ctx, in, f.words)
	} else {
		go readMessages(ctx, in, os.Stdin)
	}
	print := raw.Output{
		Message: func(m raw.Message) { fmt.Fprintln(f.out, opt.Shown(m)) },
		Note:    func(text string) { say(os.Stderr, "%s", text) },
	}
	if f.json {
		print.Message = func(m raw.Message) { _ = writeJSON(f.out, rawJSON(m)) } // output keeps its error
	}
	return raw.Run(ctx, conn, in, print, opt)
}

// rawConnect connects, or waits for somebody who does.
func rawConnect(ctx context.Context, f *flags, opt *raw.Options) (*websocket.Conn, error) {
	if f.listen == "" {
		dial := &websocket.DialOptions{Subprotocols: f.protocols}
		if f.frames || f.slash {
			opt.Frames = raw.NewFrames(dial)
		}
		return session.Connect(ctx, f.url, f.config, dial)
	}
	at := f.listen
	if !strings.Contains(at, ":") {
		at = "127.0.0.1:" + at
	}
	l, err := net.Listen("tcp", at)
	if err != nil {
		return nil, usageError(err.Error())
	}
	f.url = "ws://" + l.Addr().String()
	say(os.Stderr, "waiting for somebody to connect to %s", f.url)
	return raw.Accept(ctx, l, f.protocols)
}

// rawJSON is a message as --json prints it.
func rawJSON(m raw.Message) any {
	o := map[string]any{"at": m.At.UTC(), "text": m.Text}
	if m.Binary {
		o = map[string]any{"at": m.At.UTC(), "base64": []byte(m.Text)}
	}
	return o
}

// hand gives the messages to in, and closes it.
func hand(ctx context.Context, in chan<- string, messages []string) {
	defer close(in)
	for _, m := range messages {
		select {
		case in <- m:
		case <-ctx.Done():
			return
		}
	}
}

// readMessages reads messages until from ends. A read cannot be called off: it
// ends with the program.
func readMessages(ctx context.Context, in chan<- string, from io.Reader) {
	defer close(in)
	give := func(m string, ok bool) bool {
		if !ok {
			return true
		}
		select {
		case in <- m:
			return true
		case <-ctx.Done():
			return false
		}
	}
	var join raw.Joiner
	for r := bufio.NewReader(from); ; {
		line, err := r.ReadString('\n')
		if line != "" && !give(join.Line(strings.TrimRight(line, "\r\n"))) {
			return
		}
		if err != nil {
			give(join.Rest())
			return
		}
	}
}

// rawChat gives f the terminal in raw mode, and the history of messages.
func rawChat(ctx context.Context, f *flags, chat func(t raw.Terminal, past []string, keep func(string)) error) error {
	c, err := openConsole()
	if err != nil {
		return err
	}
	defer c.close()
	resized, stop := notifyResized()
	defer stop()
	fmt.Printf("connected to %s - Enter sends, ^D leaves\r\n", address(f.url))
	var past []string
	path, err := history.Path(f.getenv, "raw")
	if err == nil {
		past, err = history.Load(path)
	}
	keep := func(text string) {
		if err == nil {
			err = history.Add(path, text)
		}
	}
	return chat(raw.Terminal{In: c.typed(ctx), Out: os.Stdout, Size: size, Resized: resized, NoReflow: keepsLines(f.getenv)}, past, keep)
}

// size is the terminal's, 0 where it is unknown.
func size() (cols, rows int) {
	cols, rows, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil {
		return 0, 0
	}
	return cols, rows
}
