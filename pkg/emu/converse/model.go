package converse

import (
	"context"
	"encoding/json"
	"strings"
)

// Model answers one conversation.
type Model interface {
	// Stream emits the answer to req: Delta for each piece, then one End. It returns as soon as ctx is done or emit
	// fails, with that error. It calls emit from one goroutine, and not after it has returned. An *Error refuses the call if nothing was emitted yet, and else ends the stream with that
	// exception; any other error counts as an InternalServerException. Returning nil without an End cuts the stream,
	// as a broken connection does: the client sees neither messageStop nor an error (aws-facts §8).
	Stream(ctx context.Context, req Request, emit func(Event) error) error
}

// Event is what a Model emits: a Delta or an End.
type Event interface{ event() }

// Delta is the next piece of the answer's only text block, one token for the built-in model.
type Delta struct{ Text string }

// End completes an answer. Reason is a stopReason of the Converse API, such as end_turn (aws-facts §8).
type End struct {
	Reason string
	Usage  Usage
}

func (Delta) event() {}
func (End) event()   {}

// Usage counts tokens. Input is what was neither read from nor written to the prompt cache.
type Usage struct {
	Input, Output         int
	CacheRead, CacheWrite int
	Cached                bool // the two cache counts are reported, even if 0
}

// Request is a validated Converse or ConverseStream request.
type Request struct {
	ModelID       string // unescaped: a model id, or an ARN
	System        []Block
	Messages      []Message // user and assistant in turn, from the user's first to the user's last
	MaxTokens     int       // 0: not given
	Temperature   *float64  // nil: not given, as TopP
	TopP          *float64
	StopSequences []string
	Guardrail     *Guardrail
	Latency       string // performanceConfig: standard, optimized, or empty
	Metadata      map[string]string
	Additional    json.RawMessage // additionalModelRequestFields as sent; nil: not given
}

// Message is one turn of a conversation.
type Message struct {
	Role    string // user or assistant
	Content []Block
}

// Block is a text, or a cache point (then TTL is 5m, 1h, or empty for the default).
type Block struct {
	Text       string
	CachePoint bool
	TTL        string
}

// Guardrail is a request's guardrailConfig. It is recorded, never applied.
type Guardrail struct{ Identifier, Version, Trace, Mode string }

// Text is all text of the message, its blocks joined.
func (m Message) Text() string { return joinBlocks(m.Content, "") }

// prompt is the text of the last message, which is the user's.
func (r Request) prompt() string {
	if len(r.Messages) == 0 {
		return ""
	}
	return r.Messages[len(r.Messages)-1].Text()
}

func joinBlocks(blocks []Block, sep string) string {
	var texts []string
	for _, b := range blocks {
		if !b.CachePoint {
			texts = append(texts, b.Text)
		}
	}
	return strings.Join(texts, sep)
}
