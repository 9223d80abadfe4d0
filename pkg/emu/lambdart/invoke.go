package lambdart

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Payload limits in bytes (aws-facts §6). A function's answer may be 100 bytes
// longer than its request, as the Runtime API says in its own error text.
const (
	maxSyncPayload  = 6 << 20
	maxAsyncPayload = 1 << 20
	maxResponse     = maxSyncPayload + 100
)

// A process has 10 s to ask for its first work, as on Lambda, and then the
// function's timeout, for Lambda would start it once more within that.
const initTimeout = 10 * time.Second

// An answer is handed on when the process asks for more work or ends, so that a
// caller who invokes again at once finds it idle, or gone, but not in between. A
// process that does neither for this long has its answer handed on all the same.
const settleTimeout = 500 * time.Millisecond

// Invoke runs a function and waits for its answer, like InvocationType
// RequestResponse. function is any name that the Invoke API accepts.
//
// functionError is "" or "Unhandled"; then out is the error object with
// errorMessage. err tells that nothing ran: *APIError (unknown function,
// throttled, payload over 6 MB), ErrClosed, or ctx's error when the caller gave
// up waiting; the invocation itself then goes on, as on Lambda.
func (h *Host) Invoke(ctx context.Context, function string, payload []byte) (out []byte, functionError string, err error) {
	fn, called, err := h.find(function, "")
	if err != nil {
		return nil, "", err
	}
	o, err := h.invoke(ctx, fn, call{id: requestID(), called: called, trace: traceID(), payload: slices.Clone(payload)})
	return o.payload, o.functionError, err
}

// call is one request to run a function.
type call struct {
	id, trace     string
	called        string // the function's ARN as the caller means it
	background    bool   // an event, for which nobody waits
	clientContext string // JSON, "" for none
	payload       []byte
	fault         Fault
}

// outcome is how an invocation ended.
type outcome struct {
	payload       []byte
	functionError string
	timeout       bool
	crash         bool
	log           []byte // the last 4 KB of what the process wrote meanwhile
}

// invocation is a call that has been admitted.
type invocation struct {
	call
	fn       *function
	deadline time.Time
	started  chan struct{} // closed when a process took it; deadline is set then
	answer   chan outcome  // what the process said; room for one
	answered bool          // guarded by Host.mu
	settled  chan struct{} // closed when the process asks for more work
	done     chan struct{} // closed when out is final
	out      outcome
}

// invoke runs one synchronous call.
func (h *Host) invoke(ctx context.Context, fn *function, c call) (outcome, error) {
	if len(c.payload) > maxSyncPayload {
		return outcome{}, errTooLarge(maxSyncPayload)
	}
	c.fault = h.opt.Fault(fn.Name, false)
	if !pause(ctx.Done(), c.fault.Delay) {
		return outcome{}, context.Cause(ctx)
	}
	inv, err := h.begin(ctx.Done(), fn, c)
	switch {
	case err == errGivenUp:
		return outcome{}, context.Cause(ctx)
	case err != nil:
		return outcome{}, err
	}
	select {
	case <-inv.done:
		return inv.out, nil
	case <-ctx.Done():
		return outcome{}, context.Cause(ctx)
	}
}

// begin admits a call and starts the goroutine that sees it through. Whoever wants
// it may give up, until it is admitted.
func (h *Host) begin(givenUp <-chan struct{}, fn *function, c call) (*invocation, error) {
	p, err := h.place(givenUp, fn)
	if err != nil {
		return nil, err
	}
	inv := &invocation{
		call: c, fn: fn,
		started: make(chan struct{}),
		answer:  make(chan outcome, 1),
		settled: make(chan struct{}),
		done:    make(chan struct{}),
	}
	go func() {
		defer h.owned.Done()
		h.see(inv, p)
	}()
	return inv, nil
}

// see takes one invocation from its process to its outcome.
func (h *Host) see(inv *invocation, p *process) {
	began := time.Now()
	idle := p
	p, out := h.start(inv, p)
	cold := p != idle
	if out == nil {
		if !cold {
			began = inv.deadline.Add(-inv.fn.Timeout)
		}
		o := h.watch(inv, p)
		out = &o
	}
	h.mu.Lock()
	h.leave(inv.fn)
	inv.fn.stats.bill(time.Since(began), inv.fn.MemoryMB)
	h.mu.Unlock()
	h.report(inv, p, cold, began, *out)
	h.finish(inv, *out)
}

// start gives the invocation to p, or to a new process if p is nil or turns out
// to be dead, and waits until it is taken. A non-nil outcome means it never was.
func (h *Host) start(inv *invocation, p *process) (*process, *outcome) {
	promised := p == nil
	for {
		warm := p != nil
		if !warm {
			var err error
			p, err = h.spawn(inv.fn)
			if promised {
				h.kept()
				promised = false
			}
			if err != nil {
				return nil, h.failure(inv, "Runtime.InvalidEntrypoint", err.Error())
			}
		}
		p.work <- inv
		if p.await(inv.started, initTimeout+inv.fn.Timeout) {
			return p, nil
		}
		select {
		case <-p.work: // taken back: the process never saw it
		default:
			<-inv.started
			return p, nil
		}
		switch {
		case warm: // it died of its own while idle, which is nobody's error
			p = nil
		case p.initError != nil:
			return p, &outcome{payload: p.initError, functionError: "Unhandled"}
		default:
			return p, h.crashed(inv, p)
		}
	}
}

