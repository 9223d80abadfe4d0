package dynamo_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/dynamo"
)

func TestClaimReply(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	r := w.create(w.turn("ann", "c1", "p1", "hello"))
	got, err := w.ClaimReply(ctx, r.ID, "me")
	if err != nil || got.State != chat.Running || got.Owner != "me" || got.Seq != 1 ||
		!got.Lease.Equal(w.clock.Now().Add(chat.Lease)) || len(got.Listeners) != 1 {
		t.Fatalf("got %+v, %v", got, err)
	}
	if again, err := w.ClaimReply(ctx, r.ID, "me"); err != nil || !reflect.DeepEqual(again, got) {
		t.Errorf("own claim again: %+v, %v", again, err)
	}
	img, err := w.ClaimReply(ctx, r.ID, "you")
	wantIs(t, err, chat.ErrLost)
	if !reflect.DeepEqual(img, got) {
		t.Errorf("image %+v, want %+v", img, got)
	}
}

func TestClaimTooLate(t *testing.T) {
	for age, want := range map[time.Duration]error{chat.PendingMax - time.Millisecond: nil, chat.PendingMax: chat.ErrLost} {
		w := newWorld(t, dynamo.Options{})
		r := w.create(w.turn("ann", "c1", "p1", "hello"))
		w.clock.advance(age)
		claimable := r.Claimable(w.clock.Now())
		img, err := w.ClaimReply(t.Context(), r.ID, "me")
		if !errors.Is(err, want) || claimable != (err == nil) || img.ID != r.ID {
			t.Errorf("after %v: %v, claimable %v, %+v", age, err, claimable, img)
		}
	}
}

func TestTick(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	r := w.running("me")
	w.clock.advance(time.Second)
	p := w.progress(r, 2, "会話")
	got, err := w.Tick(ctx, p)
	if err != nil || got.Seq != 2 || got.Length != 2 || got.Tail != "会話" || !got.Lease.Equal(p.Lease) {
		t.Fatalf("got %+v, %v", got, err)
	}
	// The same again, or an older one that comes late, is no loss.
	for _, late := range []chat.Progress{p, w.progress(r, 1, "会")} {
		if again, err := w.Tick(ctx, late); err != nil || !reflect.DeepEqual(again, got) {
			t.Errorf("late: %+v, %v, want %+v", again, err, got)
		}
	}
	other := p
	other.Owner, other.Seq = "you", 9
	img, err := w.Tick(ctx, other)
	wantIs(t, err, chat.ErrLost)
	if !reflect.DeepEqual(img, got) {
		t.Errorf("image %+v, want %+v", img, got)
	}
	if _, mine, err := w.Takeover(ctx, got, "other"); err != nil || !mine {
		t.Fatal(mine, err)
	}
	img, err = w.Tick(ctx, w.progress(r, 3, "会話の"))
	wantIs(t, err, chat.ErrLost)
	if img.State != chat.Ended || img.EndStop != "interrupted" || img.Length != 2 {
		t.Errorf("image %+v", img)
	}
}

func TestEnd(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	r := w.running("me")
	e := chat.Ending{
		Progress: w.progress(r, 2, "done"), Stop: "end_turn",
		Usage:  chat.Usage{Input: 1, Output: 2, CacheRead: 3, CacheWrite: 4},
		Timing: chat.Timing{First: 5 * time.Millisecond, Total: 6 * time.Second},
	}
	got, err := w.End(ctx, e)
	if err != nil || got.State != chat.Ended || got.EndStop != "end_turn" || got.EndBy != "me" || got.Tail != "done" ||
		got.Usage != e.Usage || got.Timing != e.Timing || len(got.Listeners) != 1 {
		t.Fatalf("got %+v, %v", got, err)
	}
	e.Seq++
	e.Stop, e.Length, e.Tail = "other", 0, ""
	if again, err := w.End(ctx, e); err != nil || !reflect.DeepEqual(again, got) {
		t.Errorf("own end again: %+v, %v, want %+v", again, err, got)
	}
	if stored, err := w.Reply(ctx, r.ID); err != nil || !reflect.DeepEqual(stored, got) {
		t.Errorf("stored %+v, %v, want %+v", stored, err, got)
	}
}

