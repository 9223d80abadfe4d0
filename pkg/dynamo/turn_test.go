package dynamo_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/dynamo"
)

func TestCreateTurn(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	turn := w.turn("ann", "c1", "p1", "\n  What is a monad?  \nPlease be brief.")
	r, c, err := w.CreateTurn(ctx, turn)
	if err != nil {
		t.Fatal(err)
	}
	wantReply := chat.Reply{
		ID: turn.Reply, User: "ann", Conversation: turn.Conversation, Prompt: "p1", State: chat.Pending, N: 1,
		Listeners: map[string]chat.Listener{"c1": {N: 1, Mode: chat.ModeJSON}}, Created: turn.At, Invoked: turn.At,
	}
	if !reflect.DeepEqual(r, wantReply) {
		t.Errorf("returned %+v, want %+v", r, wantReply)
	}
	if stored, err := w.Reply(ctx, r.ID); err != nil || !reflect.DeepEqual(stored, wantReply) {
		t.Errorf("stored %+v, %v, want %+v", stored, err, wantReply)
	}
	wantClaim := chat.Claim{Hash: turn.Hash, Reply: r.ID, Conversation: r.Conversation}
	if got, ok, err := w.Claimed(ctx, "ann", "p1"); c != wantClaim || got != wantClaim || !ok || err != nil {
		t.Errorf("claims %+v, %+v, %v, %v, want %+v", c, got, ok, err, wantClaim)
	}
	wantConversation := chat.Conversation{
		ID: r.Conversation, User: "ann", Title: "What is a monad?", At: turn.At, Active: r.ID, N: 1,
		Listeners: map[string]chat.Listener{"c1": {N: 1, Mode: chat.ModeJSON}},
	}
	if got := w.conversation(r.Conversation); !reflect.DeepEqual(got, wantConversation) {
		t.Errorf("conversation %+v, want %+v", got, wantConversation)
	}
	// The next turn: whoever follows the conversation hears it from 0.
	seen, err := w.Follow(ctx, r.Conversation, "c2", chat.ModePlain)
	if err != nil {
		t.Fatal(err)
	}
	w.clock.advance(time.Second)
	next := w.next(seen, "c1", "p2", "And a functor?")
	w.create(next)
	stored, err := w.Reply(ctx, next.Reply)
	want := map[string]chat.Listener{"c2": {N: 1, Mode: chat.ModePlain}, "c1": {N: 2, Mode: chat.ModeJSON}}
	if err != nil || stored.N != 2 || !reflect.DeepEqual(stored.Listeners, want) {
		t.Errorf("listeners %+v, %v, want %+v", stored.Listeners, err, want)
	}
	got := w.conversation(r.Conversation)
	if got.Active != next.Reply || got.N != seen.N+1 || got.Title != wantConversation.Title || !got.At.Equal(next.At) || got.Listeners["c1"].N != got.N {
		t.Errorf("conversation %+v after %+v", got, next)
	}
}

func TestTitle(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	for i, c := range []struct{ text, want string }{
		{"hello", "hello"},
		{"one\r\ntwo", "one"},
		{strings.Repeat("会話", 100), strings.Repeat("会話", 30)},
		{"x", "x"},
	} {
		r := w.create(w.turn("ann", "c1", fmt.Sprint("p", i), c.text))
		if got := w.conversation(r.Conversation).Title; got != c.want {
			t.Errorf("%q gives the title %q, want %q", c.text, got, c.want)
		}
	}
}

func TestDuplicatePrompt(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	first := w.turn("ann", "c1", "p1", "hello")
	w.create(first)
	_, c, err := w.CreateTurn(ctx, w.turn("ann", "c1", "p1", "something else"))
	wantIs(t, err, chat.ErrDuplicate)
	if want := (chat.Claim{Hash: first.Hash, Reply: first.Reply, Conversation: first.Conversation}); c != want {
		t.Errorf("claim %+v, want %+v", c, want)
	}
	// Made again by the caller, the same turn is its own.
	r, _, err := w.CreateTurn(ctx, first)
	if err != nil || r.ID != first.Reply {
		t.Errorf("own turn: %+v, %v", r, err)
	}
	// A day later the id is free, though DynamoDB has not deleted the claim.
	w.clock.advance(24 * time.Hour)
	if _, ok, err := w.Claimed(ctx, "ann", "p1"); ok || err != nil {
		t.Errorf("claimed after a day: %v, %v", ok, err)
	}
	w.clock.advance(time.Hour)
	w.create(w.turn("ann", "c1", "p1", "hello"))
}

