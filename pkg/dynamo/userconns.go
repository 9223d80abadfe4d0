package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"kaiwa/pkg/chat"
)

// userPage is how many connections UserConnections reads at a time.
const userPage = 100

// UserConnections lists all connections of a user that are not gone, consistently.
// 1 read unit per 4 KB and 1 for each connection.
func (t *Table) UserConnections(ctx context.Context, user string) ([]chat.Connection, error) {
	var list []chat.Connection
	for behind := ""; ; {
		page, next, err := t.UserPage(ctx, user, behind, userPage)
		if err != nil {
			return nil, err
		}
		list = append(list, page...)
		if next == "" {
			return list, nil
		}
		behind = next
	}
}

// CountConnections counts a user's connections, consistently, but not far beyond
// enough. One whose end nobody told counts until a post finds it gone, or its TTL.
// 1 read unit per 4 KB of their entries, which hold the names of their topics.
func (t *Table) CountConnections(ctx context.Context, user string, enough int) (int, error) {
	cond, live := "#pk = :pk AND #sk BETWEEN :lo AND :hi", "#ttl > :now"
	in := &dynamodb.QueryInput{
		TableName: &t.name, Select: types.SelectCount, ConsistentRead: aws.Bool(true),
		KeyConditionExpression: &cond, FilterExpression: &live, ExpressionAttributeNames: names(nil, cond, live),
		ExpressionAttributeValues: item{
			":pk": str("U#" + user), ":lo": str("C#"), ":hi": str(upTo("C", "")), ":now": seconds(t.now()),
		},
	}
	for n := 0; ; {
		out, err := call(ctx, t, "count connections", userConnectionKey(user, ""), t.again, t.client.Query, in)
		if err != nil {
			return 0, err
		}
		n += int(out.Count)
		if out.LastEvaluatedKey == nil || n > enough {
			return n, nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// Withdraw undoes Open for a connection that has done nothing yet. 3 write units.
func (t *Table) Withdraw(ctx context.Context, user, conn string) error {
	return t.batchDelete(ctx, "withdraw connection", []key{connectionKey(conn), userConnectionKey(user, conn)})
}
