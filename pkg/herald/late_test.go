package herald_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/herald"
	"kaiwa/pkg/notice"
)

// stuck makes the gateway refuse some connections until a time, or not answer at all.
func (r *rig) stuck(until time.Time, hangs bool, conns ...string) {
	bad := map[string]bool{}
	for _, c := range conns {
		bad[c] = true
	}
	is := func(conn string) bool { return bad[conn] && time.Now().Before(until) }
	r.gate.set(func(g *gate) {
		g.hang = func(conn string) bool { return hangs && is(conn) }
		g.answer = func(conn string) error {
			if is(conn) {
				return chat.E(chat.RateLimited, "client buffer full")
			}
			return nil
		}
	})
}

// TestPageLongerThanAFunction: at a low rate, or where the account takes little, a
// page of 200 does not fit into one function. Who has it is known to the next.
func TestPageLongerThanAFunction(t *testing.T) {
	for _, tt := range []struct {
		rate, conns int
		limit       float64 // of the account, posts a second
	}{{1, 300, 0}, {2, 500, 0}, {62, 600, 1.5}, {312, 600, 1.5}} {
		t.Run(fmt.Sprint(tt), func(t *testing.T) {
			bubble(t, &herald.Options{Topics: open, Rate: tt.rate}, func(t *testing.T, r *rig) {
				conns := r.audience(tt.conns)
				if tt.limit > 0 {
					r.gate.set(func(g *gate) {
						g.limit, g.delay = &bucket{rate: tt.limit, burst: tt.limit}, 10*time.Millisecond
					})
				}
				r.sends(toTopic("n1", "hello"), herald.Tally{Shards: 1})
				r.calls.wait()
				if _, hops, _, _ := r.calls.count(); hops < 2 || len(r.calls.dead) > 0 {
					t.Errorf("%d hops, dead %v", hops, r.calls.dead)
				}
				r.everybody(conns, nil, "hello")
			})
		})
	}
}

// TestFewSideBySide: in a small topic too a connection that is stuck neither takes
// the time of the others nor makes anybody hear it again.
func TestFewSideBySide(t *testing.T) {
	for _, hangs := range []bool{false, true} {
		bubble(t, &herald.Options{Topics: open}, func(t *testing.T, r *rig) {
			conns, away := r.crowd(120)
			time.Sleep(time.Minute)
			var bad []string
			for shard := range 14 { // one of each shard
				list, _, err := r.table.TopicPage(t.Context(), "t", shard, "", 25)
				must(t, err)
				for _, c := range list {
					if c.ID != "" {
						bad = append(bad, c.ID)
						break
					}
				}
			}
			r.stuck(time.Now().Add(2*time.Minute), hangs, bad...)
			began := time.Now()
			r.sends(toTopic("n1", "hello"), herald.Tally{Delivered: len(conns) - len(bad), Kept: len(away)})
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("took %v", took)
			}
			r.calls.wait()
			if _, _, ones, _ := r.calls.count(); ones != len(bad) || ones < 10 || len(r.calls.dead) > 0 {
				t.Errorf("%d of %d by themselves, dead %v", ones, len(bad), r.calls.dead)
			}
			r.everybody(conns, away, "hello")
		})
	}
}

// TestManyStrays: a page of which many fail is an error, and its repeat knows who
// has it, whose inbox, and keeps what it did not.
func TestManyStrays(t *testing.T) {
	for _, few := range []bool{true, false} { // at once, and by shards
		bubble(t, &herald.Options{Topics: open}, func(t *testing.T, r *rig) {
			crowd, crew := 300, 40
			if few {
				crowd, crew = 60, 18
			}
			conns, away := r.crowd(crowd)
			bad := r.audience(crew)
			r.stuck(time.Now().Add(90*time.Second), false, bad[:17]...)
			retry := func() error { _, err := r.send(toTopic("n1", "hello")); return err }
			err := retry()
			if few != (err != nil) {
				t.Fatalf("got %v", err)
			}
			for _, u := range away { // they come between the attempts
				r.connect(u, "late-"+u)
			}
			time.Sleep(2 * time.Minute)
			if err != nil {
				must(t, retry())
			}
			r.calls.wait()
			for _, u := range away {
				conns = append(conns, "late-"+u)
			}
			r.everybody(append(conns, bad...), nil, "hello")
		})
	}
}

