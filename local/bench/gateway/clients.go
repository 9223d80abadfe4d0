package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"
)

// clients is a running process of clients.
type clients struct {
	cmd      *exec.Cmd
	in       io.WriteCloser
	out      *json.Decoder
	complain bytes.Buffer
}

// start hands a job to a new process.
func (r runner) start(ctx context.Context, j job) (*clients, error) {
	c := &clients{cmd: exec.CommandContext(ctx, r.o.Clients[0], r.o.Clients[1:]...)}
	c.cmd.Stderr = &c.complain
	c.cmd.WaitDelay = time.Second
	in, err := c.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the clients: %w", err)
	}
	c.in, c.out = in, json.NewDecoder(out)
	if err := json.NewEncoder(in).Encode(j); err != nil {
		return nil, c.end(fmt.Errorf("give the clients their job: %w", err))
	}
	return c, nil
}

// report waits for what the clients saw.
func (c *clients) report() (r report, err error) {
	if err := c.out.Decode(&r); err != nil {
		return r, fmt.Errorf("the clients' report: %w", err)
	}
	return r, nil
}

// end lets the process go and returns first, or why it failed.
func (c *clients) end(first error) error {
	_ = c.in.Close() // already closed if the process has ended
	err := c.cmd.Wait()
	if said := strings.TrimSpace(c.complain.String()); said != "" {
		return errors.New(said)
	}
	return errors.Join(first, err)
}
