package dynamo

import (
	"context"
	"iter"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"kaiwa/pkg/chat"
)

// entry is a message without its text yet.
type entry struct {
	chat.Message
	// cursor is the before of a page that begins here.
	cursor string
	// read gives the first n code points.
	read func(ctx context.Context, n int) (string, error)
}

// onlyPrompt begins the cursor of a page whose first user message had its reply
// on the page before.
const onlyPrompt = "="

// maxTurns bounds one read: a user message may have 64 KB in its item, and a
// query's page has 1 MB (aws-facts §9).
const maxTurns = 64

// entries yields a conversation's messages, newest first, from a cursor on. It
// reads turns user messages and their replies, then twice as many, and so on: a
// read unit per 4 KB of the messages, one or two per reply. The texts are extra.
func (t *Table) entries(ctx context.Context, conversation, before string, turns int) iter.Seq2[entry, error] {
	from, skip := strings.CutPrefix(before, onlyPrompt)
	in := &dynamodb.QueryInput{
		KeyConditionExpression: aws.String("#pk = :pk AND #sk BETWEEN :lo AND :hi"),
		ExpressionAttributeValues: item{
			":pk": str(conversationKey(conversation).pk), ":lo": str("M#"), ":hi": str(upTo("M", from)),
		},
		ConsistentRead:   aws.Bool(true),
		ScanIndexForward: aws.Bool(false),
		Limit:            aws.Int32(int32(turns)),
	}
	return func(yield func(entry, error) bool) {
		for page, err := range t.pages(ctx, "read messages", in) {
			var replies map[key]item
			if err == nil {
				replies, err = t.repliesOf(ctx, page)
			}
			if err != nil {
				yield(entry{}, err)
				return
			}
			for _, it := range page {
				e := t.prompt(it)
				r, ok := replies[replyKey(e.Reply)]
				if ok && !(skip && e.ID == from) && !yield(t.answer(replyOf(e.Reply, r), e.ID), nil) {
					return
				}
				if !yield(e, nil) {
					return
				}
			}
			in.Limit = aws.Int32(min(2**in.Limit, maxTurns))
		}
	}
}

func (t *Table) repliesOf(ctx context.Context, messages []item) (map[key]item, error) {
	var keys []key
	for _, it := range messages {
		keys = append(keys, replyKey(it.str("reply")))
	}
	return t.batchGet(ctx, "read replies", keys, true)
}

// prompt is the entry of a user message.
func (t *Table) prompt(it item) entry {
	id := strings.TrimPrefix(it.str("sk"), "M#")
	e := entry{cursor: onlyPrompt + id, Message: chat.Message{
		ID: id, Role: chat.User, At: it.time("at"), Reply: it.str("reply"), Length: it.int("length"),
	}}
	e.read = func(ctx context.Context, n int) (string, error) {
		if it.num("segs") == 0 {
			return cut(it.str("text"), 0, n), nil
		}
		return t.segments(ctx, messageSegments(id), 0, n)
	}
	return e
}

// answer is the entry of the reply to a user message.
func (t *Table) answer(r chat.Reply, to string) entry {
	return entry{
		cursor: to,
		Message: chat.Message{
			ID: r.ID, Role: chat.Assistant, At: r.Created, Reply: r.ID, Stop: r.EndStop, Length: r.Length,
		},
		read: func(ctx context.Context, n int) (string, error) { return t.Text(ctx, r, 0, n) },
	}
}

// Messages is a page of at most limit (1 to 100) messages of a conversation,
// newest first; a reply stands before the prompt it answers. The page stops where
// its JSON would pass maxBytes; a message that is too long for a page of its own
// is cut, and its Length tells. The string is before for the next page, "" after
// the last. Whose conversation it is, is for the caller to check. Units: see
// entries; for a full page of short messages about 1 per turn.
func (t *Table) Messages(ctx context.Context, conversation, before string, limit, maxBytes int) ([]chat.Message, string, error) {
	limit = min(max(limit, 1), 100)
	p := page{limit: limit, room: maxBytes}
	// One turn more than fits tells whether there is a next page.
	for e, err := range t.entries(ctx, conversation, before, min(limit/2+2, firstTurns)) {
		if err != nil {
			return nil, "", err
		}
		ok, err := p.add(ctx, e)
		if err != nil {
			return nil, "", err
		}
		if !ok {
			return p.messages, e.cursor, nil
		}
	}
	return p.messages, "", nil
}

// firstTurns is how many turns a page of history reads at first: long ones may
// well fill it.
const firstTurns = 16

// envelope is about what a message takes in JSON besides its text.
const envelope = 200

// page gathers messages until it is full.
type page struct {
	messages    []chat.Message
	limit, room int
}

// add puts e on the page, or says that it belongs on the next one.
func (p *page) add(ctx context.Context, e entry) (bool, error) {
	first := len(p.messages) == 0
	room := p.room - envelope
	// A code point takes a byte at least, so some texts need not be read to know.
	if !first && (len(p.messages) == p.limit || e.Length > room) {
		return false, nil
	}
	text, err := e.read(ctx, max(1, min(e.Length, room)))
	if err != nil {
		return false, err
	}
	fits, size := fitting(text, room)
	if !first && fits < len(text) {
		return false, nil
	}
	e.Text = text[:fits]
	p.messages = append(p.messages, e.Message)
	p.room -= envelope + size
	return true, nil
}

// fitting is how many bytes of s, whole code points and at least one, encode as
// JSON in room bytes, and how many bytes that takes.
func fitting(s string, room int) (fits, size int) {
	for i, r := range s {
		n := utf8.RuneLen(r)
		switch {
		case r == '"' || r == '\\' || r == '\n' || r == '\r' || r == '\t':
			n = 2
		case r < 0x20 || r == '\u2028' || r == '\u2029':
			n = 6
		}
		if i > 0 && size+n > room {
			return i, size
		}
		size += n
	}
	return len(s), size
}
