package lambdart

import (
	"sync"
	"time"
)

// Throttled events come back after a second, then two, up to five minutes
// (Lambda developer guide, "How Lambda handles errors and retries with
// asynchronous invocation").
const (
	throttleWait    = time.Second
	maxThrottleWait = 5 * time.Minute
)

// event is one Event invocation on its way.
type event struct {
	call
	fn         *function
	since      time.Time
	maxAge     time.Duration
	maxRetries int
	attempts   int    // that reached a process
	first      *Fault // already asked for the first attempt; nil: ask
}

// verdict is what came of one attempt.
type verdict int

const (
	delivered      verdict = iota // the function returned
	failed                        // the function failed: it counts as an attempt
	throttled                     // no concurrency: it does not
	refusedForGood                // there never will be any
	abandoned                     // the host is closing
)

// queue delivers events at least once. It knows when, and leaves how to try, to
// ask for it and to mourn to the functions it is given: so it can be tested
// without a process. Each event has its own goroutine from add to its end.
type queue struct {
	retry time.Duration
	try   func(*event) (verdict, outcome)
	drop  func(e *event, condition string, last outcome)

	mu      sync.Mutex // guards closed, waiting, and adding to events
	closed  bool
	waiting map[string]int // events not yet done with, by function name
	done    chan struct{}
	events  sync.WaitGroup
}

func newQueue(retry time.Duration, try func(*event) (verdict, outcome), drop func(*event, string, outcome)) *queue {
	return &queue{retry: retry, try: try, drop: drop, waiting: make(map[string]int), done: make(chan struct{})}
}

// add takes an event and says whether it did.
func (q *queue) add(e event) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	q.events.Add(1)
	q.waiting[e.fn.Name]++
	go func() {
		defer q.events.Done()
		q.deliver(&e)
		q.mu.Lock()
		defer q.mu.Unlock()
		q.waiting[e.fn.Name]--
	}()
	return true
}

// length is the number of events for a function that are not yet done with.
func (q *queue) length(function string) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiting[function]
}

// close forgets the events that wait and returns when none is under way.
func (q *queue) close() {
	q.mu.Lock()
	if !q.closed {
		q.closed = true
		close(q.done)
	}
	q.mu.Unlock()
	q.events.Wait()
}

// deliver tries an event until it is through, given up, or too old.
func (q *queue) deliver(e *event) {
	var last outcome
	throttle := throttleWait
	for {
		v, out := q.try(e)
		var wait time.Duration
		switch v {
		case delivered, abandoned:
			return
		case refusedForGood:
			q.drop(e, "ZeroReservedConcurrency", last)
			return
		case throttled:
			wait = throttle
			throttle = min(2*throttle, maxThrottleWait)
		case failed:
			last = out
			if e.attempts++; e.attempts > e.maxRetries {
				q.drop(e, "RetriesExhausted", last)
				return
			}
			wait = q.retry << (e.attempts - 1)
		}
		left := e.maxAge - time.Since(e.since)
		if !pause(q.done, min(wait, left)) {
			return
		}
		if wait >= left {
			q.drop(e, "EventAgeExceeded", last)
			return
		}
	}
}