// Ids that users choose never meet, however they are made.
func TestUsersAreApart(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	who := []struct{ user, prompt string }{
		{"a", "b#c"}, {"a#b", "c"}, {"a#K#b", "c"}, {"a", "K#b#c"}, {"", "a"}, {"a", ""}, {"U#a", "b"}, {strings.Repeat("x", 512), strings.Repeat("語", 64)},
	}
	replies := map[string]bool{}
	for _, u := range who {
		replies[w.create(w.turn(u.user, "c1", u.prompt, "hello from "+u.user)).ID] = true
	}
	for _, u := range who {
		c, ok, err := w.Claimed(ctx, u.user, u.prompt)
		if err != nil || !ok || !replies[c.Reply] {
			t.Fatalf("%q: %+v, %v, %v", u, c, ok, err)
		}
		delete(replies, c.Reply) // each one is a different reply
		part := chat.Part{User: u.user, Prompt: u.prompt, Part: 0, Parts: 2, Text: u.user + "/" + u.prompt}
		if done, err := w.PutPart(ctx, part, "h"); done || err != nil {
			t.Errorf("part of %q: %v, %v", u, done, err)
		}
	}
	for _, u := range who {
		list, _, err := w.Conversations(ctx, u.user, "", 100)
		want := 0
		for _, v := range who {
			if v.user == u.user {
				want++
			}
		}
		if err != nil || len(list) != want {
			t.Errorf("%q sees %d conversations, %v, want %d", u.user, len(list), err, want)
		}
	}
}

func TestConcurrentSamePrompt(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	outcomes := w.together(32, func(int) (chat.Claim, error) {
		r, c, err := w.CreateTurn(t.Context(), w.turn("ann", "c1", "p1", "hello"))
		if err == nil && r.ID != c.Reply {
			err = fmt.Errorf("reply %s, claim %+v", r.ID, c)
		}
		return c, err
	})
	created := 0
	for _, o := range outcomes {
		switch {
		case o.err == nil:
			created++
		case !errors.Is(o.err, chat.ErrDuplicate):
			t.Error(o.err)
		}
		if o.claim != outcomes[0].claim {
			t.Errorf("claims differ: %+v, %+v", o.claim, outcomes[0].claim)
		}
	}
	if created != 1 {
		t.Errorf("created %d times", created)
	}
}

func TestConcurrentPromptsInOneConversation(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	seen := w.conversation(w.create(w.turn("ann", "c1", "p", "hello")).Conversation)
	created := 0
	for i, o := range w.together(32, func(i int) (chat.Claim, error) {
		_, c, err := w.CreateTurn(t.Context(), w.next(seen, "c1", fmt.Sprint("p", i), "again"))
		return c, err
	}) {
		_, claimed, err := w.Claimed(t.Context(), "ann", fmt.Sprint("p", i))
		switch {
		case err != nil:
			t.Error(err)
		case o.err == nil:
			created++
		case !errors.Is(o.err, chat.ErrMoved):
			t.Error(o.err)
		}
		if claimed != (o.err == nil) {
			t.Errorf("prompt %d: claimed %v, but %v", i, claimed, o.err)
		}
	}
	if created != 1 {
		t.Errorf("created %d times", created)
	}
}

type outcome struct {
	claim chat.Claim
	err   error
}

