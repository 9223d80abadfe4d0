package stack

import (
	"context"
	"fmt"

	"kaiwa/local/faults"
	"kaiwa/pkg/emu/converse"
)

// UseFaults replaces the faults in force; nil clears them.
func (s *Stack) UseFaults(p *faults.Plan) { s.dice.Use(p) }

// Invoke runs a function and waits for its answer; an error of the function is one.
func (s *Stack) Invoke(ctx context.Context, function string, payload []byte) ([]byte, error) {
	out, failed, err := s.host.Invoke(ctx, function, payload)
	if err == nil && failed != "" {
		err = fmt.Errorf("%s: %s", function, out)
	}
	return out, err
}

// Replace has a function run another command; see lambdart.Host.Replace.
func (s *Stack) Replace(function string, command []string) error {
	return s.host.Replace(function, command)
}

// TokenTimes are the times of the model's first and last token of the calls whose
// prompt names a tag; nil when AWS itself answers.
func (s *Stack) TokenTimes() map[string]converse.TokenTimes {
	if s.model == nil {
		return nil
	}
	return s.model.FirstTokens()
}
