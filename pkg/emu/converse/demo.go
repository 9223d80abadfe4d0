package converse

import (
	"context"
	"errors"
	"strings"
	"time"
)

// Demo is the built-in model: no network, no randomness, the same answer to the same request. A last user message that
// starts with @demo obeys its Knobs; a knob it cannot read is answered with one line that explains them. Anything else
// gets a short answer in the prompt's language that says who is talking and what of the conversation it can see.
//
// It keeps maxTokens and stopSequences; temperature and topP have nothing to act on. Token i is due at First + i*Every
// after the call, however long the ones before it took to send, so the pace does not drift.
func Demo() Model { return demo{} }

type demo struct{}

func (demo) Stream(ctx context.Context, req Request, emit func(Event) error) error {
	return planFor(req).play(ctx, emit)
}

// plan is an answer fixed before its first token: the tokens to send, and when.
type plan struct {
	Knobs
	tokens []string
	end    End
}

func planFor(req Request) plan {
	p := plan{end: End{Reason: "end_turn"}}
	var err error
	switch p.Knobs, err = ParseKnobs(req.prompt()); {
	case err == nil:
		p.tokens = Tokens(p.Knobs)
	case errors.Is(err, ErrNotDemo):
		p.tokens = pieces(answer(req.Messages))
	default:
		p.tokens = pieces(err.Error())
	}
	if err != nil {
		p.Every, p.First = 20*time.Millisecond, 200*time.Millisecond
	}
	if p.Stop != "" {
		p.end.Reason = p.Stop
	}
	p.limit(req)
	p.end.Usage = estimate(req, p.tokens)
	return p
}

// limit applies maxTokens and then stopSequences; the stop sequence itself is not part of the answer.
func (p *plan) limit(req Request) {
	if req.MaxTokens > 0 && len(p.tokens) > req.MaxTokens {
		p.tokens, p.end.Reason = p.tokens[:req.MaxTokens], "max_tokens"
	}
	if len(req.StopSequences) == 0 {
		return
	}
	text, cut := strings.Join(p.tokens, ""), -1
	for _, s := range req.StopSequences {
		if i := strings.Index(text, s); i >= 0 && (cut < 0 || i < cut) {
			cut = i
		}
	}
	if cut >= 0 {
		p.tokens, p.end.Reason = head(p.tokens, cut), "stop_sequence"
	}
}

// head is the first n bytes of the tokens, none of them empty.
func head(tokens []string, n int) []string {
	var out []string
	for _, t := range tokens {
		if n == 0 {
			break
		}
		t = t[:min(n, len(t))]
		out = append(out, t)
		n -= len(t)
	}
	return out
}

func (p plan) play(ctx context.Context, emit func(Event) error) error {
	first := time.Now().Add(p.First)
	due := func(i int) time.Time { return first.Add(time.Duration(max(i, 0)) * p.Every) }
	for i := 0; ; i++ {
		if p.Stall > 0 && i == p.StallAt {
			first = first.Add(p.Stall)
			if err := until(ctx, due(i-1)); err != nil {
				return err
			}
		}
		switch {
		case p.Error != "" && i == p.ErrorAt:
			return p.failure()
		case p.Cut && i == p.CutAt:
			return nil
		case i == len(p.tokens):
			if err := until(ctx, due(i-1)); err != nil {
				return err
			}
			return emit(p.end)
		}
		if err := until(ctx, due(i)); err != nil {
			return err
		}
		if err := emit(Delta{Text: p.tokens[i]}); err != nil {
			return err
		}
	}
}

func until(ctx context.Context, t time.Time) error {
	wait := time.Until(t)
	if wait <= 0 || ctx.Err() != nil {
		return ctx.Err()
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// failure is the error the prompt asked for. Throttling and the internal error have Bedrock's own words.
func (p plan) failure() *Error {
	e := &Error{Exception: p.Error, Message: "The demo model was asked for this " + string(p.Error) + "."}
	switch p.Error {
	case Throttling:
		e.Message = "Too many requests, please wait before trying again."
	case InternalServer:
		e.Message = "The system encountered an unexpected error during processing. Try your request again."
	case ModelStreamError:
		e.OriginalStatus = 500
	}
	return e
}