// together runs f n times at once.
func (w *world) together(n int, f func(i int) (chat.Claim, error)) []outcome {
	outcomes := make([]outcome, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range outcomes {
		wg.Go(func() {
			<-start
			outcomes[i].claim, outcomes[i].err = f(i)
		})
	}
	close(start)
	wg.Wait()
	return outcomes
}

func TestTurnInAChangedConversation(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	seen := w.conversation(w.create(w.turn("ann", "c1", "p", "hello")).Conversation)
	bobs := seen
	bobs.User = "bob"
	gone := seen
	gone.ID = "nowhere"
	for name, turn := range map[string]chat.Turn{
		"somebody else's": w.next(bobs, "c1", "p1", "hi"),
		"unknown":         w.next(gone, "c1", "p2", "hi"),
	} {
		if _, _, err := w.CreateTurn(ctx, turn); !errors.Is(err, chat.ErrMoved) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.Follow(ctx, seen.ID, "c2", chat.ModeJSON); err != nil {
		t.Fatal(err)
	}
	_, _, err := w.CreateTurn(ctx, w.next(seen, "c1", "p3", "hi"))
	wantIs(t, err, chat.ErrMoved)
	// A listener that left does not matter: it will answer 410.
	seen = w.conversation(seen.ID)
	if err := w.Gone(ctx, "c2", seen.ID); err != nil {
		t.Fatal(err)
	}
	w.create(w.next(seen, "c1", "p4", "hi"))
}

func TestTurnWhoseAnswerGotLost(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	first := w.turn("ann", "c1", "p1", "hello")
	w.net.once("TransactWriteItems", lostAnswer)
	if r, _, err := w.CreateTurn(ctx, first); err != nil || r.ID != first.Reply {
		t.Fatalf("the SDK's repeat: %+v, %v", r, err)
	}
	second := w.next(w.conversation(first.Conversation), "c1", "p2", "more")
	w.net.times(3, "TransactWriteItems", lostAnswer)
	_, _, err := w.CreateTurn(ctx, second)
	wantKind(t, err, chat.Unavailable)
	r, c, err := w.CreateTurn(ctx, second)
	if err != nil || r.ID != second.Reply || c.Reply != second.Reply {
		t.Fatalf("the caller's repeat: %+v, %+v, %v", r, c, err)
	}
	if got := w.conversation(first.Conversation); got.N != 2 || got.Active != second.Reply {
		t.Errorf("written twice: %+v", got)
	}
}

// Eight listeners at most, of a conversation and of a reply; the oldest leave.
func TestTurnKeepsEightListeners(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	seen := w.conversation(w.create(w.turn("ann", "c0", "p0", "hello")).Conversation)
	for i := 1; i <= 9; i++ {
		var err error
		if seen, err = w.Follow(ctx, seen.ID, fmt.Sprint("c", i), chat.ModeJSON); err != nil {
			t.Fatal(err)
		}
	}
	r := w.create(w.next(seen, "c99", "p1", "more"))
	stored, err := w.Reply(ctx, r.ID)
	if err != nil {
		t.Fatal(err)
	}
	conv := w.conversation(seen.ID)
	for name, l := range map[string]map[string]chat.Listener{"returned": r.Listeners, "stored": stored.Listeners, "conversation": conv.Listeners} {
		if len(l) != chat.MaxListeners || l["c99"].N == 0 || l["c2"].N != 0 || l["c3"].N == 0 {
			t.Errorf("%s: %v", name, l)
		}
	}
}

func TestLongPromptInSegments(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	text := "x" + strings.Repeat("会話kaiwa", 512<<10/11) // segments would end inside 会
	r := w.create(w.turn("ann", "c1", "p1", text))
	list, err := w.Recent(t.Context(), r.Conversation, 10)
	if err != nil || len(list) != 1 || list[0].Text != text {
		t.Fatalf("read back %d messages, %v", len(list), err)
	}
	if n := len(w.everything()); n != 6 { // claim, conversation, message, reply, two segments
		t.Errorf("%d items: %.300q", n, w.everything())
	}
}

func TestConversationsExpireWhenAsked(t *testing.T) {
	w := newWorld(t, dynamo.Options{Retention: 48 * time.Hour})
	ctx := t.Context()
	r := w.create(w.turn("ann", "c1", "p1", "hello"))
	w.answer(r.ID, strings.Repeat("x", 30000))
	w.clock.advance(24 * time.Hour)
	seen := w.conversation(r.Conversation)
	w.create(w.next(seen, "c1", "p2", "still there"))
	w.clock.advance(30 * time.Hour) // the first turn is over, the conversation is not
	list, _, err := w.Messages(ctx, seen.ID, "", 10, 10000)
	if err != nil || len(list) != 2 || list[1].Text != "still there" {
		t.Errorf("got %+v, %v, want the second turn", list, err)
	}
	if _, err := w.Reply(ctx, r.ID); chat.KindOf(err) != chat.NotFound {
		t.Errorf("old reply: %v", err)
	}
	w.clock.advance(30 * time.Hour)
	_, err = w.Conversation(ctx, seen.ID)
	wantKind(t, err, chat.NotFound)
	if list, _, err := w.Conversations(ctx, "ann", "", 10); err != nil || len(list) != 0 {
		t.Errorf("listed: %v, %v", list, err)
	}
	_, err = w.Follow(ctx, seen.ID, "c1", chat.ModeJSON)
	wantKind(t, err, chat.NotFound)
	wantKind(t, w.Rename(ctx, "ann", seen.ID, "x"), chat.NotFound)
}
