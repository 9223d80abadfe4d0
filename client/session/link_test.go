package session_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"kaiwa/client/session"
	"kaiwa/pkg/wire"
)

// untilDial lets time pass until socket n is wanted.
func (r *rig) untilDial(n int) {
	r.t.Helper()
	for range 1000 {
		if len(r.did) > 0 && r.did[len(r.did)-1] == fmt.Sprint("dial ", n) {
			r.did = nil
			return
		}
		if r.wake.IsZero() {
			break
		}
		r.pass(max(0, r.wake.Sub(r.now)))
	}
	r.t.Fatalf("socket %d was never wanted: %v", n, r.did)
}

func TestPing(t *testing.T) {
	r := online(t, nil)
	for range 3 {
		r.pass(25 * second)
		r.want("ping")
		r.frame(wire.Pong{})
	}
	r.prompt("hi")
	r.frame(wire.Accepted{Ref: ref(1)})
	r.pass(24 * second)
	r.frame(wire.Keepalive{Ref: ref(1), Waited: 24})
	r.pass(24 * second)
	r.want(`asked p1; send p1 new "hi"; waiting 24s`) // a reply in flight needs no ping
	r.frame(end(1, 0))
	r.pass(25 * second)
	r.want("ended r1 end_turn 0; ping")
}

func TestPingOptions(t *testing.T) {
	r := online(t, &session.Options{Ping: 5 * time.Minute})
	r.pass(5*time.Minute - 1)
	r.want("")
	r.pass(1)
	r.want("ping")
	r = online(t, &session.Options{Ping: -1})
	r.pass(time.Hour)
	r.want("")
}

// A connection that swallows everything is replaced; if that fails it counts as
// lost.
func TestDeadConnection(t *testing.T) {
	r := online(t, nil)
	r.pass(25*second + 30*second)
	r.want("ping; ping; dial 2")
	r.open(2)
	r.want("hangup 1")
	r.pass(55 * second)
	r.want("ping; ping; dial 3")
	r.fail(3)
	r.want("lost try 1; dial 4; hangup 2")
	r.open(4)
	r.want("back")
}

// Connecting again happens at once, then with full jitter between 0 and 0.5, 1,
// 2 … 30 s.
func TestReconnect(t *testing.T) {
	r := online(t, nil)
	r.pass(20 * second)
	r.lose()
	r.want("lost try 1; dial 2")
	var longest time.Duration
	for n := 2; n < 60; n++ {
		r.fail(n)
		most := min(500*time.Millisecond<<min(n-2, 10), 30*second)
		if wait := r.wake.Sub(r.now); wait < 0 || wait > most {
			t.Fatalf("attempt %d waits %v, at most %v", n, wait, most)
		} else {
			longest = max(longest, wait)
		}
		r.untilDial(n + 1)
	}
	if longest < 20*second {
		t.Errorf("the longest wait was %v", longest)
	}
}

// A service that hangs up at once is not dialled in a loop.
func TestFlapping(t *testing.T) {
	r := online(t, nil)
	start := r.now
	for n := 2; n < 40; n++ {
		r.lose()
		r.untilDial(n)
		r.open(n)
	}
	if took := r.now.Sub(start); took < time.Minute {
		t.Errorf("38 connections in %v", took)
	}
	r.pass(10 * second)
	r.did = nil
	r.lose()
	r.want("lost try 1; dial 40")
}

// After a suspend a connection that is dead is found out soon, and one that lives
// stays.
func TestWoke(t *testing.T) {
	r := online(t, nil)
	woke := func() { r.talk.Woke(r.now); r.take() }
	woke()
	r.pass(4 * second)
	r.frame(wire.Pong{})
	r.pass(20 * second)
	r.want("ping")
	woke()
	r.pass(5 * second)
	r.want("ping; dial 2")
	r.open(2)
	r.want("hangup 1")
	r.lose()
	for n := 3; r.wake.Sub(r.now) < 5*second; n++ {
		r.untilDial(n)
		r.fail(n)
	}
	r.did = nil
	woke()
	if len(r.did) != 1 || !strings.HasPrefix(r.did[0], "dial ") {
		t.Errorf("without a connection: %v", r.did)
	}
}