// TestGrows: a topic that became many between two attempts is served by shards,
// which know whom the first attempt reached.
func TestGrows(t *testing.T) {
	bubble(t, &herald.Options{Topics: open}, func(t *testing.T, r *rig) {
		conns := r.audience(20)
		r.stuck(time.Now().Add(90*time.Second), false, conns[:17]...)
		if _, err := r.send(toTopic("n1", "hello")); err == nil {
			t.Fatal("no error")
		}
		more := r.audience(300)[20:]
		time.Sleep(time.Minute)
		r.gate.set(func(g *gate) { g.posts = 0 })
		r.sends(toTopic("n1", "hello"), herald.Tally{Shards: 1})
		r.calls.wait()
		if r.gate.posts != 297 {
			t.Errorf("%d posts", r.gate.posts)
		}
		r.everybody(more, nil, "hello")
	})
}

// TestStrayDies: a connection that was left to a function of its own and is gone by
// then leaves the notification to its user, unless another has it.
func TestStrayDies(t *testing.T) {
	bubble(t, &herald.Options{Topics: open}, func(t *testing.T, r *rig) {
		conns, away := r.crowd(280) // user 0 has two
		time.Sleep(time.Minute)
		dies := []string{"c-u0000", "c-u0001", "c-u0002"}
		r.stuck(time.Now().Add(time.Hour), false, dies...)
		r.sends(toTopic("n1", "hello"), herald.Tally{Shards: 16})
		time.Sleep(30 * time.Second)
		r.leave(dies[0], true)
		r.leave(dies[1], true)
		r.leave(dies[2], false)
		r.calls.wait()
		if _, _, ones, _ := r.calls.count(); ones != 3 || len(r.calls.dead) > 0 {
			t.Errorf("%d by themselves, dead %v", ones, r.calls.dead)
		}
		r.connect("u0000", "new")
		r.calls.wait()
		r.got("new")
		conns = conns[1:2:2] // d-u0000, who heard it
		r.everybody(conns, append(away, "u0001", "u0002"), "hello")
	})
}

// TestStrayStays: a connection that takes nothing for an hour does not keep its user
// from hearing it on the next one.
func TestStrayStays(t *testing.T) {
	bubble(t, &herald.Options{Topics: open}, func(t *testing.T, r *rig) {
		conns, away := r.crowd(100)
		time.Sleep(time.Minute)
		r.stuck(time.Now().Add(time.Hour), false, conns[5])
		r.sends(toTopic("n1", "hello"), herald.Tally{Delivered: len(conns) - 1, Kept: len(away)})
		r.calls.wait()
		if most := len(conns) - 1 + 4*9; r.gate.posts > most { // with the others, alone, after one minute and two more
			t.Errorf("%d posts, want at most %d", r.gate.posts, most)
		}
		r.connect(strings.TrimPrefix(conns[5], "c-"), "new")
		time.Sleep(time.Hour)
		conns[5] = "new"
		r.everybody(conns, away, "hello")
	})
}

// TestSecondDevice: what one device got out of the inbox the other gets as well,
// late if it has to be.
func TestSecondDevice(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		r.sends(toUser("alice", "n0", "zero"), herald.Tally{Kept: 1})
		r.opensOld("alice", "c1", "c2")
		r.stuck(time.Now().Add(40*time.Second), false, "c2")
		if got, err := r.send(toUser("alice", "n1", "one")); err != nil || got.Kept != 1 {
			t.Errorf("%+v, %v", got, err)
		}
		time.Sleep(5 * time.Minute)
		r.got("c1", "zero", "one")
		if got := strings.Join(r.gate.to("c2"), " "); got != "zero one" && got != "one zero" {
			t.Errorf("c2 got %q", got)
		}
		if len(r.calls.dead) > 0 {
			t.Errorf("dead %v", r.calls.dead)
		}
	})
}

// opensOld opens connections without anybody looking into the inbox.
func (r *rig) opensOld(user string, conns ...string) {
	r.t.Helper()
	for _, c := range conns {
		r.gate.set(func(g *gate) { g.conns[c] = &line{} })
		must(r.t, r.table.Open(r.t.Context(), chat.Connection{ID: c, User: user, Mode: chat.ModeJSON, At: time.Now().Add(-time.Minute)}))
	}
}

