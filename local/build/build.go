// Package build turns folders of Go main packages into binaries for this
// machine, with the machine's own go tool.
package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// stopGrace is what the go tool has to remove its temporary folder after an
// interrupt.
const stopGrace = 5 * time.Second

// Binaries builds the main package in each of dirs into a file below out, and
// returns those files by dir. Packages of one module are built by one run of the
// go tool, which does nothing for what has not changed. An error is one line, the
// compiler's first where it is the compiler that refuses. When ctx ends, the go
// tool and its children end too.
func Binaries(ctx context.Context, out string, dirs []string) (map[string]string, error) {
	tool, err := goTool()
	if err != nil {
		return nil, err
	}
	batches, err := plan(out, dirs)
	if err != nil {
		return nil, err
	}
	files := map[string]string{}
	for _, b := range batches {
		if err := b.run(ctx, tool); err != nil {
			return nil, err
		}
		for dir, file := range b.files {
			files[dir] = file
		}
	}
	return files, nil
}

// goTool finds go. Under `go run` and `go test` the tool's own folder stands
// first in PATH.
func goTool() (string, error) {
	tool, err := exec.LookPath("go")
	if err == nil {
		return tool, nil
	}
	if root := os.Getenv("GOROOT"); root != "" {
		if tool, err := exec.LookPath(filepath.Join(root, "bin", "go")); err == nil {
			return tool, nil
		}
	}
	return "", fmt.Errorf("find the go tool: %w", err)
}

func (b *batch) run(ctx context.Context, tool string) error {
	if err := os.MkdirAll(b.folder, 0o700); err != nil {
		return fmt.Errorf("make room for binaries: %w", err)
	}
	// As for Lambda: -s -w leaves out debug information, which is half of the time
	// spent linking.
	_, err := b.tool(ctx, tool, "build", "-buildvcs=false", "-ldflags=-s -w", "-o", b.target())
	return err
}

// tool runs a command of the go tool on the batch's packages and returns what it
// prints.
func (b *batch) tool(ctx context.Context, tool, command string, flags ...string) ([]byte, error) {
	// As for Lambda: lambda.norpc leaves out a runtime that is gone.
	args := slices.Concat([]string{command, "-tags=lambda.norpc"}, flags, b.packages)
	cmd := exec.CommandContext(ctx, tool, args...)
	cmd.Dir = b.module
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH)
	var output, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &complaints
	stopAsGroup(cmd)
	cmd.WaitDelay = stopGrace
	err := cmd.Run()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil, newFailure(command, complaints.String(), err)
	}
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", tool, err)
	}
	return output.Bytes(), nil
}

// List returns what `go list` with these flags prints of the packages in dirs, as
// they are built by Binaries: one module after the other.
func List(ctx context.Context, dirs []string, flags ...string) ([]byte, error) {
	tool, err := goTool()
	if err != nil {
		return nil, err
	}
	batches, err := plan("", dirs)
	if err != nil {
		return nil, err
	}
	var all []byte
	for _, b := range batches {
		out, err := b.tool(ctx, tool, "list", flags...)
		if err != nil {
			return nil, err
		}
		all = append(all, out...)
	}
	return all, nil
}

// Failure is what the go tool refuses with.
type Failure struct {
	// Lines are what it says, without headings.
	Lines []string
}

// Error is the first line, and how many there are more.
func (f *Failure) Error() string {
	if more := len(f.Lines) - 1; more > 0 {
		return fmt.Sprintf("%s (and %d more lines: go build)", f.Lines[0], more)
	}
	return f.Lines[0]
}

func newFailure(command, output string, err error) *Failure {
	f := &Failure{}
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "go: downloading ") {
			f.Lines = append(f.Lines, line)
		}
	}
	if len(f.Lines) == 0 {
		f.Lines = []string{"go " + command + ": " + err.Error()}
	}
	return f
}
