package dynamo_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/dynamo"
)

// begin makes a turn in a new conversation within a quota, as the handler does:
// read, decide, write, and again if something moved.
func (w *world) begin(q chat.Quota, prompt string) (chat.Reply, error) {
	for {
		_, a, err := w.Opening(w.t.Context(), "ann", "")
		if err != nil {
			return chat.Reply{}, err
		}
		turn := w.turn("ann", "c1", prompt, "hello")
		next, why := a.Admit(q, turn)
		if why != chat.Within {
			return chat.Reply{}, next.Refusal(q, why, turn.At)
		}
		turn.Account = &next
		r, _, err := w.CreateTurn(w.t.Context(), turn)
		if !errors.Is(err, chat.ErrMoved) {
			return r, err
		}
		time.Sleep(rand.N(5 * time.Millisecond))
	}
}

func (w *world) account() chat.Account {
	w.t.Helper()
	_, a, err := w.Opening(w.t.Context(), "ann", "")
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

// However many prompts come at once, exactly as many begin as there may, and what
// ends at the same time makes room for as many.
func TestQuotaUnderConcurrency(t *testing.T) {
	const tries = 24
	for name, tt := range map[string]struct {
		quota chat.Quota
		first int // begin at once
		again int // begin once these have ended
	}{
		"replies": {chat.Quota{Replies: 5, MaxTokens: 10}, 5, 5},
		"prompts": {chat.Quota{Prompts: 7}, 7, 0},
		"tokens":  {chat.Quota{Tokens: 65, MaxTokens: 10}, 5, 1}, // each holds 12, and uses 9
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, dynamo.Options{})
			round := func(n int) []chat.Reply {
				var begun []chat.Reply
				var mu sync.Mutex
				var all sync.WaitGroup
				for i := range tries {
					all.Go(func() {
						r, err := w.begin(tt.quota, fmt.Sprint("p", n, "-", i))
						mu.Lock()
						defer mu.Unlock()
						switch {
						case err == nil:
							begun = append(begun, r)
						case chat.KindOf(err) != chat.RateLimited:
							t.Error(err)
						}
					})
				}
				all.Wait()
				return begun
			}
			begun := round(1)
			if len(begun) != tt.first {
				t.Fatalf("%d prompts began, want %d; %+v", len(begun), tt.first, w.account())
			}
			var all sync.WaitGroup
			for _, r := range begun {
				all.Go(func() {
					for range 2 { // once counts
						if err := w.Charge(t.Context(), r, 9); err != nil {
							t.Error(err)
						}
					}
				})
			}
			all.Wait()
			a := w.account()
			if used := a.Tokens; len(a.Running) != 0 || tt.quota.Prompts == 0 && used != 9*tt.first {
				t.Errorf("%+v", a)
			}
			if begun = round(2); len(begun) != tt.again {
				t.Errorf("%d began, want %d; %+v", len(begun), tt.again, w.account())
			}
		})
	}
}

// A prompt that is sent again, or whose answer was lost, counts once; one that is
// refused by anything else counts not at all.
func TestTurnsCountOnce(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	q := chat.Quota{Prompts: 10, Replies: 10, Conversations: 10, MaxTokens: 100}
	turn := w.turn("ann", "c1", "p1", "hello")
	a := w.account()
	a.Counted = true
	next, why := a.Admit(q, turn)
	if why != chat.Within {
		t.Fatal(why)
	}
	turn.Account = &next
	w.net.once("TransactWriteItems", lostAnswer)
	w.create(turn)
	w.create(turn) // by its own caller, who has not heard either
	counted := func(prompts int) {
		t.Helper()
		if a := w.account(); a.Prompts != prompts || len(a.Running) != prompts || a.Conversations != prompts {
			t.Fatalf("%+v, want %d", a, prompts)
		}
	}
	counted(1)
	if h := w.account().Running[turn.Reply]; h.Tokens != 103 || h.Until.Before(w.clock.Now().Add(15*time.Minute)) {
		t.Errorf("held %+v", h)
	}
	// Another delivery of the prompt.
	again := w.turn("ann", "c1", "p1", "hello")
	next, _ = w.account().Admit(q, again)
	again.Account = &next
	_, _, err := w.CreateTurn(ctx, again)
	wantIs(t, err, chat.ErrDuplicate)
	counted(1)
	// Its conversation moved between the read and the write.
	conv := w.conversation(turn.Conversation)
	if _, err := w.Follow(ctx, conv.ID, "c2", chat.ModeJSON); err != nil {
		t.Fatal(err)
	}
	moved := w.next(conv, "c1", "p2", "hello")
	next, _ = w.account().Admit(q, moved)
	moved.Account = &next
	_, _, err = w.CreateTurn(ctx, moved)
	wantIs(t, err, chat.ErrMoved)
	counted(1)
	// A deleted conversation is counted no more.
	if err := w.Delete(ctx, "ann", turn.Conversation); err != nil {
		t.Fatal(err)
	}
	if a := w.account(); a.Conversations != 0 || !a.Counted {
		t.Errorf("%+v", a)
	}
}

