package handler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/wire"
)

// Verifier checks a bearer token and says whose it is.
type Verifier interface {
	Verify(ctx context.Context, token string) (chat.Identity, error)
}

// Authorize is the Lambda REQUEST authorizer of $connect (aws-facts §5). It
// names no identity source, since all that are named must be present, and looks
// itself.
type Authorize struct {
	Verifier Verifier
	Logger   *slog.Logger
}

// Handle allows or refuses a connection. The error "Unauthorized" is what makes
// API Gateway answer 401; any other makes it 500, which tells a client whose token
// nobody could check to try again (aws-facts §3).
func (h *Authorize) Handle(ctx context.Context, ev events.APIGatewayCustomAuthorizerRequestTypeRequest) (events.APIGatewayCustomAuthorizerResponse, error) {
	id, err := h.Verifier.Verify(ctx, bearerOf(ev.Headers))
	if chat.KindOf(err) == chat.Unavailable {
		orDiscard(h.Logger).ErrorContext(ctx, "token not checked", "error", err)
		return events.APIGatewayCustomAuthorizerResponse{}, errors.New("the issuer of tokens could not be reached")
	}
	if err != nil {
		orDiscard(h.Logger).InfoContext(ctx, "token refused", "error", err)
		return events.APIGatewayCustomAuthorizerResponse{}, errors.New("Unauthorized") // API Gateway matches this text
	}
	return events.APIGatewayCustomAuthorizerResponse{
		PrincipalID: id.User,
		PolicyDocument: events.APIGatewayCustomAuthorizerPolicy{Version: "2012-10-17",
			Statement: []events.IAMPolicyStatement{{Effect: "Allow", Action: []string{"execute-api:Invoke"}, Resource: []string{ev.MethodArn}}}},
		Context: contextOf(id),
	}, nil
}

// The names under which Authorize hands an identity on: API Gateway puts the
// context into every event of the connection, as strings (aws-facts §2). The user
// is the principal.
const (
	contextUser    = "principalId"
	contextIssued  = "issued"  // seconds since 1970
	contextExpires = "expires" // seconds since 1970
	contextTopics  = "topics"  // a JSON array of patterns; absent for no claim
)

func contextOf(id chat.Identity) map[string]any {
	m := map[string]any{}
	if !id.Issued.IsZero() {
		m[contextIssued] = strconv.FormatInt(id.Issued.Unix(), 10)
	}
	if !id.Expires.IsZero() {
		m[contextExpires] = strconv.FormatInt(id.Expires.Unix(), 10)
	}
	if id.Topics != nil {
		b, _ := json.Marshal(id.Topics) // strings always encode
		m[contextTopics] = string(b)
	}
	return m
}

// fromContext is what contextOf made, as an event has it. What it cannot read is
// an error: a token that never expires, or names no topics, is nothing to guess.
func fromContext(authorizer any) (id chat.Identity, err error) {
	m, _ := authorizer.(map[string]any)
	id.User, _ = m[contextUser].(string)
	if id.Expires, err = timeOf(m[contextExpires]); err != nil {
		return chat.Identity{}, fmt.Errorf("the authorizer's %s: %w", contextExpires, err)
	}
	if m[contextIssued] != nil {
		if id.Issued, err = timeOf(m[contextIssued]); err != nil {
			return chat.Identity{}, fmt.Errorf("the authorizer's %s: %w", contextIssued, err)
		}
	}
	if m[contextTopics] != nil {
		list, _ := m[contextTopics].(string)
		if err := json.Unmarshal([]byte(list), &id.Topics); err != nil || id.Topics == nil {
			return chat.Identity{}, fmt.Errorf("the authorizer's %s are no list", contextTopics)
		}
	}
	return id, nil
}

// timeOf reads seconds since 1970, which may come as a string or as a number
// (aws-facts §2).
func timeOf(v any) (time.Time, error) {
	seconds, ok := v.(float64)
	if s, is := v.(string); is {
		n, err := strconv.ParseInt(s, 10, 64)
		seconds, ok = float64(n), err == nil
	}
	if !ok {
		return time.Time{}, errors.New("not a time in seconds")
	}
	return time.Unix(int64(seconds), 0).UTC(), nil
}

// bearerOf finds the token in the Authorization header or, for browsers, in the
// subprotocol bearer.TOKEN. It never travels in the query, which gets logged.
func bearerOf(headers map[string]string) string {
	protocols := ""
	for k, v := range headers {
		switch {
		case strings.EqualFold(k, "Authorization"):
			if scheme, token, ok := strings.Cut(v, " "); ok && strings.EqualFold(scheme, "Bearer") {
				return strings.TrimSpace(token)
			}
		case strings.EqualFold(k, "Sec-WebSocket-Protocol"):
			protocols = v
		}
	}
	for p := range strings.SplitSeq(protocols, ",") {
		if token, ok := strings.CutPrefix(strings.TrimSpace(p), wire.SubprotocolBearer); ok {
			return token
		}
	}
	return ""
}
