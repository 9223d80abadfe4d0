package dynamo

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// maxTries bounds our own repeats: unprocessed batch keys, transaction conflicts.
const maxTries = 6

// call makes one table call under its deadline; the SDK repeats it by r's rules.
func call[I, O any](ctx context.Context, t *Table, op string, k key, r aws.Retryer,
	f func(context.Context, *I, ...func(*dynamodb.Options)) (*O, error), in *I) (*O, error) {
	ctx, cancel := context.WithTimeout(ctx, t.o.Timeout)
	defer cancel()
	out, err := f(ctx, in, func(o *dynamodb.Options) { o.Retryer = r })
	if err != nil {
		return nil, t.wrap(op, k, err)
	}
	return out, nil
}

// get reads one item consistently: nil if it does not exist or has expired.
func (t *Table) get(ctx context.Context, op string, k key) (item, error) {
	if k.tooLong() {
		return nil, nil
	}
	out, err := call(ctx, t, op, k, t.again, t.client.GetItem, &dynamodb.GetItemInput{
		TableName: &t.name, Key: k.item(), ConsistentRead: aws.Bool(true),
	})
	if err != nil || !t.live(out.Item) {
		return nil, err
	}
	return out.Item, nil
}

// change is one conditional update of one item.
type change struct {
	key    key
	update string
	cond   string
	values item
	names  map[string]string // #words that stand for something else than themselves
	once   bool              // the caller repeats, not the SDK (R3)
}

// change applies c: the image after it and true, or, if the condition refused,
// the image that refused (nil: there is no item) and false.
func (t *Table) change(ctx context.Context, op string, c change) (item, bool, error) {
	if c.key.tooLong() {
		return nil, false, nil
	}
	r := t.again
	if c.once {
		r = aws.NopRetryer{}
	}
	out, err := call(ctx, t, op, c.key, r, t.client.UpdateItem, &dynamodb.UpdateItemInput{
		TableName:                           &t.name,
		Key:                                 c.key.item(),
		UpdateExpression:                    &c.update,
		ConditionExpression:                 optional(c.cond),
		ExpressionAttributeNames:            names(c.names, c.update, c.cond),
		ExpressionAttributeValues:           c.values,
		ReturnValues:                        types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if refused, is := errors.AsType[*types.ConditionalCheckFailedException](err); is {
		return refused.Item, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	return out.Attributes, true, nil
}

// put writes one item; false if the condition refused.
func (t *Table) put(ctx context.Context, op string, r aws.Retryer, it item, cond string, values item) (bool, error) {
	k := key{it.str("pk"), it.str("sk")}
	_, err := call(ctx, t, op, k, r, t.client.PutItem, &dynamodb.PutItemInput{
		TableName: &t.name, Item: it,
		ConditionExpression:       optional(cond),
		ExpressionAttributeNames:  names(nil, cond),
		ExpressionAttributeValues: values,
	})
	if _, is := errors.AsType[*types.ConditionalCheckFailedException](err); is {
		return false, nil
	}
	return err == nil, err
}

// pages runs a query to its end and yields what has not expired, page by page.
// The condition speaks of :pk and :hi, the most that the sort key may be.
func (t *Table) pages(ctx context.Context, op string, in *dynamodb.QueryInput) iter.Seq2[[]item, error] {
	in.TableName = &t.name
	in.ExpressionAttributeNames = names(nil, aws.ToString(in.KeyConditionExpression), aws.ToString(in.ProjectionExpression))
	of := key{item(in.ExpressionAttributeValues).str(":pk"), item(in.ExpressionAttributeValues).str(":hi")}
	return func(yield func([]item, error) bool) {
		for !of.tooLong() {
			out, err := call(ctx, t, op, of, t.again, t.client.Query, in)
			if err != nil {
				yield(nil, err)
				return
			}
			var page []item
			for _, it := range out.Items {
				if t.live(it) {
					page = append(page, it)
				}
			}
			if !yield(page, nil) || out.LastEvaluatedKey == nil {
				return
			}
			in.ExclusiveStartKey = out.LastEvaluatedKey
		}
	}
}

// batchGet reads items, 100 a call; what is absent is not in the map.
func (t *Table) batchGet(ctx context.Context, op string, keys []key, consistent bool) (map[key]item, error) {
	found := map[key]item{}
	for some := range slices.Chunk(keys, 100) {
		var want []map[string]types.AttributeValue
		for _, k := range some {
			want = append(want, k.item())
		}
		for try := 1; len(want) > 0; try++ {
			out, err := call(ctx, t, op, some[0], t.again, t.client.BatchGetItem, &dynamodb.BatchGetItemInput{
				RequestItems: map[string]types.KeysAndAttributes{t.name: {Keys: want, ConsistentRead: aws.Bool(consistent)}},
			})
			if err != nil {
				return nil, err
			}
			for _, row := range out.Responses[t.name] {
				if it := item(row); t.live(it) {
					found[key{it.str("pk"), it.str("sk")}] = it
				}
			}
			want = out.UnprocessedKeys[t.name].Keys
			if err := t.rest(ctx, op, some[0], try, len(want)); err != nil {
				return nil, err
			}
		}
	}
	return found, nil
}

// batchDelete deletes items. Keys that do not exist are fine.
func (t *Table) batchDelete(ctx context.Context, op string, keys []key) error {
	var all []types.WriteRequest
	for _, k := range keys {
		all = append(all, types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: k.item()}})
	}
	if len(all) == 0 {
		return nil
	}
	return t.batchWrite(ctx, op, keys[0], all)
}

// batchWrite writes items, 25 a call; k names them in errors.
func (t *Table) batchWrite(ctx context.Context, op string, k key, all []types.WriteRequest) error {
	for todo := range slices.Chunk(all, 25) {
		for try := 1; len(todo) > 0; try++ {
			out, err := call(ctx, t, op, k, t.again, t.client.BatchWriteItem, &dynamodb.BatchWriteItemInput{
				RequestItems: map[string][]types.WriteRequest{t.name: todo},
			})
			if err != nil {
				return err
			}
			todo = out.UnprocessedItems[t.name]
			if err := t.rest(ctx, op, k, try, len(todo)); err != nil {
				return err
			}
		}
	}
	return nil
}

// rest waits before the unprocessed part of a batch is asked for again.
func (t *Table) rest(ctx context.Context, op string, k key, try, left int) error {
	if left == 0 {
		return nil
	}
	if try == maxTries {
		return unavailable(fmt.Errorf("%s %s: %d keys left unprocessed", op, k, left))
	}
	return wait(ctx, backoff(try))
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return unavailable(ctx.Err())
	}
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