// Charge counts on the day it comes, once, whatever else happens to the account.
func TestCharge(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	q := chat.Quota{Tokens: 1000, MaxTokens: 100}
	begin := func(id string) chat.Reply {
		t.Helper()
		r, err := w.begin(q, id)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	charge := func(r chat.Reply, n int) {
		t.Helper()
		if err := w.Charge(ctx, r, n); err != nil {
			t.Fatal(err)
		}
	}
	want := func(day string, tokens int, running ...chat.Reply) {
		t.Helper()
		a := w.account()
		if a.Day != day || a.Tokens != tokens || len(a.Running) != len(running) {
			t.Fatalf("%+v, want %d on %s", a, tokens, day)
		}
	}
	a, b, c := begin("p1"), begin("p2"), begin("p3")
	if a.Held != 103 {
		t.Errorf("holds %d", a.Held)
	}
	if img, err := w.Reply(ctx, a.ID); err != nil || img.Held != a.Held {
		t.Errorf("stored as %+v, %v", img, err)
	}
	w.net.once("UpdateItem", lostAnswer)
	charge(a, 40)
	charge(a, 40)
	want("2026-11-22", 40, b, c)
	charge(chat.Reply{ID: "unknown", User: "ann", Held: 5}, 40)
	charge(chat.Reply{ID: b.ID, User: "bob", Held: 5}, 40)
	charge(chat.Reply{ID: b.ID, User: "ann"}, 40) // holds nothing, and is not even asked for
	want("2026-11-22", 40, b, c)
	w.clock.advance(24 * time.Hour)
	charge(b, 7)
	charge(b, 7)
	want("2026-11-23", 7, c)
	w.clock.advance(-24 * time.Hour) // a function whose clock is behind
	charge(c, 1)
	want("2026-11-23", 8)
	if it := w.raw("U#bob", "Q"); it != nil {
		t.Errorf("bob has %v", it)
	}
	// Long after its last prompt an account is none, and can be begun again.
	w.clock.advance(100 * time.Hour)
	if a := w.account(); a.Version != 0 || a.Tokens != 0 {
		t.Errorf("%+v", a)
	}
	begin("p4")
	if a := w.account(); a.Version != 1 || a.Prompts != 1 {
		t.Errorf("%+v", a)
	}
}

func TestCountConversations(t *testing.T) {
	w := newWorld(t, dynamo.Options{Retention: time.Hour})
	ctx := t.Context()
	for i := range 3 {
		w.create(w.turn("ann", "c1", fmt.Sprint("p", i), "hello"))
	}
	w.create(w.turn("bob", "c1", "p", "hello"))
	if err := w.Open(ctx, chat.Connection{ID: "c1", User: "ann"}); err != nil {
		t.Fatal(err)
	}
	w.clock.advance(59 * time.Minute)
	w.create(w.turn("ann", "c1", "p9", "hello"))
	for _, want := range []int{4, 1} { // those that have expired are none, though DynamoDB has them still
		if n, err := w.CountConversations(ctx, "ann"); err != nil || n != want {
			t.Errorf("%d, %v, want %d", n, err, want)
		}
		w.clock.advance(2 * time.Minute)
	}
}

// Opening reads as much as Conversation, in the same number of calls.
func TestOpening(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	r := w.create(w.turn("ann", "c1", "p", "hello"))
	w.net.count()
	c, a, err := w.Opening(ctx, "ann", r.Conversation)
	if err != nil || c.Active != r.ID || c.User != "ann" || a.Version != 0 {
		t.Errorf("%+v, %+v, %v", c, a, err)
	}
	if got := w.net.count(); !maps.Equal(got, map[string]int{"BatchGetItem": 1}) {
		t.Errorf("calls %v", got)
	}
	for _, id := range []string{"nowhere", "", strings.Repeat("x", 3000)} {
		if _, a, err := w.Opening(ctx, "ann", id); a.Running == nil || (id == "") != (err == nil) || err != nil && chat.KindOf(err) != chat.NotFound {
			t.Errorf("%.10q: %v", id, err)
		}
	}
}

// A connection's messages: a burst, then a steady pace, whoever counts.
func TestArrive(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	_, err := w.Arrive(ctx, "c1", 10)
	wantKind(t, err, chat.NotFound)
	if w.raw("C#c1", "C") != nil {
		t.Error("a message made a connection")
	}
	want := chat.Connection{ID: "c1", User: "ann", Mode: chat.ModeJSON, Conversation: "v1", At: w.clock.Now()}
	if err := w.Open(ctx, want); err != nil {
		t.Fatal(err)
	}
	let := func(n int) (in int) {
		t.Helper()
		var mu sync.Mutex
		var all sync.WaitGroup
		for range n {
			all.Go(func() {
				c, err := w.Arrive(ctx, "c1", 10)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case c.User != "ann" || c.Mode != chat.ModeJSON:
					t.Errorf("%+v, %v", c, err)
				case err == nil:
					in++
				case chat.KindOf(err) != chat.RateLimited || chat.AsError(err).RetryAfter <= 0 || chat.AsError(err).RetryAfter > time.Second:
					t.Errorf("%+v", err)
				}
			})
		}
		all.Wait()
		return in
	}
	for _, step := range []struct {
		after time.Duration
		in    int
	}{{0, 64}, {0, 0}, {99 * time.Millisecond, 0}, {time.Millisecond, 1}, {time.Second, 10}, {time.Hour, 64}} {
		w.clock.advance(step.after)
		if in := let(70); in != step.in {
			t.Errorf("%v later: %d came in, want %d", step.after, in, step.in)
		}
	}
	for range 100 { // nobody counts
		if _, err := w.Arrive(ctx, "c1", 0); err != nil {
			t.Fatal(err)
		}
	}
	// A person's pace costs one call a message.
	w.clock.advance(time.Hour)
	w.net.count()
	for range 5 {
		w.clock.advance(time.Second)
		let(1)
	}
	if got := w.net.count(); !maps.Equal(got, map[string]int{"UpdateItem": 5}) {
		t.Errorf("calls %v", got)
	}
}
