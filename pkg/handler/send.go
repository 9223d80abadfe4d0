package handler

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/wire"
)

// How often a step that lost a race, or did not come through, is tried.
const (
	turnTries     = 16
	movedWait     = 5 * time.Millisecond // times the number of tries, at most
	createTries   = 3
	invokeTries   = 3
	acceptedLimit = 2 * time.Second
	busyRetry     = 3 * time.Second
)

// sendMessage stores a prompt and starts its reply (R10, R15).
func (m *message) sendMessage(ctx context.Context, r wire.SendMessage) error {
	if r.Parts != nil {
		text, complete, err := m.part(ctx, r)
		if err != nil || !complete {
			return err
		}
		defer m.dropParts(ctx, r.ID)
		r.Text = text
	}
	if strings.TrimSpace(r.Text) == "" {
		return chat.E(chat.BadRequest, "sendMessage needs text")
	}
	if most := m.h.Limits.maxPrompt(); len(r.Text) > most {
		return chat.E(chat.TooLarge, "a prompt has at most %d bytes; shorten it", most)
	}
	if r.ID == "" {
		r.ID = chat.NewID()
	}
	return m.prompt(ctx, r.ID, r.Conversation, r.Text)
}

// prompt makes one turn of a text and begins its reply.
func (m *message) prompt(ctx context.Context, id, conversation, text string) error {
	hash := hashOf(text)
	r, claim, err := m.start(ctx, id, hash, conversation, text)
	switch {
	case errors.Is(err, chat.ErrDuplicate):
		return m.served(ctx, id, hash, claim)
	case err != nil:
		return err
	}
	return m.begin(ctx, r)
}

// start stores one turn of a text. chat.ErrDuplicate and the claim: it was stored
// before.
func (m *message) start(ctx context.Context, id, hash, conversation, text string) (chat.Reply, chat.Claim, error) {
	for try := range turnTries {
		t, err := m.turn(ctx, id, hash, conversation, text)
		if err != nil {
			return chat.Reply{}, chat.Claim{}, err
		}
		if t == nil { // an earlier delivery of this prompt was first
			return m.repeated(ctx, id)
		}
		if t.New && try > 0 && conversation == "" {
			// It is not there, and cannot be made: its remains are not gone yet.
			t.Conversation = chat.NewID()
		}
		r, claim, err := m.create(ctx, *t)
		if !errors.Is(err, chat.ErrMoved) {
			return r, claim, err
		}
		// Somebody wrote between the read and the write; with an account, another
		// prompt of the same user.
		if err := wait(ctx, rand.N(time.Duration(try+1)*movedWait)); err != nil {
			return chat.Reply{}, chat.Claim{}, err
		}
	}
	return chat.Reply{}, chat.Claim{}, chat.E(chat.Unavailable, "too much is changing at once; try again")
}

// create repeats the transaction where its outcome is not known: the same turn
// recognises itself (R10). Somebody who types lines cannot repeat it.
func (m *message) create(ctx context.Context, t chat.Turn) (r chat.Reply, claim chat.Claim, err error) {
	for range createTries {
		if r, claim, err = m.h.Store.CreateTurn(ctx, t); err == nil || chat.KindOf(err) != chat.Unavailable {
			break
		}
	}
	return r, claim, err
}

