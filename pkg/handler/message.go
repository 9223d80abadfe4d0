package handler

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/relay"
	"kaiwa/pkg/wire"
)

// Connections are the connections' items. Arrive counts a message, too: beside the
// connection it may say RateLimited.
type Connections interface {
	Arrive(ctx context.Context, id string, perSecond int) (chat.Connection, error)
	Update(ctx context.Context, c chat.Connection) error
}

// Turns start a reply (R10).
type Turns interface {
	Claimed(ctx context.Context, user, prompt string) (chat.Claim, bool, error)
	Conversation(ctx context.Context, id string) (chat.Conversation, error)
	CreateTurn(ctx context.Context, t chat.Turn) (chat.Reply, chat.Claim, error)
}

// Replies are what stop and resume need (R9, R11).
type Replies interface {
	Haltable
	Listen(ctx context.Context, reply, connection string, offset int, m chat.Mode) (chat.Reply, error)
}

// Followers keep a conversation's listeners, and the time of a reply's Invoke.
type Followers interface {
	Follow(ctx context.Context, conversation, connection string, m chat.Mode) (chat.Conversation, error)
	KnownConnections(ctx context.Context, ids []string) ([]chat.Connection, error)
	Reinvoked(ctx context.Context, reply string, seen time.Time) (bool, error)
}

// Shelf lists what was said.
type Shelf interface {
	Messages(ctx context.Context, conversation, before string, limit, maxBytes int) ([]chat.Message, string, error)
	Conversations(ctx context.Context, user, before string, limit int) ([]chat.Conversation, string, error)
}

// Owner changes what is the user's own.
type Owner interface {
	Rename(ctx context.Context, user, conversation, title string) error
	Delete(ctx context.Context, user, conversation string) error
}

// Parts gather a prompt that is too big for one message (R15).
type Parts interface {
	PutPart(ctx context.Context, p chat.Part, hash string) (complete bool, err error)
	JoinParts(ctx context.Context, user, prompt string) (string, error)
	DropParts(ctx context.Context, user, prompt string) error
}

// Store is all that SendMessage needs of the table.
type Store interface {
	Connections
	Turns
	Replies
	Followers
	Shelf
	Owner
	Parts
	Sessions
	Accounts
	Topics
	relay.Endings
}

// Invoker queues the reply function's event.
type Invoker interface {
	Invoke(ctx context.Context, payload []byte) error
}

// SendMessage serves every message route, $default included. It answers within
// milliseconds; the reply is made elsewhere.
type SendMessage struct {
	Store   Store
	Poster  relay.Poster
	Sockets Hanger
	Reply   Invoker
	// Notify is the function that hands over what a user missed.
	Notify Invoker
	// Disconnect takes the order to erase what there is of a user.
	Disconnect Invoker
	// Auth is how the API authorizes: iam, jwt, apikey or none.
	Auth string
	// Verifier checks the tokens of auth; nil where there are none.
	Verifier Verifier
	// Topics are the patterns of topics that connections may subscribe to whose
	// token does not say it (see chat.Connection.MaySubscribe).
	Topics []string
	Limits Limits
	Logger *slog.Logger
}

// lifeOf is when API Gateway ends a connection (aws-facts §1).
const lifeOf = 2 * time.Hour

// message is one inbound message being served.
type message struct {
	h    *SendMessage
	log  *slog.Logger
	tell *relay.Teller
	conn chat.Connection
	mode chat.Mode // how this message is answered
	id   string    // the client's own, where it gave one
	over bool      // the connection is to be closed once this is answered
}

// Handle serves one message. Errors are told to the client, never returned:
// API Gateway would add a frame of its own.
func (h *SendMessage) Handle(ctx context.Context, ev events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error) {
	req, bad := wire.DecodeRequest(ev.Body)
	if _, empty := req.(wire.Empty); empty {
		return status(http.StatusOK), nil
	}
	m := message{h: h, log: orDiscard(h.Logger), mode: modeOf(req), id: idOf(req, bad),
		tell: relay.NewTeller(h.Store, h.Poster, &relay.Options{Logger: h.Logger})}
	m.conn.ID = ev.RequestContext.ConnectionID
	unreadable := bad != nil && !json.Valid([]byte(strings.TrimSpace(ev.Body)))
	err := m.arrive(ctx, ev, unreadable)
	if _, renews := req.(wire.Auth); err == nil && !renews && m.conn.Expired(time.Now()) {
		err = m.expired(ctx)
	}
	switch {
	case err != nil:
		m.fail(ctx, err)
	case bad != nil:
		m.fail(ctx, chat.E(chat.BadRequest, "%s", bad.Error()))
	default:
		m.serve(ctx, req)
		m.warn(ctx)
	}
	if m.over {
		m.hangUp(ctx)
	}
	return status(http.StatusOK), nil
}

func modeOf(req wire.Request) chat.Mode {
	if _, line := req.(wire.Text); line {
		return chat.ModePlain
	}
	return chat.ModeJSON
}

func idOf(req wire.Request, err error) string {
	if bad, ok := errors.AsType[*wire.BadRequest](err); ok {
		return bad.ID
	}
	r, _ := req.(wire.SendMessage)
	return r.ID
}

