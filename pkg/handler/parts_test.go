package handler_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kaiwa/pkg/frame"
	"kaiwa/pkg/handler"
	"kaiwa/pkg/wire"
)

func part(id string, n, of int, text string) wire.SendMessage {
	return wire.SendMessage{ID: id, Part: n, Parts: &of, Text: text}
}

// silent sends what must not be answered.
func (d *desk) silent(conn string, r wire.Request) {
	d.t.Helper()
	if got := d.send(conn, r); len(got) != 0 {
		d.t.Errorf("%.80q was answered with %+v", wire.EncodeRequest(r), got)
	}
}

// TestParts: any order, repeats and all, and only the one that completes the
// prompt is answered.
func TestParts(t *testing.T) {
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 1, 2, 1, 2, 0}, {2, 0, 0, 2, 1}} {
		d := newDesk(t)
		d.connect("c1", "alice", "")
		texts := []string{"日本 " + canary, "👩‍", "👧 end"}
		for _, n := range order[:len(order)-1] {
			d.silent("c1", part("p1", n, 3, texts[n]))
		}
		last := order[len(order)-1]
		a := one[wire.Accepted](d, "c1", part("p1", last, 3, texts[last]))
		if got := d.said(a.Conversation)[0]; got != "user: "+strings.Join(texts, "") || a.ID != "p1" {
			t.Errorf("%v: stored %q under %s", order, got, a.ID)
		}
		if got := d.calls.invoked(); len(got) != 1 || got[0] != a.Reply {
			t.Errorf("%v: invoked for %v", order, got)
		}
		if left := d.parts(); left != 0 {
			t.Errorf("%v: %d items of the parts are left", order, left)
		}
	}
}

// parts counts what is stored of unfinished prompts.
func (d *desk) parts() int {
	n := 0
	for _, it := range d.ddb.Items("kaiwa") {
		if strings.Contains(fmt.Sprint(it["sk"]), "P#") {
			n++
		}
	}
	return n
}

// TestPartsOfAClient: what the client's side cuts is put together again, up to
// the largest prompt there may be, sent at once by several goroutines.
func TestPartsOfAClient(t *testing.T) {
	for _, text := range []string{
		strings.Repeat("x", wire.MaxPrompt), strings.Repeat("日本語 👩‍👧 ", 15000), strings.Repeat("\x01", 100_000),
	} {
		d := newDesk(t)
		d.connect("c1", "alice", "")
		parts, err := frame.Parts(wire.SendMessage{ID: "p1", Text: text}, 0)
		if err != nil || len(parts) < 2 {
			t.Fatalf("%d parts, %v", len(parts), err)
		}
		rand.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		var wg sync.WaitGroup
		for _, p := range parts {
			wg.Go(func() { d.raw("c1", string(wire.EncodeRequest(p))) })
		}
		wg.Wait()
		a := only[wire.Accepted](t, decodeAll(t, d.posts.to("c1")))
		if got := d.said(a.Conversation)[0]; got != "user: "+text {
			t.Errorf("%d bytes of %d were stored", len(got)-6, len(text))
		}
	}
}

func TestPartsInterleaved(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "alice", "")
	d.connect("c2", "bob", "")
	for n := range 3 {
		for _, id := range []string{"p1", "p2"} {
			r := part(id, n, 4, fmt.Sprint(id, "/", n, " "))
			r.Conversation = wire.NewConversation
			d.silent("c1", r)
		}
		d.silent("c2", part("p1", n, 4, fmt.Sprint("bob/", n, " "))) // ids are scoped to the user
	}
	for conn, id := range map[string]string{"c1": "p1", "c2": "bob"} {
		a := one[wire.Accepted](d, conn, part("p1", 3, 4, id+"/3"))
		if got, want := d.said(a.Conversation)[0], fmt.Sprintf("user: %[1]s/0 %[1]s/1 %[1]s/2 %[1]s/3", id); got != want {
			t.Errorf("stored %q, want %q", got, want)
		}
	}
	r := part("p2", 3, 4, "p2/3")
	r.Conversation = wire.NewConversation
	if a := one[wire.Accepted](d, "c1", r); d.said(a.Conversation)[0] != "user: p2/0 p2/1 p2/2 p2/3" {
		t.Errorf("stored %q", d.said(a.Conversation))
	}
}

func TestSinglePart(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "alice", "")
	if a := one[wire.Accepted](d, "c1", part("p1", 0, 1, "all of it")); d.said(a.Conversation)[0] != "user: all of it" {
		t.Errorf("stored %q", d.said(a.Conversation))
	}
}

