package lambdart

import (
	"sync/atomic"
	"time"
)

// A busy process's memory is looked at this often. What it takes and gives back in
// between is not seen.
const memoryPoll = 50 * time.Millisecond

const megabyte = 1 << 20

// memory is what is known of a process's memory. The zero value knows nothing.
type memory struct {
	peak   atomic.Int64 // bytes
	looked atomic.Int64 // when the peak was asked for last, in milliseconds
}

// overLimit says whether the process uses more memory of its own than the function
// has: what it shares with others, like the pages of its program, does not count.
func (p *process) overLimit() bool {
	if !p.running() {
		return false
	}
	own, err := ownMemory(p.cmd.Process.Pid)
	if err != nil {
		return false
	}
	p.memory.atLeast(own)
	return own > int64(p.fn.MemoryMB)*megabyte
}

// peakMB is the most memory the process has used, in MB, 0 if that is unknown. It
// is looked up a few times a second at most.
func (p *process) peakMB() int {
	m := &p.memory
	now := time.Now().UnixMilli()
	if last := m.looked.Load(); now-last >= memoryPoll.Milliseconds() && m.looked.CompareAndSwap(last, now) && p.running() {
		if peak, err := peakMemory(p.cmd.Process.Pid); err == nil {
			m.atLeast(peak)
		}
	}
	return int((m.peak.Load() + megabyte - 1) / megabyte)
}

func (m *memory) atLeast(bytes int64) {
	if bytes > m.peak.Load() {
		m.peak.Store(bytes)
	}
}
