package handler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/aws/aws-lambda-go/events"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/relay"
)

// Closer removes connections and what they may do.
type Closer interface {
	Close(ctx context.Context, id string) error
	UserConnections(ctx context.Context, user string) ([]chat.Connection, error)
	Revoke(ctx context.Context, user string) error
	Expire(ctx context.Context, connection string) error
	Eraser
}

// Disconnect serves $disconnect, which API Gateway sends when it can: what it
// misses is removed by a 410 or by the table's TTL. By direct Invoke it also takes
// Orders of whoever runs the deployment.
type Disconnect struct {
	Store   Closer
	Sockets Hanger
	Poster  relay.Poster
	Logger  *slog.Logger
}

// Order is what may be asked for by direct Invoke.
type Order struct {
	// Revoke ends all that a user's tokens allow, issued up to now: none of them
	// opens a connection any more, and the open ones are closed.
	Revoke *struct {
		User string `json:"user"`
	} `json:"revoke,omitempty"`
	// Erase removes all that is stored of a user.
	Erase *Erasure `json:"erase,omitempty"`
}

// Closed says how many connections were closed.
type Closed struct {
	Closed int `json:"closed"`
}

// Handle never fails for $disconnect: nobody reads the answer, and a retry is not
// offered. An Order it could not carry out to the end may be repeated.
func (h *Disconnect) Handle(ctx context.Context, event json.RawMessage) (any, error) {
	var o Order
	if err := json.Unmarshal(event, &o); err != nil {
		return nil, fmt.Errorf(`decode event: %w; send {"revoke":{"user":"alice"}}`, err)
	}
	switch {
	case o.Revoke != nil:
		return h.revoke(ctx, o.Revoke.User)
	case o.Erase != nil:
		return h.erase(ctx, *o.Erase)
	}
	var ev events.APIGatewayWebsocketProxyRequest
	if err := json.Unmarshal(event, &ev); err != nil {
		return nil, fmt.Errorf("decode event: %w", err)
	}
	id := ev.RequestContext.ConnectionID
	if id == "" {
		return nil, errors.New(`the event is neither a connection's end nor an order; send {"revoke":{"user":"alice"}} or {"erase":{"user":"alice"}}`)
	}
	if ev.RequestContext.EventType != "DISCONNECT" { // a client's message {"action":"$disconnect"}
		orDiscard(h.Logger).InfoContext(ctx, "a message is no connection's end", "connection", id)
		return status(http.StatusForbidden), nil
	}
	if err := h.Store.Close(ctx, id); err != nil {
		orDiscard(h.Logger).WarnContext(ctx, "connection stays until its TTL", "connection", id, "error", err)
	}
	return status(http.StatusOK), nil
}

// revoke first closes the door, then what is inside. Each connection is ended in the
// table as well, so that one whose socket could not be closed gets nothing done any
// more.
func (h *Disconnect) revoke(ctx context.Context, user string) (Closed, error) {
	if user == "" {
		return Closed{}, errors.New(`revoke names no user; send {"revoke":{"user":"alice"}}`)
	}
	if err := h.Store.Revoke(ctx, user); err != nil {
		return Closed{}, err
	}
	conns, err := h.Store.UserConnections(ctx, user)
	faults := []error{err}
	var done Closed
	for _, c := range conns {
		if err := errors.Join(h.Store.Expire(ctx, c.ID), h.Sockets.HangUp(ctx, c.ID)); err != nil {
			faults = append(faults, err)
			continue
		}
		done.Closed++
	}
	err = errors.Join(faults...)
	orDiscard(h.Logger).InfoContext(ctx, "tokens revoked", "closed", done.Closed, "error", err)
	return done, err
}