// TestKeptOnce: what was kept is not kept again by the repeat of an attempt that
// failed behind that, for it may have been handed out meanwhile.
func TestKeptOnce(t *testing.T) {
	t.Run("user", func(t *testing.T) {
		bubble(t, nil, func(t *testing.T, r *rig) {
			r.sends(toUser("alice", "n0", "zero"), herald.Tally{Kept: 1})
			r.opensOld("alice", "c1")
			r.stuck(time.Now().Add(time.Minute), false, "c1")
			r.calls.fails = 1 // and the one who would have to try again
			if _, err := r.send(toUser("alice", "n1", "one")); err == nil {
				t.Fatal("no error")
			}
			time.Sleep(time.Minute)
			r.sends(toUser("alice", "n2", "two"), herald.Tally{Kept: 1, Delivered: 3})
			r.sends(toUser("alice", "n1", "one"), herald.Tally{})
			r.calls.wait()
			r.got("c1", "zero", "one", "two")
		})
	})
	t.Run("left to another function", func(t *testing.T) {
		bubble(t, nil, func(t *testing.T, r *rig) {
			r.sends(toUser("alice", "n0", "zero"), herald.Tally{Kept: 1})
			r.opensOld("alice", "c1")
			r.stuck(time.Now().Add(time.Minute), false, "c1")
			for _, want := range []herald.Tally{{Kept: 1}, {Duplicates: 1}} {
				r.sends(toUser("alice", "n1", "one"), want)
			}
			r.calls.wait()
			r.got("c1", "zero", "one")
		})
	})
	t.Run("topic", func(t *testing.T) {
		bubble(t, &herald.Options{Topics: open}, func(t *testing.T, r *rig) {
			must(t, r.table.Subscribe(t.Context(), "bob", "t"))
			conns := r.audience(17)
			r.stuck(time.Now().Add(time.Minute), false, conns...)
			if got, err := r.send(toTopic("n1", "hello")); err == nil || got.Kept != 1 {
				t.Fatalf("%+v, %v", got, err)
			}
			r.connect("bob", "b1")
			time.Sleep(time.Minute)
			r.got("b1", "hello")
			r.sends(toTopic("n1", "hello"), herald.Tally{Delivered: 17})
			r.everybody(append(conns, "b1"), nil, "hello")
		})
	})
}

// TestSlowInbox: a device that hangs holds up its user's inbox for a while; nobody
// takes that over from a function that is alive, so that nothing comes twice.
func TestSlowInbox(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		r.sends(toUser("alice", "n0", "zero"), herald.Tally{Kept: 1})
		r.opensOld("alice", "c1", "c2")
		r.stuck(time.Now().Add(10*time.Minute), true, "c2")
		for i := range 3 {
			r.calls.all.Go(func() {
				if _, err := r.send(toUser("alice", fmt.Sprint("m", i), "more")); err != nil {
					t.Error(err)
				}
			})
			time.Sleep(time.Millisecond)
		}
		r.calls.wait()
		r.got("c1", "zero", "more", "more", "more")
	})
}

// TestTTL counts from when it was sent, or else first taken on, whatever happens to
// it in between.
func TestTTL(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		r.opensOld("alice", "c1")
		r.stuck(time.Now().Add(20*time.Second), false, "c1")
		n := toUser("alice", "n1", "the code is 123")
		n.TTL = 90 * time.Second
		if _, err := r.send(n); err == nil {
			t.Fatal("no error")
		}
		time.Sleep(2 * time.Minute)
		r.sends(n, herald.Tally{Expired: 1})
		r.sends(n, herald.Tally{Duplicates: 1})
		r.leave("c1", true)
		n.ID, n.At, n.TTL = "n2", time.Now().Add(-50*time.Minute), time.Hour
		r.sends(n, herald.Tally{Kept: 1})
		time.Sleep(11 * time.Minute)
		r.connect("alice", "c2")
		r.calls.wait()
		r.got("c1")
		r.got("c2")
	})
	// A shard and a connection of its own that waited too long.
	bubble(t, &herald.Options{Topics: open}, func(t *testing.T, r *rig) {
		conns := r.audience(230)
		r.stuck(time.Now().Add(90*time.Second), false, conns[220]) // stray
		n := notice.Notice{To: notice.To{Topic: "t"}, ID: "n1", Text: "hello", TTL: time.Minute}
		r.sends(n, herald.Tally{Shards: 1})
		r.calls.wait()
		r.got(conns[0], "hello")
		r.got(conns[220])
		run, tries := r.calls.run, 0
		r.calls.run = func(ctx context.Context, task herald.Task) error {
			if tries++; tries == 1 {
				return errDead
			}
			return run(ctx, task)
		}
		n.ID, n.Text = "n2", "again"
		r.sends(n, herald.Tally{Shards: 1})
		r.calls.wait()
		if len(r.calls.dead) > 0 {
			t.Errorf("dead %v", r.calls.dead)
		}
		r.got(conns[0], "hello")
	})
}