func TestEndOfALostReply(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	r := w.running("me")
	if _, mine, err := w.Takeover(ctx, r, "other"); err != nil || !mine {
		t.Fatal(mine, err)
	}
	img, err := w.End(ctx, chat.Ending{Progress: w.progress(r, 2, "done"), Stop: "end_turn"})
	wantIs(t, err, chat.ErrLost)
	if img.EndStop != "interrupted" || img.EndBy != "other" || img.Length != 0 {
		t.Errorf("image %+v", img)
	}
}

// R13: an abort gives way to whoever registered since.
func TestEndOnlyIfNobodyCame(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	r := w.running("me")
	if _, err := w.Listen(ctx, r.ID, "c2", 0, chat.ModeJSON); err != nil {
		t.Fatal(err)
	}
	e := chat.Ending{Progress: w.progress(r, 2, "some"), Stop: "interrupted", OnlyIfN: &r.N}
	img, err := w.End(ctx, e)
	wantIs(t, err, chat.ErrMoved)
	if img.State != chat.Running || img.N != r.N+1 || img.Length != 0 {
		t.Fatalf("image %+v", img)
	}
	e.OnlyIfN = &img.N
	if img, err = w.End(ctx, e); err != nil || img.State != chat.Ended || img.Length != 4 {
		t.Errorf("got %+v, %v", img, err)
	}
	// Ended already, the extra condition is not what refused.
	if _, err = w.End(ctx, chat.Ending{Progress: w.progress(r, 3, "some"), OnlyIfN: &r.N}); err != nil {
		t.Errorf("own end again: %v", err)
	}
}

func TestTakeover(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	pending := w.create(w.turn("ann", "c1", "p1", "hello"))
	img, mine, err := w.Takeover(ctx, pending, "me")
	if err != nil || !mine || img.State != chat.Ended || img.EndStop != "interrupted" || img.EndBy != "me" || len(img.Listeners) != 1 {
		t.Errorf("pending: %+v, %v, %v", img, mine, err)
	}
	if img, mine, err = w.Takeover(ctx, pending, "me"); err != nil || !mine {
		t.Errorf("own takeover again: %+v, %v, %v", img, mine, err)
	}
	if img, mine, err = w.Takeover(ctx, pending, "you"); err != nil || mine || img.EndBy != "me" {
		t.Errorf("somebody else's: %+v, %v, %v", img, mine, err)
	}
	if img, mine, err = w.Takeover(ctx, img, "you"); err != nil || mine || img.EndBy != "me" {
		t.Errorf("seen ended: %+v, %v, %v", img, mine, err)
	}
	seen := w.running("owner")
	alive, err := w.Tick(ctx, w.progress(seen, 2, "text"))
	if err != nil {
		t.Fatal(err)
	}
	if img, mine, err = w.Takeover(ctx, seen, "me"); err != nil || mine || !reflect.DeepEqual(img, alive) {
		t.Errorf("alive: %+v, %v, %v", img, mine, err)
	}
	// A wish that came after it was seen is honoured; the text stays.
	if _, err := w.Wish(ctx, alive.ID, "x"); err != nil {
		t.Fatal(err)
	}
	if img, mine, err = w.Takeover(ctx, alive, "me"); err != nil || !mine || img.EndStop != "stopped" || img.Tail != "text" || img.Length != 4 {
		t.Errorf("wished: %+v, %v, %v", img, mine, err)
	}
	_, _, err = w.Takeover(ctx, chat.Reply{ID: "nowhere"}, "me")
	wantKind(t, err, chat.NotFound)
}

