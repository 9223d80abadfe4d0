package herald_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/herald"
	"kaiwa/pkg/notice"
)

func TestToUser(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		r.connect("alice", "c1", "c2", "c3")
		r.opens(chat.Connection{ID: "c2", User: "alice", Mode: chat.ModePlain})
		r.connect("bob", "b1")
		time.Sleep(time.Minute)
		r.gate.hangUp("c3")
		r.sends(toUser("alice", "n1", "hello"), herald.Tally{Delivered: 2, Gone: 1})
		r.got("c1", "hello")
		r.got("c2", "* hello")
		r.got("b1")
		r.sends(toUser("alice", "", "again"), herald.Tally{Delivered: 2}) // who is gone is not tried again
		r.sends(toUser("alice", "n1", "hello"), herald.Tally{Duplicates: 1})
		r.sends(toUser("bob", "n1", "hello"), herald.Tally{Delivered: 1}) // another target
		r.sends(notice.Notice{To: notice.To{Connection: "c1"}, ID: "n1", Text: "you"}, herald.Tally{Delivered: 1})
		r.sends(notice.Notice{To: notice.To{Connection: "c9"}, Text: "you"}, herald.Tally{})
		r.sends(notice.Notice{To: notice.To{Connection: "c3"}, Text: "you"}, herald.Tally{Gone: 1})
		r.got("c1", "hello", "again", "you")
	})
}

// TestAwayAndBack: in order, once, to whoever comes first, and no more than waits.
func TestAwayAndBack(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		for i := range 60 {
			r.sends(toUser("alice", fmt.Sprint("n", i), fmt.Sprint("text ", i)), herald.Tally{Kept: 1})
		}
		r.sends(notice.Notice{To: notice.To{User: "alice"}, ID: "short", Text: "soon stale", TTL: time.Minute}, herald.Tally{Kept: 1})
		r.sends(toUser("alice", "n7", "text 7"), herald.Tally{Duplicates: 1})
		time.Sleep(time.Hour)
		r.connect("alice", "c1", "c2")
		if got, err := r.send(toUser("alice", "n60", "text 60")); err != nil || got.Kept != 1 { // in order: behind what waits
			t.Errorf("%+v, %v", got, err)
		}
		time.Sleep(time.Minute)
		var want []string
		for i := range 61 {
			want = append(want, fmt.Sprint("text ", i))
		}
		for _, c := range []string{"c1", "c2"} {
			got := r.gate.to(c)
			if c == "c2" && len(got) < 61 { // it came while the first was being served
				if !slices.Equal(got, want[61-len(got):]) {
					t.Errorf("c2 got %q", got)
				}
				continue
			}
			r.got(c, want...)
		}
		if h, err := r.table.Home(t.Context(), "alice"); err != nil || h.Waiting {
			t.Errorf("still waiting: %+v, %v", h, err)
		}
		r.connect("alice", "c3")
		time.Sleep(time.Minute)
		r.got("c3")
	})
}

// TestYoungConnection: a 410 of a connection whose handshake has not ended yet is
// waited out; it is not lost for good.
func TestYoungConnection(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		r.connect("alice", "c1")
		r.gate.set(func(g *gate) { g.conns["c1"].young = time.Now().Add(3 * time.Second) })
		r.sends(toUser("alice", "n1", "hello"), herald.Tally{Delivered: 1})
		r.got("c1", "hello")
		r.connect("bob", "b1") // its handshake fails
		r.gate.hangUp("b1")
		r.sends(toUser("bob", "n1", "hello"), herald.Tally{Gone: 1, Kept: 1})
	})
}

