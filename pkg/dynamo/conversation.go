package dynamo

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"kaiwa/pkg/chat"
)

// Conversation reads a conversation consistently; NotFound if there is none or it
// is being deleted. Whose it is, is for the caller to check. 1 read unit.
func (t *Table) Conversation(ctx context.Context, id string) (chat.Conversation, error) {
	it, err := t.get(ctx, "read conversation", conversationKey(id))
	if err != nil {
		return chat.Conversation{}, err
	}
	return t.conversation(id, it)
}

func (t *Table) conversation(id string, it item) (chat.Conversation, error) {
	if !t.live(it) || it.flag("deleted") {
		return chat.Conversation{}, noSuch("conversation")
	}
	return chat.Conversation{
		ID: id, User: it.str("user"), Title: it.str("title"), At: it.time("at"),
		Active: it.str("active"), N: it.num("n"), Listeners: it.listeners(),
	}, nil
}

// Follow registers a connection with a conversation, so that it hears the replies
// to come, and returns the conversation as it is then (R9, first step). The
// oldest beyond chat.MaxListeners leaves. NotFound as for Conversation; the owner
// must have been checked before. 1 write unit, 2 when one leaves.
func (t *Table) Follow(ctx context.Context, conversation, conn string, m chat.Mode) (chat.Conversation, error) {
	k := conversationKey(conversation)
	img, ok, err := t.change(ctx, "follow conversation", change{
		key:    k,
		update: "SET #n = #n + :1, #ln.#c = #n + :1, #lm.#c = :mode",
		cond:   "attribute_exists(#pk)",
		values: item{":1": num(1), ":mode": str(string(m))},
		names:  map[string]string{"#c": conn},
	})
	if err != nil {
		return chat.Conversation{}, err
	}
	if !ok {
		return chat.Conversation{}, noSuch("conversation")
	}
	if err := t.sweep(ctx, "follow conversation", k, img, "ln", "lm"); err != nil {
		return chat.Conversation{}, err
	}
	return t.conversation(conversation, img)
}

// Conversations is a page of at most limit (1 to 100) of a user's conversations,
// newest first, without Active, N and Listeners. The string is before for the
// next page, "" after the last. It reads an index: what was written within the
// last moments may be missing. Half a read unit per 4 KB.
func (t *Table) Conversations(ctx context.Context, user, before string, limit int) ([]chat.Conversation, string, error) {
	limit = min(max(limit, 1), 100)
	var list []chat.Conversation
	for page, err := range t.pages(ctx, "list conversations", &dynamodb.QueryInput{
		IndexName:              aws.String(indexUser),
		KeyConditionExpression: aws.String("#g1pk = :pk AND #g1sk BETWEEN :lo AND :hi"),
		ExpressionAttributeValues: item{
			":pk": str("U#" + user), ":lo": str("V#"), ":hi": str(upTo("V", before)),
		},
		ScanIndexForward: aws.Bool(false),
		Limit:            aws.Int32(int32(limit) + 1),
	}) {
		if err != nil {
			return nil, "", err
		}
		for _, it := range page {
			if len(list) == limit {
				return list, strings.TrimPrefix(it.str("g1sk"), "V#"), nil
			}
			list = append(list, chat.Conversation{
				ID: strings.TrimPrefix(it.str("pk"), "V#"), User: user, Title: it.str("title"), At: it.time("at"),
			})
		}
	}
	return list, "", nil
}

// upTo is the highest sort key of a page: that of the first entry it may hold, or
// for the first page ("") whatever begins with kind#.
func upTo(kind, before string) string {
	if before == "" {
		return kind + "$" // the byte after #
	}
	return kind + "#" + before
}

// Rename sets the title; NotFound for a conversation that is somebody else's. 2
// write units.
func (t *Table) Rename(ctx context.Context, user, conversation, title string) error {
	img, ok, err := t.change(ctx, "rename conversation", change{
		key:    conversationKey(conversation),
		update: "SET #title = :title",
		cond:   "#user = :user AND attribute_not_exists(#deleted)",
		values: item{":title": str(title), ":user": str(user)},
	})
	if err != nil {
		return err
	}
	if !ok || !t.live(img) {
		return noSuch("conversation")
	}
	return nil
}