func TestPartsRefused(t *testing.T) {
	half := strings.Repeat("x", wire.MaxPrompt/2)
	tests := map[string]struct {
		before, last wire.SendMessage
		code         wire.Code
		says         string
		left         int // items of the parts, afterwards
	}{
		"another text": {part("p1", 0, 2, "one "+canary), part("p1", 0, 2, "two "+canary), wire.CodeBadRequest,
			"part 0 was sent before with another text; send all parts again under a new id", 2},
		"another number": {part("p1", 0, 2, "one"), part("p1", 1, 3, "two"), wire.CodeBadRequest,
			"this prompt was announced with 2 parts, not 3; send it again under a new id", 3},
		"too much": {part("p1", 0, 3, half), part("p1", 1, 3, half+"x"), wire.CodeTooLarge,
			"a prompt has at most 524288 bytes, all parts together; send less", 0},
		"one part too much": {part("p1", 0, 3, "x"), part("p1", 1, 3, half+half+"x"), wire.CodeTooLarge,
			"a prompt has at most 524288 bytes, all parts together; send less", 0},
		"nothing but blanks": {part("p1", 0, 2, " "), part("p1", 1, 2, "\n"), wire.CodeBadRequest, "sendMessage needs text", 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.connect("c1", "alice", "")
			d.silent("c1", tt.before)
			if e := d.refuses("c1", tt.last, tt.code); e.ID != "p1" || e.Message != tt.says {
				t.Errorf("got %+v", e)
			}
			if d.parts() != tt.left || len(d.calls.invoked()) != 0 {
				t.Errorf("%d items are left, invoked for %v", d.parts(), d.calls.invoked())
			}
		})
	}
}

func TestPartsTooLate(t *testing.T) {
	bubble(t, func(d *desk) {
		d.connect("c1", "alice", "")
		d.silent("c1", part("p1", 0, 2, "one"))
		time.Sleep(wire.PartsWithin + time.Second) // virtual
		if e := d.refuses("c1", part("p1", 1, 2, "two"), wire.CodeBadRequest); e.Message != "the parts took longer than 2m0s; send all of them again" {
			t.Errorf("got %+v", e)
		}
		d.silent("c1", part("p1", 1, 2, "two"))
		one[wire.Accepted](d, "c1", part("p1", 0, 2, "one"))
	})
}

// TestPartsMeetBusy: a refusal stores nothing of the prompt.
func TestPartsMeetBusy(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "alice", "")
	a := d.ask("c1", "p1", "", "one")
	d.silent("c1", part("p2", 0, 2, "one"))
	if e := d.refuses("c1", part("p2", 1, 2, "two"), wire.CodeBusy); e.ID != "p2" || e.Reply != a.Reply || d.parts() != 0 {
		t.Errorf("got %+v, %d items are left", e, d.parts())
	}
}

// TestPartsAgain: a client that heard nothing sends all parts again, perhaps from
// another socket, which then wants the reply as well.
func TestPartsAgain(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "alice", "")
	d.connect("c2", "alice", "")
	d.silent("c1", part("p1", 0, 2, "one "))
	a := one[wire.Accepted](d, "c1", part("p1", 1, 2, "two"))
	items := d.items()
	for n, want := range []int{2, 1} {
		got := d.send("c2", part("p1", n, 2, []string{"one ", "two"}[n]))
		if len(got) != want || got[0] != wire.Frame(a) {
			t.Errorf("part %d: got %+v", n, got)
		}
		if k, ok := got[len(got)-1].(wire.Keepalive); n == 0 && (!ok || k.Ref != a.Ref) {
			t.Errorf("part %d: got %+v", n, got)
		}
	}
	if _, listens := d.reply(a.Reply).Listeners["c2"]; !listens || d.items() != items || len(d.calls.invoked()) != 1 {
		t.Errorf("listens %t, %d items were %d, invoked for %v", listens, d.items(), items, d.calls.invoked())
	}
}

// TestPartsCompletedTwice: two deliveries complete the prompt, and the slower one
// finds the parts gone. That is no error.
func TestPartsCompletedTwice(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "alice", "")
	d.connect("c2", "alice", "")
	d.silent("c1", part("p1", 0, 2, "one "))
	var first wire.Accepted
	store := d.Store
	d.Store = &lateStore{store, func() {
		d.Store = store
		first = one[wire.Accepted](d, "c2", part("p1", 1, 2, "two"))
	}}
	if again := one[wire.Accepted](d, "c1", part("p1", 1, 2, "two")); again != first || first.Reply == "" {
		t.Errorf("first %+v, then %+v", first, again)
	}
	if got := d.said(first.Conversation); !slices.Equal(got[:1], []string{"user: one two"}) || len(d.calls.invoked()) != 1 {
		t.Errorf("stored %q, invoked for %v", got, d.calls.invoked())
	}
}

// lateStore lets something else happen before a prompt's parts are joined.
type lateStore struct {
	handler.Store
	before func()
}

func (s *lateStore) JoinParts(ctx context.Context, user, prompt string) (string, error) {
	s.before()
	return s.Store.JoinParts(ctx, user, prompt)
}

// TestPartsOfADeadHandler: whoever completed the prompt and died left it to the
// next delivery.
func TestPartsOfADeadHandler(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "alice", "")
	d.silent("c1", part("p1", 0, 2, "one "))
	store := d.Store
	d.Store = deadStore{store}
	e := d.refuses("c1", part("p1", 1, 2, "two"), wire.CodeInternal)
	if log := d.log.String(); e.Message != "something went wrong here; try again" || !strings.Contains(log, `"level":"ERROR"`) || !strings.Contains(log, errDead.Error()) {
		t.Errorf("told %+v, logged %s", e, log)
	}
	d.Store = store
	if a := one[wire.Accepted](d, "c1", part("p1", 0, 2, "one ")); d.said(a.Conversation)[0] != "user: one two" {
		t.Errorf("stored %q", d.said(a.Conversation))
	}
}

// deadStore fails where a handler may die.
type deadStore struct{ handler.Store }

func (deadStore) JoinParts(context.Context, string, string) (string, error) { return "", errDead }
