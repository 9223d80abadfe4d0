package dynamo_test

import (
	"errors"
	"fmt"
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

// The dearest that a topic and a connection can be. bill_test.go, which computes the
// worst bill of docs/security.md, counts with these.
func TestCostOfTheLongestNames(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	if w.units == nil {
		t.Skip("only the embedded table counts units")
	}
	ctx, user := t.Context(), strings.Repeat("u", 512)
	cost := func(what string, reads, writes float64, do func() error) {
		t.Helper()
		r1, w1 := w.spent()
		if err := do(); err != nil {
			t.Fatal(err)
		}
		r2, w2 := w.spent()
		t.Logf("%s: %v read and %v write units", what, r2-r1, w2-w1)
		if r2-r1 > reads || w2-w1 > writes {
			t.Errorf("%s: at most %v and %v are counted with", what, reads, writes)
		}
	}
	var topics, patterns []string
	for i := range 50 {
		topics = append(topics, strings.Repeat("😀", 126)+fmt.Sprintf("%02d", i))
	}
	for range 8 {
		patterns = append(patterns, strings.Repeat("p", 500))
	}
	open := func(conn string) error {
		return errors.Join(w.Open(ctx, chat.Connection{ID: conn, User: user, Topics: patterns}), w.Join(ctx, user, conn, topics))
	}
	for _, conn := range []string{"c0", "c1", "c2", "c3"} {
		if err := open(conn); err != nil {
			t.Fatal(err)
		}
	}
	for _, topic := range topics[1:] {
		if err := w.Subscribe(ctx, user, topic); err != nil {
			t.Fatal(err)
		}
	}
	cost("subscribe", 0, 29, func() error { return w.Subscribe(ctx, user, topics[0]) })
	cost("join", 0, 29, func() error { return w.Join(ctx, user, "c0", topics[:1]) })
	cost("leave", 0, 29, func() error { return w.Leave(ctx, user, "c0", topics[0]) })
	cost("list 4", 4*9, 0, func() error { _, err := w.UserConnections(ctx, user); return err })
	cost("count 4", 4*9, 0, func() error { _, err := w.CountConnections(ctx, user, 50); return err })
	cost("come and leave", 0, 280, func() error { return errors.Join(open("c4"), w.Close(ctx, "c4")) })
	cost("come in vain", 0, 280, func() error {
		return errors.Join(w.Open(ctx, chat.Connection{ID: "c5", User: user, Topics: patterns}), w.Withdraw(ctx, user, "c5"))
	})
}

func (w *world) spent() (reads, writes float64) {
	if w.units == nil {
		return 0, 0
	}
	return w.units()
}
