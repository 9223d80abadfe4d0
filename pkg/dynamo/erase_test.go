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

// fill stores everything there can be of a user.
func (w *world) fill(user string) {
	w.t.Helper()
	ctx := w.t.Context()
	must := func(err error) {
		w.t.Helper()
		if err != nil {
			w.t.Fatal(err)
		}
	}
	must(w.Open(ctx, chat.Connection{ID: user + "1", User: user}))
	must(w.Open(ctx, chat.Connection{ID: user + "2", User: user}))
	old := w.turn(user, user+"1", "p1", strings.Repeat("long ", 20_000)) // in segments
	w.answer(w.create(old).ID, strings.Repeat("answer ", 20_000))
	w.clock.advance(30 * 24 * time.Hour) // no claim leads there any more
	quota := chat.Quota{Replies: 5, Conversations: 5, MaxTokens: 10}
	turn := w.turn(user, user+"1", "p2", "hello")
	_, a, err := w.Opening(ctx, user, "")
	must(err)
	a.Counted = true
	next, why := a.Admit(quota, turn)
	if why != chat.Within {
		w.t.Fatal(why)
	}
	turn.Account = &next
	w.create(turn)
	for i := range 3 { // the second is missing
		if i != 1 {
			_, err := w.PutPart(ctx, chat.Part{User: user, Prompt: "p3", Part: i, Parts: 3, Text: "part", At: w.clock.Now()}, "hash")
			must(err)
		}
	}
	must(w.Open(ctx, chat.Connection{ID: user + "1", User: user}))
	for _, topic := range []string{"builds", "news"} {
		must(w.Subscribe(ctx, user, topic))
	}
	must(w.Join(ctx, user, user+"1", []string{"builds", "news"}))
	must(w.Keep(ctx, user, chat.Missed{ID: "n1", At: w.clock.Now(), Frame: []byte(`{"text":"secret"}`), Expires: w.clock.Now().Add(time.Hour)}))
	_, err = w.LockInbox(ctx, user, "me", w.clock.Now().Add(time.Minute))
	must(err)
	must(w.Revoke(ctx, user))
}

// of are the keys of what is a user's.
func (w *world) of(user string) []string {
	w.t.Helper()
	var keys []string
	for _, k := range w.everything() {
		if strings.Contains(k, user) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

// eraseAll is what the handler does, without what still runs.
func (w *world) eraseAll(user string) error {
	for id, err := range w.Owned(w.t.Context(), user) {
		if err != nil {
			return err
		}
		if err := w.Delete(w.t.Context(), user, id); err != nil && chat.KindOf(err) != chat.NotFound {
			return err
		}
	}
	return w.Erase(w.t.Context(), user)
}

// Of a user who wants it nothing stays but what ends open connections, counts and
// keeps revoked tokens out; of others everything.
func TestErase(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	w.fill("bob")
	bobs := w.of("bob")
	w.fill("ann")
	if n := len(w.of("ann")); n < 12 {
		t.Fatalf("only %q", w.of("ann"))
	}
	all := len(w.everything())
	for range 2 {
		if err := w.eraseAll("ann"); err != nil {
			t.Fatal(err)
		}
		want := []string{"C#ann1 C", "C#ann2 C", "U#ann C#ann1", "U#ann C#ann2", "U#ann N", "U#ann Q"}
		if got := w.of("ann"); !slices.Equal(got, want) {
			t.Errorf("left of ann: %q", got)
		}
		if got := w.of("bob"); !slices.Equal(got, bobs) {
			t.Errorf("bob had %q, and now %q", bobs, got)
		}
	}
	// Conversations, messages, replies and segments have no name in their keys.
	if n := len(w.everything()); n != all/2+6 {
		t.Errorf("%d items of %d are left: %q", n, all, w.everything())
	}
	for _, k := range w.everything() {
		for _, it := range w.scan(k) {
			if strings.Contains(it, "ann") && !strings.HasPrefix(k, "C#ann") && !strings.HasPrefix(k, "U#ann") {
				t.Errorf("%s has %s", k, it)
			}
		}
	}
	_, a, err := w.Opening(t.Context(), "ann", "")
	if err != nil || a.Conversations != 0 || len(a.Running) != 1 {
		t.Errorf("%+v, %v", a, err)
	}
	// The open connection hears no topic any more.
	if it := w.raw("U#ann", "C#ann1"); it["joined"] != nil {
		t.Errorf("still joined: %v", it)
	}
}

// scan gives the texts of an item.
func (w *world) scan(k string) (list []string) {
	pk, sk, _ := strings.Cut(k, " ")
	for name, v := range w.raw(pk, sk) {
		list = append(list, name+"="+text(v))
	}
	return list
}

// Whichever call it dies at, the next time finishes it.
func TestEraseThatDiesCanBeRepeated(t *testing.T) {
	for dies := 1; ; dies += 3 {
		w := newWorld(t, dynamo.Options{})
		w.fill("ann")
		calls := 0
		w.net.set(func(string) fault {
			if calls++; calls >= dies {
				return throttled
			}
			return none
		})
		err := w.eraseAll("ann")
		w.net.set(nil)
		if err == nil {
			if calls < 10 {
				t.Errorf("in %d calls", calls)
			}
			return
		}
		if err := w.eraseAll("ann"); err != nil {
			t.Fatalf("died at call %d: %v", dies, err)
		}
		if n := len(w.everything()); n != 6 {
			t.Fatalf("died at call %d: left %q", dies, w.everything())
		}
	}
}

// Owned knows conversations that no index shows yet, and those that are half gone.
func TestOwned(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	want := map[string]bool{}
	for i := range 3 {
		want[w.create(w.turn("ann", "c1", fmt.Sprint("p", i), "hello")).Conversation] = true
	}
	w.create(w.turn("bob", "c1", "p", "hello"))
	w.clock.advance(25 * time.Hour)
	half := w.create(w.turn("ann", "c1", "p9", "hello")).Conversation
	want[half] = true
	w.net.times(20, "DeleteItem", throttled)
	if err := w.Delete(ctx, "ann", half); err == nil {
		t.Fatal("not half done")
	}
	w.net.set(nil)
	got := map[string]bool{}
	for id, err := range w.Owned(ctx, "ann") {
		if err != nil {
			t.Fatal(err)
		}
		got[id] = true
	}
	for id := range want {
		if !got[id] {
			t.Errorf("%s is missing", id)
		}
	}
	if len(got) != len(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
