package handler

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/aws/aws-lambda-go/events"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/plain"
	"kaiwa/pkg/wire"
)

// Opener stores a new connection.
type Opener interface {
	Open(ctx context.Context, c chat.Connection) error
	Revoked(ctx context.Context, id chat.Identity) (bool, error)
	Crowds
	Topics
}

// Crowds are all open connections of a user.
type Crowds interface {
	CountConnections(ctx context.Context, user string, enough int) (int, error)
	Withdraw(ctx context.Context, user, connection string) error
}

// Connect serves $connect: it decides who the user is, once and for all, and
// stores the connection. It never posts: the connection does not exist yet for
// API Gateway (aws-facts §4).
type Connect struct {
	Store Opener
	// Auth is how the API authorizes: iam, jwt, apikey or none.
	Auth string
	// Origins that browsers may connect from, "*" for all. A request without
	// Origin comes from no browser and passes.
	Origins []string
	// Topics are the patterns of topics, as in SendMessage.
	Topics []string
	// Notify is the function that hands over what a user missed.
	Notify Invoker
	// Most is how many connections a user may have open; 0 for any number.
	Most   int
	Logger *slog.Logger
}

// Handle answers with the status the handshake is to have: 200, 400, 401, 403, 429
// or 500.
func (h *Connect) Handle(ctx context.Context, ev events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error) {
	log := orDiscard(h.Logger)
	// Where a client's message {"action":"$connect"} goes is not documented
	// (aws-facts §10). It has no headers, and must not say anew who it is.
	if ev.RequestContext.EventType == "MESSAGE" {
		log.InfoContext(ctx, "a message is no handshake", "connection", ev.RequestContext.ConnectionID)
		return status(http.StatusForbidden), nil
	}
	if o := header(ev, "Origin"); o != "" && !h.allowed(o) {
		log.InfoContext(ctx, "origin refused", "origin", plain.Safe(o))
		return status(http.StatusForbidden), nil
	}
	protocol, err := pickProtocol(header(ev, "Sec-WebSocket-Protocol"))
	if err != nil {
		log.InfoContext(ctx, "subprotocol refused", "error", err)
		return status(http.StatusBadRequest), nil
	}
	id, err := identityOf(h.Auth, ev)
	if err != nil {
		log.InfoContext(ctx, "user refused", "error", err)
		return status(http.StatusForbidden), nil
	}
	c := connectionOf(id, ev)
	switch protocol {
	case wire.SubprotocolJSON:
		c.Mode, c.Fixed = chat.ModeJSON, true
	case wire.SubprotocolText:
		c.Mode, c.Fixed = chat.ModePlain, true
	}
	if err := h.enter(ctx, c, id); err != nil {
		return status(h.refuse(ctx, log, c, err)), nil
	}
	res := status(http.StatusOK)
	if protocol != "" {
		res.Headers = map[string]string{"Sec-WebSocket-Protocol": protocol}
	}
	return res, nil
}

// enter stores the connection, then looks whether its token was revoked: whoever
// revokes it at that moment either finds the connection or is found here. Likewise
// whoever puts something into the inbox from now on sees it (pkg/herald).
func (h *Connect) enter(ctx context.Context, c chat.Connection, id chat.Identity) error {
	if err := h.Store.Open(ctx, c); err != nil {
		return err
	}
	if h.Auth == withTokens {
		revoked, err := h.Store.Revoked(ctx, id)
		if err != nil || revoked {
			return errors.Join(revokedError(revoked), err)
		}
	}
	if err := h.crowd(ctx, c); err != nil {
		return err
	}
	if err := moveIn(ctx, h.Store, h.Topics, c, h.Notify, orDiscard(h.Logger)); err != nil {
		return fmt.Errorf("join topics: %w", err)
	}
	return nil
}

// refuse gives the handshake's status for why it did not come in. What is stored goes
// again: it would count as one of the user's connections.
func (h *Connect) refuse(ctx context.Context, log *slog.Logger, c chat.Connection, why error) int {
	if err := h.Store.Withdraw(ctx, c.User, c.ID); err != nil {
		log.WarnContext(ctx, "refused connection counts until its TTL", "connection", c.ID, "error", err)
	}
	switch chat.KindOf(why) {
	case chat.Unauthorized:
		log.InfoContext(ctx, "revoked token refused")
		return http.StatusUnauthorized
	case chat.RateLimited:
		log.InfoContext(ctx, "connection refused: its user has too many")
		return http.StatusTooManyRequests
	}
	log.ErrorContext(ctx, "connection not stored", "connection", c.ID, "error", why)
	return http.StatusInternalServerError
}

