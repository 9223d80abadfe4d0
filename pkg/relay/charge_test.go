package relay_test

import (
	"context"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/relay"
	"kaiwa/pkg/wire"
)

// TestCharge: every reply is charged for once it has ended: with what the model
// said, else with what it was sent and what came of it.
func TestCharge(t *testing.T) {
	const hello = 3 + 4 // the prompt of newDesk, and what a message costs
	said := step{chunk: chat.Chunk{Text: "four words, perhaps five"}}
	stop := step{chunk: chat.Chunk{Stop: wire.StopEndTurn}}
	usage := step{chunk: chat.Chunk{Usage: &chat.Usage{Input: 100, Output: 20, CacheRead: 3, CacheWrite: 4}}}
	silence := step{after: time.Hour}
	tests := map[string]struct {
		model script
		do    func(*desk)
		want  int
	}{
		"counted":                     {script{said, stop, usage}, nil, 127},
		"complete, but not counted":   {script{said, stop}, nil, hello + 13},
		"broken off":                  {script{said, step{err: io.EOF}}, nil, hello + 13},
		"failed at once":              {script{step{err: chat.E(chat.ModelThrottled, "slow down")}}, nil, 0},
		"failed later":                {script{said, step{err: chat.E(chat.ModelError, "broken")}}, nil, hello + 13},
		"stopped":                     {script{said, silence}, (*desk).wish, hello + 13},
		"stopped before the first":    {script{silence}, (*desk).wish, hello},
		"stopped before it was begun": {script{silence}, nil, 0},
		"somebody else thought it died": {script{said, silence}, func(d *desk) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.reply.State, d.reply.EndStop = chat.Ended, wire.StopInterrupted
		}, hello + 13},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, g := newDesk("a"), newGateway(0)
				d.reply.Held = 500
				d.reply.StopWish = name == "stopped before it was begun"
				if tt.do != nil {
					go func() {
						time.Sleep(10 * time.Second)
						tt.do(d)
					}()
				}
				if err := run(t, d, g, tt.model, nil, 15*time.Minute); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(d.charged, []int{tt.want}) {
					t.Errorf("charged %v, want %d", d.charged, tt.want)
				}
			})
		})
	}
}

// TestChargeOfTheLost: whoever ends a reply that nobody works on charges for it.
func TestChargeOfTheLost(t *testing.T) {
	for name, tt := range map[string]struct {
		owner string
		want  int
	}{"its function was killed": {"x", 500}, "nobody ever claimed it": {"", 0}} {
		synctest.Test(t, func(t *testing.T) {
			d, g := newDesk("a"), newGateway(0)
			d.reply.Held, d.reply.Owner = 500, tt.owner
			if tt.owner != "" {
				d.reply.State, d.reply.Lease = chat.Running, time.Now()
			}
			time.Sleep(time.Hour)
			if err := run(t, d, g, script{}, nil, time.Minute); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(d.charged, []int{tt.want}) {
				t.Errorf("%s: charged %v", name, d.charged)
			}
		})
	}
}

// TestEndDoesNotWaitForTheCharge: listeners have their end while the account is
// slow.
func TestEndDoesNotWaitForTheCharge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, g := newDesk("a"), newGateway(time.Millisecond)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := relay.New(slowCharge{d}, tokens(5, time.Millisecond), g, nil).Run(ctx, "r"); err != nil {
			t.Fatal(err)
		}
		got := g.got["a"]
		if last := got[len(got)-1].at; last > 100*time.Millisecond {
			t.Errorf("the end came after %v", last)
		}
	})
}

type slowCharge struct{ *desk }

func (s slowCharge) Charge(ctx context.Context, r chat.Reply, n int) error {
	_ = wait(ctx, 2*time.Second)
	return s.desk.Charge(ctx, r, n)
}
