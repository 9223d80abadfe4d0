package apigw

import (
	"sync"
	"time"
)

// accountThrottle is the account's request rate; stage and route throttles
// default to it where they say nothing (aws-facts §1).
var accountThrottle = Throttle{Rate: 10_000, Burst: 5_000}

// bucket is a token bucket. A nil one never refuses.
type bucket struct {
	rate, burst float64

	mu     sync.Mutex
	tokens float64
	last   time.Time
}

// newBucket returns nil for the zero Throttle.
func newBucket(t Throttle) *bucket {
	if t == (Throttle{}) {
		return nil
	}
	if t.Rate == 0 {
		t.Rate = accountThrottle.Rate
	}
	if t.Burst == 0 {
		t.Burst = accountThrottle.Burst
	}
	return &bucket{rate: t.Rate, burst: float64(t.Burst), tokens: float64(t.Burst), last: time.Now()}
}

// take reports whether one more request may pass now.
func (b *bucket) take() bool {
	if b == nil {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.tokens = min(b.burst, b.tokens+now.Sub(b.last).Seconds()*b.rate)
	b.last = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
