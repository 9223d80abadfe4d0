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
	cmd := exec.CommandContext(ctx, p.client, st.URL())
	cmd.Stdin, cmd.Stdout, cmd.Stderr = s.in, s.out, s.err
	cmd.Env = append(os.Environ(), clientEnv(st.Access(), p.region)...)
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

// clientEnv is what the client needs to be let in.
func clientEnv(a stack.Access, region string) []string {
	var env []string
	if a.AccessKeyID != "" {
		env = append(env, "AWS_ACCESS_KEY_ID="+a.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+a.SecretAccessKey,
			"AWS_SESSION_TOKEN=", "AWS_REGION="+region)
	}
	if a.APIKey != "" {
		env = append(env, "KAIWA_API_KEY="+a.APIKey)
	}
	return env
}
