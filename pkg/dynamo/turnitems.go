package dynamo

import (
	"fmt"
	"maps"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"kaiwa/pkg/chat"
)

const (
	// maxInline is the most bytes of a prompt inside its message item.
	maxInline = 64 << 10
	// maxSegment is the most bytes of one segment of a longer one.
	maxSegment = 256 << 10
	// maxTitle is the most characters of a title made from a prompt.
	maxTitle = 60
)

// newReply is the pending reply of a turn.
func newReply(turn chat.Turn) chat.Reply {
	r := chat.Reply{
		ID: turn.Reply, User: turn.User, Conversation: turn.Conversation, Prompt: turn.Prompt,
		State: chat.Pending, Listeners: map[string]chat.Listener{}, Created: turn.At, Invoked: turn.At,
	}
	if turn.Account != nil {
		r.Held = turn.Account.Running[r.ID].Tokens
	}
	add := func(conn string, m chat.Mode) {
		r.N++
		r.Listeners[conn] = chat.Listener{N: r.N, Mode: m}
	}
	others := maps.Clone(turn.Seen.Listeners)
	delete(others, turn.Connection)
	for _, conn := range inOrder(others)[max(0, len(others)-chat.MaxListeners+1):] {
		add(conn, others[conn].Mode)
	}
	if turn.Connection != "" {
		add(turn.Connection, turn.Mode)
	}
	return r
}

func (t *Table) turnItems(turn chat.Turn, reply chat.Reply) []types.TransactWriteItem {
	items := []types.TransactWriteItem{claimFirst: t.claimItem(turn)}
	if turn.New {
		items = append(items, t.conversationItem(turn))
	} else {
		items = append(items, t.conversationUpdate(turn))
	}
	if turn.Account != nil {
		items = append(items, t.accountItem(turn.User, *turn.Account))
	}
	r := replyItem(reply)
	t.keep(r, 0)
	for _, it := range append(t.messageItems(turn), r) {
		items = append(items, types.TransactWriteItem{Put: &types.Put{TableName: &t.name, Item: it}})
	}
	return items
}

func (t *Table) claimItem(turn chat.Turn) types.TransactWriteItem {
	it := claimKey(turn.User, turn.Prompt).item()
	it["hash"], it["reply"], it["conv"] = str(turn.Hash), str(turn.Reply), str(turn.Conversation)
	it["ttl"] = seconds(t.now().Add(claimLife))
	return types.TransactWriteItem{Put: &types.Put{
		TableName: &t.name, Item: it,
		ConditionExpression:                 aws.String("attribute_not_exists(#pk) OR #ttl <= :now"),
		ExpressionAttributeNames:            map[string]string{"#pk": "pk", "#ttl": "ttl"},
		ExpressionAttributeValues:           item{":now": seconds(t.now())},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}

func (t *Table) conversationItem(turn chat.Turn) types.TransactWriteItem {
	first := map[string]chat.Listener{}
	if turn.Connection != "" {
		first[turn.Connection] = chat.Listener{N: 1, Mode: turn.Mode}
	}
	it := conversationKey(turn.Conversation).item()
	it["user"], it["title"], it["at"], it["active"] = str(turn.User), str(title(turn.Text)), millis(turn.At), str(turn.Reply)
	it["n"] = num(1)
	it["ln"], _, it["lm"] = listenerMaps(first)
	it["g1pk"], it["g1sk"] = str("U#"+turn.User), str(conversationSort(turn.At, turn.Conversation))
	t.keep(it, 0)
	return types.TransactWriteItem{Put: &types.Put{
		TableName: &t.name, Item: it,
		ConditionExpression:      aws.String("attribute_not_exists(#pk)"),
		ExpressionAttributeNames: map[string]string{"#pk": "pk"},
	}}
}

// conversationUpdate makes the reply the active one and the prompting connection
// a listener. Nobody can have registered since Seen, or the condition refuses.
func (t *Table) conversationUpdate(turn chat.Turn) types.TransactWriteItem {
	set := "SET #active = :reply, #n = :n1, #at = :at, #g1sk = :g1sk"
	var remove []string
	other := map[string]string{}
	values := item{
		":reply": str(turn.Reply), ":at": millis(turn.At), ":g1sk": str(conversationSort(turn.At, turn.Conversation)),
		":user": str(turn.User), ":active": str(turn.Seen.Active), ":n": num(turn.Seen.N), ":n1": num(turn.Seen.N + 1),
	}
	if turn.Connection != "" {
		set += ", #ln.#c = :n1, #lm.#c = :mode"
		other["#c"], values[":mode"] = turn.Connection, str(string(turn.Mode))
	}
	if t.o.Retention > 0 {
		set += ", #ttl = :ttl"
		values[":ttl"] = t.expiry(0)
	} else {
		remove = append(remove, "#ttl")
	}
	others := maps.Clone(turn.Seen.Listeners)
	delete(others, turn.Connection)
	for i, conn := range append(oldest(others, len(others)+1-chat.MaxListeners), turn.Silenced...) {
		c := fmt.Sprintf("#c%d", i)
		other[c] = conn
		remove = append(remove, "#ln."+c, "#lm."+c)
	}
	update := set
	if len(remove) > 0 {
		update += " REMOVE " + strings.Join(remove, ", ")
	}
	cond := "#user = :user AND #active = :active AND #n = :n AND attribute_not_exists(#deleted)"
	return types.TransactWriteItem{Update: &types.Update{
		TableName: &t.name, Key: conversationKey(turn.Conversation).item(),
		UpdateExpression: &update, ConditionExpression: &cond,
		ExpressionAttributeNames: names(other, update, cond), ExpressionAttributeValues: values,
	}}
}

// messageItems is the user message, with its text or followed by its segments.
func (t *Table) messageItems(turn chat.Turn) []item {
	it := messageKey(turn.Conversation, turn.Message).item()
	it["reply"], it["at"], it["length"] = str(turn.Reply), millis(turn.At), num(utf8.RuneCountInString(turn.Text))
	t.keep(it, 0)
	if len(turn.Text) <= maxInline {
		it["text"] = str(turn.Text)
		return []item{it}
	}
	items := []item{it}
	base := 0
	for text := turn.Text; text != ""; {
		n := wholeRunes(text, maxSegment)
		length := utf8.RuneCountInString(text[:n])
		s := t.segmentItem(messageSegments(turn.Message), chat.Segment{Base: base, Length: length, Text: text[:n]})
		items = append(items, s)
		text, base = text[n:], base+length
	}
	it["segs"] = num(len(items) - 1)
	return items
}

// wholeRunes is the most bytes of s, up to limit, that end between code points.
func wholeRunes(s string, limit int) int {
	if len(s) <= limit {
		return len(s)
	}
	n := limit
	for n > limit-utf8.UTFMax && !utf8.RuneStart(s[n]) {
		n--
	}
	return n
}

// title is the first line of a first prompt that is not blank, cut.
func title(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return strings.TrimSpace(cut(line, 0, maxTitle))
}

// segmentSlack is how much longer than their item segments are kept, so that a
// reader who just found the item also finds them.
const segmentSlack = time.Hour

func (t *Table) segmentItem(pk string, s chat.Segment) item {
	it := key{pk, segmentSort(s.Base)}.item()
	it["text"], it["length"] = str(s.Text), num(s.Length)
	t.keep(it, segmentSlack)
	return it
}
