package dynamo_test

import (
	"reflect"
	"testing"
	"time"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/dynamo"
)

func TestConnectionFromOpenToClose(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	want := chat.Connection{ID: "c1=", User: "ann#1", Mode: chat.ModePlain, Fixed: true, Conversation: "v1", At: w.clock.Now(), Warned: true,
		Expires: w.clock.Now().Add(time.Hour)}
	for _, topics := range [][]string{{"builds.*", ""}, {}, nil} { // none and no claim are not the same
		want.Topics = topics
		if err := w.Open(ctx, want); err != nil {
			t.Fatal(err)
		}
		if got, err := w.Connection(ctx, want.ID); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, %v, want %+v", got, err, want)
		}
		for range 2 { // the second time there is nothing left to close
			if err := w.Close(ctx, want.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	_, err := w.Connection(ctx, want.ID)
	wantKind(t, err, chat.NotFound)
	if left := w.everything(); len(left) != 0 {
		t.Errorf("left over: %q", left)
	}
}

func TestUpdateKeepsWhenItWasOpened(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	opened := w.clock.Now()
	if err := w.Open(ctx, chat.Connection{ID: "c1", User: "ann", At: opened}); err != nil {
		t.Fatal(err)
	}
	w.clock.advance(time.Minute)
	if err := w.Update(ctx, chat.Connection{ID: "c1", User: "ann", Mode: chat.ModeJSON, Conversation: "v1"}); err != nil {
		t.Fatal(err)
	}
	got, err := w.Connection(ctx, "c1")
	want := chat.Connection{ID: "c1", User: "ann", Mode: chat.ModeJSON, Conversation: "v1", At: opened}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

// A connection that answered 410 still knows its user, is in no index, and comes
// back by a message (R8).
func TestGoneAndBack(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	r := w.create(w.turn("ann", "c1", "p1", "hello"))
	c := chat.Connection{ID: "c1", User: "ann", Mode: chat.ModeJSON, Conversation: r.Conversation, At: w.clock.Now()}
	if err := w.Update(ctx, c); err != nil {
		t.Fatal(err)
	}
	indexed := func() bool {
		it := w.raw("C#c1", "C")
		return w.raw("U#ann", "C#c1") != nil && text(it["g2pk"]) != "" && text(it["g2sk"]) == "c1"
	}
	if !indexed() {
		t.Fatalf("not in the indexes: %v", w.raw("C#c1", "C"))
	}
	if err := w.Gone(ctx, "c1", r.Conversation); err != nil {
		t.Fatal(err)
	}
	got, err := w.Connection(ctx, "c1")
	if err != nil || !got.Gone || got.User != "ann" {
		t.Fatalf("got %+v, %v, want ann, gone", got, err)
	}
	it := w.raw("C#c1", "C")
	if it["g2pk"] != nil || it["g2sk"] != nil || w.raw("U#ann", "C#c1") != nil {
		t.Errorf("still listed: %v, %v", it, w.raw("U#ann", "C#c1"))
	}
	if l := w.conversation(r.Conversation).Listeners; len(l) != 0 {
		t.Errorf("conversation still has %v", l)
	}
	if err := w.Update(ctx, c); err != nil {
		t.Fatal(err)
	}
	if got, err := w.Connection(ctx, "c1"); err != nil || !reflect.DeepEqual(got, c) || !indexed() {
		t.Errorf("back: got %+v, %v, indexed %v", got, err, indexed())
	}
	// One that was never seen, or in a conversation nobody knows, is no error.
	if err := w.Gone(ctx, "c9", "nowhere"); err != nil {
		t.Error(err)
	}
	if w.raw("C#c9", "C") != nil {
		t.Error("Gone made a connection")
	}
}

func TestCloseLeavesTheConversation(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	r := w.create(w.turn("ann", "c1", "p1", "hello"))
	if _, err := w.Follow(ctx, r.Conversation, "c2", chat.ModePlain); err != nil {
		t.Fatal(err)
	}
	if err := w.Update(ctx, chat.Connection{ID: "c1", User: "ann", Conversation: r.Conversation}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(ctx, "c1"); err != nil {
		t.Fatal(err)
	}
	l := w.conversation(r.Conversation).Listeners
	if len(l) != 1 || l["c2"].Mode != chat.ModePlain {
		t.Errorf("got %v, want c2 alone", l)
	}
}

func TestGoneLeavesTheCurrentConversationToo(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	old := w.create(w.turn("ann", "c1", "p1", "hello")).Conversation
	current := w.create(w.turn("ann", "c1", "p2", "hello")).Conversation
	if err := w.Update(ctx, chat.Connection{ID: "c1", User: "ann", Conversation: current}); err != nil {
		t.Fatal(err)
	}
	if err := w.Gone(ctx, "c1", old); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{old, current} {
		if l := w.conversation(id).Listeners; len(l) != 0 {
			t.Errorf("%s still has %v", id, l)
		}
	}
}

func TestUserConnections(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	w.create(w.turn("ann", "c1", "p1", "conversations of hers are in the same index"))
	for _, c := range []chat.Connection{
		{ID: "c1", User: "ann", Mode: chat.ModeJSON}, {ID: "c2", User: "ann"}, {ID: "c3", User: "ann", Mode: chat.ModePlain}, {ID: "c4", User: "ann#"},
	} {
		if err := w.Open(ctx, c); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Gone(ctx, "c2", ""); err != nil {
		t.Fatal(err)
	}
	want := []chat.Connection{
		{ID: "c1", User: "ann", Mode: chat.ModeJSON, At: w.clock.Now()}, {ID: "c3", User: "ann", Mode: chat.ModePlain, At: w.clock.Now()},
	}
	if got, err := w.UserConnections(ctx, "ann"); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	w.clock.advance(4 * time.Hour)
	if got, err := w.UserConnections(ctx, "ann"); err != nil || len(got) != 0 {
		t.Errorf("hours later: %+v, %v", got, err)
	}
}

func TestExpiredConnectionIsNotFound(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	if err := w.Open(ctx, chat.Connection{ID: "c1", User: "ann"}); err != nil {
		t.Fatal(err)
	}
	w.clock.advance(2 * time.Hour)
	if _, err := w.Connection(ctx, "c1"); err != nil {
		t.Fatalf("after two hours: %v", err)
	}
	w.clock.advance(2 * time.Hour)
	_, err := w.Connection(ctx, "c1")
	wantKind(t, err, chat.NotFound)
}

// Nothing a client makes up may reach another key or an error of DynamoDB's.
func TestMadeUpIDs(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	for _, id := range []string{"", "#", "V#x", string(make([]byte, 3000)), "日本語"} {
		_, err := w.Conversation(ctx, id)
		wantKind(t, err, chat.NotFound)
		_, err = w.Follow(ctx, id, "c1", chat.ModeJSON)
		wantKind(t, err, chat.NotFound)
		_, err = w.Reply(ctx, id)
		wantKind(t, err, chat.NotFound)
		_, err = w.Listen(ctx, id, "c1", 0, chat.ModeJSON)
		wantKind(t, err, chat.NotFound)
		_, err = w.Wish(ctx, id, "by")
		wantKind(t, err, chat.NotFound)
		wantKind(t, w.Rename(ctx, "ann", id, "x"), chat.NotFound)
		wantKind(t, w.Delete(ctx, "ann", id), chat.NotFound)
		if m, next, err := w.Messages(ctx, id, id, 10, 1000); err != nil || len(m) != 0 || next != "" {
			t.Errorf("messages of %.10q: %v %q %v", id, m, next, err)
		}
	}
	if left := w.everything(); len(left) != 0 {
		t.Errorf("made up: %q", left)
	}
}
