package dynamo_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/dynamo"
)

func TestFollow(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	r := w.create(w.turn("ann", "c1", "p1", "hello"))
	got, err := w.Follow(t.Context(), r.Conversation, "c2", chat.ModePlain)
	if err != nil || got.N != 2 || got.Active != r.ID || got.User != "ann" || len(got.Listeners) != 2 ||
		got.Listeners["c2"] != (chat.Listener{N: 2, Mode: chat.ModePlain}) {
		t.Fatalf("got %+v, %v", got, err)
	}
	for i := range 20 {
		if got, err = w.Follow(t.Context(), r.Conversation, fmt.Sprint("d", i), chat.ModeJSON); err != nil {
			t.Fatal(err)
		}
	}
	if len(got.Listeners) != chat.MaxListeners || got.Listeners["d12"].N != 15 || got.Listeners["d11"].N != 0 {
		t.Errorf("listeners %v", got.Listeners)
	}
}

func TestConversationsNewestFirst(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	var want []string
	for i := range 12 {
		w.clock.advance(time.Millisecond)
		r := w.create(w.turn("ann", "c1", fmt.Sprint("p", i), fmt.Sprint("title ", i)))
		want = slices.Insert(want, 0, r.Conversation)
		w.create(w.turn("bob", "c2", fmt.Sprint("p", i), "bob's"))
	}
	// Connections of the same user are in the same index.
	if err := w.Open(ctx, chat.Connection{ID: "c1", User: "ann"}); err != nil {
		t.Fatal(err)
	}
	// A prompt brings a conversation to the front.
	w.clock.advance(time.Second)
	newest := want[5]
	w.create(w.next(w.conversation(newest), "c1", "again", "hello"))
	want = slices.Insert(slices.Delete(want, 5, 6), 0, newest)
	for _, limit := range []int{1, 5, 11, 12, 13, 0} {
		var got []string
		for before, first := "", true; first || before != ""; first = false {
			w.net.count()
			page, next, err := w.Conversations(ctx, "ann", before, limit)
			if n := w.net.count()["Query"]; n != 1 {
				t.Errorf("limit %d: %d queries for a page", limit, n)
			}
			if err != nil || len(page) > max(limit, 1) {
				t.Fatalf("limit %d: %d, %v", limit, len(page), err)
			}
			for _, c := range page {
				got = append(got, c.ID)
				if c.User != "ann" || !strings.HasPrefix(c.Title, "title ") || c.At.IsZero() {
					t.Errorf("%+v", c)
				}
			}
			before = next
		}
		if !slices.Equal(got, want) {
			t.Errorf("limit %d: %v, want %v", limit, got, want)
		}
	}
}

func TestRename(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	r := w.create(w.turn("ann", "c1", "p1", "hello"))
	if err := w.Rename(ctx, "ann", r.Conversation, "新しい"); err != nil {
		t.Fatal(err)
	}
	wantKind(t, w.Rename(ctx, "bob", r.Conversation, "mine"), chat.NotFound)
	wantKind(t, w.Rename(ctx, "ann", "nowhere", "x"), chat.NotFound)
	list, _, err := w.Conversations(ctx, "ann", "", 10)
	if err != nil || len(list) != 1 || list[0].Title != "新しい" || w.conversation(r.Conversation).Title != "新しい" {
		t.Errorf("listed %+v, %v", list, err)
	}
}

// longTalk is a conversation with whatever can hang under one.
func (w *world) longTalk() chat.Conversation {
	w.t.Helper()
	conv := w.talk(3, "")
	turn := w.next(conv, "c1", "long", strings.Repeat("x", 70<<10))
	w.answer(w.create(turn).ID, strings.Repeat("y", 30000))
	conv = w.conversation(conv.ID)
	w.create(w.next(conv, "c1", "unfinished", "hello"))
	return w.conversation(conv.ID)
}

func (w *world) wantOnlyClaims() {
	w.t.Helper()
	for _, k := range w.everything() {
		if !strings.HasPrefix(k, "U#ann K#") {
			w.t.Errorf("left over: %s", k)
		}
	}
}

func TestDelete(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	conv := w.longTalk()
	wantKind(t, w.Delete(ctx, "bob", conv.ID), chat.NotFound)
	if w.conversation(conv.ID).ID != conv.ID {
		t.Error("deleted by somebody else")
	}
	if err := w.Delete(ctx, "ann", conv.ID); err != nil {
		t.Fatal(err)
	}
	w.wantOnlyClaims()
	wantKind(t, w.Delete(ctx, "ann", conv.ID), chat.NotFound)
}

// Whichever call a Delete dies at: the conversation is gone for readers and takes
// no more turns, and a second Delete finds the rest.
func TestDeleteThatDiesCanBeRepeated(t *testing.T) {
	for dies := 1; ; dies++ {
		w := newWorld(t, dynamo.Options{})
		ctx := t.Context()
		conv := w.longTalk()
		calls := 0
		w.net.set(func(string) fault {
			if calls++; calls >= dies {
				return throttled
			}
			return none
		})
		err := w.Delete(ctx, "ann", conv.ID)
		w.net.set(nil)
		if err == nil {
			if calls < 5 {
				t.Errorf("a Delete in %d calls", calls)
			}
			w.wantOnlyClaims()
			return
		}
		wantKind(t, err, chat.Unavailable)
		if dies > 1 {
			_, err = w.Conversation(ctx, conv.ID)
			wantKind(t, err, chat.NotFound)
			_, err = w.Follow(ctx, conv.ID, "c2", chat.ModeJSON)
			wantKind(t, err, chat.NotFound)
			wantKind(t, w.Rename(ctx, "ann", conv.ID, "x"), chat.NotFound)
			_, _, err = w.CreateTurn(ctx, w.next(conv, "c1", "late", "hello"))
			wantIs(t, err, chat.ErrMoved)
			if list, _, err := w.Conversations(ctx, "ann", "", 10); err != nil || len(list) != 0 {
				t.Errorf("listed %v, %v", list, err)
			}
		}
		if err := w.Delete(ctx, "ann", conv.ID); err != nil {
			t.Fatalf("died at call %d: %v", dies, err)
		}
		w.wantOnlyClaims()
	}
}
