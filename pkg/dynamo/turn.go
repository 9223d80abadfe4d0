package dynamo

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"kaiwa/pkg/chat"
)

// Claimed looks up whether a user's prompt id was used in the last 24 hours. 1
// read unit.
func (t *Table) Claimed(ctx context.Context, user, prompt string) (chat.Claim, bool, error) {
	it, err := t.get(ctx, "read claim", claimKey(user, prompt))
	if err != nil || it == nil {
		return chat.Claim{}, false, err
	}
	return claimOf(it), true, nil
}

func claimOf(it item) chat.Claim {
	return chat.Claim{Hash: it.str("hash"), Reply: it.str("reply"), Conversation: it.str("conv")}
}

// CreateTurn stores a prompt and its pending reply in one transaction (R10): the
// claim on the prompt id, the conversation (made if New; else unchanged since
// Seen), the message, and the reply with the conversation's listeners and the
// prompting connection at offset 0; and the user's account, if there is one,
// unchanged since it was read. The turn's own transaction, seen when it is
// repeated, counts as created.
//
// chat.ErrDuplicate comes with the Claim that holds the id. chat.ErrMoved: the
// conversation has changed or gone, or the account has changed; read them again. A
// small prompt takes about 8 write units, 2 for the account and 2 for the index;
// each further KB of text 2.
func (t *Table) CreateTurn(ctx context.Context, turn chat.Turn) (chat.Reply, chat.Claim, error) {
	if turn.At.IsZero() {
		turn.At = t.now()
	}
	reply := newReply(turn)
	claim := chat.Claim{Hash: turn.Hash, Reply: turn.Reply, Conversation: turn.Conversation}
	in := &dynamodb.TransactWriteItemsInput{
		ClientRequestToken: aws.String(chat.NewID()),
		TransactItems:      t.turnItems(turn, reply),
	}
	for try := 1; ; try++ {
		_, err := call(ctx, t, "create turn", claimKey(turn.User, turn.Prompt), t.again, t.client.TransactWriteItems, in)
		if err == nil {
			return reply, claim, nil
		}
		var why []types.CancellationReason
		if canceled, is := errors.AsType[*types.TransactionCanceledException](err); is {
			why = canceled.CancellationReasons
		}
		switch {
		case refused(why, claimFirst):
			return t.claimed(ctx, turn, claimOf(why[claimFirst].Item))
		case transient(why) && try < maxTries:
			if err = wait(ctx, backoff(try)); err == nil {
				continue
			}
		case transient(why):
			err = unavailable(err)
		case refused(why, conversationSecond), refused(why, accountThird): // nothing else has a condition
			err = chat.ErrMoved
		}
		return chat.Reply{}, chat.Claim{}, err
	}
}

// claimed answers a turn whose prompt id is taken: perhaps by itself.
func (t *Table) claimed(ctx context.Context, turn chat.Turn, c chat.Claim) (chat.Reply, chat.Claim, error) {
	if c.Reply != turn.Reply {
		return chat.Reply{}, c, chat.ErrDuplicate
	}
	r, err := t.Reply(ctx, c.Reply)
	return r, c, err
}

// Where the conditional items stand in the transaction, and so in the reasons.
const (
	claimFirst         = 0
	conversationSecond = 1
	accountThird       = 2 // where there is an account
)

func refused(why []types.CancellationReason, i int) bool {
	return i < len(why) && aws.ToString(why[i].Code) == "ConditionalCheckFailed"
}

// transient tells whether another transaction or throttling was in the way, so that
// the same transaction may well succeed.
func transient(why []types.CancellationReason) bool {
	return slices.ContainsFunc(why, func(r types.CancellationReason) bool {
		switch aws.ToString(r.Code) {
		case "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded":
			return true
		}
		return false
	})
}
