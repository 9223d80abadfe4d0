package dynamo

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"kaiwa/pkg/chat"
)

// Open stores a connection ($connect). A zero At is now. 3 write units: the item,
// its index and its place among the user's.
func (t *Table) Open(ctx context.Context, c chat.Connection) error {
	return t.Update(ctx, c)
}

// Update stores what is known of a connection that has just shown
// itself alive, whether or not it is known: its indexes are restored, Gone is
// cleared (R8). When it was opened and what its token said stays, so that no
// message can undo an Authorize or an Expire that came beside it. 2 write units
// if nothing but the conversation changed, 3 if the index did.
func (t *Table) Update(ctx context.Context, c chat.Connection) error {
	if c.At.IsZero() {
		c.At = t.now()
	}
	set := "SET #user = :user, #mode = :mode, #fixed = :fixed, #conv = :conv, #warned = :warned, #ttl = :ttl, " +
		"#g2pk = :g2pk, #g2sk = :g2sk, #at = if_not_exists(#at, :at), #expires = if_not_exists(#expires, :expires)"
	values := item{
		":user": str(c.User), ":mode": str(string(c.Mode)), ":fixed": boolean(c.Fixed), ":conv": str(c.Conversation),
		":warned": boolean(c.Warned), ":at": millis(c.At), ":expires": millis(c.Expires),
		":ttl": seconds(connectionTTL(t.now())), ":g2pk": str(allPartition(spread(c.ID))), ":g2sk": str(c.ID),
	}
	if c.Topics != nil {
		set += ", #topics = if_not_exists(#topics, :topics)"
		values[":topics"] = texts(c.Topics)
	}
	if _, _, err := t.change(ctx, "update connection", change{key: connectionKey(c.ID), update: set + " REMOVE #gone", values: values}); err != nil {
		return err
	}
	_, _, err := t.change(ctx, "update connection", change{
		key: userConnectionKey(c.User, c.ID), update: "SET #ttl = :ttl", values: item{":ttl": values[":ttl"]},
	})
	return err
}

// connectionTTL is on the hour, so that the updates of one connection seldom move
// it: it is projected into the index, and a move costs one more write.
func connectionTTL(now time.Time) time.Time {
	return now.Add(connectionLife + time.Hour - 1).Truncate(time.Hour)
}

// Connection reads a connection consistently, also one that is Gone; NotFound if
// it was never opened or has been closed. 1 read unit.
func (t *Table) Connection(ctx context.Context, id string) (chat.Connection, error) {
	it, err := t.get(ctx, "read connection", connectionKey(id))
	if err != nil {
		return chat.Connection{}, err
	}
	return t.connection(id, it)
}

// KnownConnections reads some connections consistently, also those that are Gone;
// one that was never opened or has been closed is left out. 1 read unit each.
func (t *Table) KnownConnections(ctx context.Context, ids []string) ([]chat.Connection, error) {
	var keys []key
	for _, id := range ids {
		keys = append(keys, connectionKey(id))
	}
	found, err := t.batchGet(ctx, "read connections", keys, true)
	if err != nil {
		return nil, err
	}
	var list []chat.Connection
	for i, id := range ids {
		if it := found[keys[i]]; it != nil {
			list = append(list, connectionOf(id, it))
		}
	}
	return list, nil
}

func (t *Table) connection(id string, it item) (chat.Connection, error) {
	if !t.live(it) {
		return chat.Connection{}, noSuch("connection")
	}
	return connectionOf(id, it), nil
}

func connectionOf(id string, it item) chat.Connection {
	return chat.Connection{
		ID: id, User: it.str("user"), Mode: chat.Mode(it.str("mode")), Conversation: it.str("conv"),
		At: it.time("at"), Gone: it.flag("gone"), Fixed: it.flag("fixed"), Warned: it.flag("warned"),
		Expires: it.time("expires"), Topics: it.texts("topics"), Refused: it.time("refused"),
	}
}

// atOnce is how many messages of a connection may come at once, if it was silent
// before: a prompt may have 32 parts, and a resume for each of some replies.
const atOnce = 64

