package dynamo_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/dynamo"
)

// talk makes a conversation of n turns, "q0" "a0" "q1" "a1" …, each text grown by
// pad, and returns it.
func (w *world) talk(n int, pad string) chat.Conversation {
	w.t.Helper()
	var conv chat.Conversation
	for i := range n {
		turn := w.turn("ann", "c1", chat.NewID(), fmt.Sprint("q", i, pad))
		if i > 0 {
			turn = w.next(conv, "c1", chat.NewID(), fmt.Sprint("q", i, pad))
		}
		w.answer(w.create(turn).ID, fmt.Sprint("a", i, pad))
		w.clock.advance(time.Second)
		conv = w.conversation(turn.Conversation)
	}
	return conv
}

// history is "a1 q1 a0 q0" of n turns.
func history(n int) (want []string) {
	for i := n - 1; i >= 0; i-- {
		want = append(want, fmt.Sprint("a", i), fmt.Sprint("q", i))
	}
	return want
}

func (w *world) pages(conversation string, limit, maxBytes int) (all [][]chat.Message) {
	w.t.Helper()
	for before := ""; ; {
		page, next, err := w.Messages(w.t.Context(), conversation, before, limit, maxBytes)
		if err != nil || len(page) == 0 {
			w.t.Fatalf("page after %q: %d messages, %v", before, len(page), err)
		}
		all = append(all, page)
		if next == "" {
			return all
		}
		before = next
	}
}

func TestMessagesPageByPage(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	const turns = 23
	conv := w.talk(turns, "")
	for _, limit := range []int{1, 2, 3, 7, 45, 46, 47, 1000} {
		var got []string
		for _, page := range w.pages(conv.ID, limit, 32<<10) {
			if len(page) > limit {
				t.Errorf("limit %d: %d messages", limit, len(page))
			}
			for _, m := range page {
				got = append(got, m.Text)
			}
		}
		if !slices.Equal(got, history(turns)) {
			t.Errorf("limit %d: %v", limit, got)
		}
	}
}

func TestMessageFields(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	turn := w.turn("ann", "c1", "p1", "質問")
	w.create(turn)
	w.answer(turn.Reply, "答え🙂")
	got, next, err := w.Messages(t.Context(), turn.Conversation, "", 10, 1000)
	want := []chat.Message{
		{ID: turn.Reply, Role: chat.Assistant, Text: "答え🙂", At: turn.At, Reply: turn.Reply, Stop: "end_turn", Length: 3},
		{ID: turn.Message, Role: chat.User, Text: "質問", At: turn.At, Reply: turn.Reply, Length: 2},
	}
	if err != nil || next != "" || !slices.Equal(got, want) {
		t.Errorf("got %+v, %q, %v, want %+v", got, next, err, want)
	}
}

// The JSON of a page stays near the bound, though escapes grow a text sixfold;
// what is too long for any page is cut at a code point and says so.
func TestMessagesStopAtTheBytes(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	const bound = 4000
	for name, pad := range map[string]string{
		"ascii": strings.Repeat("x", 700), "escapes": strings.Repeat("\x01", 300), "quotes": strings.Repeat(`"`, 900),
		"japanese": strings.Repeat("会話", 200), "long": strings.Repeat("🙂", 3000), "very long": strings.Repeat("会", 120000),
	} {
		conv := w.talk(4, pad)
		count := 0
		for _, page := range w.pages(conv.ID, 100, bound) {
			encoded, err := json.Marshal(page)
			if err != nil || len(encoded) > bound+200 {
				t.Errorf("%s: a page of %d bytes, %v", name, len(encoded), err)
			}
			for _, m := range page {
				runes := []rune(m.Text)
				if m.Length != len([]rune(pad))+2 || len(runes) > m.Length || !strings.HasPrefix(pad, string(runes[2:])) {
					t.Errorf("%s: length %d, text of %d", name, m.Length, len(runes))
				}
				if len(page) > 1 && len(runes) != m.Length {
					t.Errorf("%s: cut although there is a next page", name)
				}
				count++
			}
		}
		if count != 8 {
			t.Errorf("%s: %d messages", name, count)
		}
	}
}

func TestMessagesOfAnUnfinishedReply(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	r := w.running("me")
	if _, err := w.Tick(t.Context(), w.progress(r, 2, "so far")); err != nil {
		t.Fatal(err)
	}
	got, _, err := w.Messages(t.Context(), r.Conversation, "", 1, 1000)
	if err != nil || len(got) != 1 || got[0].Text != "so far" || got[0].Stop != "" || got[0].Role != chat.Assistant {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestRecent(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	const turns = 20
	conv := w.talk(turns, "")
	w.create(w.next(conv, "c1", "p", "now"))
	each := chat.EstimateTokens("a10") + 4
	for _, c := range []struct{ tokens, want int }{
		{0, 1}, {-1, 1}, {each, 1}, {2*each - 1, 1}, {2 * each, 2}, {3 * each, 3}, {10 * each, 10}, {100000, 2*turns + 1},
	} {
		got, err := w.Recent(t.Context(), conv.ID, c.tokens)
		if err != nil || len(got) != c.want {
			t.Errorf("%d tokens: %d messages, %v, want %d", c.tokens, len(got), err, c.want)
			continue
		}
		want := append([]string{"now"}, history(turns)...)
		for i, m := range got {
			if m.Text != want[i] {
				t.Errorf("%d tokens: message %d is %q, want %q", c.tokens, i, m.Text, want[i])
			}
		}
	}
}

// The first that does not fit ends it, even if an older one would; a text that
// cannot fit is not read.
func TestRecentIsContiguous(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	first := w.turn("ann", "c1", "p1", "short")
	w.answer(w.create(first).ID, strings.Repeat("x", 200000))
	w.clock.advance(time.Second)
	w.create(w.next(w.conversation(first.Conversation), "c1", "p2", "now"))
	w.net.count()
	got, err := w.Recent(t.Context(), first.Conversation, 10000)
	if err != nil || len(got) != 1 || got[0].Text != "now" {
		t.Errorf("got %d messages, %v", len(got), err)
	}
	if calls := w.net.count(); calls["Query"] != 1 || calls["BatchGetItem"] != 1 {
		t.Errorf("calls %v", calls)
	}
	if got, err = w.Recent(t.Context(), first.Conversation, 70000); err != nil || len(got) != 3 || len(got[1].Text) != 200000 {
		t.Errorf("got %d messages, %v", len(got), err)
	}
}

// A newest reply that does not fit does not cost the prompt before it.
func TestRecentAlwaysHasThePrompt(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	conv := w.talk(2, strings.Repeat("x", 3000))
	got, err := w.Recent(t.Context(), conv.ID, 100)
	if err != nil || len(got) != 1 || !strings.HasPrefix(got[0].Text, "q1") || got[0].Length != 3002 {
		t.Errorf("got %d messages, %v", len(got), err)
	}
}

func TestRecentReadsPages(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	conv := w.talk(40, "")
	w.net.count()
	if _, err := w.Recent(t.Context(), conv.ID, 20); err != nil {
		t.Fatal(err)
	}
	if calls := w.net.count(); calls["Query"] != 1 || calls["BatchGetItem"] != 1 {
		t.Errorf("calls %v", calls)
	}
}
