package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/term"

	"kaiwa/local/stack"
)

// clientGrace is what the client has to end by itself when everything ends.
const clientGrace = 2 * time.Second

// clientFolder is the client's source: the package client of the module that the
// working folder is in.
func clientFolder() (string, error) {
	at, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the client: %w", err)
	}
	for ; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			if _, err := os.Stat(filepath.Join(at, "client")); err == nil {
				return filepath.Join(at, "client"), nil
			}
		}
		if at == filepath.Dir(at) {
			return "", errors.New("there is no client to build here: run in kaiwa's folder, or add -serve")
		}
	}
}

// chat runs the client in the foreground, where it owns the terminal, until it
// ends or ctx does. It returns the client's exit code.
func (s *session) chat(ctx context.Context, p *prepared, st *stack.Stack) (int, error) {
	s.signals.chatting.Store(true)
	defer s.signals.chatting.Store(false)
	if as, err := term.GetState(int(s.in.Fd())); err == nil { // it may have to be killed
		defer term.Restore(int(s.in.Fd()), as)
	}
	cmd := exec.CommandContext(ctx, p.client, clientArgs(st.Access())...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = s.in, s.out, s.err
	cmd.WaitDelay = clientGrace
	cmd.Cancel = func() error {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return cmd.Process.Kill() // Windows has no SIGTERM
		}
		return nil
	}
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return 0, context.Cause(ctx)
	case errors.As(err, &exit):
		return max(exit.ExitCode(), 1), nil // -1 for one that a signal ended
	case err != nil:
		return 0, fmt.Errorf("run the client: %w", err)
	}
	return 0, nil
}

// clientArgs are the address and what the client needs to be let in.
func clientArgs(a stack.Access) []string {
	if a.Token != "" {
		return []string{"--token", a.Token, a.URL}
	}
	if a.APIKey != "" {
		return []string{"-H", "x-api-key: " + a.APIKey, a.URL}
	}
	return []string{a.URL}
}
