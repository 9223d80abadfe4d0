package dynamo

import (
	"errors"
	"fmt"

	"github.com/aws/smithy-go"

	"kaiwa/pkg/chat"
)

const transactionConflict = "TransactionConflictException"

// wrap names operation and key. What may pass by itself (throttling, 5xx, no
// connection, no answer in time) becomes Unavailable; the rest is our defect and
// stays internal.
func (t *Table) wrap(op string, k key, err error) error {
	err = fmt.Errorf("%s %s: %w", op, k, err)
	if !t.passing(err) {
		return err
	}
	return unavailable(err)
}

func (t *Table) passing(err error) bool {
	var api smithy.APIError
	if errors.As(err, &api) {
		return t.again.IsErrorRetryable(err)
	}
	var params smithy.InvalidParamsError
	var encode *smithy.SerializationError
	return !errors.As(err, &params) && !errors.As(err, &encode)
}

func unavailable(err error) error {
	return &chat.Error{Kind: chat.Unavailable, Message: "the table could not be reached; try again", Err: err}
}

func noSuch(what string) error { return chat.E(chat.NotFound, "there is no such %s", what) }
