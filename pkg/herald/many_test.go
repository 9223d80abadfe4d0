package herald_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/herald"
	"kaiwa/pkg/notice"
)

var open = []string{"*"} // every topic may be heard

func toTopic(id, text string) notice.Notice {
	return notice.Notice{To: notice.To{Topic: "t"}, ID: id, Text: text}
}

// audience opens connections of one user, who is one shard, that hear the topic.
func (r *rig) audience(n int) (conns []string) {
	r.t.Helper()
	for i := range n {
		conns = append(conns, fmt.Sprintf("c%04d", i))
	}
	r.connect("alice", conns...)
	for _, c := range conns {
		must(r.t, r.table.Join(r.t.Context(), "alice", c, []string{"t"}))
	}
	time.Sleep(time.Minute)
	return conns
}

// crowd opens one connection for each of n users who subscribed; every seventh is
// away, and every user of ten has two.
func (r *rig) crowd(n int) (conns, away []string) {
	r.t.Helper()
	for i := range n {
		user := fmt.Sprintf("u%04d", i)
		must(r.t, r.table.Subscribe(r.t.Context(), user, "t"))
		if i%7 == 6 {
			away = append(away, user)
			continue
		}
		mine := []string{"c-" + user}
		if i%10 == 0 {
			mine = append(mine, "d-"+user)
		}
		r.connect(user, mine...)
		conns = append(conns, mine...)
	}
	return conns, away
}

// everybody must have exactly this, and whoever was away gets it later.
func (r *rig) everybody(conns, away []string, want ...string) {
	r.t.Helper()
	for _, c := range conns {
		r.got(c, want...)
	}
	for _, u := range away {
		r.connect(u, "late-"+u)
	}
	time.Sleep(time.Minute)
	for _, u := range away {
		r.got("late-"+u, want...)
	}
}

// TestFewAtOnce: a small topic costs no function of its own.
func TestFewAtOnce(t *testing.T) {
	bubble(t, &herald.Options{Topics: open}, func(t *testing.T, r *rig) {
		conns, away := r.crowd(60)
		time.Sleep(time.Second)
		r.connect("stranger", "s1")
		r.sends(toTopic("n1", "hello"), herald.Tally{Delivered: len(conns), Kept: len(away)})
		if shards, _, _, _ := r.calls.count(); shards != 0 {
			t.Errorf("%d functions", shards)
		}
		r.sends(toTopic("n1", "hello"), herald.Tally{Duplicates: 1})
		r.got("s1")
		r.everybody(conns, away, "hello")
		r.sends(notice.Notice{To: notice.To{All: true}, Text: "all"}, herald.Tally{Delivered: len(conns) + 1 + len(away)})
		r.got("s1", "all")
	})
}

// TestManyByShards: a big topic is served by functions of their own, everybody once,
// and whoever is away keeps it.
func TestManyByShards(t *testing.T) {
	bubble(t, &herald.Options{Topics: open}, func(t *testing.T, r *rig) {
		conns, away := r.crowd(300)
		time.Sleep(time.Minute)
		r.gate.hangUp(conns[3]) // not told: its user is away
		away = append(away, strings.TrimPrefix(conns[3], "c-"))
		conns = slices.Delete(conns, 3, 4)
		r.gate.set(func(g *gate) { g.delay = 20 * time.Millisecond })
		r.sends(toTopic("n1", "hello"), herald.Tally{Shards: 16})
		r.calls.wait()
		r.sends(toTopic("n1", "hello"), herald.Tally{Duplicates: 1})
		shards, hops, ones, _ := r.calls.count()
		if shards != 16 || hops != 0 || ones != 0 {
			t.Errorf("%d shards, %d hops, %d by themselves", shards, hops, ones)
		}
		// The planner asked again, as if it had died: the shards are done.
		r.gate.set(func(g *gate) { g.posts = 0 })
		for i := range 16 {
			task := r.calls.tasks[i]
			if got, err := r.Serve(t.Context(), task); err != nil || got != (herald.Tally{Duplicates: 1}) {
				t.Errorf("shard %d again: %+v, %v", i, got, err)
			}
		}
		if r.gate.posts != 0 {
			t.Errorf("%d posts again", r.gate.posts)
		}
		r.everybody(conns, away, "hello")
	})
}

// TestAllByShards: everybody who is here, subscribed or not, once.
func TestAllByShards(t *testing.T) {
	bubble(t, nil, func(t *testing.T, r *rig) {
		var conns []string
		for i := range 600 {
			conns = append(conns, fmt.Sprint("c", i))
		}
		r.connect(chat.Anonymous, conns...)
		time.Sleep(time.Minute)
		r.sends(notice.Notice{To: notice.To{All: true}, ID: "n1", Text: "hello"}, herald.Tally{Shards: 16})
		r.calls.wait()
		r.everybody(conns, nil, "hello")
	})
}