// Whoever says something does not wait for the next try.
func TestPromptDials(t *testing.T) {
	r := online(t, nil)
	r.lose()
	n := 2
	for r.wake.Sub(r.now) < 5*second { // until the wait has grown
		r.untilDial(n)
		r.fail(n)
		n++
	}
	r.did = nil
	r.prompt("hi")
	r.want(fmt.Sprintf("asked p1; dial %d", n))
	r.prompt("again")
	r.want("") // it is being tried
	r.open(n)
	r.want(`back; send p1 new "hi"`)
}

// A line that breaks again and again, and brings text in between, is worth to be
// tried soon.
func TestFlappingWithText(t *testing.T) {
	r := running(t, nil)
	for n := 2; n < 40; n++ {
		r.frame(delta(1, n-2, "x"))
		r.lose()
		start := r.now
		r.untilDial(n)
		if waited := r.now.Sub(start); waited > second/2 {
			t.Errorf("dial %d after %v", n, waited)
		}
		r.open(n)
	}
}

func TestHandover(t *testing.T) {
	r := running(t, &session.Options{Ping: -1})
	r.frame(delta(1, 0, "ab"))
	var asked time.Duration
	for r.sock == 1 && asked < 2*time.Hour {
		r.did = nil
		r.pass(10 * second)
		asked += 10 * second
		if len(r.did) > 0 { // dial 2
			r.did = nil
			r.fail(2) // the old one still serves
			r.pass(second)
			r.want("dial 3")
			r.frame(delta(1, 2, "c"))
			r.open(3)
			r.want(`text "c"; resume r1 c1 @3; hangup 1`)
			break
		}
		r.frame(wire.Keepalive{Ref: ref(1)})
	}
	if asked < 100*time.Minute || asked > 111*time.Minute {
		t.Errorf("it moved after %v", asked)
	}
	// What still comes over the old socket counts.
	r.talk.Frame(r.now, 1, delta(1, 3, "d"))
	r.talk.Lost(r.now, 1, errors.New("closed"))
	r.take()
	r.want(`text "d"`)
}

func TestGoaway(t *testing.T) {
	r := online(t, nil)
	r.frame(wire.Goaway{In: 600})
	r.untilDial(2)
	if waited := r.now.Sub(time.Unix(0, 0)); waited > time.Minute {
		t.Errorf("it moved after %v", waited)
	}
	r.open(2)
	r.want("hangup 1")
	r.talk.Frame(r.now, 1, wire.Goaway{In: 1}) // of the socket that was left
	r.take()
	r.pass(20 * second)
	r.want("")
}

func TestLossDuringHandover(t *testing.T) {
	r := online(t, nil)
	r.frame(wire.Goaway{In: 0})
	r.want("dial 2")
	r.lose()
	r.want("")
	r.open(2)
	r.want("back")
}

func TestNotAllowedIn(t *testing.T) {
	r := online(t, nil)
	r.lose()
	r.talk.Failed(r.now, 2, errors.New("403"), true)
	r.take()
	r.want("lost try 1; dial 2; gone 403")
	r.prompt("hi")
	r.pass(time.Hour)
	r.open(3)
	r.frame(wire.Pong{})
	r.want("asked p1")
}

func TestGiveUp(t *testing.T) {
	r := online(t, &session.Options{GiveUp: time.Minute})
	r.pass(20 * second)
	r.lose()
	for n := 2; len(r.did) == 0 || !strings.HasPrefix(r.did[len(r.did)-1], "gone"); n++ {
		r.did = nil
		r.fail(n)
		r.pass(second)
		for r.wake.After(r.now) && len(r.did) < 2 {
			r.pass(r.wake.Sub(r.now))
		}
		if n > 100 {
			t.Fatal("it never gives up")
		}
	}
	if r.did[len(r.did)-1] != "gone no" {
		t.Errorf("got %v", r.did)
	}
}