// turn reads the conversation and the user's account, and prepares the transaction.
// It gives nil when the prompt turns out to be a repeat while something is in its
// way: whatever was stored before is not counted again.
func (m *message) turn(ctx context.Context, id, hash, conversation, text string) (*chat.Turn, error) {
	now := time.Now()
	t := &chat.Turn{User: m.conn.User, Connection: m.conn.ID, Mode: m.mode, Prompt: id, Hash: hash, Text: text,
		Conversation: conversation, Message: chat.NewOrderedID(now), Reply: chat.NewID(), At: now}
	named := conversation
	switch conversation {
	case wire.NewConversation:
		t.Conversation, t.New, named = chat.NewID(), true, ""
	case "":
		t.Conversation = cmp.Or(m.conn.Conversation, chat.NewID())
		named = t.Conversation
	}
	seen, account, err := m.opening(ctx, named)
	switch {
	case err != nil && chat.KindOf(err) == chat.NotFound && conversation == "":
		t.New = true
	case err != nil:
		return nil, err
	}
	t.Seen = seen
	if why := m.hindrance(ctx, t, account); why != nil {
		if _, repeat, err := m.h.Store.Claimed(ctx, m.conn.User, id); err != nil || repeat {
			return nil, err
		}
		return nil, why
	}
	return t, m.silence(ctx, t)
}

// silence takes out of a conversation's listeners who may not speak any more either:
// a reply that begins is not for a connection whose token has run out, or that was
// revoked and could not be closed. Nor for one that is gone.
func (m *message) silence(ctx context.Context, t *chat.Turn) error {
	var others []string
	for id := range t.Seen.Listeners {
		if id != m.conn.ID {
			others = append(others, id)
		}
	}
	if len(others) == 0 {
		return nil
	}
	known, err := m.h.Store.KnownConnections(ctx, others)
	if err != nil {
		return err
	}
	for _, c := range known {
		if !c.Gone && !c.Expired(t.At) {
			others = slices.DeleteFunc(others, func(id string) bool { return id == c.ID })
		}
	}
	for _, id := range others {
		delete(t.Seen.Listeners, id)
	}
	t.Silenced = others
	return nil
}

// hindrance is why a turn may not begin now: its conversation is busy, or its user
// has used up what there is for him.
func (m *message) hindrance(ctx context.Context, t *chat.Turn, account chat.Account) error {
	if t.Seen.Active != "" {
		switch free, err := m.free(ctx, t.Seen.Active); {
		case err != nil:
			return err
		case !free:
			return &chat.Error{Kind: chat.Busy, Reply: t.Seen.Active, RetryAfter: busyRetry,
				Message: "the last reply of this conversation is still being made; wait for its end or stop it"}
		}
	}
	return m.admit(ctx, t, account)
}

// free tells whether a conversation's newest reply has ended, and ends it if
// nobody works on it any more (R6).
func (m *message) free(ctx context.Context, reply string) (bool, error) {
	r, err := m.h.Store.Reply(ctx, reply)
	if err != nil {
		return chat.KindOf(err) == chat.NotFound, ignoreNotFound(err)
	}
	if r.Expired(time.Now()) {
		if r, err = m.tell.Finish(ctx, r, ""); err != nil {
			return false, err
		}
	}
	return r.State == chat.Ended, nil
}

// begin hands the reply over, then says accepted: Invoke first saves a round
// trip, and a lost accepted harms nobody. Who hears accepted may count on the
// conversation being the current one.
func (m *message) begin(ctx context.Context, r chat.Reply) error {
	err := m.launch(ctx, r)
	switch {
	case errors.Is(err, errNotLaunched): // all listeners have heard its end
		return m.enter(ctx, r.Conversation)
	case err != nil:
		return err
	}
	err = m.enter(ctx, r.Conversation)
	m.accepted(ctx, r.Prompt, r.Conversation, r.ID)
	return err
}

// errNotLaunched: the reply could not be handed over, and has been ended.
var errNotLaunched = chat.E(chat.Unavailable, "the reply could not be started; try again")

// launch invokes the reply function. A reply that it cannot hand over it ends.
func (m *message) launch(ctx context.Context, r chat.Reply) error {
	var err error
	for range invokeTries {
		if err = m.invoke(ctx, r.ID); err == nil {
			return nil
		}
	}
	// Nobody will ever claim it, unless an Invoke came through all the same.
	m.log.ErrorContext(ctx, "reply not invoked", "reply", r.ID, "error", err)
	img, e := m.tell.Finish(ctx, r, "")
	switch {
	case e != nil:
		return errors.Join(err, e)
	case img.State == chat.Ended:
		return errNotLaunched
	}
	return nil
}