// TestHungSubscriber: one connection that takes nothing costs its own tries, not those
// of everything before it as well. What is safe in the inbox is no dead letter, and
// comes when the connection takes something again, or with the next one.
func TestHungSubscriber(t *testing.T) {
	for _, hung := range []time.Duration{150 * time.Second, time.Hour} {
		bubble(t, &herald.Options{Topics: open}, func(t *testing.T, r *rig) {
			conns, _ := r.crowd(60)
			bad := conns[5]
			time.Sleep(time.Minute)
			r.stuck(time.Now().Add(hung), false, bad)
			var mu sync.Mutex
			var spent time.Duration
			r.calls.run = func(ctx context.Context, task herald.Task) error {
				began := time.Now()
				own := herald.New(r.table, r.gate, r.calls, &herald.Options{Topics: open}) // and a pace of its own
				_, err := own.Serve(ctx, task)
				mu.Lock()
				defer mu.Unlock()
				spent += time.Since(began)
				return err
			}
			var want []string
			for i := range 30 {
				text := fmt.Sprint("text ", i)
				want = append(want, text)
				r.calls.all.Go(func() {
					if _, err := r.send(toTopic(fmt.Sprint("n", i), text)); err != nil {
						t.Error(err)
					}
				})
				time.Sleep(2 * time.Second)
			}
			r.calls.wait()
			_, _, ones, welcomes := r.calls.count()
			if ones != 30 || welcomes > 30 || len(r.calls.dead) > 0 {
				t.Errorf("%d by themselves, %d welcomes, dead %v", ones, welcomes, r.calls.dead)
			}
			if most := 30 * 18 * time.Second; spent > most { // 12 s of tries, and little more
				t.Errorf("took %v of function time, want at most %v", spent, most)
			}
			if hung == time.Hour {
				r.got(bad)
				bad = "new"
				r.connect(strings.TrimPrefix(conns[5], "c-"), bad)
				r.calls.wait()
			}
			got := r.gate.to(bad)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%s got %q", bad, got)
			}
		})
	}
}

// TestHungDevice: what a hung connection refused another one of the user hears at
// once, if it has come meanwhile.
func TestHungDevice(t *testing.T) {
	bubble(t, &herald.Options{Topics: open}, func(t *testing.T, r *rig) {
		conns, away := r.crowd(60)
		time.Sleep(time.Minute)
		r.stuck(time.Now().Add(time.Hour), false, conns[5])
		r.sends(toTopic("n1", "hello"), herald.Tally{Delivered: len(conns) - 1, Kept: len(away)})
		r.connect(strings.TrimPrefix(conns[5], "c-"), "new")
		time.Sleep(50 * time.Second)
		r.got("new", "hello")
		r.calls.wait()
		r.got("new", "hello")
	})
}

// TestReachedAfterAll: what a repeat brings to a connection does not come to the next
// one as well, out of the inbox that an attempt that failed had left it in.
func TestReachedAfterAll(t *testing.T) {
	bubble(t, &herald.Options{Topics: open}, func(t *testing.T, r *rig) {
		conns, away := r.crowd(60)
		time.Sleep(time.Minute)
		r.stuck(time.Now().Add(time.Minute), false, conns[5])
		r.sends(toTopic("n1", "hello"), herald.Tally{Delivered: len(conns) - 1, Kept: len(away)})
		r.calls.mu.Lock()
		r.calls.fails = 1
		r.calls.mu.Unlock()
		r.calls.wait()
		r.got(conns[5], "hello")
		r.connect(strings.TrimPrefix(conns[5], "c-"), "new")
		r.calls.wait()
		r.got("new")
	})
}

