package chat

import "time"

// The lease rules of DESIGN §3 (R2, R6, R9). All times are wall clock times of
// the functions, whose clocks may differ by less than Margin.
const (
	// Lease is how long a claim or a tick keeps a reply owned.
	Lease = 10 * time.Second
	// Margin is how long past its lease a reply is left alone.
	Margin = 5 * time.Second
	// PendingMax is how long a reply may wait for its first claim.
	PendingMax = 120 * time.Second
	// ReinvokeAfter is how old the last Invoke must be before resume sends another.
	ReinvokeAfter = 10 * time.Second
	// MaxListeners is how many connections follow one reply; the oldest leaves.
	MaxListeners = 8
)

// State of a reply: pending, running, ended (final).
type State string

// The states, as stored.
const (
	Pending State = "pending"
	Running State = "running"
	Ended   State = "ended"
)

// Mode is how a connection reads: JSON frames or plain lines.
type Mode string

// The modes, as stored. ModeUnset is a connection that has sent nothing yet and
// asked for no subprotocol: it reads plain.
const (
	ModeUnset Mode = ""
	ModeJSON  Mode = "json"
	ModePlain Mode = "plain"
)

// Plain tells whether text goes out as lines.
func (m Mode) Plain() bool { return m != ModeJSON }

// Listener is one connection that follows a reply.
type Listener struct {
	// Offset is where it wants the text from, in code points.
	Offset int
	// N grows with every registration on the reply (or conversation): a newer one
	// resets the cursor (R7).
	N int64
	// Mode is how this connection reads this reply.
	Mode Mode
}

// Reply is the stored state of one reply. Text stands in segments below Base,
// then in Tail; never read past Length. See DESIGN §3, R1.
type Reply struct {
	ID           string
	User         string
	Conversation string
	Prompt       string // the client's own id of the prompt

	State State
	// Owner is the fresh random token of the claimer; (Owner, Seq) is the fence.
	Owner string
	Seq   int64
	// Lease is the wall clock time up to which the owner is believed alive.
	Lease time.Time

	Length int // code points
	Base   int // code points stored in segments
	Tail   string

	// StopWish is set by a stop message and obeyed by the owner.
	StopWish bool

	// N counts registrations; Listeners by connection id.
	N         int64
	Listeners map[string]Listener

	// EndStop and EndBy are set once, by whoever ended the reply.
	EndStop string
	EndBy   string
	Usage   Usage
	Timing  Timing

	Created time.Time
	Invoked time.Time // the last asynchronous Invoke

	// Held is how many tokens are set aside for it in its user's Account, 0 if it is
	// not in there.
	Held int
}

// Used is how many tokens an ended reply is to be counted with: what the model
// said, or, of one that was cut short, all that it held. One that was never claimed
// used none.
func (r *Reply) Used() int {
	switch n := r.Usage.Total(); {
	case n > 0:
		return n
	case r.Owner == "":
		return 0
	}
	return r.Held
}

// Claimable tells whether a reply may still be claimed (R2).
func (r *Reply) Claimable(now time.Time) bool {
	return r.State == Pending && r.Created.After(now.Add(-PendingMax))
}

// Expired tells whether nobody works on the reply any more, so that it may be
// ended by anybody (R6).
func (r *Reply) Expired(now time.Time) bool {
	switch r.State {
	case Running:
		return now.After(r.Lease.Add(Margin))
	case Pending:
		return now.After(r.Created.Add(PendingMax))
	}
	return false
}

// Progress is what an owner writes with a tick or an end (R4, R5).
type Progress struct {
	Reply string
	Owner string
	Seq   int64
	Lease time.Time

	Length int
	Base   int
	Tail   string
}

// Ending is the last write of an owner.
type Ending struct {
	Progress
	Stop   string
	Usage  Usage
	Timing Timing
	// OnlyIfN, when set, makes the write conditional on no newer registration
	// (R13).
	OnlyIfN *int64
}

// Segment is a piece of a reply's text that no longer changes. Length counts
// code points from Base.
type Segment struct {
	Base   int
	Length int
	Text   string
}

// Usage is what the model counted, in tokens.
type Usage struct {
	Input, Output, CacheRead, CacheWrite int
}

// Total is all of it: tokens read from a cache or written to it are input, too.
func (u Usage) Total() int { return u.Input + u.Output + u.CacheRead + u.CacheWrite }

// Timing is measured from the claim.
type Timing struct {
	First, Total time.Duration
}
