package lambdart

import (
	"math"
	"math/rand/v2"
	"time"
)

// Fault is what goes wrong with one attempt of an invocation. The zero value is
// nothing.
type Fault struct {
	// Kill ends the process with SIGKILL during the invocation, After its start.
	// An invocation that answers sooner is killed at that moment and its answer
	// thrown away: the work is done and nobody knows. After 0 is a random moment
	// between 1 ms and 10 s, short ones as likely as long ones.
	Kill  bool
	After time.Duration
	// Duplicate delivers an event twice, at once and under the same request id.
	// It is heeded on an event's first attempt only.
	Duplicate bool
	// Delay passes before the attempt starts.
	Delay time.Duration
}

// killAfter is when a killed invocation dies.
func (f Fault) killAfter() time.Duration {
	if f.After > 0 {
		return f.After
	}
	// Log-uniform over four decades, so that handlers of milliseconds and replies
	// of seconds are both cut in the middle now and then.
	return time.Duration(math.Pow(10, rand.Float64()*4) * float64(time.Millisecond))
}
