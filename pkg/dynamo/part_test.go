package dynamo_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/dynamo"
)

func (w *world) put(p chat.Part) (bool, error) {
	return w.PutPart(w.t.Context(), p, "hash of "+p.Text[:min(len(p.Text), 20)])
}

func pieces(user, prompt string, n int) []chat.Part {
	parts := make([]chat.Part, n)
	for i := range parts {
		parts[i] = chat.Part{User: user, Prompt: prompt, Part: i, Parts: n, Text: fmt.Sprintf("<%d 会話>", i)}
	}
	return parts
}

func TestParts(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	parts := pieces("ann", "p#1", 3)
	for i, k := range []int{2, 0, 2, 1} { // in any order, one of them twice
		if done, err := w.put(parts[k]); err != nil || done != (i == 3) {
			t.Fatalf("part %d: %v, %v", k, done, err)
		}
	}
	got, err := w.JoinParts(ctx, "ann", "p#1")
	if want := "<0 会話><1 会話><2 会話>"; err != nil || got != want {
		t.Errorf("joined %q, %v, want %q", got, err, want)
	}
	// Whoever saw it complete may have died before the turn: a resend completes again.
	if done, err := w.put(parts[1]); err != nil || !done {
		t.Errorf("resent: %v, %v", done, err)
	}
	for range 2 {
		if err := w.DropParts(ctx, "ann", "p#1"); err != nil {
			t.Fatal(err)
		}
	}
	if left := w.everything(); len(left) != 0 {
		t.Errorf("left over: %q", left)
	}
	_, err = w.JoinParts(ctx, "ann", "p#1")
	wantKind(t, err, chat.NotFound)
}

// Ids that clients choose never meet the parts of another id.
func TestPartsAreApart(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	prompts := []string{"x", "1x", "#x", "1#x", "H#x", ""}
	for i := range 12 {
		for _, prompt := range prompts {
			p := chat.Part{User: "ann", Prompt: prompt, Part: i, Parts: 12, Text: prompt + ";"}
			if done, err := w.put(p); err != nil || done != (i == 11) {
				t.Errorf("part %d of %q: %v, %v", i, prompt, done, err)
			}
		}
	}
	for _, prompt := range prompts {
		if got, err := w.JoinParts(t.Context(), "ann", prompt); err != nil || got != strings.Repeat(prompt+";", 12) {
			t.Errorf("%q: %q, %v", prompt, got, err)
		}
	}
}

func TestConcurrentParts(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	parts := pieces("ann", "p1", 32)
	done := make([]bool, len(parts))
	for _, o := range w.together(len(parts), func(i int) (c chat.Claim, err error) {
		done[i], err = w.put(parts[i])
		return c, err
	}) {
		if o.err != nil {
			t.Error(o.err)
		}
	}
	completions := 0
	for _, d := range done {
		if d {
			completions++
		}
	}
	if completions != 1 {
		t.Errorf("complete %d times", completions)
	}
	got, err := w.JoinParts(t.Context(), "ann", "p1")
	if err != nil || !strings.HasPrefix(got, "<0 会話><1 会話>") || !strings.HasSuffix(got, "<31 会話>") {
		t.Errorf("joined %q, %v", got, err)
	}
}

func TestPartsThatDoNotFitTogether(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	parts := pieces("ann", "p1", 3)
	if _, err := w.put(parts[0]); err != nil {
		t.Fatal(err)
	}
	other := parts[0]
	other.Text = "something else"
	_, err := w.put(other)
	wantKind(t, err, chat.BadRequest)
	other = parts[1]
	other.Parts = 4
	_, err = w.put(other)
	wantKind(t, err, chat.BadRequest)
	for i, p := range parts { // neither did any harm
		if done, err := w.put(p); err != nil || done != (i == 2) {
			t.Errorf("part %d: %v, %v", i, done, err)
		}
	}
}

func TestPartsTooLarge(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	big := strings.Repeat("x", 128<<10)
	parts := pieces("ann", "p1", 5)
	for i := range 4 {
		parts[i].Text = fmt.Sprint(i) + big[1:]
		for range 2 { // what is sent again does not count again
			if _, err := w.put(parts[i]); err != nil {
				t.Fatal(err)
			}
		}
	}
	_, err := w.put(parts[4]) // exactly 512 KB before it
	wantKind(t, err, chat.TooLarge)
	if left := w.everything(); len(left) != 0 {
		t.Errorf("left over: %q", left)
	}
	alone := chat.Part{User: "ann", Prompt: "p2", Parts: 2, Text: strings.Repeat(big, 4) + "x"}
	_, err = w.put(alone)
	wantKind(t, err, chat.TooLarge)
}

func TestPartsTooLate(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	parts := pieces("ann", "p1", 3)
	for i, p := range parts[:2] {
		if _, err := w.put(p); err != nil {
			t.Fatal(i, err)
		}
		w.clock.advance(time.Minute)
	}
	_, err := w.put(parts[2])
	wantKind(t, err, chat.BadRequest)
	// Sent again from the start, it is a new attempt.
	for i, p := range parts {
		if done, err := w.put(p); err != nil || done != (i == 2) {
			t.Errorf("part %d: %v, %v", i, done, err)
		}
	}
	// Complete in time is complete, however late somebody asks.
	w.clock.advance(5 * time.Minute)
	if done, err := w.put(parts[0]); err != nil || !done {
		t.Errorf("resent: %v, %v", done, err)
	}
}

// What DynamoDB has not deleted yet is as good as gone.
func TestExpiredParts(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	for i, p := range pieces("ann", "p1", 3)[:2] {
		if _, err := w.put(p); err != nil {
			t.Fatal(i, err)
		}
	}
	w.clock.advance(10 * time.Minute)
	_, err := w.JoinParts(t.Context(), "ann", "p1")
	wantKind(t, err, chat.NotFound)
	for i, p := range pieces("ann", "p1", 2) { // another prompt, other texts, other count
		p.Text = "new " + p.Text
		if done, err := w.put(p); err != nil || done != (i == 1) {
			t.Fatalf("part %d: %v, %v", i, done, err)
		}
	}
	if got, err := w.JoinParts(t.Context(), "ann", "p1"); err != nil || got != "new <0 会話>new <1 会話>" {
		t.Errorf("joined %q, %v", got, err)
	}
}

func TestPartWhoseAnswerGotLost(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	parts := pieces("ann", "p1", 2)
	w.net.once("PutItem", lostAnswer)
	if done, err := w.put(parts[0]); err != nil || done {
		t.Errorf("%v, %v", done, err)
	}
	w.net.once("UpdateItem", lostAnswer)
	if done, err := w.put(parts[1]); err != nil || !done {
		t.Errorf("%v, %v", done, err)
	}
}
