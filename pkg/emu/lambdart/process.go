package lambdart

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"time"
)

// process is one running function process: Lambda's execution environment.
type process struct {
	fn     *function
	of     int // fn.replaced when it was started: another one now means that it is to end
	token  string
	cmd    *exec.Cmd
	out    *output
	work   chan *invocation // room for one: the next piece of work
	exited chan struct{}    // closed at the end; status and initError are final then
	status string           // how it ended, like "exit status 1"

	// Guarded by Host.mu.
	current   *invocation // taken and not settled
	polling   bool        // a request for work is open
	fresh     bool        // has not asked for work yet
	idleSince time.Time
	initError []byte

	memory memory

	mu      sync.Mutex // guards alive, so that no signal goes to a recycled pid
	alive   bool
	killing *time.Timer
}

// spawn starts a process for fn. Its first work must be waiting in p.work soon:
// it has no idle time before.
func (h *Host) spawn(fn *function) (*process, error) {
	p := &process{
		fn: fn, token: token(), fresh: true,
		work:   make(chan *invocation, 1),
		exited: make(chan struct{}),
	}
	var err error
	if p.out, err = newOutput(fn.Name, token(), h.opt.Logs); err != nil {
		return nil, err
	}
	h.mu.Lock()
	command := fn.Command
	p.of = fn.replaced
	h.mu.Unlock()
	p.cmd = exec.Command(command[0], command[1:]...)
	p.cmd.Dir = fn.Dir
	p.cmd.Stdout, p.cmd.Stderr = p.out.write, p.out.write
	p.cmd.SysProcAttr = ownGroup()
	if err := h.enlist(p); err != nil {
		p.out.close()
		return nil, err
	}
	if err := p.run(); err != nil {
		p.out.close()
		h.mu.Lock()
		h.forget(p)
		h.mu.Unlock()
		h.owned.Done()
		return nil, fmt.Errorf("start %s: %w", command[0], err)
	}
	h.opt.Logger.Debug("process started", "function", fn.Name, "pid", p.cmd.Process.Pid)
	go h.reap(p)

	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed { // Close may have come before there was anything to signal
		p.kill()
	}
	return p, nil
}

// enlist puts a process on the books before it runs, for it may call at once.
func (h *Host) enlist(p *process) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return ErrClosed
	case h.addr == "":
		return errors.New("the host does not know its own address: call SetBaseURL")
	}
	p.cmd.Env = h.environment(p.fn, p.token)
	h.processes[p.token] = p
	p.fn.stats.Processes++
	p.fn.stats.ColdStarts++
	h.owned.Add(1)
	return nil
}

func (p *process) run() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.cmd.Start(); err != nil {
		return err
	}
	p.alive = true
	return nil
}

// reap waits for the end of a process and clears away what it leaves.
func (h *Host) reap(p *process) {
	defer h.owned.Done()
	p.cmd.Wait() // its error is the status
	p.mu.Lock()
	p.alive = false
	if p.killing != nil {
		p.killing.Stop()
	}
	p.mu.Unlock()
	killGroup(p.cmd.Process.Pid)
	h.mu.Lock()
	closed := h.closed // then Close looks after the orphans of all at once
	h.mu.Unlock()
	if !closed {
		killOrphans(h.runtimeAPI(p.token))
	}
	p.out.close()

	h.mu.Lock()
	p.status = p.cmd.ProcessState.String()
	h.unidle(p)
	h.forget(p)
	h.mu.Unlock()
	h.opt.Logger.Debug("process ended", "function", p.fn.Name, "pid", p.cmd.Process.Pid, "status", p.status)
	close(p.exited)
}

// forget takes a process off the books, once. Host.mu is held.
func (h *Host) forget(p *process) {
	if h.processes[p.token] == p {
		delete(h.processes, p.token)
		h.roomMade()
		p.fn.stats.Processes--
	}
}

// unidle takes a process out of the pool and says whether it was there. Host.mu
// is held.
func (h *Host) unidle(p *process) bool {
	for i, q := range p.fn.idle {
		if q == p {
			p.fn.idle = append(p.fn.idle[:i], p.fn.idle[i+1:]...)
			return true
		}
	}
	return false
}

// await says whether started came; false means the process is dead, killed if it
// took longer than limit.
func (p *process) await(started <-chan struct{}, limit time.Duration) bool {
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case <-started:
		return true
	case <-p.exited:
	case <-t.C:
		p.kill()
		<-p.exited
	}
	return false
}

// terminate asks the process to end and kills it after grace.
func (p *process) terminate(grace time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.alive || p.killing != nil {
		return
	}
	terminate(p.cmd.Process)
	p.killing = time.AfterFunc(grace, p.kill)
}

// kill ends the process and its children at once.
func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.alive {
		return
	}
	if err := p.cmd.Process.Kill(); !errors.Is(err, os.ErrProcessDone) {
		killGroup(p.cmd.Process.Pid)
	}
}

// running says whether the process has not ended yet, so that its id is its own.
func (p *process) running() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.alive
}

func token() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