// TestNotBeforeItIsThere: what waits is not posted before the connection is there,
// and a welcome whose connection never comes keeps everything.
func TestNotBeforeItIsThere(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		r.sends(toUser("alice", "n1", "hello"), herald.Tally{Kept: 1})
		r.connect("alice", "c1")
		r.gate.set(func(g *gate) { g.conns["c1"].young = time.Now().Add(4 * time.Second) })
		time.Sleep(time.Minute)
		r.got("c1", "hello")
		if r.gate.posts != 1 {
			t.Errorf("%d posts", r.gate.posts)
		}
		r.leave("c1", true)
		r.sends(toUser("alice", "n2", "later"), herald.Tally{Kept: 1})
		r.connect("alice", "c2")
		r.gate.hangUp("c2")
		time.Sleep(time.Minute)
		r.connect("alice", "c3")
		time.Sleep(time.Minute)
		r.got("c3", "later")
	})
}

// TestDuplicates: delivered once, whoever else tries at the same time.
func TestDuplicates(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		r.connect("alice", "c1", "c2")
		time.Sleep(time.Second)
		r.gate.set(func(g *gate) { g.delay = 20 * time.Millisecond })
		var mu sync.Mutex
		var sum herald.Tally
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				for range 20 {
					got, err := r.send(toUser("alice", "the one", "hello"))
					if err != nil {
						t.Error(err)
					}
					mu.Lock()
					sum.Add(got)
					mu.Unlock()
				}
			})
		}
		all.Wait()
		if want := (herald.Tally{Delivered: 2, Duplicates: 999}); sum != want {
			t.Errorf("%+v, want %+v", sum, want)
		}
		r.got("c1", "hello")
		r.got("c2", "hello")
	})
}

// TestRetryGoesOn: what could not be reached is an error; the retry serves the rest
// and nobody twice.
func TestRetryGoesOn(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		r.connect("alice", "c1", "c2")
		time.Sleep(time.Minute)
		bad := true
		r.gate.set(func(g *gate) {
			g.answer = func(conn string) error {
				if conn == "c2" && bad {
					return chat.E(chat.Unavailable, "gateway")
				}
				return nil
			}
		})
		if got, err := r.send(toUser("alice", "n1", "hello")); err == nil || got != (herald.Tally{Delivered: 1}) {
			t.Errorf("%+v, %v", got, err)
		}
		bad = false
		r.sends(toUser("alice", "n1", "hello"), herald.Tally{Delivered: 1})
		r.got("c1", "hello")
		r.got("c2", "hello")
		r.sends(toUser("alice", "n1", "hello"), herald.Tally{Duplicates: 1})
		if g := r.gate.posts; g > 20 {
			t.Errorf("%d posts", g)
		}
	})
}

// TestHopeless: a wrong policy or endpoint is told at once, and does not cost a
// post for each try and connection.
func TestHopeless(t *testing.T) {
	bubble(t, &herald.Options{InFlight: 2}, func(t *testing.T, r *rig) {
		for i := range 50 {
			r.connect("alice", fmt.Sprint("c", i))
		}
		time.Sleep(time.Minute)
		r.gate.set(func(g *gate) { g.answer = func(string) error { return errors.New("403 forbidden") } })
		if got, err := r.send(toUser("alice", "n1", "hello")); err == nil || got != (herald.Tally{}) {
			t.Errorf("%+v, %v", got, err)
		}
		if r.gate.posts > 4 {
			t.Errorf("%d posts", r.gate.posts)
		}
	})
}

// TestTimeIsUp: a function whose time runs out fails, and the next goes on.
func TestTimeIsUp(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		r.connect("alice", "c1", "c2")
		time.Sleep(time.Minute)
		r.gate.set(func(g *gate) {
			g.answer = func(conn string) error {
				if conn == "c2" {
					return chat.E(chat.RateLimited, "slow down")
				}
				return nil
			}
		})
		ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second) // a post may take 5
		defer cancel()
		if _, err := r.Deliver(ctx, toUser("alice", "n1", "hello")); err == nil {
			t.Error("no error")
		}
		r.gate.set(func(g *gate) { g.answer = nil })
		r.sends(toUser("alice", "n1", "hello"), herald.Tally{Delivered: 1})
		r.got("c1", "hello")
		r.got("c2", "hello")
	})
}

