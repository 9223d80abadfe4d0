package lambdart

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Host runs functions. Make one with New.
type Host struct {
	opt   Options
	mux   *http.ServeMux
	queue *queue
	// owned counts the goroutines of invocations and processes.
	owned sync.WaitGroup

	mu         sync.Mutex // guards all below, and what function and process say
	addr       string
	functions  map[string]*function
	nicknames  map[string]*function // nil: ambiguous
	processes  map[string]*process  // alive, by token
	reserved   int                  // concurrency the functions reserve
	unreserved int                  // invocations under way that draw on the rest
	letters    []DeadLetter
	promised   int           // processes that are about to be started
	room       chan struct{} // closed when a process is idle or gone; nil: nobody waits
	closed     bool
}

// New returns a Host without functions. nil Options are the defaults.
func New(o *Options) *Host {
	h := &Host{
		opt:       o.withDefaults(),
		functions: make(map[string]*function),
		nicknames: make(map[string]*function),
		processes: make(map[string]*process),
	}
	h.queue = newQueue(h.opt.AsyncRetry, h.attempt, h.drop)
	h.mux = h.routes()
	return h
}

// SetBaseURL tells the host where its own handler listens, as HOST:PORT or as
// http://HOST:PORT. No process can be started before.
func (h *Host) SetBaseURL(addr string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.addr = strings.TrimSuffix(strings.TrimPrefix(addr, "http://"), "/")
}

// ServeHTTP serves the Runtime API and the Invoke API; see the package comment
// for the paths.
func (h *Host) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

// Close ends the host: waiting events are forgotten, every process gets SIGTERM
// and, after Options.Grace or when ctx ends, SIGKILL. It returns when nothing is
// left running; invocations under way fail as crashed. A second Close waits too. The
// error is a *KilledError if somebody still waited for a function when ctx ended:
// events, and processes without work, are killed without a word.
func (h *Host) Close(ctx context.Context) error {
	h.mu.Lock()
	h.closed = true
	h.roomMade()
	var killed KilledError
	if ctx.Err() != nil { // then SIGTERM is the end already
		killed.Functions = h.busy()
	}
	for _, p := range h.processes {
		p.terminate(h.opt.Grace)
	}
	h.mu.Unlock()

	ended := make(chan struct{})
	go func() {
		h.queue.close()
		h.owned.Wait()
		if h.addr != "" {
			killOrphans(h.runtimeAPI(""))
		}
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
		h.mu.Lock()
		if killed.Functions == nil {
			killed.Functions = h.busy()
		}
		for _, p := range h.processes {
			p.kill()
		}
		h.mu.Unlock()
		<-ended
	}
	if killed.Functions == nil {
		return nil
	}
	return &killed
}

// busy names the functions that somebody waits for, by their logical id where they
// have one. Host.mu is held.
func (h *Host) busy() (names []string) {
	for _, p := range h.processes {
		if p.fresh || p.current != nil && !p.current.background {
			names = append(names, or(p.fn.LogicalID, p.fn.Name))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// admit takes a place for one invocation of fn, and an idle process if there is
// one. Host.mu is held.
func (h *Host) admit(fn *function) (*process, error) {
	if h.closed {
		return nil, ErrClosed
	}
	if r := fn.ReservedConcurrency; r != nil {
		if fn.inFlight >= *r {
			fn.stats.Throttles++
			return nil, errThrottled("ReservedFunctionConcurrentInvocationLimitExceeded", "Rate Exceeded.")
		}
	} else if h.unreserved >= h.opt.AccountConcurrency-h.reserved {
		fn.stats.Throttles++
		return nil, errThrottled("ConcurrentInvocationLimitExceeded", "Rate Exceeded.")
	}
	p := fn.takeIdle()
	if p == nil && len(h.processes)+h.promised >= h.opt.MaxProcesses && !h.evict() {
		return nil, errNoRoom
	}
	if p == nil {
		h.promised++
	}
	fn.inFlight++
	if fn.ReservedConcurrency == nil {
		h.unreserved++
	}
	fn.stats.Invocations++
	h.owned.Add(1)
	return p, nil
}

// errGivenUp: whoever wanted an invocation has gone before there was room for it.
var errGivenUp = errors.New("lambdart: the caller has given up")

// errNoRoom is Options.MaxProcesses reached with every one of them busy.
var errNoRoom = errors.New("lambdart: no room for a process")

// place is admit for callers that can wait for a process to become free, until they
// have givenUp.
func (h *Host) place(givenUp <-chan struct{}, fn *function) (*process, error) {
	limit := time.NewTimer(h.opt.ProcessWait)
	defer limit.Stop()
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		p, err := h.admit(fn)
		if err != errNoRoom {
			return p, err
		}
		if h.room == nil {
			h.room = make(chan struct{})
		}
		room := h.room
		h.mu.Unlock()
		var why error
		select {
		case <-room:
		case <-givenUp:
			why = errGivenUp
		case <-limit.C:
			why = errThrottled("ConcurrentInvocationLimitExceeded",
				fmt.Sprintf("Rate Exceeded: all %d local processes are busy (Options.MaxProcesses)", h.opt.MaxProcesses))
		}
		h.mu.Lock()
		if why != nil {
			if why != errGivenUp {
				fn.stats.Throttles++
			}
			return nil, why
		}
	}
}

// roomMade lets those in place look again. Host.mu is held.
func (h *Host) roomMade() {
	if h.room != nil {
		close(h.room)
		h.room = nil
	}
}

// kept says that a process that admit promised has been started, or cannot be.
func (h *Host) kept() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.promised--
	h.roomMade()
}

// leave gives back the place that admit took. Host.mu is held.
func (h *Host) leave(fn *function) {
	fn.inFlight--
	if fn.ReservedConcurrency == nil {
		h.unreserved--
	}
}

// takeIdle returns the process that was used last, so that the others may grow
// old and be reaped. Host.mu is held.
func (fn *function) takeIdle() *process {
	n := len(fn.idle)
	if n == 0 {
		return nil
	}
	p := fn.idle[n-1]
	fn.idle = fn.idle[:n-1]
	return p
}

// evict ends the process that has been idle longest, of any function, and says
// whether there was one. Host.mu is held.
func (h *Host) evict() bool {
	var oldest *process
	for _, fn := range h.functions {
		if len(fn.idle) > 0 && (oldest == nil || fn.idle[0].idleSince.Before(oldest.idleSince)) {
			oldest = fn.idle[0]
		}
	}
	if oldest == nil {
		return false
	}
	oldest.fn.idle = oldest.fn.idle[1:]
	h.forget(oldest)
	oldest.terminate(h.opt.Grace)
	return true
}

// requestID returns a random UUID, version 4.
func requestID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// traceID returns an X-Ray header value that asks for no sampling.
func traceID() string {
	var b [20]byte
	rand.Read(b[:])
	return fmt.Sprintf("Root=1-%08x-%x;Parent=%x;Sampled=0", time.Now().Unix(), b[:12], b[12:])
}
