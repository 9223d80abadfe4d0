package main

import (
	"cmp"
	"context"
	"os"

	"kaiwa/client/history"
	"kaiwa/client/repl"
	"kaiwa/client/session"
)

// chat runs the interactive client on the program's terminal.
func chat(ctx context.Context, s *session.Session, greeting string, f *flags) error {
	console, err := openConsole()
	if err != nil {
		return err
	}
	defer console.close()
	resized, stop := notifyResized()
	defer stop()
	t := repl.Terminal{
		In:        console.typed(ctx),
		Out:       os.Stdout,
		Size:      size,
		Resized:   resized,
		NoReflow:  keepsLines(f.getenv),
		OtherKeys: f.getenv("XTERM_VERSION") != "" || f.getenv("TMUX") != "",
		Color:     f.getenv("NO_COLOR") == "",
		Suspend:   console.suspend(),
	}
	if console.pausable {
		t.Edit = func(text string) (string, error) { return console.edit(ctx, text, editor(f.getenv)) }
	}
	opt := &repl.Options{Greeting: greeting, Timeout: f.timeout}
	f.look.apply(&t, opt)
	remember(opt, f)
	return repl.Run(ctx, s, t, opt)
}

// remember lets a chat know what was sent in earlier ones, and what it begins with.
// A history that cannot be read or written is no reason not to chat.
func remember(opt *repl.Options, f *flags) {
	path, err := history.Path(f.getenv, cmp.Or(f.profile, "default"))
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
	if f.first != "" {
		opt.History = append(opt.History, f.first)
		if opt.Keep != nil {
			opt.Keep(f.first)
		}
	}
}

// keepsLines says whether the terminal is one that does not wrap lines anew when
// its width changes.
func keepsLines(getenv func(string) string) bool {
	return getenv("XTERM_VERSION") != "" || getenv("TERM") == "linux" || getenv("STY") != ""
}