// TestHandOver: a shard that takes longer than a function lives is handed over, and
// nobody notices.
func TestHandOver(t *testing.T) {
	bubble(t, &herald.Options{Topics: open, Rate: 2}, func(t *testing.T, r *rig) {
		must(t, r.table.Subscribe(t.Context(), "alice", "t"))
		conns := r.audience(900)
		began := time.Now()
		r.sends(toTopic("n1", "hello"), herald.Tally{Shards: 1})
		r.calls.wait()
		_, hops, _, _ := r.calls.count()
		if hops < 3 || hops > 8 || len(r.calls.dead) > 0 {
			t.Errorf("%d hops, dead %v", hops, r.calls.dead)
		}
		if took := time.Since(began); took < 440*time.Second || took > 480*time.Second {
			t.Errorf("took %v at 2 a second", took)
		}
		r.everybody(conns, nil, "hello")
		if h, err := r.table.Home(t.Context(), "alice"); err != nil || h.Waiting {
			t.Errorf("she is here: %+v, %v", h, err)
		}
	})
}

// TestShardDies: Lambda's retry goes on behind the last page that was noted.
func TestShardDies(t *testing.T) {
	bubble(t, &herald.Options{Topics: open}, func(t *testing.T, r *rig) {
		conns := r.audience(900)
		deaths, run := 0, r.calls.run
		r.calls.run = func(ctx context.Context, task herald.Task) error {
			if deaths < 2 {
				deaths++
				// Killed some 240 posts in.
				ctx, cancel := context.WithCancel(context.WithValue(ctx, killed{}, time.Now().Add(800*time.Millisecond)))
				defer time.AfterFunc(800*time.Millisecond, cancel).Stop()
				return run(ctx, task)
			}
			return run(ctx, task)
		}
		r.sends(toTopic("n1", "hello"), herald.Tally{Shards: 1})
		r.calls.wait()
		if deaths != 2 || len(r.calls.dead) > 0 {
			t.Errorf("%d deaths, dead letters %v", deaths, r.calls.dead)
		}
		twice := 0
		for _, c := range conns {
			switch got := r.gate.to(c); len(got) {
			case 1:
			case 2:
				twice++
			default:
				t.Errorf("%s got %q", c, got)
			}
		}
		if twice > 2*200 { // the page it died on, each time
			t.Errorf("%d heard it twice", twice)
		}
	})
}

// TestThrottled: an account that takes a tenth of what is sent loses nothing; the
// pace finds its rate.
func TestThrottled(t *testing.T) {
	bubble(t, &herald.Options{Topics: open, Rate: 1000}, func(t *testing.T, r *rig) {
		conns, away := r.crowd(500)
		time.Sleep(time.Minute)
		limit := &bucket{rate: 40, burst: 20}
		r.gate.set(func(g *gate) { g.limit, g.delay = limit, 10*time.Millisecond })
		began := time.Now()
		r.sends(toTopic("n1", "hello"), herald.Tally{Shards: 16})
		r.calls.wait()
		t.Logf("%d connections in %v at 40 a second; %d posts refused, at most %d at once", len(conns), time.Since(began), limit.refused, r.gate.most)
		if took := time.Since(began); took > 4*time.Minute || limit.refused > len(conns) || len(r.calls.dead) > 0 {
			t.Errorf("took %v, %d refused, dead %v", took, limit.refused, r.calls.dead)
		}
		r.gate.set(func(g *gate) { g.limit = nil })
		r.everybody(conns, away, "hello")
	})
}

// TestOneBadConnection: it does not hold up the others, and is tried by itself.
func TestOneBadConnection(t *testing.T) {
	bubble(t, &herald.Options{Topics: open}, func(t *testing.T, r *rig) {
		conns, away := r.crowd(280)
		time.Sleep(time.Minute)
		until := time.Now().Add(90 * time.Second)
		r.gate.set(func(g *gate) {
			g.answer = func(conn string) error {
				if conn == conns[5] && time.Now().Before(until) {
					return chat.E(chat.RateLimited, "client buffer full")
				}
				return nil
			}
		})
		r.sends(toTopic("n1", "hello"), herald.Tally{Shards: 16})
		r.calls.wait()
		if _, _, ones, _ := r.calls.count(); ones != 1 || len(r.calls.dead) > 0 {
			t.Errorf("%d by themselves, dead %v", ones, r.calls.dead)
		}
		r.everybody(conns, away, "hello")
	})
}

