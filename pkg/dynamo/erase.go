package dynamo

import (
	"context"
	"iter"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// Owned yields the id of every conversation of a user, also of those that a Delete
// has left half done, some of them twice. The newest come from the claims of their
// prompts, which are read consistently; the rest from an index that has had a day
// to learn of them. They may be deleted meanwhile. Read units: the claims' KB by 4,
// and half a unit per 4 KB of the index, some 20 conversations.
func (t *Table) Owned(ctx context.Context, user string) iter.Seq2[string, error] {
	claims := keysUnder("U#"+user, "K#", "K$")
	claims.ProjectionExpression = aws.String("#conv")
	index := &dynamodb.QueryInput{
		IndexName:                 aws.String(indexUser),
		KeyConditionExpression:    aws.String("#g1pk = :pk AND #g1sk BETWEEN :lo AND :hi"),
		ExpressionAttributeValues: item{":pk": str("U#" + user), ":lo": str("V#"), ":hi": str("X$")},
		ProjectionExpression:      aws.String("#pk"),
	}
	return func(yield func(string, error) bool) {
		for _, in := range []*dynamodb.QueryInput{claims, index} {
			for page, err := range t.pages(ctx, "find conversations", in) {
				if err != nil {
					yield("", err)
					return
				}
				for _, it := range page {
					if id := it.str("conv") + strings.TrimPrefix(it.str("pk"), "V#"); !yield(id, nil) {
						return
					}
				}
			}
		}
	}
}

// kept are the beginnings of what Erase leaves in a user's partition: open
// connections, which end by themselves; the account, so that nobody gets more by
// beginning anew; and the revocation of tokens.
var kept = []string{"C#", "Q", "N"}

// Erase removes everything of a user but conversations, which Owned lists, and what
// ends the user's connections and counts. Again it removes what is left. Read units:
// its KB by 4; a write unit for each KB.
func (t *Table) Erase(ctx context.Context, user string) error {
	all := keysUnder("U#"+user, "A", "Z")
	all.ProjectionExpression = aws.String("#sk, #topics, #joined")
	for page, err := range t.pages(ctx, "erase user", all) {
		if err != nil {
			return err
		}
		var keys []key
		for _, it := range page {
			sk := it.str("sk")
			// The topics' own lists go first: what is stored here leads to them.
			for _, topic := range it.set("topics") {
				keys = append(keys, topicKey(topic, user, ""))
			}
			if conn, open := strings.CutPrefix(sk, "C#"); open {
				for _, topic := range it.set("joined") {
					if err := t.Leave(ctx, user, conn, topic); err != nil {
						return err
					}
				}
			}
		}
		if err := t.batchDelete(ctx, "erase topics", keys); err != nil {
			return err
		}
		keys = keys[:0]
		for _, it := range page {
			if sk := it.str("sk"); !keeps(sk) {
				keys = append(keys, key{"U#" + user, sk})
			}
		}
		if err := t.batchDelete(ctx, "erase user", keys); err != nil {
			return err
		}
	}
	return nil
}

func keeps(sk string) bool {
	for _, k := range kept {
		if sk == k || strings.HasSuffix(k, "#") && strings.HasPrefix(sk, k) {
			return true
		}
	}
	return false
}
