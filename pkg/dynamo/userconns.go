package dynamo

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"kaiwa/pkg/chat"
)

// UserConnections lists all connections of a user that are not gone, without
// Conversation. It reads an index: one that was opened within the last moments
// may be missing. Half a read unit per 4 KB, some 30 connections.
func (t *Table) UserConnections(ctx context.Context, user string) ([]chat.Connection, error) {
	var list []chat.Connection
	for page, err := range t.pages(ctx, "list connections", &dynamodb.QueryInput{
		IndexName:              aws.String(indexUser),
		KeyConditionExpression: aws.String("#g1pk = :pk AND #g1sk BETWEEN :lo AND :hi"),
		ExpressionAttributeValues: item{
			":pk": str("U#" + user), ":lo": str("C#"), ":hi": str(upTo("C", "")),
		},
	}) {
		if err != nil {
			return nil, err
		}
		for _, it := range page {
			list = append(list, chat.Connection{
				ID: strings.TrimPrefix(it.str("pk"), "C#"), User: user, Mode: chat.Mode(it.str("mode")), At: it.time("at"),
			})
		}
	}
	return list, nil
}
