package dynamo_test

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/dynamo"
)

// The indexes hold what a list of connections needs, by user and by shard.
func TestConnectionsInTheIndexes(t *testing.T) {
	w := newWorld(t, dynamo.Options{Shards: 3})
	ctx := t.Context()
	conns := []string{"c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9"}
	for _, c := range conns {
		if err := w.Open(ctx, chat.Connection{ID: c, User: "ann", Mode: chat.ModeJSON}); err != nil {
			t.Fatal(err)
		}
	}
	list := func(index, prefix, partition string) (found []string) {
		out, err := w.client.Query(ctx, &dynamodb.QueryInput{
			TableName: &w.name, IndexName: &index, KeyConditionExpression: ptr(prefix + "pk = :pk"),
			ExpressionAttributeValues: map[string]types.AttributeValue{":pk": &types.AttributeValueMemberS{Value: partition}},
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range out.Items {
			if text(it["mode"]) != "json" || it["ttl"] == nil {
				t.Errorf("%s carries %v", index, it)
			}
			found = append(found, text(it["pk"])[len("C#"):])
		}
		return found
	}
	if got := list("g1-user", "g1", "U#ann"); !slices.Equal(got, conns) {
		t.Errorf("ann's: %v", got)
	}
	var all []string
	for _, shard := range []string{"ALL#0", "ALL#1", "ALL#2"} {
		got := list("g2-all", "g2", shard)
		if len(got) == 0 {
			t.Errorf("%s is empty", shard)
		}
		all = append(all, got...)
	}
	if slices.Sort(all); !slices.Equal(all, conns) {
		t.Errorf("all: %v", all)
	}
}

func ptr(s string) *string { return &s }
