package handler

import (
	"context"
	"errors"
	"time"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/wire"
)

// Sessions are what a connection's token means to the table.
type Sessions interface {
	Authorize(ctx context.Context, connection string, id chat.Identity) error
	Refuse(ctx context.Context, connection string) error
	Expire(ctx context.Context, connection string) error
	Revoked(ctx context.Context, id chat.Identity) (bool, error)
}

// Hanger closes connections.
type Hanger interface {
	HangUp(ctx context.Context, connection string) error
}

const withTokens = "jwt" // the authorization that has tokens

// renew is auth, where it fails over a connection that has run out one refusal more:
// else nobody would ever close who sends nothing but bad tokens. That the issuer
// cannot be asked is not the client's fault.
func (m *message) renew(ctx context.Context, token string) error {
	err := m.auth(ctx, token)
	if err == nil || chat.KindOf(err) == chat.Unavailable || !m.conn.Expired(time.Now()) {
		return err
	}
	return errors.Join(err, m.refused(ctx))
}

// auth takes a new token of the same user in place of the old one. It may come at
// any time: before the old one runs out, or within chat.RefreshWithin of the first
// refusal.
func (m *message) auth(ctx context.Context, token string) error {
	if m.h.Verifier == nil {
		return chat.E(chat.BadRequest, "there are no tokens here; connect again to come in as somebody else")
	}
	id, err := m.h.Verifier.Verify(ctx, token)
	switch {
	case chat.KindOf(err) == chat.Unavailable:
		return err
	case err != nil:
		return &chat.Error{Kind: chat.Unauthorized, Message: "this token is not accepted; get a new one", Err: err}
	case id.User != m.conn.User:
		return chat.E(chat.Unauthorized, "this token is somebody else's; connect again with it")
	}
	// An old token is no reason to take away what the connection has.
	switch revoked, err := m.h.Store.Revoked(ctx, id); {
	case err != nil:
		return err
	case revoked:
		return revokedError(true)
	}
	if err := m.h.Store.Authorize(ctx, m.conn.ID, id); err != nil {
		return err
	}
	if err := m.current(ctx, id); err != nil {
		return err
	}
	m.conn.Expires, m.conn.Topics = id.Expires, id.Topics
	// What the token no longer allows is not delivered; what it newly does must be.
	if err := m.moveIn(ctx, m.conn); err != nil {
		return err
	}
	return m.send(ctx, wire.Authorized{})
}

// current takes back what a token allows if it was revoked after it was issued. It
// is asked after the token was written down: whoever revokes it at that moment
// either finds the connection or is found here.
func (m *message) current(ctx context.Context, id chat.Identity) error {
	revoked, err := m.h.Store.Revoked(ctx, id)
	if err != nil || revoked {
		return errors.Join(revokedError(revoked), err, m.h.Store.Expire(ctx, m.conn.ID))
	}
	return nil
}

func revokedError(revoked bool) error {
	if !revoked {
		return nil
	}
	return chat.E(chat.Unauthorized, "your access was revoked; sign in again")
}

// expired refuses a message whose connection's token has run out: API Gateway
// itself looks at a token once, at $connect, and a connection may live two hours
// (aws-facts §5). The first refusal starts a minute in which the client may send
// auth; the next one after that closes the connection. What was begun before
// goes on: a reply that is being made is streamed to its end.
func (m *message) expired(ctx context.Context) error {
	why := chat.E(chat.Expired, `your sign-in has run out; send {"action":"auth","token":"…"} with a new token, then this message again`)
	if m.h.Auth != withTokens {
		why.Message = "your access was withdrawn; connect again"
	}
	return errors.Join(why, m.refused(ctx))
}

// refused counts a refusal.
func (m *message) refused(ctx context.Context) error {
	if m.conn.Refused.IsZero() {
		return m.h.Store.Refuse(ctx, m.conn.ID)
	}
	m.over = time.Since(m.conn.Refused) > chat.RefreshWithin
	return nil
}

// hangUp closes the connection; $disconnect follows. If that fails the next
// message tries again.
func (m *message) hangUp(ctx context.Context) {
	if err := m.h.Sockets.HangUp(ctx, m.conn.ID); err != nil {
		m.log.WarnContext(ctx, "connection not closed", "connection", m.conn.ID, "error", err)
	}
}
