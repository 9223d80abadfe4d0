package dynamo_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/dynamo"
)

func TestListen(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	r := w.create(w.turn("ann", "c1", "p1", "hello"))
	if _, err := w.Listen(ctx, r.ID, "c2", 7, chat.ModePlain); err != nil {
		t.Fatal(err)
	}
	got, err := w.Listen(ctx, r.ID, "c1", 3, chat.ModeJSON) // again, from another offset
	want := map[string]chat.Listener{"c2": {Offset: 7, N: 2, Mode: chat.ModePlain}, "c1": {Offset: 3, N: 3, Mode: chat.ModeJSON}}
	if err != nil || got.N != 3 || !reflect.DeepEqual(got.Listeners, want) {
		t.Errorf("got %d %v, %v, want %v", got.N, got.Listeners, err, want)
	}
	w.answer(r.ID, "done")
	got, err = w.Listen(ctx, r.ID, "c3", 0, chat.ModeJSON)
	if err != nil || got.State != chat.Ended || got.Tail != "done" || !reflect.DeepEqual(got.Listeners, want) {
		t.Errorf("ended: %+v, %v", got, err)
	}
}

func TestConcurrentListen(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	r := w.create(w.turn("ann", "c0", "p1", "hello"))
	images := make([]chat.Reply, 20)
	for _, o := range w.together(len(images), func(i int) (c chat.Claim, err error) {
		images[i], err = w.Listen(t.Context(), r.ID, fmt.Sprint("d", i), i, chat.ModeJSON)
		return c, err
	}) {
		if o.err != nil {
			t.Error(o.err)
		}
	}
	seen := map[int64]string{}
	for i, img := range images {
		conn := fmt.Sprint("d", i)
		l := img.Listeners[conn]
		if l.N != img.N || l.Offset != i || seen[l.N] != "" {
			t.Errorf("%s got n %d of %d, offset %d, like %q", conn, l.N, img.N, l.Offset, seen[l.N])
		}
		seen[l.N] = conn
	}
	final, err := w.Reply(t.Context(), r.ID)
	if err != nil || final.N != 21 || len(final.Listeners) != chat.MaxListeners {
		t.Fatalf("n %d, listeners %v, %v", final.N, final.Listeners, err)
	}
	for conn, l := range final.Listeners {
		if l.N <= 21-chat.MaxListeners {
			t.Errorf("%s has n %d: not among the newest", conn, l.N)
		}
	}
}

// The item itself must not grow with every connection that ever listened.
func TestOldListenersAreSwept(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	r := w.create(w.turn("ann", "c0", "p1", "hello"))
	for i := range 30 {
		if _, err := w.Listen(t.Context(), r.ID, fmt.Sprint("d", i), 0, chat.ModeJSON); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Follow(t.Context(), r.Conversation, fmt.Sprint("d", i), chat.ModeJSON); err != nil {
			t.Fatal(err)
		}
	}
	for _, it := range []struct {
		item map[string]any
		maps []string
	}{
		{plain(w.raw("R#"+r.ID, "R")), []string{"ln", "lo", "lm"}},
		{plain(w.raw("V#"+r.Conversation, "V")), []string{"ln", "lm"}},
	} {
		for _, m := range it.maps {
			if n := it.item[m]; n != chat.MaxListeners {
				t.Errorf("%s has %v entries", m, n)
			}
		}
	}
}

func TestWish(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	pending := w.create(w.turn("ann", "c1", "p1", "hello"))
	for range 2 { // asked twice, ended once
		got, err := w.Wish(ctx, pending.ID, "me")
		if err != nil || got.State != chat.Ended || got.EndStop != "stopped" || got.EndBy != "me" || got.Length != 0 {
			t.Fatalf("pending: %+v, %v", got, err)
		}
	}
	if got, err := w.Wish(ctx, pending.ID, "you"); err != nil || got.EndBy != "me" {
		t.Errorf("ended: %+v, %v", got, err)
	}
	if _, err := w.ClaimReply(ctx, pending.ID, "owner"); err == nil {
		t.Error("a stopped reply was claimed")
	}
	r := w.running("owner")
	got, err := w.Wish(ctx, r.ID, "me")
	if err != nil || got.State != chat.Running || !got.StopWish || got.Owner != "owner" {
		t.Errorf("running: %+v, %v", got, err)
	}
	if got, err := w.Tick(ctx, w.progress(r, 2, "x")); err != nil || !got.StopWish {
		t.Errorf("the owner does not see the wish: %+v, %v", got, err)
	}
	r = w.answer(w.create(w.turn("ann", "c1", "p3", "hi")).ID, "done")
	if got, err := w.Wish(ctx, r.ID, "me"); err != nil || !reflect.DeepEqual(got, r) {
		t.Errorf("ended: %+v, %v, want %+v", got, err, r)
	}
}

func TestWishWhoseAnswerGotLost(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	r := w.create(w.turn("ann", "c1", "p1", "hello"))
	w.net.times(2, "UpdateItem", lostAnswer)
	got, err := w.Wish(t.Context(), r.ID, "me")
	if err != nil || got.State != chat.Ended || got.EndBy != "me" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestReinvoked(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	r := w.create(w.turn("ann", "c1", "p1", "hello"))
	w.clock.advance(11 * time.Second)
	w.net.once("UpdateItem", lostAnswer) // repeated by the SDK, recognized
	if mine, err := w.Reinvoked(ctx, r.ID, r.Invoked); err != nil || !mine {
		t.Fatalf("first: %v, %v", mine, err)
	}
	w.clock.advance(time.Millisecond)
	if mine, err := w.Reinvoked(ctx, r.ID, r.Invoked); err != nil || mine {
		t.Errorf("second, seen the same: %v, %v", mine, err)
	}
	got, err := w.Reply(ctx, r.ID)
	if err != nil || !got.Invoked.Equal(r.Invoked.Add(11*time.Second)) {
		t.Errorf("invoked %v, %v", got.Invoked, err)
	}
	if _, err := w.ClaimReply(ctx, r.ID, "owner"); err != nil {
		t.Fatal(err)
	}
	if mine, err := w.Reinvoked(ctx, r.ID, got.Invoked); err != nil || mine {
		t.Errorf("running: %v, %v", mine, err)
	}
}