func TestAnonymousKeepsNothing(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		r.sends(toUser(chat.Anonymous, "n1", "hello"), herald.Tally{})
		r.connect(chat.Anonymous, "c1")
		time.Sleep(time.Second)
		r.got("c1")
		r.sends(toUser(chat.Anonymous, "n2", "hello"), herald.Tally{Delivered: 1})
	})
}

// TestExpiredToken: a connection whose token ran out hears nothing; it waits for the
// next one.
func TestExpiredToken(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		r.gate.set(func(g *gate) { g.conns["c1"] = &line{} })
		r.opens(chat.Connection{ID: "c1", User: "alice", At: time.Now(), Expires: time.Now().Add(time.Minute)})
		r.sends(toUser("alice", "n1", "one"), herald.Tally{Delivered: 1})
		time.Sleep(2 * time.Minute)
		r.sends(toUser("alice", "n2", "two"), herald.Tally{Kept: 1})
		r.sends(notice.Notice{To: notice.To{Connection: "c1"}, Text: "three"}, herald.Tally{Gone: 1})
		r.got("c1", "* one")
		r.connect("alice", "c2")
		time.Sleep(time.Minute)
		r.got("c2", "two")
		r.got("c1", "* one")
	})
}

func TestTooLate(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		r.connect("alice", "c1")
		n := toUser("alice", "n1", "stale")
		n.At, n.TTL = time.Now().Add(-time.Hour), time.Minute
		r.sends(n, herald.Tally{Expired: 1})
		n.TTL = 2 * time.Hour
		r.sends(n, herald.Tally{Delivered: 1})
	})
}

// TestConversation: the owner hears it; a question that has to wait for the last
// reply does not say it twice.
func TestConversation(t *testing.T) {
	var asked []string
	busy := 2
	ask := func(_ context.Context, n notice.Notice, c chat.Conversation) error {
		if busy--; busy >= 0 {
			return chat.E(chat.Busy, "wait")
		}
		asked = append(asked, c.ID+" "+n.ID)
		return nil
	}
	bubble(t, &herald.Options{Ask: ask}, func(t *testing.T, r *rig) {
		turn := chat.Turn{User: "alice", Prompt: "p", Hash: "h", Text: "hi", Conversation: "v1", New: true, Message: "m1", Reply: "r1", At: time.Now()}
		if _, _, err := r.table.CreateTurn(t.Context(), turn); err != nil {
			t.Fatal(err)
		}
		r.connect("alice", "c1")
		time.Sleep(time.Second)
		n := notice.Notice{To: notice.To{Conversation: "v1"}, ID: "n1", Text: "disk full", Ask: true}
		for range 2 {
			if _, err := r.send(n); chat.KindOf(err) != chat.Busy {
				t.Fatalf("got %v", err)
			}
		}
		r.sends(n, herald.Tally{})
		r.sends(n, herald.Tally{Duplicates: 1})
		r.got("c1", "disk full")
		if !slices.Equal(asked, []string{"v1 n1"}) {
			t.Errorf("asked %q", asked)
		}
		n.To.Conversation = "nowhere"
		if _, err := r.send(n); chat.KindOf(err) != chat.NotFound {
			t.Errorf("got %v", err)
		}
	})
}

// TestInboxIsEmptiedByOne: two connections at once do not get things twice, nor out
// of order, and one that dies in the middle leaves the rest to the other.
func TestInboxIsEmptiedByOne(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		var want []string
		for i := range 30 {
			r.sends(toUser("alice", fmt.Sprint("n", i), fmt.Sprint(i)), herald.Tally{Kept: 1})
			want = append(want, fmt.Sprint(i))
		}
		r.gate.set(func(g *gate) { g.delay = 100 * time.Millisecond })
		r.connect("alice", "c1")
		time.Sleep(time.Second)
		r.leave("c1", false)
		r.connect("alice", "c2")
		r.calls.wait()
		synctest.Wait()
		got := append(r.gate.to("c1"), r.gate.to("c2")...)
		if !slices.Equal(got, want) {
			t.Errorf("got %q and %q", r.gate.to("c1"), r.gate.to("c2"))
		}
	})
}
