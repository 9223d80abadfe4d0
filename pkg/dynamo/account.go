package dynamo

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"kaiwa/pkg/chat"
)

// accountLife is how long an account is kept after its last prompt: its minute and
// its day are over by then. The number of conversations is counted anew.
const accountLife = 48 * time.Hour

// Opening reads what a prompt is decided by, in one call: the conversation, as
// Conversation does, and the user's account. NotFound is about the conversation;
// the account is good then, too. "" reads no conversation. 1 read unit each.
func (t *Table) Opening(ctx context.Context, user, conversation string) (chat.Conversation, chat.Account, error) {
	keys := []key{accountKey(user)}
	if k := conversationKey(conversation); conversation != "" && !k.tooLong() {
		keys = append(keys, k)
	}
	found, err := t.batchGet(ctx, "open turn", keys, true)
	if err != nil {
		return chat.Conversation{}, chat.Account{}, err
	}
	account := accountOf(found[keys[0]])
	if conversation == "" {
		return chat.Conversation{}, account, nil
	}
	c, err := t.conversation(conversation, found[conversationKey(conversation)])
	return c, account, err
}

func accountOf(it item) chat.Account {
	a := chat.Account{
		Version: it.num("v"), Minute: it.time("minute"), Prompts: it.int("prompts"), Day: it.str("day"), Tokens: it.int("tokens"),
		Conversations: it.int("convs"), Running: map[string]chat.Held{},
	}
	_, a.Counted = it["convs"]
	running := it.dict("running")
	for reply := range running {
		held := running.dict(reply)
		a.Running[reply] = chat.Held{Tokens: held.int("t"), Until: held.time("u")}
	}
	return a
}

// accountItem is the account's next version, if nobody has changed it since it was
// read. One past its ttl was read as none.
func (t *Table) accountItem(user string, a chat.Account) types.TransactWriteItem {
	it := accountKey(user).item()
	it["v"], it["minute"], it["prompts"], it["day"], it["tokens"] = num(a.Version+1), millis(a.Minute), num(a.Prompts), str(a.Day), num(a.Tokens)
	if a.Counted {
		it["convs"] = num(a.Conversations)
	}
	running := item{}
	for reply, held := range a.Running {
		running[reply] = dict(item{"t": num(held.Tokens), "u": millis(held.Until)})
	}
	it["running"], it["ttl"] = dict(running), seconds(t.now().Add(accountLife))
	put := &types.Put{TableName: &t.name, Item: it, ConditionExpression: aws.String("#v = :v"),
		ExpressionAttributeNames: map[string]string{"#v": "v"}, ExpressionAttributeValues: item{":v": num(a.Version)}}
	if a.Version == 0 {
		put.ConditionExpression = aws.String("attribute_not_exists(#pk) OR #ttl <= :now")
		put.ExpressionAttributeNames = map[string]string{"#pk": "pk", "#ttl": "ttl"}
		put.ExpressionAttributeValues = item{":now": seconds(t.now())}
	}
	return types.TransactWriteItem{Put: put}
}

// Charge counts what a reply used on its user's account, today, and gives back what
// it held. Once: a reply that was counted, or never held anything, changes nothing.
// 1 write unit, 2 for the first of a day, none for one that held nothing.
func (t *Table) Charge(ctx context.Context, r chat.Reply, tokens int) error {
	if r.Held == 0 {
		return nil
	}
	today := chat.DayOf(t.now())
	add := change{
		key:    accountKey(r.User),
		update: "SET #v = #v + :1, #tokens = #tokens + :n REMOVE #running.#r",
		cond:   "attribute_exists(#running.#r) AND #day >= :today",
		values: item{":1": num(1), ":n": num(tokens), ":today": str(today)},
		names:  map[string]string{"#r": r.ID},
	}
	begin := add
	begin.update = "SET #v = #v + :1, #tokens = :n, #day = :today REMOVE #running.#r"
	begin.cond = "attribute_exists(#running.#r) AND #day < :today"
	// A day only begins once, so three attempts meet it.
	for _, c := range []change{add, begin, add} {
		img, ok, err := t.change(ctx, "charge account", c)
		if _, held := img.dict("running")[r.ID]; err != nil || ok || !held {
			return err
		}
	}
	return fmt.Errorf("charge account %s: its day is neither today nor another", accountKey(r.User))
}

// CountConversations counts a user's conversations, also those whose Delete is under
// way: that takes each off the count when it is done. It reads an index: what was
// made within the last moments may be missing. Half a read unit per 4 KB of their
// titles and keys, some 20 conversations.
func (t *Table) CountConversations(ctx context.Context, user string) (int, error) {
	n := 0
	in := &dynamodb.QueryInput{
		TableName: &t.name, IndexName: aws.String(indexUser), Select: types.SelectCount,
		KeyConditionExpression:   aws.String("#g1pk = :pk AND #g1sk BETWEEN :lo AND :hi"),
		FilterExpression:         aws.String("attribute_not_exists(#ttl) OR #ttl > :now"),
		ExpressionAttributeNames: map[string]string{"#g1pk": "g1pk", "#g1sk": "g1sk", "#ttl": "ttl"},
		ExpressionAttributeValues: item{
			":pk": str("U#" + user), ":lo": str("V#"), ":hi": str("X$"), ":now": seconds(t.now()),
		},
	}
	for {
		out, err := call(ctx, t, "count conversations", key{"U#" + user, "V#"}, t.again, t.client.Query, in)
		if err != nil {
			return 0, err
		}
		n += int(out.Count)
		if out.LastEvaluatedKey == nil {
			return n, nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// uncount takes a conversation that is no more off its user's account, if it was
// counted there. 1 write unit.
func (t *Table) uncount(ctx context.Context, user string) error {
	_, _, err := t.change(ctx, "uncount conversation", change{
		key:    accountKey(user),
		update: "SET #v = #v + :1, #convs = #convs - :1",
		cond:   "#convs > :0",
		values: item{":1": num(1), ":0": num(0)},
	})
	return err
}
