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
	// As for Lambda: lambda.norpc leaves out a runtime that is gone, -s -w leaves
	// out debug information, which is half of the time spent linking.
	args := append([]string{"build", "-buildvcs=false", "-tags=lambda.norpc", "-ldflags=-s -w", "-o", b.target()}, b.packages...)
	cmd := exec.CommandContext(ctx, tool, args...)
	cmd.Dir = b.module
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	stopAsGroup(cmd)
	cmd.WaitDelay = stopGrace
	if err := os.MkdirAll(b.folder, 0o700); err != nil {
		return fmt.Errorf("make room for binaries: %w", err)
	}
	err := cmd.Run()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return errors.New(firstComplaint(output.String(), err))
	}
	if err != nil {
		return fmt.Errorf("run %s: %w", tool, err)
	}
	return nil
}

// firstComplaint picks the line to show of what the go tool printed.
func firstComplaint(output string, err error) string {
	first, more := "", 0
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		switch {
		case line == "", strings.HasPrefix(line, "#"), strings.HasPrefix(line, "go: downloading "):
		case first == "":
			first = line
		default:
			more++
		}
	}
	switch {
	case first == "":
		return "go build: " + err.Error()
	case more > 0:
		return fmt.Sprintf("%s (and %d more lines: go build)", first, more)
	}
	return first
}
