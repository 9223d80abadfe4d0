package handler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"kaiwa/pkg/relay"
)

// Reply serves the reply function's asynchronous event.
type Reply struct {
	Relay *relay.Relay
}

// NewReply reads the relay's knobs from the environment: FLUSH_MILLISECONDS,
// PIECE_BYTES, KEEPALIVE_SECONDS, DISCONNECT_POLICY, HISTORY_TOKENS.
func NewReply(env *Env, store relay.Store, model relay.Model, poster relay.Poster) *Reply {
	return &Reply{Relay: relay.New(store, model, poster, relayOptions(env))}
}

// Handle makes one reply. An error asks Lambda to deliver the event again (R14).
func (h *Reply) Handle(ctx context.Context, event json.RawMessage) error {
	var p payload
	if err := json.Unmarshal(event, &p); err != nil {
		return fmt.Errorf("decode event: %w", err)
	}
	if p.Reply == "" {
		return errors.New(`the event names no reply; send {"reply":"ID"}`)
	}
	return h.Relay.Run(ctx, p.Reply)
}
