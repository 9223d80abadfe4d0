package main

import (
	"context"
	"os"

	"golang.org/x/term"

	"kaiwa/client/history"
	"kaiwa/client/repl"
	"kaiwa/client/session"
)

// chat runs the interactive client on the program's terminal.
func chat(ctx context.Context, s *session.Session, greeting string, getenv func(string) string) error {
	stdout := int(os.Stdout.Fd())
	console, err := openConsole()
	if err != nil {
		return err
	}
	defer console.close()
	resized, stop := notifyResized()
	defer stop()
	t := repl.Terminal{
		In:  console.typed(ctx),
		Out: os.Stdout,
		Size: func() (cols, rows int) {
			cols, rows, err := term.GetSize(stdout)
			if err != nil {
				return 0, 0
			}
			return cols, rows
		},
		Resized:  resized,
		NoReflow: keepsLines(getenv),
		Color:    getenv("NO_COLOR") == "",
		Suspend:  console.suspend(),
	}
	if console.pausable {
		t.Edit = func(text string) (string, error) { return console.edit(ctx, text, editor(getenv)) }
	}
	opt := &repl.Options{Greeting: greeting}
	remember(opt, getenv)
	return repl.Run(ctx, s, t, opt)
}

// remember lets a chat know what was sent in earlier ones. A history that cannot
// be read or written is no reason not to chat.
func remember(opt *repl.Options, getenv func(string) string) {
	path, err := history.Path(getenv, "default")
	if err == nil {
		opt.History, err = history.Load(path)
		opt.Keep = func(text string) {
			if e := history.Add(path, text); e != nil {
				opt.Keep = nil
			}
		}
	}
	if err != nil {
		say(os.Stderr, "without a history: %v", err)
	}
}

// keepsLines says whether the terminal is one that does not wrap lines anew when
// its width changes.
func keepsLines(getenv func(string) string) bool {
	return getenv("XTERM_VERSION") != "" || getenv("TERM") == "linux" || getenv("STY") != ""
}
