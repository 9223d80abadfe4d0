package faults

import (
	"sync/atomic"
	"time"
)

// Dice decides, for everything that could go wrong, whether it does. The zero
// value lets everything go right. It is safe for concurrent use.
type Dice struct{ plan atomic.Pointer[Plan] }

// Count is what became of one fault since its text was set.
type Count struct {
	Seen int64 `json:"seen"` // chances it had
	Hit  int64 `json:"hit"`  // times it happened
}

// Use replaces all faults by those of p, which must come fresh from Parse: its
// counters begin at 0.
func (d *Dice) Use(p *Plan) { d.plan.Store(p) }

// String is the text in force.
func (d *Dice) String() string {
	if p := d.plan.Load(); p != nil {
		return p.String()
	}
	return ""
}

// Hit counts a chance for the fault and says whether it happens. For a delay it
// happens always; see Delay.
func (d *Dice) Hit(name Name) bool {
	r := d.rule(name)
	return r != nil && r.roll()
}

// Delay is the time in force for one of the delays, 0 for none; it counts too.
func (d *Dice) Delay(name Name) time.Duration {
	if r := d.rule(name); r != nil && r.roll() {
		return r.delay
	}
	return 0
}

// Counts are the counters of the faults in force.
func (d *Dice) Counts() map[Name]Count {
	counts := map[Name]Count{}
	if p := d.plan.Load(); p != nil {
		for name, r := range p.rules {
			counts[name] = Count{Seen: r.seen.Load(), Hit: r.hit.Load()}
		}
	}
	return counts
}

func (d *Dice) rule(name Name) *rule {
	if p := d.plan.Load(); p != nil {
		return p.rules[name]
	}
	return nil
}

func (r *rule) roll() bool {
	n := r.seen.Add(1)
	hit := r.delay > 0 || n == r.only || r.every > 0 && n%r.every == 0
	if hit {
		r.hit.Add(1)
	}
	return hit
}
