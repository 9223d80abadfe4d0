package signin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// commandWithin is how long a command may take: somebody may have to confirm a
// sign-in elsewhere.
const commandWithin = 2 * time.Minute

// shell runs a command without a standard input: the chat has that.
func shell(ctx context.Context, command string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, commandWithin)
	defer cancel()
	c := exec.CommandContext(ctx, "sh", "-c", command)
	if runtime.GOOS == "windows" {
		c = exec.CommandContext(ctx, "cmd", "/C", command)
	}
	c.WaitDelay = time.Second // for what it started and left behind
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	switch err := c.Run(); {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return "", fmt.Errorf("%q takes longer than %v", command, commandWithin)
	case err != nil:
		return "", fmt.Errorf("%q: %w%s", command, err, lastLine(errs.String()))
	}
	return out.String(), nil
}

// lastLine is the last thing a command said, which tends to be what went wrong.
func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	if last := strings.TrimSpace(lines[len(lines)-1]); last != "" {
		return ": " + last
	}
	return ""
}
