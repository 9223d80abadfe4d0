package dynamo

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"kaiwa/pkg/chat"
)

const (
	// subscriptionLife is how long a subscription lasts whose user never connects.
	subscriptionLife = 90 * 24 * time.Hour
	// renewBefore is when the next connection renews it.
	renewBefore = 60 * 24 * time.Hour
)

// Home reads what a user has besides conversations, consistently. Read units: 1,
// more where the first entry of the inbox is big.
func (t *Table) Home(ctx context.Context, user string) (chat.Home, error) {
	k := homeKey(user)
	if k.tooLong() {
		return chat.Home{}, nil
	}
	// The home and the inbox stand next to each other: one read sees both.
	cond := "#pk = :pk AND #sk BETWEEN :lo AND :hi"
	out, err := call(ctx, t, "read home", k, t.again, t.client.Query, &dynamodb.QueryInput{
		TableName: &t.name, KeyConditionExpression: &cond, ExpressionAttributeNames: names(nil, cond),
		ExpressionAttributeValues: item{":pk": str(k.pk), ":lo": str(k.sk), ":hi": str("I$")},
		ConsistentRead:            aws.Bool(true), Limit: aws.Int32(2),
	})
	if err != nil {
		return chat.Home{}, err
	}
	var h chat.Home
	for _, row := range out.Items {
		it := item(row)
		switch {
		case it.str("sk") != k.sk:
			h.Waiting = true // even one that has expired: somebody should clear it away
		case t.live(it):
			h.Topics = it.set("topics")
			slices.Sort(h.Topics)
			h.Stale = len(h.Topics) > 0 && it.num("ttl") < t.now().Add(renewBefore).Unix()
		}
	}
	return h, nil
}

// Subscribe adds a topic to a user's, at most Options.Topics (chat.BadRequest),
// and the user to the topic's list. Again it renews both. 2 write units.
func (t *Table) Subscribe(ctx context.Context, user, topic string) error {
	ttl := seconds(t.now().Add(subscriptionLife))
	one := &types.AttributeValueMemberSS{Value: []string{topic}}
	home := change{
		key:    homeKey(user),
		update: "SET #ttl = :ttl ADD #topics :one",
		cond: "attribute_not_exists(#pk) OR #ttl > :now AND " +
			"(attribute_not_exists(#topics) OR contains(#topics, :topic) OR size(#topics) < :most)",
		values: item{":ttl": ttl, ":one": one, ":topic": str(topic), ":most": num(t.o.Topics), ":now": seconds(t.now())},
	}
	img, ok, err := t.change(ctx, "subscribe", home)
	if err == nil && !ok && !t.live(img) { // of long ago, and not deleted yet
		_, ok, err = t.change(ctx, "subscribe", change{key: home.key, update: "SET #ttl = :ttl, #topics = :one", cond: "#ttl <= :now",
			values: item{":ttl": ttl, ":one": one, ":now": seconds(t.now())}})
	}
	switch {
	case err != nil:
		return err
	case !ok:
		return t.tooManyTopics()
	}
	it := topicKey(topic, user, "").item()
	it["ttl"] = ttl
	return t.batchWrite(ctx, "subscribe", home.key, []types.WriteRequest{{PutRequest: &types.PutRequest{Item: it}}})
}

func (t *Table) tooManyTopics() error {
	return chat.E(chat.BadRequest, "you have %d topics, and no more are allowed; unsubscribe from one", t.o.Topics)
}

// Unsubscribe undoes Subscribe. 2 write units.
func (t *Table) Unsubscribe(ctx context.Context, user, topic string) error {
	_, _, err := t.change(ctx, "unsubscribe", change{
		key: homeKey(user), update: "DELETE #topics :one", cond: "attribute_exists(#pk)",
		values: item{":one": &types.AttributeValueMemberSS{Value: []string{topic}}},
	})
	if err != nil {
		return err
	}
	return t.batchDelete(ctx, "unsubscribe", []key{topicKey(topic, user, "")})
}

// Join puts an open connection on the lists of topics; one that has been closed
// meanwhile is no error. One more than Options.Topics is chat.BadRequest. 1 write
// unit and 1 for each topic.
func (t *Table) Join(ctx context.Context, user, conn string, topics []string) error {
	if len(topics) == 0 {
		return nil
	}
	// First the connection knows of it, so that whatever removes the connection
	// finds its entries without looking for them.
	ttl := seconds(connectionTTL(t.now()))
	img, ok, err := t.change(ctx, "join topics", change{
		key: userConnectionKey(user, conn), update: "ADD #joined :topics",
		cond: "attribute_exists(#pk) AND (attribute_not_exists(#joined) OR contains(#joined, :one) OR size(#joined) < :most)",
		values: item{":topics": &types.AttributeValueMemberSS{Value: topics}, ":one": str(topics[0]),
			":most": num(t.o.Topics)},
	})
	switch {
	case err != nil:
		return err
	case !ok && img != nil:
		return t.tooManyTopics()
	case !ok:
		return nil
	}
	var puts []types.WriteRequest
	for _, topic := range topics {
		it := topicKey(topic, user, conn).item()
		it["at"], it["ttl"] = millis(t.now()), ttl
		puts = append(puts, types.WriteRequest{PutRequest: &types.PutRequest{Item: it}})
	}
	return t.batchWrite(ctx, "join topics", userConnectionKey(user, conn), puts)
}

// Leave takes a connection off a topic's list. 2 write units.
func (t *Table) Leave(ctx context.Context, user, conn, topic string) error {
	if err := t.batchDelete(ctx, "leave topic", []key{topicKey(topic, user, conn)}); err != nil {
		return err
	}
	_, _, err := t.change(ctx, "leave topic", change{
		key: userConnectionKey(user, conn), update: "DELETE #joined :one", cond: "attribute_exists(#pk)",
		values: item{":one": &types.AttributeValueMemberSS{Value: []string{topic}}},
	})
	return err
}

// betweenNames stands between a user and a connection in a topic's list. No name
// has it, and it sorts before all that names have: a user's connections follow it.
const betweenNames = "\x1f"

// topicKey places an entry by its user, so that a user and its connections are
// neighbours. What has no user in common is placed by itself.
func topicKey(topic, user, conn string) key {
	of := user
	if user == chat.Anonymous {
		of = conn
	}
	sk := user
	if conn != "" {
		sk += betweenNames + conn
	}
	return key{topicPartition(topic, spread(of)), sk}
}
