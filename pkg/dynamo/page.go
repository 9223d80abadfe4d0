package dynamo

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"kaiwa/pkg/chat"
)

// strayAge is how old the entry of a connection nobody knows must be to be
// removed: until then the connection may be too new to be seen.
const strayAge = time.Minute

// TopicPage lists part of one shard of a topic, 0 to Shards-1, from behind a
// place in it ("" for the beginning): users who subscribed (without ID), each
// followed by those of its open connections that hear the topic. next is the place
// of the last, "" at the end. Half a read unit per 4 KB of entries, some 40 of
// them, and half a unit for each connection. A connection that was opened within
// the last moments may be missing.
func (t *Table) TopicPage(ctx context.Context, topic string, shard int, behind string, limit int) (list []chat.Connection, next string, err error) {
	out, err := t.page(ctx, "list topic", window{pk: topicPartition(topic, shard), lo: behind}, limit)
	if err != nil {
		return nil, "", err
	}
	var strays []key
	for _, row := range out.Items {
		it := item(row)
		if !t.live(it) {
			continue
		}
		user, conn, _ := strings.Cut(it.str("sk"), betweenNames)
		list = append(list, chat.Connection{ID: conn, User: user, At: it.time("at")})
	}
	if list, strays, err = t.resolve(ctx, list, topic); err != nil {
		return nil, "", err
	}
	if out.LastEvaluatedKey != nil {
		next = item(out.LastEvaluatedKey).str("sk")
	}
	_ = t.batchDelete(ctx, "tidy topic", strays) // else their TTL does
	return list, next, nil
}

// resolve reads the connections of a topic's page. Those that are gone are left
// out; the entries of those that must be gone for good are strays.
func (t *Table) resolve(ctx context.Context, list []chat.Connection, topic string) (kept []chat.Connection, strays []key, err error) {
	var keys []key
	for _, c := range list {
		if c.ID != "" {
			keys = append(keys, connectionKey(c.ID))
		}
	}
	found, err := t.batchGet(ctx, "read connections", keys, false)
	if err != nil {
		return nil, nil, err
	}
	for _, c := range list {
		it, ok := found[connectionKey(c.ID)]
		switch {
		case c.ID == "":
			kept = append(kept, c)
		case ok && !it.flag("gone"):
			kept = append(kept, connectionOf(c.ID, it))
		case !ok && c.At.Before(t.now().Add(-strayAge)):
			strays = append(strays, topicKey(topic, c.User, c.ID))
		}
	}
	return kept, strays, nil
}

// AllPage lists part of one shard of all open connections, 0 to Shards-1, from
// behind one of them. Half a read unit per 4 KB, some 30 of them.
func (t *Table) AllPage(ctx context.Context, shard int, behind string, limit int) (list []chat.Connection, next string, err error) {
	out, err := t.page(ctx, "list connections", window{index: indexAll, pk: allPartition(shard), lo: behind}, limit)
	if err != nil {
		return nil, "", err
	}
	for _, row := range out.Items {
		if it := item(row); t.live(it) {
			list = append(list, connectionOf(it.str("g2sk"), it))
		}
	}
	if out.LastEvaluatedKey != nil {
		next = item(out.LastEvaluatedKey).str("g2sk")
	}
	return list, next, nil
}

// UserPage lists part of a user's open connections, consistently, from behind one
// of them. 1 read unit per 4 KB and 1 for each connection.
func (t *Table) UserPage(ctx context.Context, user, behind string, limit int) (list []chat.Connection, next string, err error) {
	k := userConnectionKey(user, behind)
	if k.tooLong() {
		return nil, "", nil
	}
	out, err := t.page(ctx, "list connections", window{pk: k.pk, lo: k.sk, hi: upTo("C", ""), consistent: true}, limit)
	if err != nil {
		return nil, "", err
	}
	var keys []key
	for _, row := range out.Items {
		if it := item(row); t.live(it) {
			keys = append(keys, connectionKey(strings.TrimPrefix(it.str("sk"), "C#")))
		}
	}
	found, err := t.batchGet(ctx, "read connections", keys, true)
	if err != nil {
		return nil, "", err
	}
	for _, k := range keys {
		if it := found[k]; it != nil && !it.flag("gone") {
			list = append(list, connectionOf(strings.TrimPrefix(k.pk, "C#"), it))
		}
	}
	if out.LastEvaluatedKey != nil {
		next = strings.TrimPrefix(item(out.LastEvaluatedKey).str("sk"), "C#")
	}
	return list, next, nil
}

// window is part of a partition: what sorts behind lo ("" for its beginning) and
// up to hi ("" for its end).
type window struct {
	index, pk, lo, hi string
	consistent        bool
}

// page reads one page of a window.
func (t *Table) page(ctx context.Context, op string, w window, limit int) (*dynamodb.QueryOutput, error) {
	pk, sk := "#pk", "#sk"
	if w.index != "" {
		pk, sk = "#g2pk", "#g2sk"
	}
	cond, values := pk+" = :pk", item{":pk": str(w.pk)}
	switch {
	case w.hi != "":
		cond += " AND " + sk + " BETWEEN :lo AND :hi"
		values[":lo"], values[":hi"] = str(w.lo+"\x00"), str(w.hi)
	case w.lo != "":
		cond += " AND " + sk + " > :lo"
		values[":lo"] = str(w.lo)
	}
	return call(ctx, t, op, key{w.pk, w.lo}, t.again, t.client.Query, &dynamodb.QueryInput{
		TableName: &t.name, IndexName: optional(w.index), KeyConditionExpression: &cond, ExpressionAttributeNames: names(nil, cond),
		ExpressionAttributeValues: values, ConsistentRead: aws.Bool(w.consistent), Limit: aws.Int32(int32(limit)),
	})
}
