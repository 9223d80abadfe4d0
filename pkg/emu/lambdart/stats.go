package lambdart

import "time"

// Stats are the counters of one function since the host began.
type Stats struct {
	// Invocations that reached a process, retries included; Errors are those that
	// failed in any way, Timeouts and Crashes among them.
	Invocations int64 `json:"invocations"`
	ColdStarts  int64 `json:"coldStarts"`
	Errors      int64 `json:"errors"`
	Timeouts    int64 `json:"timeouts"`
	Crashes     int64 `json:"crashes"`
	// Throttles are invocations refused for want of concurrency.
	Throttles int64 `json:"throttles"`
	// Events accepted by Event invocations, Retries of them after a failure,
	// Dropped without success, and DeadLetters: records of dropped ones that went
	// to an OnFailure destination.
	Events      int64 `json:"events"`
	Retries     int64 `json:"retries"`
	Dropped     int64 `json:"dropped"`
	DeadLetters int64 `json:"deadLetters"`
	// Now under way: invocations, living processes, and events not yet done with.
	InFlight  int `json:"inFlight"`
	Processes int `json:"processes"`
	Queued    int `json:"queued"`
	// BilledMS is the billed duration, each invocation rounded up to 1 ms and the
	// init time of cold starts included (publishing §6). GBSeconds is the same
	// times MemoryMB.
	BilledMS  int64   `json:"billedMs"`
	GBSeconds float64 `json:"gbSeconds"`
}

// Stats returns the counters of every function by name.
func (h *Host) Stats() map[string]Stats {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make(map[string]Stats, len(h.functions))
	for name, fn := range h.functions {
		s := fn.stats
		s.InFlight, s.Queued = fn.inFlight, h.queue.length(name)
		all[name] = s
	}
	return all
}

// bill adds a duration to the bill. Host.mu is held.
func (s *Stats) bill(d time.Duration, memoryMB int) {
	ms := int64((d + time.Millisecond - 1) / time.Millisecond)
	s.BilledMS += ms
	s.GBSeconds += float64(ms) / 1000 * float64(memoryMB) / 1024
}
