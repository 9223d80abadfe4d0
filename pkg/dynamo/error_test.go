package dynamo_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/dynamo"
)

func TestThrottlingIsRepeatedTwice(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	w.net.times(2, "GetItem", throttled)
	_, err := w.Conversation(ctx, "nowhere")
	wantKind(t, err, chat.NotFound)
	w.net.count()
	w.net.times(9, "GetItem", throttled)
	_, err = w.Conversation(ctx, "nowhere")
	wantKind(t, err, chat.Unavailable)
	if n := w.net.count()["GetItem"]; n != 3 {
		t.Errorf("%d calls, want 3", n)
	}
	if throttle, ok := errors.AsType[*types.ProvisionedThroughputExceededException](err); !ok {
		t.Errorf("the cause is lost: %v, %v", err, throttle)
	}
}

// The owner's writes are the relay's to repeat (R3).
func TestOwnersWritesAreNotRepeated(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	r := w.running("me")
	for name, write := range map[string]func() error{
		"claim":    func() error { _, err := w.ClaimReply(ctx, r.ID, "x"); return err },
		"tick":     func() error { _, err := w.Tick(ctx, w.progress(r, 2, "")); return err },
		"end":      func() error { _, err := w.End(ctx, chat.Ending{Progress: w.progress(r, 2, "")}); return err },
		"takeover": func() error { _, _, err := w.Takeover(ctx, r, "x"); return err },
		"segment":  func() error { return w.PutSegment(ctx, r.ID, chat.Segment{Length: 1, Text: "x"}) },
	} {
		w.net.count()
		w.net.set(func(string) fault { return throttled })
		err := write()
		w.net.set(nil)
		calls := w.net.count()
		if chat.KindOf(err) != chat.Unavailable || calls["UpdateItem"]+calls["PutItem"] != 1 {
			t.Errorf("%s: %v, calls %v", name, err, calls)
		}
	}
}

func TestDeadline(t *testing.T) {
	w := newWorld(t, dynamo.Options{Timeout: 20 * time.Millisecond})
	w.net.once("GetItem", silence)
	_, err := w.Reply(t.Context(), "r")
	wantKind(t, err, chat.Unavailable)
	wantIs(t, err, context.DeadlineExceeded)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = w.Reply(ctx, "r")
	wantKind(t, err, chat.Unavailable)
	wantIs(t, err, context.Canceled)
}

// A defect is told apart from bad luck, and says where.
func TestRefusedByDynamoDB(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	r := w.running("me")
	err := w.PutSegment(t.Context(), r.ID, chat.Segment{Length: 1, Text: strings.Repeat("x", 500<<10)})
	wantKind(t, err, chat.Internal)
	if where := "put segment R#" + r.ID + " S#000000000: "; !strings.HasPrefix(err.Error(), where) {
		t.Errorf("%.200s does not begin with %s", err, where)
	}
}

func TestTransactionConflictIsRepeated(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	turn := w.turn("ann", "c1", "p1", "hello")
	w.net.times(3, "TransactWriteItems", conflict)
	w.create(turn)
	w.net.once("UpdateItem", conflict)
	if _, err := w.Follow(t.Context(), turn.Conversation, "c2", chat.ModeJSON); err != nil {
		t.Error(err)
	}
	w.net.times(100, "TransactWriteItems", conflict)
	_, _, err := w.CreateTurn(t.Context(), w.turn("ann", "c1", "p2", "hello"))
	wantKind(t, err, chat.Unavailable)
}

// TestErrorsDoNotQuoteNames: errors go to the log. What clients and senders make up
// may be anything, also a text: none of it is in an error.
func TestErrorsDoNotQuoteNames(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	const name = "a name that somebody made up"
	w.net.set(func(string) fault { return throttled })
	for what, do := range map[string]func() error{
		"claim": func() error { _, _, err := w.Claimed(ctx, "alice", name); return err },
		"topic": func() error { _, _, err := w.TopicPage(ctx, name, 3, "", 10); return err },
		"parts": func() error { _, err := w.JoinParts(ctx, "alice", name); return err },
		"a part": func() error {
			_, err := w.PutPart(ctx, chat.Part{User: "alice", Prompt: name, Parts: 2, Text: "x"}, "h")
			return err
		},
	} {
		err := do()
		if err == nil || strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
