package lambdart

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"
)

// The inspector keeps this many dead letters, the newest.
const maxDeadLetters = 1000

// DeadLetter is the record of an event that was dropped.
type DeadLetter struct {
	// Function and RequestID name the event; Destination is the OnFailure ARN it
	// would have gone to.
	Function, RequestID, Destination string
	// Record is the JSON document Lambda sends to a destination: requestContext,
	// requestPayload, responseContext, responsePayload.
	Record []byte
}

// InvokeAsync queues an event for a function, like InvocationType Event, and
// returns at once. The event is delivered at least once: a failure is tried
// again after Options.AsyncRetry and twice that, under the same request id.
// Errors: *APIError (unknown function, payload over 1 MB), ErrClosed.
func (h *Host) InvokeAsync(function string, payload []byte) error {
	fn, called, err := h.find(function, "")
	if err != nil {
		return err
	}
	return h.enqueue(fn, call{id: requestID(), called: called, trace: traceID(), payload: slices.Clone(payload)})
}

// DeadLetters returns the records of dropped events whose OnFailure destination
// is not a function here, oldest first.
func (h *Host) DeadLetters() []DeadLetter {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.letters)
}

func (h *Host) enqueue(fn *function, c call) error {
	if len(c.payload) > maxAsyncPayload {
		return errTooLarge(maxAsyncPayload)
	}
	c.clientContext = "" // for synchronous calls only
	fault := h.opt.Fault(fn.Name, true)
	e := event{
		call: c, fn: fn, since: time.Now(), first: &fault,
		maxAge: or(fn.Async.MaxEventAge, 6*time.Hour), maxRetries: 2,
	}
	if n := fn.Async.MaxRetryAttempts; n != nil {
		e.maxRetries = *n
	}
	h.mu.Lock()
	fn.stats.Events++
	h.mu.Unlock()
	if !h.queue.add(e) {
		return ErrClosed
	}
	if fault.Duplicate {
		e.first = nil
		h.queue.add(e)
	}
	return nil
}

// attempt runs an event once; it is the queue's try.
func (h *Host) attempt(e *event) (verdict, outcome) {
	fault := e.first
	e.first = nil
	if fault == nil {
		f := h.opt.Fault(e.fn.Name, true)
		fault = &f
	}
	if !pause(h.queue.done, fault.Delay) {
		return abandoned, outcome{}
	}
	c := e.call
	c.fault, c.background = *fault, true
	inv, err := h.begin(h.queue.done, e.fn, c)
	var api *APIError
	switch {
	case errors.As(err, &api) && api.Status == http.StatusTooManyRequests:
		if r := e.fn.ReservedConcurrency; r != nil && *r == 0 {
			return refusedForGood, outcome{}
		}
		return throttled, outcome{}
	case err != nil:
		return abandoned, outcome{}
	}
	if e.attempts > 0 {
		h.mu.Lock()
		e.fn.stats.Retries++
		h.mu.Unlock()
	}
	<-inv.done
	if inv.out.functionError != "" {
		return failed, inv.out
	}
	return delivered, inv.out
}

// drop gives up an event: its record goes to the function's OnFailure
// destination, if there is one. It is the queue's drop.
func (h *Host) drop(e *event, condition string, last outcome) {
	destination := e.fn.Async.OnFailure
	h.opt.Logger.Info("event dropped", "function", e.fn.Name, "requestId", e.id, "condition", condition, "destination", destination)
	h.mu.Lock()
	e.fn.stats.Dropped++
	if destination != "" {
		e.fn.stats.DeadLetters++
	}
	h.mu.Unlock()
	if destination == "" {
		return
	}
	record := invocationRecord(e, condition, last)
	if to, called, err := h.find(destination, ""); err == nil {
		if err := h.enqueue(to, call{id: requestID(), called: called, trace: e.trace, payload: record}); err == nil {
			return
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.letters = append(h.letters, DeadLetter{Function: e.fn.Name, RequestID: e.id, Destination: destination, Record: record})
	if over := len(h.letters) - maxDeadLetters; over > 0 {
		h.letters = slices.Delete(h.letters, 0, over)
	}
}

// invocationRecord is the document of "Capturing records of Lambda asynchronous
// invocations" in the Lambda developer guide.
func invocationRecord(e *event, condition string, last outcome) []byte {
	payload := e.payload
	if len(payload) == 0 {
		payload = []byte("{}")
	}
	record := map[string]any{
		"version":   "1.0",
		"timestamp": time.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
		"requestContext": map[string]any{
			"requestId": e.id, "functionArn": e.fn.ARN + ":$LATEST",
			"condition": condition, "approximateInvokeCount": e.attempts,
		},
		"requestPayload": json.RawMessage(payload),
	}
	if last.functionError != "" {
		record["responseContext"] = map[string]any{
			"statusCode": http.StatusOK, "executedVersion": "$LATEST", "functionError": last.functionError,
		}
		if json.Valid(last.payload) {
			record["responsePayload"] = json.RawMessage(last.payload)
		} else {
			record["responsePayload"] = string(last.payload)
		}
	}
	b, err := json.Marshal(record)
	if err != nil { // an event queued in Go need not be JSON
		record["requestPayload"] = string(payload)
		b, _ = json.Marshal(record)
	}
	return b
}
