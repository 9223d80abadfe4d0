package dynamo_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/dynamo"
)

// What a turn of some seconds costs the table, with all that the handler and the
// relay ask of it: a change here is a change of the bill.
func TestCostOfATurn(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	conv := w.talk(10, strings.Repeat(" some words", 20)) // 230 bytes each
	reads, writes := w.spent()
	w.net.count()

	quota := chat.Quota{Replies: 5, Prompts: 30, Tokens: 1_000_000, Conversations: 1000, MaxTokens: 2048}
	if err := w.Open(ctx, chat.Connection{ID: "c1", User: "ann"}); err != nil {
		t.Fatal(err)
	}
	_, opened := w.spent()
	opened -= writes
	w.net.count()
	if _, err := w.Arrive(ctx, "c1", 10); err != nil {
		t.Fatal(err)
	}
	seen, account, err := w.Opening(ctx, "ann", conv.ID)
	if err != nil {
		t.Fatal(err)
	}
	turn := w.next(seen, "c1", "p", strings.Repeat("question ", 20))
	next, why := account.Admit(quota, turn)
	if why != chat.Within {
		t.Fatal(why)
	}
	turn.Account = &next
	w.create(turn)
	r, err := w.ClaimReply(ctx, turn.Reply, "me")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Recent(ctx, conv.ID, 2000); err != nil {
		t.Fatal(err)
	}
	text := ""
	for seq := int64(2); seq < 6; seq++ {
		w.clock.advance(time.Second)
		text += strings.Repeat("answer ", 50)
		if _, err := w.Tick(ctx, w.progress(r, seq, text)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.End(ctx, chat.Ending{Progress: w.progress(r, 6, text), Stop: "end_turn"}); err != nil {
		t.Fatal(err)
	}

	if err := w.Charge(ctx, r, 500); err != nil {
		t.Fatal(err)
	}

	want := map[string]int{"TransactWriteItems": 1, "UpdateItem": 8, "Query": 2, "BatchGetItem": 3}
	if got := w.net.count(); !maps.Equal(got, want) {
		t.Errorf("calls %v, want %v", got, want)
	}
	if w.units == nil {
		return // only the embedded table counts units
	}
	r2, w2 := w.spent()
	w2 -= opened
	if r2-reads > 15 || w2-writes > 24 {
		t.Errorf("%v read and %v write units, want at most 15 and 24", r2-reads, w2-writes)
	}
	t.Logf("%v read and %v write units", r2-reads, w2-writes)
}

func (w *world) spent() (reads, writes float64) {
	if w.units == nil {
		return 0, 0
	}
	return w.units()
}
