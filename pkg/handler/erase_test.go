package handler_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/emu/ddb"
	"kaiwa/pkg/handler"
	"kaiwa/pkg/wire"
)

// disconnect is the function of that name: tests let it have its orders when they
// want.
func (d *desk) disconnect() *handler.Disconnect {
	return &handler.Disconnect{Store: d.table, Sockets: d.posts, Poster: d.posts, Logger: d.Logger}
}

// carryOut gives the orders so far to the disconnect function.
func (d *desk) carryOut() error {
	d.t.Helper()
	for _, o := range d.orders.all() {
		if _, err := d.disconnect().Handle(d.t.Context(), o); err != nil {
			return err
		}
	}
	return nil
}

// TestDeleteAll: everything of the user goes, what runs is stopped, all who listen
// are told, and who asked hears when it is done. Nobody else loses anything.
func TestDeleteAll(t *testing.T) {
	d := newDesk(t)
	d.Limits.Quota = chat.Quota{Replies: 5, Tokens: 10_000, MaxTokens: 100}
	d.connect("a1", "alice", wire.SubprotocolJSON)
	d.connect("a2", "alice", wire.SubprotocolJSON)
	d.connect("b1", "bob", wire.SubprotocolJSON)
	d.answer(d.ask("b1", "p1", "", "bob's own").Reply, "hi", wire.StopEndTurn)
	bobs := d.notOf("alice")

	ended := d.ask("a1", "p1", "", "secret")
	d.answer(ended.Reply, "secret answer", wire.StopEndTurn)
	running := d.ask("a2", "p2", wire.NewConversation, "secret")
	d.claim(running.Reply)
	waiting := d.ask("a2", "p3", wire.NewConversation, "secret")
	before := d.connection("a1").Conversation

	if got := d.send("a1", wire.Delete{All: true}); len(got) != 0 {
		t.Errorf("answered before it is done: %+v", got)
	}
	if d.connection("a1").Conversation == before {
		t.Error("the connection talks on of what goes")
	}
	if err := d.carryOut(); err != nil {
		t.Fatal(err)
	}
	if got := decodeAll(t, d.posts.to("a1")); got[len(got)-1] != wire.Frame(wire.Deleted{All: true}) {
		t.Errorf("a1 was told %+v", got[len(got)-1])
	}
	// The one that waited ended at once; the other's owner finds out at its tick.
	if got := decodeAll(t, d.posts.to("a2")); got[len(got)-1].(wire.End).Reply != waiting.Reply {
		t.Errorf("a2 was told %+v", got)
	}
	if img, err := d.table.Tick(t.Context(), chat.Progress{Reply: running.Reply, Owner: "owner", Seq: 2, Lease: time.Now()}); err == nil || img.State != chat.Ended {
		t.Errorf("the owner may go on: %+v, %v", img, err)
	}
	for _, s := range d.notOf("bob") {
		if strings.Contains(s, "secret") {
			t.Errorf("left: %s", s)
		}
	}
	if got, _ := d.titles("a1", 0); len(got) != 0 {
		t.Errorf("still listed: %q", got)
	}
	d.refuses("a1", wire.History{Conversation: ended.Conversation}, wire.CodeNotFound)
	if got := d.notOf("alice"); !slices.Equal(got, bobs) {
		t.Errorf("bob had %q\nand now %q", bobs, got)
	}
	// Nothing is counted away, and everything works again.
	if a := d.account("alice"); a.Prompts != 3 || len(a.Running) == 0 {
		t.Errorf("%+v", a)
	}
	d.ask("a1", "p1", "", "anew")
	d.ask("a2", "p2", "", "anew")
}

// notOf is all that is stored and does not name a user.
func (d *desk) notOf(user string) []string {
	d.t.Helper()
	return slices.DeleteFunc(d.stored(), func(s string) bool { return strings.Contains(s, user) })
}

func (d *desk) stored() (all []string) {
	d.t.Helper()
	for _, it := range d.ddb.Items("kaiwa") {
		b, err := json.Marshal(it)
		if err != nil {
			d.t.Fatal(err)
		}
		all = append(all, string(b))
	}
	slices.Sort(all)
	return all
}

// TestDeleteAllAgain: what a function did not get done the next one does, as Lambda
// asks again.
func TestDeleteAllAgain(t *testing.T) {
	d := newDesk(t)
	d.connect("a1", "alice", wire.SubprotocolJSON)
	for _, id := range []string{"p1", "p2", "p3"} {
		d.answer(d.ask("a1", id, wire.NewConversation, "secret").Reply, "hi", wire.StopEndTurn)
	}
	d.send("a1", wire.Delete{All: true})
	for _, op := range []string{"Query", "BatchWriteItem", "DeleteItem"} {
		d.fault.set(op, ddb.Unavailable)
		if err := d.carryOut(); err == nil {
			t.Fatalf("without %s it is done", op)
		}
	}
	d.fault.set("", nil)
	if err := d.carryOut(); err != nil {
		t.Fatal(err)
	}
	for _, s := range d.stored() {
		if strings.Contains(s, "secret") || strings.Contains(s, canary) {
			t.Errorf("left: %s", s)
		}
	}
	// It could not even be ordered.
	d.orders.fails = 9
	if e := d.refuses("a1", wire.Delete{All: true}, wire.CodeUnavailable); !e.Retryable {
		t.Errorf("%+v", e)
	}
}

// TestEraseByOrder: whoever runs the deployment needs no connection for it.
func TestEraseByOrder(t *testing.T) {
	d := newDesk(t)
	d.connect("a1", "alice", wire.SubprotocolJSON)
	d.answer(d.ask("a1", "p1", "", "secret").Reply, "hi", wire.StopEndTurn)
	for _, want := range []int{1, 0} {
		res, err := d.disconnect().Handle(t.Context(), json.RawMessage(`{"erase":{"user":"alice"}}`))
		if err != nil || res != (handler.Erased{Conversations: want}) {
			t.Errorf("%+v, %v", res, err)
		}
	}
	if _, err := d.disconnect().Handle(t.Context(), json.RawMessage(`{"erase":{}}`)); err == nil || !strings.Contains(err.Error(), "names no user") {
		t.Errorf("%v", err)
	}
}