// TestEverythingFails: nothing is thrown away when no post succeeds for minutes; it
// ends as dead letters, and those can be given again.
func TestEverythingFails(t *testing.T) {
	bubble(t, &herald.Options{Topics: open}, func(t *testing.T, r *rig) {
		conns, away := r.crowd(300)
		time.Sleep(time.Minute)
		r.gate.set(func(g *gate) { g.answer = func(string) error { return errors.New("403 forbidden") } })
		r.sends(toTopic("n1", "hello"), herald.Tally{Shards: 16})
		r.calls.wait()
		if len(r.calls.dead) != 16 {
			t.Fatalf("dead letters %v", r.calls.dead)
		}
		r.gate.set(func(g *gate) { g.answer = nil })
		for _, task := range slices.Clone(r.calls.tasks) {
			if _, err := r.Serve(t.Context(), task); err != nil {
				t.Error(err)
			}
		}
		r.calls.wait()
		r.everybody(conns, away, "hello")
	})
}

// TestPlanFails: an Invoke that fails is an error, and the repeat hands over what
// is left.
func TestPlanFails(t *testing.T) {
	bubble(t, &herald.Options{Topics: open}, func(t *testing.T, r *rig) {
		conns, away := r.crowd(300)
		time.Sleep(time.Minute)
		r.calls.fails = 3
		if _, err := r.send(toTopic("n1", "hello")); !errors.Is(err, errInvoke) {
			t.Fatalf("got %v", err)
		}
		if _, err := r.send(toTopic("n1", "hello")); err != nil {
			t.Fatal(err)
		}
		r.calls.wait()
		r.everybody(conns, away, "hello")
	})
}

// TestAuthorizedTopics: a connection whose token does not name the topic any more
// hears nothing of it, also not out of the inbox of its user.
func TestAuthorizedTopics(t *testing.T) {
	bubble(t, &herald.Options{Topics: []string{"builds/*"}}, func(t *testing.T, r *rig) {
		must(t, r.table.Subscribe(t.Context(), "alice", "t"))
		r.gate.set(func(g *gate) {
			for _, c := range []string{"may", "may not", "pattern"} {
				g.conns[c] = &line{}
			}
		})
		old := time.Now().Add(-time.Hour)
		r.opens(chat.Connection{ID: "may", User: "alice", At: old, Topics: []string{"t"}})
		r.opens(chat.Connection{ID: "may not", User: "alice", At: old, Topics: []string{"other"}})
		r.opens(chat.Connection{ID: "pattern", User: "alice", At: old})
		r.sends(toTopic("n1", "one"), herald.Tally{Delivered: 1})
		r.leave("may", true)
		r.sends(toTopic("n2", "two"), herald.Tally{Kept: 1})
		r.calls.wait()
		r.sends(toUser("alice", "n3", "three"), herald.Tally{Kept: 1, Delivered: 2})
		for _, c := range []string{"may not", "pattern"} {
			r.got(c, "* three")
		}
		r.gate.set(func(g *gate) { g.conns["again"] = &line{} })
		r.opens(chat.Connection{ID: "again", User: "alice", At: old, Topics: []string{"t"}})
		r.calls.wait()
		r.got("may", "* one")
		r.got("again", "* two")
		// What is unsubscribed does not come back later.
		r.leave("again", true)
		r.sends(toTopic("n4", "four"), herald.Tally{Kept: 1})
		must(t, r.table.Unsubscribe(t.Context(), "alice", "t"))
		r.gate.set(func(g *gate) { g.conns["last"] = &line{} })
		r.opens(chat.Connection{ID: "last", User: "alice", At: old, Topics: []string{"t"}})
		r.calls.wait()
		r.got("last")
		if h, err := r.table.Home(t.Context(), "alice"); err != nil || h.Waiting {
			t.Errorf("%+v, %v", h, err)
		}
	})
}

// TestComesWhileItIsServed: a user who connects between the look at the list and
// the inbox gets it all the same.
func TestComesWhileItIsServed(t *testing.T) {
	bubble(t, &herald.Options{Topics: open}, func(t *testing.T, r *rig) {
		conns, away := r.crowd(280)
		time.Sleep(time.Minute)
		r.gate.set(func(g *gate) { g.delay = 50 * time.Millisecond })
		go func() { // all who are away come within the same second
			for _, u := range away {
				time.Sleep(10 * time.Millisecond)
				r.connect(u, "c-"+u)
			}
		}()
		r.sends(toTopic("n1", "hello"), herald.Tally{Shards: 16})
		r.calls.wait()
		time.Sleep(time.Minute)
		for _, u := range away {
			conns = append(conns, "c-"+u)
		}
		r.everybody(conns, nil, "hello")
	})
}