// Arrive is Connection for a message that has just come, and counts it: perSecond
// in the long run, atOnce in a burst. Beyond that the error is RateLimited, beside
// the connection. perSecond 0 does not count, and is Connection. 1 write unit for
// each KB of the item; twice while messages come faster than perSecond.
func (t *Table) Arrive(ctx context.Context, id string, perSecond int) (chat.Connection, error) {
	if perSecond <= 0 {
		return t.Connection(ctx, id)
	}
	// due is when the messages so far would have come at the steady rate. It may be
	// ahead of now by atOnce messages.
	now, gap := t.now(), time.Second/time.Duration(perSecond)
	room := now.Add((atOnce - 1) * gap)
	idle := change{
		key: connectionKey(id), update: "SET #due = :next",
		cond:   "attribute_exists(#pk) AND (attribute_not_exists(#due) OR #due <= :now)",
		values: item{":next": micros(now.Add(gap)), ":now": micros(now)},
	}
	busy := change{
		key: connectionKey(id), update: "SET #due = #due + :gap",
		cond:   "#due > :now AND #due <= :room",
		values: item{":gap": num(gap.Microseconds()), ":now": micros(now), ":room": micros(room)},
	}
	for _, c := range []change{idle, busy, idle, busy} { // time passes, others come
		img, ok, err := t.change(ctx, "count message", c)
		if err != nil {
			return chat.Connection{}, err
		}
		conn, err := t.connection(id, img)
		if err != nil || ok {
			return conn, err
		}
		if due := time.UnixMicro(img.num("due")); due.After(room) {
			return conn, &chat.Error{Kind: chat.RateLimited, RetryAfter: due.Sub(room),
				Message: "no more than " + strconv.Itoa(perSecond) + " messages a second; send them more slowly"}
		}
	}
	return chat.Connection{}, unavailable(errors.New("count message: the connection keeps changing"))
}

// Close forgets a connection ($disconnect) and takes it out of the listeners of
// its current conversation and off its topics. A connection already closed is no
// error. 3 write units, and 1 for the conversation and each topic.
func (t *Table) Close(ctx context.Context, id string) error {
	k := connectionKey(id)
	out, err := call(ctx, t, "close connection", k, t.again, t.client.DeleteItem, &dynamodb.DeleteItemInput{
		TableName: &t.name, Key: k.item(), ReturnValues: types.ReturnValueAllOld,
	})
	if err != nil {
		return err
	}
	was := item(out.Attributes)
	if err := t.detach(ctx, was.str("user"), id); err != nil {
		return err
	}
	return t.leave(ctx, id, was.str("conv"))
}

// detach takes a connection off its user's and its topics' lists. Which topics
// those are stands where it is deleted: nothing is read or looked for.
func (t *Table) detach(ctx context.Context, user, conn string) error {
	if user == "" {
		return nil
	}
	k := userConnectionKey(user, conn)
	out, err := call(ctx, t, "drop connection", k, t.again, t.client.DeleteItem, &dynamodb.DeleteItemInput{
		TableName: &t.name, Key: k.item(), ReturnValues: types.ReturnValueAllOld,
	})
	if err != nil {
		return err
	}
	var entries []key
	for _, topic := range item(out.Attributes).set("joined") {
		entries = append(entries, topicKey(topic, user, conn))
	}
	return t.batchDelete(ctx, "drop connection", entries)
}

// Gone notes that a post to a connection was answered 410: it leaves the index, its
// user's and its topics' lists and the listeners of the conversation ("" for none)
// and of its current one. The item stays until $disconnect or its ttl, because
// where nothing else tells the user of a message (no authorizer) a later message
// from the same connection still needs it (R8). 3 write units, and 1 for the
// conversation and each topic.
func (t *Table) Gone(ctx context.Context, conn, conversation string) error {
	img, _, err := t.change(ctx, "drop connection", change{
		key:    connectionKey(conn),
		update: "SET #gone = :yes REMOVE #g2pk, #g2sk",
		cond:   "attribute_exists(#pk)",
		values: item{":yes": yes()},
	})
	if err != nil {
		return err
	}
	if err := t.detach(ctx, img.str("user"), conn); err != nil {
		return err
	}
	if current := img.str("conv"); current != conversation {
		if err := t.leave(ctx, conn, current); err != nil {
			return err
		}
	}
	return t.leave(ctx, conn, conversation)
}

// leave takes a connection out of a conversation's listeners, if it is there.
func (t *Table) leave(ctx context.Context, conn, conversation string) error {
	if conn == "" || conversation == "" {
		return nil
	}
	_, _, err := t.change(ctx, "leave conversation", change{
		key:    conversationKey(conversation),
		update: "REMOVE #ln.#c, #lm.#c",
		cond:   "attribute_exists(#ln.#c)",
		names:  map[string]string{"#c": conn},
	})
	return err
}
