package lambdart

import "time"

// Report is what Lambda's REPORT line says of an attempt to run a function, and how it ended.
type Report struct {
	Function  string
	RequestID string
	// Init is how long a cold start took until the function was called; 0 for a
	// process that was there already.
	Init time.Duration
	// Duration is from the call until the process asked for more work, or ended. It
	// is 0 if the function was never called.
	Duration time.Duration
	// MemoryMB is what the function may use, MaxMemoryMB the most its process has
	// used so far: 0 where that is not known, as everywhere but on Linux.
	MemoryMB, MaxMemoryMB int
	// Timeout and Crash tell that Lambda ended it, and what Logs got said why.
	Timeout, Crash bool
	// Error is what the function itself gave as its error, as JSON; else empty.
	Error []byte
}

// report tells of the end of an invocation, which began at a time.
func (h *Host) report(inv *invocation, p *process, cold bool, began time.Time, out outcome) {
	if h.opt.Report == nil {
		return
	}
	r := Report{
		Function: inv.fn.Name, RequestID: inv.id, MemoryMB: inv.fn.MemoryMB,
		Timeout: out.timeout, Crash: out.crash,
	}
	ended := time.Now()
	called := ended
	if !inv.deadline.IsZero() {
		called = inv.deadline.Add(-inv.fn.Timeout)
		r.Duration = ended.Sub(called)
	}
	if cold {
		r.Init = max(called.Sub(began), 1)
	}
	if p != nil {
		r.MaxMemoryMB = p.peakMB()
	}
	if out.functionError != "" && !out.timeout && !out.crash {
		r.Error = out.payload
	}
	h.opt.Report(r)
}
