package stack

import "time"

// Expired items are looked for this often, and go when they are expired for
// this long: DynamoDB takes up to two days (aws-facts §9), and a program that
// forgets to filter them should notice here.
const (
	sweepEvery = 10 * time.Minute
	sweepAfter = time.Hour
)

// sweep keeps a long run from growing, until Close.
func (s *Stack) sweep() {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			s.table.Sweep(now.Add(-sweepAfter))
		case <-s.closing:
			return
		}
	}
}