// accepted is not worth an error to the client: the deltas say as much. Who reads
// lines does not get it.
func (m *message) accepted(ctx context.Context, id, conversation, reply string) {
	ctx, cancel := context.WithTimeout(ctx, acceptedLimit)
	defer cancel()
	err := m.send(ctx, wire.Accepted{Ref: wire.Ref{ID: id, Conversation: conversation, Reply: reply}})
	if err != nil {
		m.log.InfoContext(ctx, "accepted not delivered", "connection", m.conn.ID, "error", err)
	}
}

// enter makes a conversation the connection's current one.
func (m *message) enter(ctx context.Context, conversation string) error {
	if m.conn.Conversation == conversation {
		return nil
	}
	m.conn.Conversation = conversation
	return m.h.Store.Update(ctx, m.conn)
}

// repeated finds the claim of a prompt that was stored before.
func (m *message) repeated(ctx context.Context, id string) (chat.Reply, chat.Claim, error) {
	claim, ok, err := m.h.Store.Claimed(ctx, m.conn.User, id)
	switch {
	case err != nil:
		return chat.Reply{}, claim, err
	case !ok:
		return chat.Reply{}, claim, chat.E(chat.Unavailable, "the prompt could not be stored; try again")
	}
	return chat.Reply{}, claim, chat.ErrDuplicate
}

// served answers a repeat with the same accepted, then like a resume from 0.
func (m *message) served(ctx context.Context, id, hash string, claim chat.Claim) error {
	if claim.Hash != hash {
		return chat.E(chat.BadRequest, "the id %q was used for another text; use a new id for a new prompt", id)
	}
	m.accepted(ctx, id, claim.Conversation, claim.Reply)
	return m.follow(ctx, claim.Conversation, claim.Reply, 0)
}

// part stores one part of a big prompt. It reports the whole text when this part
// was the one that completed it.
func (m *message) part(ctx context.Context, r wire.SendMessage) (string, bool, error) {
	if done, err := m.partOfTurn(ctx, r); done || err != nil {
		return "", false, err
	}
	complete, err := m.h.Store.PutPart(ctx, chat.Part{User: m.conn.User, Prompt: r.ID, Part: r.Part, Parts: *r.Parts,
		Text: r.Text, At: time.Now()}, hashOf(r.Text))
	if err != nil || !complete {
		return "", false, err
	}
	text, err := m.h.Store.JoinParts(ctx, m.conn.User, r.ID)
	if chat.KindOf(err) == chat.NotFound { // somebody else completed it as well, and was faster
		if done, err := m.partOfTurn(ctx, r); done || err != nil {
			return "", false, err
		}
	}
	return text, err == nil, err
}

// partOfTurn answers a late or repeated part of a prompt that has become a turn.
// Whoever sends all parts again, perhaps from another socket, wants its reply too:
// the first of them asks for that.
func (m *message) partOfTurn(ctx context.Context, r wire.SendMessage) (bool, error) {
	claim, ok, err := m.h.Store.Claimed(ctx, m.conn.User, r.ID)
	if err != nil || !ok {
		return false, err
	}
	m.accepted(ctx, r.ID, claim.Conversation, claim.Reply)
	if r.Part > 0 {
		return true, nil
	}
	return true, m.follow(ctx, claim.Conversation, claim.Reply, 0)
}

func (m *message) dropParts(ctx context.Context, id string) {
	if err := m.h.Store.DropParts(ctx, m.conn.User, id); err != nil {
		m.log.WarnContext(ctx, "parts stay until their TTL", "error", err)
	}
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func ignoreNotFound(err error) error {
	if err == nil || chat.KindOf(err) == chat.NotFound {
		return nil
	}
	return fmt.Errorf("newest reply: %w", err)
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