// arrive finds who speaks, and brings the connection back if it was given up
// (R8). Text that only looks like JSON is answered the way the connection reads,
// and does not change it.
func (m *message) arrive(ctx context.Context, ev events.APIGatewayWebsocketProxyRequest, unreadable bool) error {
	c, err := m.h.Store.Arrive(ctx, m.conn.ID, m.h.Limits.PerSecond)
	if err != nil && chat.KindOf(err) == chat.NotFound {
		c, err = m.recall(ctx, ev)
	}
	if unreadable && c.Mode != chat.ModeUnset {
		m.mode = c.Mode
	}
	if err != nil {
		return err
	}
	m.conn = c
	mode := m.mode
	if c.Fixed || unreadable {
		mode = c.Mode
	}
	m.conn.Gone, m.conn.Mode = false, mode
	switch {
	case c.Gone: // a token that was handed over after a revocation is asked for again
		return m.readmit(ctx, chat.Identity{User: c.User, Issued: c.At})
	case c.Mode != mode:
		return m.h.Store.Update(ctx, m.conn)
	}
	return nil
}

// recall makes a connection's item again out of the event, where the event still
// says who it is; with authorization none it does not. A token that was handed over
// since is forgotten: the event has the first one.
func (m *message) recall(ctx context.Context, ev events.APIGatewayWebsocketProxyRequest) (chat.Connection, error) {
	unknown := chat.E(chat.Unauthorized, "this connection is not known here any more; connect again")
	if m.h.Auth == "none" {
		return chat.Connection{}, unknown
	}
	id, err := identityOf(m.h.Auth, ev)
	if err != nil {
		return chat.Connection{}, unknown
	}
	m.conn = connectionOf(id, ev)
	if m.h.Auth != withTokens { // what API Gateway checked itself, it checked then
		id.Issued = m.conn.At
	}
	err = m.readmit(ctx, id)
	return m.conn, err
}

// readmit puts a connection on the lists again: it was on none, so that a revocation
// did not find it. That is asked before, so that a fault leaves all as it is, and when
// it is there: whoever revokes at that moment either finds it or is found here.
func (m *message) readmit(ctx context.Context, id chat.Identity) error {
	out, err := m.revoked(ctx, id)
	if err != nil {
		return err
	}
	if err := m.h.Store.Update(ctx, m.conn); err != nil || out {
		return err
	}
	switch out, err = m.revoked(ctx, id); {
	case err != nil:
		return errors.Join(err, m.h.Store.Gone(ctx, m.conn.ID, m.conn.Conversation))
	case out:
		return nil
	}
	return m.moveIn(ctx, m.conn)
}

// revoked ends what the connection may do if its user was revoked.
func (m *message) revoked(ctx context.Context, id chat.Identity) (bool, error) {
	revoked, err := m.h.Store.Revoked(ctx, id)
	if err != nil || !revoked {
		return false, err
	}
	m.conn.Expires = time.UnixMilli(1)
	return true, m.h.Store.Expire(ctx, m.conn.ID)
}

func (m *message) serve(ctx context.Context, req wire.Request) {
	var err error
	switch r := req.(type) {
	case wire.Text:
		err = m.line(ctx, r.Line)
	case wire.SendMessage:
		err = m.sendMessage(ctx, r)
	case wire.Stop:
		err = m.stop(ctx, r.Reply)
	case wire.Resume:
		err = m.resume(ctx, r)
	case wire.History:
		err = m.history(ctx, r)
	case wire.Conversations:
		err = m.conversations(ctx, r)
	case wire.Rename:
		err = m.rename(ctx, r)
	case wire.Delete:
		err = m.delete(ctx, r)
	case wire.Subscribe:
		err = m.subscribe(ctx, r.Topic)
	case wire.Unsubscribe:
		err = m.unsubscribe(ctx, r.Topic)
	case wire.Auth:
		err = m.renew(ctx, r.Token)
	case wire.Ping: // API Gateway answers it itself, unless it came some other way
		err = m.send(ctx, wire.Pong{Connection: m.conn.ID})
	default:
		err = chat.E(chat.BadRequest, "%s is not offered by this deployment", req.Action())
	}
	if err != nil {
		m.fail(ctx, err)
	}
}

// fail tells the client, and logs what it is not told. What is wrong with a bad
// request is not logged: it may quote the message.
func (m *message) fail(ctx context.Context, err error) {
	if errors.Is(err, chat.ErrGone) {
		return
	}
	kind, level := chat.KindOf(err), slog.LevelInfo
	if kind == chat.Internal {
		level = slog.LevelError
	}
	log := m.log.With("connection", m.conn.ID, "kind", kind.String())
	if kind != chat.BadRequest {
		log = log.With("error", err)
	}
	log.Log(ctx, level, "message refused")
	f := relay.ErrorFrame(err)
	f.ID = m.id
	if err := m.send(ctx, f); err != nil && !errors.Is(err, chat.ErrGone) {
		m.log.WarnContext(ctx, "error not delivered", "connection", m.conn.ID, "error", err)
	}
}

func (m *message) send(ctx context.Context, f wire.Frame) error {
	return m.tell.Send(ctx, m.conn.ID, m.mode, f)
}

// warn posts goaway once to a connection that API Gateway will soon end. It is a
// courtesy: clients move by their own clock (R12).
func (m *message) warn(ctx context.Context) {
	age := time.Since(m.conn.At)
	if m.conn.Warned || m.conn.At.IsZero() || age < wire.HandoverAfter || m.mode.Plain() {
		return
	}
	m.conn.Warned = true
	if err := m.h.Store.Update(ctx, m.conn); err == nil {
		// Its loss harms nobody.
		_ = m.send(ctx, wire.Goaway{In: max(0, int((lifeOf - age).Seconds()))})
	}
}

// payload is the reply function's event.
type payload struct {
	Reply string `json:"reply"`
}

func (m *message) invoke(ctx context.Context, reply string) error {
	b, err := json.Marshal(payload{Reply: reply})
	if err != nil {
		return err
	}
	return m.h.Reply.Invoke(ctx, b)
}