// watch waits for the end of an invocation that runs in p: an answer, a crash,
// the timeout or the fault. When it returns p is idle or dead.
func (h *Host) watch(inv *invocation, p *process) outcome {
	timeout := time.NewTimer(time.Until(inv.deadline))
	defer timeout.Stop()
	out, dead := h.answerOf(inv, p, timeout.C)
	if dead {
		return out
	}
	settle := time.NewTimer(settleTimeout)
	defer settle.Stop()
	for {
		select {
		case <-inv.settled:
			out.log = p.out.tail()
			return out
		case <-p.exited:
			select {
			case <-inv.settled: // and then it was told to end
			default:
				h.countCrash(inv.fn)
			}
			out.log = p.out.tail()
			return out
		case <-settle.C:
			h.finish(inv, out)
		case <-timeout.C:
			p.kill()
		}
	}
}

// answerOf waits for the answer of an invocation. dead tells that there is none
// because p has ended, or had to.
func (h *Host) answerOf(inv *invocation, p *process, timeout <-chan time.Time) (out outcome, dead bool) {
	var fault, memory <-chan time.Time
	if inv.fault.Kill {
		t := time.NewTimer(inv.fault.killAfter())
		defer t.Stop()
		fault = t.C
	}
	if memoryKnown {
		t := time.NewTicker(memoryPoll)
		defer t.Stop()
		memory = t.C
	}
	for {
		select {
		case out := <-inv.answer:
			if inv.fault.Kill {
				return h.slain(inv, p), true
			}
			return out, false
		case <-fault:
			return h.slain(inv, p), true
		case <-timeout:
			p.kill()
			<-p.exited
			return h.timedOut(inv, p), true
		case <-memory:
			if p.overLimit() {
				return h.outOfMemory(inv, p), true
			}
		case <-p.exited:
			select {
			case out := <-inv.answer: // it said why before it went
				return out, false
			default:
				return *h.crashed(inv, p), true
			}
		}
	}
}

// finish makes the outcome known, once.
func (h *Host) finish(inv *invocation, out outcome) {
	select {
	case <-inv.done:
		return
	default:
	}
	h.mu.Lock()
	s := &inv.fn.stats
	if out.functionError != "" {
		s.Errors++
	}
	if out.timeout {
		s.Timeouts++
	}
	if out.crash {
		s.Crashes++
	}
	h.mu.Unlock()
	inv.out = out
	close(inv.done)
}

func (h *Host) countCrash(fn *function) {
	h.mu.Lock()
	defer h.mu.Unlock()
	fn.stats.Crashes++
}

func (h *Host) slain(inv *invocation, p *process) outcome {
	p.kill()
	<-p.exited
	return *h.crashed(inv, p)
}

func (h *Host) crashed(inv *invocation, p *process) *outcome {
	out := h.failure(inv, "Runtime.ExitError", "Runtime exited with error: "+p.status)
	out.crash, out.log = true, p.out.tail()
	return out
}

// outOfMemory ends a process that uses more than it has. AWS's kernel does that; its
// REPORT line says Runtime.OutOfMemory (DataBiosphere/azul issue 7730, a capture of 2026).
func (h *Host) outOfMemory(inv *invocation, p *process) outcome {
	p.kill()
	<-p.exited
	h.opt.Logs(inv.fn.Name, inv.id, fmt.Appendf(nil, "RequestId: %s used %d MB of memory, more than its MemorySize of %d MB: killed",
		inv.id, p.peakMB(), inv.fn.MemoryMB))
	out := h.failure(inv, "Runtime.OutOfMemory", "Runtime exited with error: "+p.status)
	out.crash, out.log = true, p.out.tail()
	return *out
}

// failure is an error that Lambda itself reports, in its words.
func (h *Host) failure(inv *invocation, kind, message string) *outcome {
	message = "RequestId: " + inv.id + " Error: " + message
	h.opt.Logs(inv.fn.Name, inv.id, []byte(message+" "+kind))
	return &outcome{payload: errorObject(kind, message), functionError: "Unhandled"}
}

func (h *Host) timedOut(inv *invocation, p *process) outcome {
	message := fmt.Sprintf("%s %s Task timed out after %.2f seconds",
		time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), inv.id, inv.fn.Timeout.Seconds())
	h.opt.Logs(inv.fn.Name, inv.id, []byte(message))
	return outcome{payload: errorObject("", message), functionError: "Unhandled", timeout: true, log: p.out.tail()}
}

func errorObject(kind, message string) []byte {
	b, err := json.Marshal(struct {
		Type    string `json:"errorType,omitempty"`
		Message string `json:"errorMessage"`
	}{kind, message})
	if err != nil {
		return []byte(`{"errorMessage":"unknown"}`)
	}
	return b
}

// pause waits d and says whether it got to the end before done.
func pause(done <-chan struct{}, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-done:
		return false
	}
}
