package main

import (
	"context"
	"os"

	"golang.org/x/term"

	"kaiwa/client/repl"
	"kaiwa/client/session"
)

// chat runs the interactive client on the program's terminal.
func chat(ctx context.Context, s *session.Session, greeting string) error {
	stdin, stdout := int(os.Stdin.Fd()), int(os.Stdout.Fd())
	state, err := term.MakeRaw(stdin)
	if err != nil {
		return err
	}
	defer func() { _ = term.Restore(stdin, state) }()
	resized, stop := notifyResized()
	defer stop()
	return repl.Run(ctx, s, repl.Terminal{
		In:  typed(ctx),
		Out: os.Stdout,
		Size: func() (cols, rows int) {
			cols, rows, err := term.GetSize(stdout)
			if err != nil {
				return 0, 0
			}
			return cols, rows
		},
		Resized:  resized,
		NoReflow: keepsLines(os.Getenv),
	}, greeting, nil)
}

// typed reads the terminal. A read cannot be called off: its goroutine outlives
// the chat and ends with the program.
func typed(ctx context.Context) <-chan []byte {
	in := make(chan []byte)
	go func() {
		defer close(in)
		for {
			b := make([]byte, 4096)
			n, err := os.Stdin.Read(b)
			if n > 0 {
				select {
				case in <- b[:n]:
				case <-ctx.Done():
					return
				}
			}
			if err != nil {
				return
			}
		}
	}()
	return in
}

// keepsLines says whether the terminal is one that does not wrap lines anew when
// its width changes.
func keepsLines(getenv func(string) string) bool {
	return getenv("XTERM_VERSION") != "" || getenv("TERM") == "linux" || getenv("STY") != ""
}
