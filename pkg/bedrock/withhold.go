package bedrock

import (
	"errors"
	"strings"

	"github.com/aws/smithy-go"

	"kaiwa/pkg/chat"
)

// quoteLength is how many bytes in a row make an error's message a quotation. A
// text that is shorter is looked for whole, down to quoteLeast.
const (
	quoteLength = 24
	quoteLeast  = 4
)

// withhold takes the message off an error that quotes what was said: a model that
// refuses a prompt may repeat it, and errors go to the log, which holds no text.
func withhold(err error, p chat.Prompt, said string) error {
	message := err.Error()
	for _, m := range p.Messages {
		if quotes(message, m.Text) {
			return &withheld{err}
		}
	}
	if quotes(message, said) {
		return &withheld{err}
	}
	return err
}

func quotes(message, text string) bool {
	text = strings.TrimSpace(text)
	if len(text) < quoteLength {
		return len(text) >= quoteLeast && strings.Contains(message, text)
	}
	for i := 0; i+quoteLength <= len(message); i++ {
		if strings.Contains(text, message[i:i+quoteLength]) {
			return true
		}
	}
	return false
}

// withheld is an error that keeps its kind and not its message.
type withheld struct{ err error }

func (w *withheld) Error() string {
	kind := "the model's error"
	if api, ok := errors.AsType[smithy.APIError](w.err); ok {
		kind = api.ErrorCode()
	}
	return kind + ": its message quotes the conversation and is withheld"
}

// Unwrap gives what errors.As looks for.
func (w *withheld) Unwrap() error { return w.err }
