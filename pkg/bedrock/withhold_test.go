package bedrock_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"

	"kaiwa/pkg/bedrock"
	"kaiwa/pkg/emu/converse"
)

// TestErrorsDoNotQuote: errors go to the log, which holds no text. A model may
// repeat in its error what was said to it, or what it has said.
func TestErrorsDoNotQuote(t *testing.T) {
	const said = "The treasure lies under the third palm."
	const prompt = "Where is the treasure? My password is swordfish."
	tests := []struct {
		name, prompt, message string
		midway                bool
		withheld              bool
	}{
		{"a prompt", prompt, "Malformed input request: [" + prompt + "] is not allowed", false, true},
		{"part of a prompt", prompt, "illegal words: My password is swordfish", false, true},
		{"a short prompt", "sesame", "sesame is no question", false, true},
		{"a prompt, midway", prompt, "failed on: " + prompt, true, true},
		{"an answer, midway", "hello", "generated: treasure lies under the third", true, true},
		{"nothing", prompt, "The provided model identifier is invalid.", false, false},
		{"nothing, midway", prompt, "The system encountered an unexpected error", true, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, _ := start(t, bedrock.Options{}, &converse.Options{Model: scripted(func(_ context.Context, emit func(converse.Event) error) error {
				if tt.midway {
					if err := emit(converse.Delta{Text: said}); err != nil {
						return err
					}
				}
				return &converse.Error{Exception: converse.Validation, Message: tt.message}
			})})
			err := ask(t.Context(), m, user(tt.prompt)).err
			if got := strings.Contains(err.Error(), tt.message); got == tt.withheld {
				t.Errorf("the error is %v", err)
			}
			if !strings.Contains(err.Error(), "ValidationException") {
				t.Errorf("the error does not say its kind: %v", err)
			}
			if _, ok := errors.AsType[*types.ValidationException](err); !ok {
				t.Errorf("the kind is lost: %#v", err)
			}
		})
	}
}
