package dynamo

import (
	"context"

	"kaiwa/pkg/chat"
)

// recentTurns is how many turns are read at first.
const recentTurns = 8

// Recent is a conversation's messages for the model, newest first, texts whole,
// as many as the token budget takes; the first that does not fit ends it. The
// newest user message is there in any case. Empty texts, such as the reply now
// being made, are left out. Units: see entries, and the segments of long texts; a
// text that cannot fit is not read.
func (t *Table) Recent(ctx context.Context, conversation string, tokens int) ([]chat.Message, error) {
	budget := chat.Budget{Tokens: tokens}
	var list []chat.Message
	prompted, full := false, false
	for e, err := range t.entries(ctx, conversation, "", recentTurns) {
		if err != nil {
			return nil, err
		}
		must := e.Role == chat.User && !prompted
		if full && !must {
			break
		}
		prompted = prompted || must
		if e.Length == 0 {
			continue
		}
		// chat counts at least a third of a token for a code point.
		if !must && e.Length/3 > budget.Tokens {
			full = true
			continue
		}
		if e.Text, err = e.read(ctx, e.Length); err != nil {
			return nil, err
		}
		full = !budget.Take(e.Text) || full
		if must || !full {
			list = append(list, e.Message)
		}
	}
	return list, nil
}
