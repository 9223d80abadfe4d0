package dynamo_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/dynamo"
)

func TestTextByRanges(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	var b strings.Builder
	for i := 0; b.Len() < 1<<20; i++ {
		fmt.Fprintf(&b, "%d 会話 é 🙂\n", i)
	}
	whole := b.String()
	runes := []rune(whole)
	r := w.answer(w.create(w.turn("ann", "c1", "p1", "a long one")).ID, whole)
	if r.Length != len(runes) || r.Base == 0 || r.Tail == "" {
		t.Fatalf("stored %d of %d, base %d, tail %d", r.Length, len(runes), r.Base, len(r.Tail))
	}
	ranges := [][2]int{
		{0, r.Length}, {0, r.Base}, {r.Base, r.Length}, {r.Base - 1, r.Base + 1}, {0, 1}, {0, 0}, {r.Length, r.Length}, {r.Length - 1, r.Length},
		{24999, 25001}, {25000, 50000}, {25000, 25001}, {24999, 25000}, {1, r.Length - 1}, {r.Length - 1, 5},
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 40 {
		from := random.IntN(r.Length)
		ranges = append(ranges, [2]int{from, from + random.IntN(40000)})
	}
	for _, c := range append(ranges, [2]int{-5, 3}, [2]int{r.Length - 3, r.Length + 5}) {
		got, err := w.Text(ctx, r, c[0], c[1])
		from, to := max(c[0], 0), min(c[1], len(runes))
		want := string(runes[min(from, to):to])
		if err != nil || got != want {
			t.Errorf("[%d,%d): %d bytes, %v, want %d bytes", c[0], c[1], len(got), err, len(want))
		}
	}
}

// A range reads the segments it touches and no other; the tail is in the image.
func TestTextReadsWhatItNeeds(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	r := w.answer(w.create(w.turn("ann", "c1", "p1", "hi")).ID, strings.Repeat("x", 100500))
	for _, c := range []struct{ from, to, queries int }{{r.Base, r.Length, 0}, {0, r.Length, 1}, {30000, 30001, 1}, {30000, 60000, 2}} {
		w.net.count()
		if _, err := w.Text(t.Context(), r, c.from, c.to); err != nil {
			t.Fatal(err)
		}
		calls := w.net.count()
		if calls["Query"] != c.queries || len(calls) > 1 {
			t.Errorf("[%d,%d): %v, want %d queries", c.from, c.to, calls, c.queries)
		}
	}
}

// Never past the length, whatever is stored: the rest is not durable.
func TestTextStopsAtTheLength(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	r := w.running("me")
	if err := w.PutSegment(ctx, r.ID, chat.Segment{Base: 0, Length: 6, Text: "abcdef"}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		img  chat.Reply
		want string
	}{
		{chat.Reply{ID: r.ID, Length: 3, Base: 0, Tail: "abcd"}, "abc"}, // written, not yet moved to
		{chat.Reply{ID: r.ID, Length: 4, Base: 4}, "abcd"},
		{chat.Reply{ID: r.ID, Length: 7, Base: 5, Tail: "fghi"}, "abcdefg"},
	} {
		if got, err := w.Text(ctx, c.img, 0, 100); err != nil || got != c.want {
			t.Errorf("%+v: %q, %v, want %q", c.img, got, err, c.want)
		}
	}
}

func TestMissingTextIsAnError(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	r := w.running("me")
	for _, s := range []chat.Segment{{Base: 0, Length: 3, Text: "abc"}, {Base: 5, Length: 3, Text: "fgh"}} {
		if err := w.PutSegment(ctx, r.ID, s); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		img      chat.Reply
		from, to int
	}{
		{chat.Reply{Length: 8, Base: 8}, 0, 8},
		{chat.Reply{Length: 8, Base: 8}, 3, 4},
		{chat.Reply{Length: 8, Base: 8}, 4, 8},
		{chat.Reply{Length: 10, Base: 10}, 6, 10},
		{chat.Reply{Length: 10, Base: 8, Tail: "i"}, 5, 10},
	} {
		c.img.ID = r.ID
		if got, err := w.Text(ctx, c.img, c.from, c.to); err == nil {
			t.Errorf("%+v [%d,%d): %q without an error", c.img, c.from, c.to, got)
		}
	}
}

// A write that was given up may arrive after its longer successor.
func TestLateShorterSegment(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	r := w.running("me")
	for _, text := range []string{"abc", "abcdef", "abcdef", "ab"} {
		if err := w.PutSegment(ctx, r.ID, chat.Segment{Length: len(text), Text: text}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := w.Text(ctx, chat.Reply{ID: r.ID, Length: 6, Base: 6}, 0, 6)
	if err != nil || got != "abcdef" {
		t.Errorf("%q, %v", got, err)
	}
}
