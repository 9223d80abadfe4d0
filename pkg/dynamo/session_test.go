package dynamo_test

import (
	"reflect"
	"testing"
	"time"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/dynamo"
)

// What a token allows changes by Authorize and Expire alone, and for those who are
// known.
func TestSession(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	old := chat.Connection{ID: "c1", User: "ann", Conversation: "v1", At: w.clock.Now(), Expires: w.clock.Now().Add(time.Hour), Topics: []string{"a"}}
	if err := w.Open(ctx, old); err != nil {
		t.Fatal(err)
	}
	want := func(c chat.Connection) {
		t.Helper()
		for range 2 { // a message that began before changes nothing of it
			if got, err := w.Connection(ctx, "c1"); err != nil || !reflect.DeepEqual(got, c) {
				t.Fatalf("got %+v, %v, want %+v", got, err, c)
			}
			if err := w.Update(ctx, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	want(old)
	c := old
	c.Refused = w.clock.Now()
	for range 2 { // the first time counts
		if err := w.Refuse(ctx, "c1"); err != nil {
			t.Fatal(err)
		}
		w.clock.advance(time.Second)
	}
	want(c)
	for _, topics := range [][]string{{"b", "c"}, {}, nil} {
		id := chat.Identity{User: "ann", Expires: w.clock.Now().Add(2 * time.Hour), Topics: topics}
		if err := w.Authorize(ctx, "c1", id); err != nil {
			t.Fatal(err)
		}
		got, err := w.Connection(ctx, "c1")
		if err != nil || !got.Expires.Equal(id.Expires) || !reflect.DeepEqual(got.Topics, topics) || !got.Refused.IsZero() {
			t.Fatalf("got %+v, %v", got, err)
		}
	}
	if err := w.Expire(ctx, "c1"); err != nil {
		t.Fatal(err)
	}
	if got, err := w.Connection(ctx, "c1"); err != nil || !got.Expired(w.clock.Now()) {
		t.Fatalf("got %+v, %v", got, err)
	}
	// Somebody else's token, and connections that are not there.
	if err := w.Authorize(ctx, "c1", chat.Identity{User: "bob", Expires: w.clock.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	for _, f := range []func() error{
		func() error { return w.Authorize(ctx, "c9", chat.Identity{User: "ann"}) },
		func() error { return w.Refuse(ctx, "c9") },
		func() error { return w.Expire(ctx, "c9") },
	} {
		if err := f(); err != nil {
			t.Error(err)
		}
	}
	if got, err := w.Connection(ctx, "c1"); err != nil || !got.Expired(w.clock.Now()) || w.raw("C#c9", "C") != nil {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestRevoke(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	revoked := func(issued time.Time, want bool) {
		t.Helper()
		if got, err := w.Revoked(ctx, chat.Identity{User: "ann", Issued: issued}); err != nil || got != want {
			t.Errorf("issued %v: revoked %v, %v", issued, got, err)
		}
	}
	revoked(time.Time{}, false)
	if err := w.Revoke(ctx, "ann"); err != nil {
		t.Fatal(err)
	}
	now := w.clock.Now()
	revoked(now.Add(-time.Second), true)
	revoked(time.Time{}, true)
	revoked(now, false)
	w.clock.advance(time.Hour)
	if err := w.Revoke(ctx, "ann"); err != nil {
		t.Fatal(err)
	}
	revoked(now, true)
	if got, err := w.Revoked(ctx, chat.Identity{User: "bob"}); err != nil || got {
		t.Errorf("bob: %v, %v", got, err)
	}
	w.clock.advance(100 * 24 * time.Hour)
	revoked(now, false) // no token lives that long
}
