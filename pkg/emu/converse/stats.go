package converse

import (
	"slices"
	"sync"
	"time"
)

// Stats counts calls since the Server was made. Calls that are none of Completed, Cancelled, Cut and Errors are going on.
type Stats struct {
	Calls     int `json:"calls"`
	Completed int `json:"completed"` // answered to the end
	Cancelled int `json:"cancelled"` // the client closed the connection first; generation stopped there
	Cut       int `json:"cut"`       // the model broke off and the stream ended without messageStop
	Errors    int `json:"errors"`    // refused, or ended by an exception
	Tokens    int `json:"tokens"`    // deltas of all answers
}

// TokenTimes says when the pieces of one answer went to the socket (for Converse: came from the model). They are taken
// just before the write, so that nobody can have received a piece earlier.
type TokenTimes struct {
	First, Last time.Time // zero as long as there was none
	Tokens      int
}

// keptRequests is how many requests Requests remembers.
const keptRequests = 16

// Stats is the counters now.
func (s *Server) Stats() Stats {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	return s.ledger.stats
}

// FirstTokens is the times of every call that carried a name, by that name: requestMetadata["tag"], or else the tag=NAME
// knob of an @demo prompt, which changes nothing else. Of several calls with one name (retries) the newest counts.
// Named calls are remembered as long as the Server lives.
func (s *Server) FirstTokens() map[string]TokenTimes {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	out := make(map[string]TokenTimes, len(s.ledger.named))
	for name, times := range s.ledger.named {
		out[name] = *times
	}
	return out
}

// Requests is the newest 16 valid requests, oldest first, including those that Faults refused.
func (s *Server) Requests() []Request {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	return slices.Clone(s.ledger.requests)
}

type ledger struct {
	mu       sync.Mutex
	stats    Stats
	named    map[string]*TokenTimes
	requests []Request
}

// outcome is how a call ended.
type outcome string

const (
	completed outcome = "completed"
	cancelled outcome = "cancelled"
	cut       outcome = "cut"
	failed    outcome = "failed"
)

// call is one request being answered. Its handler alone uses it; what others may read is in the ledger.
type call struct {
	ledger *ledger
	began  time.Time
	req    Request
	tokens int
	times  *TokenTimes // nil: the call has no name; protected by ledger.mu
}

func (l *ledger) begin() *call {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stats.Calls++
	return &call{ledger: l, began: time.Now()}
}

func (c *call) admitted(req Request) {
	l := c.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	c.req = req
	if len(l.requests) == keptRequests {
		l.requests = slices.Delete(l.requests, 0, 1)
	}
	l.requests = append(l.requests, req)
	if name := nameOf(req); name != "" {
		if l.named == nil {
			l.named = map[string]*TokenTimes{}
		}
		c.times = &TokenTimes{}
		l.named[name] = c.times
	}
}

func nameOf(req Request) string {
	if name := req.Metadata["tag"]; name != "" {
		return name
	}
	k, err := ParseKnobs(req.prompt())
	if err != nil {
		return ""
	}
	return k.Tag
}

func (c *call) token(now time.Time) {
	c.ledger.mu.Lock()
	defer c.ledger.mu.Unlock()
	c.tokens++
	c.ledger.stats.Tokens++
	if c.times == nil {
		return
	}
	if c.times.Tokens == 0 {
		c.times.First = now
	}
	c.times.Last = now
	c.times.Tokens++
}

func (c *call) finish(how outcome) {
	c.ledger.mu.Lock()
	defer c.ledger.mu.Unlock()
	switch stats := &c.ledger.stats; how {
	case completed:
		stats.Completed++
	case cancelled:
		stats.Cancelled++
	case cut:
		stats.Cut++
	case failed:
		stats.Errors++
	}
}
