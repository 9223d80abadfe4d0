package dynamo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"kaiwa/pkg/chat"
)

// trimEvery: one in so many entries also trims the inbox, so that it stays near
// its bound although nobody counts it.
const trimEvery = 32

// Keep puts a notification into a user's inbox, in its place by time; the same
// one again changes nothing. Write units: the frame's KB.
func (t *Table) Keep(ctx context.Context, user string, m chat.Missed) error {
	k := missedKey(user, m.At, m.ID)
	if k.tooLong() {
		return fmt.Errorf("keep notification %s: its key is too long", k)
	}
	it := k.item()
	it["frame"], it["ttl"] = str(string(m.Frame)), seconds(m.Expires)
	if _, err := t.put(ctx, "keep notification", t.again, it, "", nil); err != nil {
		return err
	}
	if rand.N(trimEvery) > 0 {
		return nil
	}
	return t.Trim(ctx, user)
}

// Trim deletes the oldest entries of an inbox beyond Options.Inbox. Read units:
// the inbox's KB by 4; a write unit for each KB deleted.
func (t *Table) Trim(ctx context.Context, user string) error {
	q := inboxQuery(user, "I#")
	q.ScanIndexForward, q.ProjectionExpression = aws.Bool(false), aws.String("#pk, #sk")
	n := 0
	var over []key
	for page, err := range t.pages(ctx, "trim inbox", q) {
		if err != nil {
			return err
		}
		for _, it := range page {
			if n++; n > t.o.Inbox {
				over = append(over, key{it.str("pk"), it.str("sk")})
			}
		}
	}
	return t.batchDelete(ctx, "trim inbox", over)
}

// Inbox lists at most limit entries of a user's inbox, oldest first, from behind
// one of them (nil: from the beginning). Those that have expired are among them:
// whoever reads clears them away. Read units: their KB by 4, at least 1.
func (t *Table) Inbox(ctx context.Context, user string, behind *chat.Missed, limit int) ([]chat.Missed, error) {
	from := "I#"
	if behind != nil {
		from = missedKey(user, behind.At, behind.ID).sk + "\x00"
	}
	q := inboxQuery(user, from)
	q.TableName, q.Limit = &t.name, aws.Int32(int32(limit))
	q.ExpressionAttributeNames = names(nil, *q.KeyConditionExpression)
	out, err := call(ctx, t, "read inbox", key{"U#" + user, from}, t.again, t.client.Query, q)
	if err != nil {
		return nil, err
	}
	var list []chat.Missed
	for _, row := range out.Items {
		it := item(row)
		at, id, err := missedSort(it.str("sk"))
		if err != nil {
			return nil, fmt.Errorf("read inbox %s: %w", key{it.str("pk"), it.str("sk")}, err)
		}
		list = append(list, chat.Missed{ID: id, At: at, Frame: []byte(it.str("frame")), Expires: time.Unix(it.num("ttl"), 0).UTC()})
	}
	return list, nil
}

// Forget takes an entry out of a user's inbox. 1 write unit for each of its KB.
func (t *Table) Forget(ctx context.Context, user string, m chat.Missed) error {
	k := missedKey(user, m.At, m.ID)
	_, err := call(ctx, t, "forget notification", k, t.again, t.client.DeleteItem, &dynamodb.DeleteItemInput{TableName: &t.name, Key: k.item()})
	return err
}

// LockInbox makes token the only one who empties a user's inbox until a time, or
// prolongs that; false while another one does. 1 write unit.
func (t *Table) LockInbox(ctx context.Context, user, token string, until time.Time) (bool, error) {
	_, ok, err := t.change(ctx, "lock inbox", change{
		key:    lockKey(user),
		update: "SET #token = :me, #lease = :until, #ttl = :ttl",
		cond:   "attribute_not_exists(#pk) OR #lease <= :now OR #token = :me",
		values: item{":me": str(token), ":until": millis(until), ":now": millis(t.now()), ":ttl": seconds(until.Add(time.Hour))},
	})
	return ok, err
}

// UnlockInbox ends that. 1 write unit.
func (t *Table) UnlockInbox(ctx context.Context, user, token string) error {
	_, _, err := t.change(ctx, "unlock inbox", change{
		key:    lockKey(user),
		update: "SET #lease = :past",
		cond:   "#token = :me",
		values: item{":me": str(token), ":past": num(0)},
	})
	return err
}

// inboxQuery reads consistently: what was just kept must not be missed.
func inboxQuery(user, from string) *dynamodb.QueryInput {
	return &dynamodb.QueryInput{
		KeyConditionExpression:    aws.String("#pk = :pk AND #sk BETWEEN :lo AND :hi"),
		ExpressionAttributeValues: item{":pk": str("U#" + user), ":lo": str(from), ":hi": str("I$")},
		ConsistentRead:            aws.Bool(true),
	}
}

func missedKey(user string, at time.Time, id string) key {
	return key{"U#" + user, fmt.Sprintf("I#%013d#%s", at.UnixMilli(), id)}
}

func missedSort(sk string) (time.Time, string, error) {
	var ms int64
	rest := strings.TrimPrefix(sk, "I#")
	number, id, _ := strings.Cut(rest, "#")
	if _, err := fmt.Sscanf(number, "%d", &ms); err != nil {
		return time.Time{}, "", err
	}
	return time.UnixMilli(ms).UTC(), id, nil
}
