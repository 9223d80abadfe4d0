package dynamo

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Delete removes a conversation with its messages and replies; NotFound for one
// that is somebody else's or deleted already. First of all it disappears for
// every reader and takes no more turns; then what hangs under it goes, leaves
// first, the conversation's item last. So a Delete that failed in the middle can
// be repeated, and nothing is ever left that no key leads to: Owned still finds
// it, too. The owner of a
// reply that is still running finds out at its next tick. Units: a write per KB
// of everything, a read per 4 KB.
func (t *Table) Delete(ctx context.Context, user, conversation string) error {
	k := conversationKey(conversation)
	_, ok, err := t.change(ctx, "delete conversation", change{
		key:    k,
		update: "SET #deleted = :yes, #g1sk = :doomed",
		cond:   "#user = :user",
		values: item{":yes": yes(), ":user": str(user), ":doomed": str("X#" + conversation)},
	})
	if err != nil {
		return err
	}
	if !ok {
		return noSuch("conversation")
	}
	for page, err := range t.pages(ctx, "delete messages", keysUnder(k.pk, "M#", "M$")) {
		if err != nil {
			return err
		}
		if err := t.deleteMessages(ctx, conversation, page); err != nil {
			return err
		}
	}
	out, err := call(ctx, t, "delete conversation", k, t.again, t.client.DeleteItem, &dynamodb.DeleteItemInput{
		TableName: &t.name, Key: k.item(), ReturnValues: types.ReturnValueAllOld,
	})
	if err == nil && out.Attributes != nil { // else somebody was faster
		// It is gone in any case. A count that stays too high is made anew when it is
		// in the way.
		_ = t.uncount(ctx, user)
	}
	return err
}

// deleteMessages deletes replies and segments before the messages that lead to
// them.
func (t *Table) deleteMessages(ctx context.Context, conversation string, messages []item) error {
	var under, keys []key
	for _, it := range messages {
		id := strings.TrimPrefix(it.str("sk"), "M#")
		keys = append(keys, messageKey(conversation, id))
		partitions := []string{replySegments(it.str("reply"))}
		if it.num("segs") > 0 {
			partitions = append(partitions, messageSegments(id))
		}
		for _, pk := range partitions {
			more, err := t.allUnder(ctx, pk)
			if err != nil {
				return err
			}
			under = append(under, more...)
		}
	}
	if err := t.batchDelete(ctx, "delete replies", under); err != nil {
		return err
	}
	return t.batchDelete(ctx, "delete messages", keys)
}

// allUnder finds all items of a reply or of a message's segments.
func (t *Table) allUnder(ctx context.Context, pk string) ([]key, error) {
	var keys []key
	for page, err := range t.pages(ctx, "find replies", keysUnder(pk, "A", "Z")) {
		if err != nil {
			return nil, err
		}
		for _, it := range page {
			keys = append(keys, key{pk, it.str("sk")})
		}
	}
	return keys, nil
}

// keysUnder finds what is in a partition with sort keys from lo to hi, consistently:
// a turn stored just before its conversation was deleted must not be missed. No
// ttl is asked for, so that nothing counts as expired.
func keysUnder(pk, lo, hi string) *dynamodb.QueryInput {
	return &dynamodb.QueryInput{
		KeyConditionExpression:    aws.String("#pk = :pk AND #sk BETWEEN :lo AND :hi"),
		ExpressionAttributeValues: item{":pk": str(pk), ":lo": str(lo), ":hi": str(hi)},
		ProjectionExpression:      aws.String("#sk, #reply, #segs"),
		ConsistentRead:            aws.Bool(true),
	}
}
