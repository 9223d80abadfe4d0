package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"kaiwa/client/session"
)

// silence is how long a user looks at nothing before being told what is going on.
const silence = 500 * time.Millisecond

// connecting is begin for a person, who may type meanwhile. What is typed stays with
// the terminal, unseen, for the chat to read. Nobody else reads it, and lines stay
// lines: a token command may have to ask for something on the terminal.
func connecting(ctx context.Context, f *flags, config *session.Config, open bool) (s *session.Session, title string, err error) {
	shown := unechoed()
	done := make(chan struct{})
	var work sync.WaitGroup
	work.Go(func() {
		late := time.NewTimer(silence)
		defer late.Stop()
		select {
		case <-late.C:
			fmt.Fprintf(os.Stderr, "connecting to %s (^C ends)\n", address(f.url))
		case <-done:
		}
	})
	s, title, err = begin(ctx, f, config, open)
	close(done)
	work.Wait()
	switch {
	case ctx.Err() != nil && err != nil:
		err = ctx.Err() // whatever it was that did not come of it
	case err != nil:
		notSent()
	}
	shown()
	return s, title, err
}

// notSent gives back what was typed for a chat that there will not be. The shell
// would take it for commands.
func notSent() {
	c, err := openConsole()
	if err != nil {
		return
	}
	typed := strings.TrimSpace(c.ahead())
	c.close()
	if typed != "" {
		say(os.Stderr, "not sent: %s", strings.ReplaceAll(typed, "\r", " / "))
	}
}
