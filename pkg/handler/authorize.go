package handler

import (
	"context"
	"errors"
	"log/slog"
	"strings"

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
// API Gateway answer 401.
func (h *Authorize) Handle(ctx context.Context, ev events.APIGatewayCustomAuthorizerRequestTypeRequest) (events.APIGatewayCustomAuthorizerResponse, error) {
	id, err := h.Verifier.Verify(ctx, bearerOf(ev.Headers))
	if err != nil {
		orDiscard(h.Logger).InfoContext(ctx, "token refused", "error", err)
		return events.APIGatewayCustomAuthorizerResponse{}, errors.New("Unauthorized") // API Gateway matches this text
	}
	return events.APIGatewayCustomAuthorizerResponse{
		PrincipalID: id.User,
		PolicyDocument: events.APIGatewayCustomAuthorizerPolicy{Version: "2012-10-17",
			Statement: []events.IAMPolicyStatement{{Effect: "Allow", Action: []string{"execute-api:Invoke"}, Resource: []string{ev.MethodArn}}}},
	}, nil
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