// crowd refuses a connection that is one too many. Each is counted after it was
// stored: however many come at once, no more than there may be stay. Of those that
// come to the last place together, all may be refused.
func (h *Connect) crowd(ctx context.Context, c chat.Connection) error {
	if h.Most == 0 || nobody(h.Auth, c.User) {
		return nil
	}
	n, err := h.Store.CountConnections(ctx, c.User, h.Most)
	if err != nil || n <= h.Most {
		return err
	}
	return chat.E(chat.RateLimited, "no more than %d connections; close one", h.Most)
}

func (h *Connect) allowed(origin string) bool {
	return slices.ContainsFunc(h.Origins, func(o string) bool { return o == "*" || strings.EqualFold(o, origin) })
}

// NewOrigins reads the origins of a comma-separated variable as browsers write
// them: scheme and host in small letters, a port only where it is not the scheme's
// own, nothing behind it (RFC 6454 §6.1). "null", which any page can make itself,
// is refused like everything else that is no origin.
func NewOrigins(env *Env, name string) []string {
	var list []string
	for _, text := range env.List(name) {
		u, err := url.Parse(strings.TrimSuffix(text, "/"))
		switch {
		case text == "*":
			list = append(list, text)
			continue
		case err != nil || u.Scheme == "" || u.Hostname() == "" || strings.Contains(u.Host, "*") || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "":
			env.faults = append(env.faults, fmt.Errorf("%s has %q; an origin is like https://chat.example or http://localhost:5173, or * for all", name, text))
			continue
		}
		host := strings.ToLower(u.Host)
		if own := map[string]string{"https": ":443", "http": ":80"}[u.Scheme]; own != "" {
			host = strings.TrimSuffix(host, own)
		}
		list = append(list, u.Scheme+"://"+host)
	}
	return list
}

// pickProtocol chooses the one subprotocol to answer with. A browser that
// offered some fails the connection unless exactly one comes back (aws-facts §3).
func pickProtocol(offered string) (string, error) {
	if strings.TrimSpace(offered) == "" {
		return "", nil
	}
	for p := range strings.SplitSeq(offered, ",") {
		if p = strings.TrimSpace(p); p == wire.SubprotocolJSON || p == wire.SubprotocolText {
			return p, nil
		}
	}
	return "", fmt.Errorf("no subprotocol offered is %s or %s", wire.SubprotocolJSON, wire.SubprotocolText)
}

const maxUser = 512 // bytes; it is part of table keys

// identityOf says who connects (DESIGN §3.1). The name is as the caller's system
// has it, because others address notifications to it.
func identityOf(auth string, ev events.APIGatewayWebsocketProxyRequest) (id chat.Identity, err error) {
	caller := ev.RequestContext.Identity
	switch auth {
	case "none":
		id.User = cmp.Or(ev.QueryStringParameters["user"], chat.Anonymous)
	case "iam":
		id.User = cmp.Or(caller.CognitoIdentityID, caller.UserArn)
	case "apikey":
		id.User = caller.APIKeyID
	case "jwt":
		id, err = fromContext(ev.RequestContext.Authorizer)
	default:
		err = fmt.Errorf("there is no authorization %q", auth)
	}
	switch {
	case err != nil:
		return chat.Identity{}, err
	case id.User == "":
		return chat.Identity{}, fmt.Errorf("authorization %s gave no user", auth)
	case len(id.User) > maxUser || strings.ContainsFunc(id.User, unicode.IsControl):
		return chat.Identity{}, fmt.Errorf("a user's name is at most %d bytes without control characters", maxUser)
	}
	return id, nil
}

// connectionOf is the connection of somebody who has just come, or whose item has
// been lost.
func connectionOf(id chat.Identity, ev events.APIGatewayWebsocketProxyRequest) chat.Connection {
	return chat.Connection{ID: ev.RequestContext.ConnectionID, User: id.User, Expires: id.Expires, Topics: id.Topics,
		At: time.UnixMilli(ev.RequestContext.ConnectedAt),
		// The first prompt makes this conversation. Fixed now, two prompts at once
		// cannot make two.
		Conversation: chat.NewID()}
}

// header finds a header whatever its casing: API Gateway keeps the client's own
// (aws-facts §2).
func header(ev events.APIGatewayWebsocketProxyRequest, name string) string {
	for k, v := range ev.Headers {
		if strings.EqualFold(k, name) {
			return v
		}
	}
	return ""
}

func status(code int) events.APIGatewayProxyResponse {
	return events.APIGatewayProxyResponse{StatusCode: code}
}