// Applied, but the answer got lost: the caller is told that the table could not
// be reached, repeats, and recognizes its own work. The SDK repeats nothing.
func TestOwnersWritesWhoseAnswerGotLost(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	r := w.create(w.turn("ann", "c1", "p1", "hello"))
	r.Owner = "me"
	stale := w.create(w.turn("ann", "c1", "p2", "hello"))
	for _, step := range []struct {
		name string
		do   func() (chat.Reply, error)
	}{
		{"claim", func() (chat.Reply, error) { return w.ClaimReply(ctx, r.ID, "me") }},
		{"tick", func() (chat.Reply, error) { return w.Tick(ctx, w.progress(r, 2, "some")) }},
		{"end", func() (chat.Reply, error) {
			return w.End(ctx, chat.Ending{Progress: w.progress(r, 3, "some text"), Stop: "end_turn"})
		}},
		{"takeover", func() (chat.Reply, error) {
			img, mine, err := w.Takeover(ctx, stale, "me")
			if err == nil && !mine {
				err = errors.New("not mine")
			}
			return img, err
		}},
	} {
		w.net.count()
		w.net.once("UpdateItem", lostAnswer)
		_, err := step.do()
		if chat.KindOf(err) != chat.Unavailable || errors.Is(err, chat.ErrLost) || w.net.count()["UpdateItem"] != 1 {
			t.Errorf("%s: %v, want unavailable, in one call", step.name, err)
		}
		if _, err := step.do(); err != nil {
			t.Errorf("%s again: %v", step.name, err)
		}
	}
	w.net.once("PutItem", lostAnswer)
	wantKind(t, w.PutSegment(ctx, r.ID, chat.Segment{Length: 4, Text: "some"}), chat.Unavailable)
	if n := w.net.count()["PutItem"]; n != 1 {
		t.Errorf("segment put %d times", n)
	}
}

// A refusal that lacks its image (an old DynamoDB Local gives none) must not be
// taken for a deleted reply.
func TestRefusalWithoutImage(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	r := w.running("me")
	if err := w.PutSegment(ctx, r.ID, chat.Segment{Length: 4, Text: "text"}); err != nil {
		t.Fatal(err)
	}
	w.net.once("UpdateItem", noImage)
	if _, err := w.Tick(ctx, w.progress(r, 2, "")); err == nil || errors.Is(err, chat.ErrLost) {
		t.Errorf("got %v", err)
	}
	if w.raw("R#"+r.ID, "R") == nil || w.raw("R#"+r.ID, "S#000000000") == nil {
		t.Error("the reply is gone")
	}
}

// The owner of a reply that was deleted with its conversation learns it at its
// next write, and nothing of what it wrote since stays behind.
func TestOwnerOfADeletedReply(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	for name, write := range map[string]func(chat.Reply) (chat.Reply, error){
		"tick": func(r chat.Reply) (chat.Reply, error) { return w.Tick(ctx, w.progress(r, 2, "")) },
		"end": func(r chat.Reply) (chat.Reply, error) {
			return w.End(ctx, chat.Ending{Progress: w.progress(r, 2, ""), Stop: "end_turn"})
		},
		"claim": func(r chat.Reply) (chat.Reply, error) { return w.ClaimReply(ctx, r.ID, "you") },
	} {
		r := w.running("me")
		if err := w.Delete(ctx, "ann", r.Conversation); err != nil {
			t.Fatal(err)
		}
		if name != "claim" {
			if err := w.PutSegment(ctx, r.ID, chat.Segment{Length: 4, Text: "late"}); err != nil {
				t.Fatal(err)
			}
		}
		img, err := write(r)
		if !errors.Is(err, chat.ErrLost) || img.ID != r.ID || img.State != chat.Ended || img.EndStop != "interrupted" {
			t.Errorf("%s: %+v, %v", name, img, err)
		}
	}
	for _, k := range w.everything() {
		if !strings.HasPrefix(k, "U#ann K#") {
			t.Errorf("left over: %s", k)
		}
	}
}
