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

func (w *world) missed(n int) chat.Missed {
	at := w.clock.Now().Add(time.Duration(n) * time.Second)
	return chat.Missed{ID: fmt.Sprintf("n%d#x", n), At: at, Frame: fmt.Appendf(nil, `{"n":%d}`, n), Expires: at.Add(time.Hour)}
}

func (w *world) inbox(user string, limit int) (ids []string) {
	w.t.Helper()
	var behind *chat.Missed
	for {
		page, err := w.Inbox(w.t.Context(), user, behind, limit)
		if err != nil || len(page) > limit {
			w.t.Fatalf("%d entries, %v", len(page), err)
		}
		if len(page) == 0 {
			return ids
		}
		for _, m := range page {
			ids = append(ids, m.ID)
		}
		behind = &page[len(page)-1]
	}
}

// TestInboxInOrder: in the order of their time, whatever order they come in, once.
func TestInboxInOrder(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	for _, n := range []int{3, 1, 2, 3, 10, 1} {
		must(t, w.Keep(ctx, "ann", w.missed(n)))
	}
	must(t, w.Keep(ctx, "ann#", w.missed(7)))
	for _, limit := range []int{1, 2, 100} {
		if got := w.inbox("ann", limit); !slices.Equal(got, []string{"n1#x", "n2#x", "n3#x", "n10#x"}) {
			t.Errorf("by %d: %q", limit, got)
		}
	}
	page, err := w.Inbox(ctx, "ann", nil, 1)
	must(t, err)
	if want := w.missed(1); page[0].ID != want.ID || !page[0].At.Equal(want.At) || string(page[0].Frame) != string(want.Frame) || !page[0].Expires.Equal(want.Expires) {
		t.Errorf("got %+v, want %+v", page[0], want)
	}
	if h, err := w.Home(ctx, "ann"); err != nil || !h.Waiting {
		t.Errorf("home %+v, %v", h, err)
	}
	for _, m := range page {
		must(t, w.Forget(ctx, "ann", m))
		must(t, w.Forget(ctx, "ann", m))
	}
	if got := w.inbox("ann", 9); !slices.Equal(got, []string{"n2#x", "n3#x", "n10#x"}) {
		t.Errorf("left %q", got)
	}
	// Expired ones are shown to whoever clears them away, and nobody else waits.
	w.clock.advance(4 * time.Hour)
	if got := w.inbox("ann", 9); len(got) != 3 {
		t.Errorf("left %q", got)
	}
	long := w.missed(1)
	long.ID = strings.Repeat("x", 2000)
	if err := w.Keep(ctx, "ann", long); err == nil {
		t.Error("an id of 2000 bytes")
	}
}

// TestInboxIsBounded: it never grows far beyond its bound, and Trim brings it there.
func TestInboxIsBounded(t *testing.T) {
	w := newWorld(t, dynamo.Options{Inbox: 10})
	ctx := t.Context()
	most := 0
	for n := range 400 {
		must(t, w.Keep(ctx, "ann", w.missed(n)))
		if n%40 == 39 {
			most = max(most, len(w.inbox("ann", 1000)))
		}
	}
	if most > 350 { // 340 more without a trim is one chance in 48,000
		t.Errorf("%d entries", most)
	}
	must(t, w.Trim(ctx, "ann"))
	var want []string
	for n := 390; n < 400; n++ {
		want = append(want, w.missed(n).ID)
	}
	if got := w.inbox("ann", 3); !slices.Equal(got, want) {
		t.Errorf("left %q, want the newest", got)
	}
	must(t, w.Trim(ctx, "ann"))
	must(t, w.Trim(ctx, "nobody"))
}

func TestInboxLock(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	lock := func(token string, want bool) {
		t.Helper()
		if ok, err := w.LockInbox(ctx, "ann", token, w.clock.Now().Add(30*time.Second)); err != nil || ok != want {
			t.Fatalf("%s: %v, %v", token, ok, err)
		}
	}
	lock("a", true)
	lock("b", false)
	lock("a", true) // prolonged
	must(t, w.UnlockInbox(ctx, "ann", "b"))
	lock("b", false)
	must(t, w.UnlockInbox(ctx, "ann", "a"))
	lock("b", true)
	w.clock.advance(31 * time.Second) // b died
	lock("a", true)
	lock("b", false)
	if h, err := w.Home(ctx, "ann"); err != nil || h.Waiting {
		t.Errorf("a lock is nothing that waits: %+v, %v", h, err)
	}
}
