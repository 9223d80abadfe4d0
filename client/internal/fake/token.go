package fake

import (
	"net/http"
	"strings"

	"kaiwa/pkg/wire"
)

// Opened notes the token of a connection, where Chat.Token wants one.
func (c *Chat) Opened(conn int, token string) {
	if c.tokens == nil {
		c.tokens = map[int]string{}
	}
	c.tokens[conn] = token
}

// authorize takes a newer token for a connection.
func (c *Chat) authorize(conn int, token string) {
	if c.Token != "" && token != c.Token {
		c.post(conn, wire.Error{Code: wire.CodeUnauthorized, Message: "this token is not valid"})
		return
	}
	c.Opened(conn, token)
	c.post(conn, wire.Authorized{})
}

// lapsed refuses a request over a connection whose token is not the valid one any
// more.
func (c *Chat) lapsed(conn int, q wire.Request) bool {
	no := wire.Error{Code: wire.CodeExpired, Message: "the token ran out: send auth"}
	switch q := q.(type) {
	case wire.Ping, wire.Auth:
		return false
	case wire.SendMessage:
		no.ID = q.ID
	}
	if c.Token == "" || c.tokens[conn] == c.Token {
		return false
	}
	c.post(conn, no)
	return true
}

// bearer is a handshake's token.
func bearer(r *http.Request) string {
	return strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
}