// TestLastDeviceHangs: a device that hangs is not left waiting for good when the one
// that took the first of what waits goes.
func TestLastDeviceHangs(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		r.sends(toUser("alice", "n1", "one"), herald.Tally{Kept: 1})
		r.sends(toUser("alice", "n2", "two"), herald.Tally{Kept: 1})
		r.opensOld("alice", "c1", "c2")
		until, took := time.Now().Add(40*time.Second), false
		r.gate.set(func(g *gate) {
			g.answer = func(conn string) error {
				switch {
				case conn == "c2" && time.Now().Before(until):
					return chat.E(chat.RateLimited, "client buffer full")
				case conn == "c1" && took:
					return chat.ErrGone
				}
				took = took || conn == "c1"
				return nil
			}
		})
		if _, err := r.send(toUser("alice", "n3", "three")); err != nil {
			t.Error(err)
		}
		r.calls.wait()
		r.got("c1", "one")
		got := r.gate.to("c2")
		slices.Sort(got)
		if !slices.Equal(got, []string{"one", "three", "two"}) || len(r.calls.dead) > 0 {
			t.Errorf("c2 got %q, dead %v", got, r.calls.dead)
		}
	})
}

// TestLongDelivery: nobody takes a delivery over from a function that is alive,
// however long that works on it.
func TestLongDelivery(t *testing.T) {
	bubble(t, &herald.Options{Rate: 1}, func(t *testing.T, r *rig) {
		for i := range 100 {
			r.connect("alice", fmt.Sprint("c", i))
		}
		time.Sleep(time.Minute)
		r.calls.all.Go(func() { r.sends(toUser("alice", "n1", "hello"), herald.Tally{Delivered: 100}) })
		time.Sleep(65 * time.Second)
		r.sends(toUser("alice", "n1", "hello"), herald.Tally{Duplicates: 1})
		r.calls.wait()
		if r.gate.posts != 100 {
			t.Errorf("%d posts", r.gate.posts)
		}
	})
}

// TestManySlowDevices: more devices that hang than are posted to at once do not hold
// up an entry of an inbox for longer than its function is believed alive.
func TestManySlowDevices(t *testing.T) {
	bubble(t, &herald.Options{InFlight: 2}, func(t *testing.T, r *rig) {
		r.sends(toUser("alice", "n0", "0"), herald.Tally{Kept: 1})
		slow := []string{"s1", "s2", "s3", "s4", "s5", "s6"}
		r.opensOld("alice", append([]string{"c1"}, slow...)...)
		r.stuck(time.Now().Add(10*time.Minute), true, slow...)
		want := []string{"0"}
		for i := range 8 {
			text := fmt.Sprint(i + 1)
			want = append(want, text)
			r.calls.all.Go(func() {
				if _, err := r.send(toUser("alice", fmt.Sprint("m", i), text)); err != nil {
					t.Error(err)
				}
			})
			time.Sleep(10 * time.Millisecond)
		}
		r.calls.wait()
		r.got("c1", want...)
	})
}

// TestLongInbox: who empties an inbox, or waits for it, ends that in time to leave the
// rest to another function.
func TestLongInbox(t *testing.T) {
	bubble(t, &herald.Options{Rate: 1}, func(t *testing.T, r *rig) {
		var want []string
		for i := range 80 {
			want = append(want, fmt.Sprint(i))
			r.sends(toUser("alice", fmt.Sprint("n", i), want[i]), herald.Tally{Kept: 1})
		}
		r.opensOld("alice", "c1", "c2")
		for i := range 2 {
			text := fmt.Sprint("more ", i)
			want = append(want, text)
			r.calls.all.Go(func() {
				if _, err := r.send(toUser("alice", fmt.Sprint("m", i), text)); err != nil {
					t.Error(err)
				}
			})
			time.Sleep(10 * time.Millisecond)
		}
		r.calls.wait()
		r.got("c1", want...)
	})
}
