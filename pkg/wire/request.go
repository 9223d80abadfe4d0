package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Request is what a client may send: one of the struct types of this file.
type Request interface {
	// Action is the route key, "" for Text and Empty.
	Action() string
}

type (
	// Text is a message that is not JSON: a line typed in wscat.
	Text struct{ Line string }
	// Empty is a message without anything in it. It is ignored.
	Empty struct{}

	// SendMessage asks for a reply.
	SendMessage struct {
		Text string `json:"text"`
		// ID is the client's own, at most MaxID characters, scoped to the user: a
		// resend under the same id is harmless.
		ID string `json:"id,omitempty"`
		// Conversation: absent means the connection's current one, created if
		// there is none; NewConversation means a new one.
		Conversation string `json:"conversation,omitempty"`
		// Part and Parts cut a prompt that is too big for one message. The presence
		// of Parts makes it a part; all parts share ID.
		Part  int  `json:"part"`
		Parts *int `json:"parts,omitempty"`
	}
	// Stop ends a reply; without Reply the newest unfinished one of the current
	// conversation.
	Stop struct {
		Reply string `json:"reply,omitempty"`
	}
	// Resume asks for a reply's text from Offset, then live; with Conversation
	// alone for its newest reply.
	Resume struct {
		Reply        string `json:"reply,omitempty"`
		Conversation string `json:"conversation,omitempty"`
		Offset       int    `json:"offset"`
	}
	// History asks for a page of messages, newest first.
	History struct {
		Conversation string `json:"conversation,omitempty"`
		Before       string `json:"before,omitempty"`
		Limit        int    `json:"limit,omitempty"`
	}
	// Conversations asks for a page of the user's conversations, newest first.
	Conversations struct {
		Before string `json:"before,omitempty"`
		Limit  int    `json:"limit,omitempty"`
	}
	// Rename sets a conversation's title.
	Rename struct {
		Conversation string `json:"conversation"`
		Title        string `json:"title"`
	}
	// Delete removes a conversation and all that is in it or, with All, everything
	// there is of the user: conversations, topics, missed notifications. That takes
	// its time and is answered when it is done; asked again it goes on.
	Delete struct {
		Conversation string `json:"conversation,omitempty"`
		All          bool   `json:"all,omitempty"`
	}
	// Subscribe adds a topic to the user's own.
	Subscribe struct {
		Topic string `json:"topic"`
	}
	// Unsubscribe removes one.
	Unsubscribe struct {
		Topic string `json:"topic"`
	}
	// Auth hands over a fresh token without losing the socket.
	Auth struct {
		Token string `json:"token"`
	}
	// Ping keeps the connection from idling. API Gateway answers it by itself.
	Ping struct{}
)

// NewConversation is the value of SendMessage.Conversation that asks for a new one.
const NewConversation = "new"

func (Text) Action() string          { return "" }
func (Empty) Action() string         { return "" }
func (SendMessage) Action() string   { return "sendMessage" }
func (Stop) Action() string          { return "stop" }
func (Resume) Action() string        { return "resume" }
func (History) Action() string       { return "history" }
func (Conversations) Action() string { return "conversations" }
func (Rename) Action() string        { return "rename" }
func (Delete) Action() string        { return "delete" }
func (Subscribe) Action() string     { return "subscribe" }
func (Unsubscribe) Action() string   { return "unsubscribe" }
func (Auth) Action() string          { return "auth" }
func (Ping) Action() string          { return "ping" }

// BadRequest is what DecodeRequest reports: one line that says what to do, and
// the id of the message where it could still be read.
type BadRequest struct {
	Message string
	ID      string
}

func (e *BadRequest) Error() string { return e.Message }

// DecodeRequest reads one message from a client. Invalid UTF-8 becomes U+FFFD.
// The error is always a *BadRequest.
func DecodeRequest(body string) (Request, error) {
	body = strings.ToValidUTF8(body, "\uFFFD")
	trimmed := strings.TrimSpace(body)
	if trimmed == "" {
		return Empty{}, nil
	}
	if trimmed[0] != '{' {
		return Text{Line: body}, nil
	}
	raw := []byte(trimmed)
	if !json.Valid(raw) {
		return nil, &BadRequest{Message: `this is not valid JSON; send {"action":"sendMessage","text":"hello"} or a plain line that does not start with {`}
	}
	var head struct {
		Action *string `json:"action"`
		ID     any     `json:"id"`
	}
	id := func() string { s, _ := head.ID.(string); return clip(s, MaxID) }
	if err := json.Unmarshal(raw, &head); err != nil {
		return nil, &BadRequest{Message: typeMessage(err), ID: id()}
	}
	action := "sendMessage"
	if head.Action != nil {
		action = *head.Action
	}
	req, err := decodeAction(action, raw)
	if err == nil {
		err = check(req)
	}
	if err != nil {
		return nil, &BadRequest{Message: typeMessage(err), ID: id()}
	}
	return req, nil
}

func decodeAction(action string, raw []byte) (Request, error) {
	switch action {
	case "sendMessage":
		return as[SendMessage](raw)
	case "stop":
		return as[Stop](raw)
	case "resume":
		return as[Resume](raw)
	case "history":
		return as[History](raw)
	case "conversations":
		return as[Conversations](raw)
	case "rename":
		return as[Rename](raw)
	case "delete":
		return as[Delete](raw)
	case "subscribe":
		return as[Subscribe](raw)
	case "unsubscribe":
		return as[Unsubscribe](raw)
	case "auth":
		return as[Auth](raw)
	case "ping":
		return as[Ping](raw)
	}
	return nil, fmt.Errorf("there is no action %q; use sendMessage, stop, resume, history, conversations, rename, delete, subscribe, unsubscribe, auth or ping", clip(action, 32))
}

func as[T Request](raw []byte) (Request, error) {
	var v T
	err := json.Unmarshal(raw, &v)
	return v, err
}

// check enforces what the JSON types alone do not say.
func check(r Request) error {
	switch r := r.(type) {
	case SendMessage:
		return checkSend(r)
	case Resume:
		if r.Reply == "" && r.Conversation == "" {
			return errors.New("resume needs reply or conversation")
		}
		if r.Offset < 0 {
			return errors.New("offset must be 0 or more")
		}
	case History:
		return checkLimit(r.Limit)
	case Conversations:
		return checkLimit(r.Limit)
	case Rename:
		if r.Conversation == "" || strings.TrimSpace(r.Title) == "" {
			return errors.New("rename needs conversation and title")
		}
		if utf8.RuneCountInString(r.Title) > MaxTitle {
			return fmt.Errorf("title must be at most %d characters", MaxTitle)
		}
	case Delete:
		if (r.Conversation == "") != r.All {
			return errors.New("delete needs conversation, or all, which is everything there is of you")
		}
	case Subscribe:
		return checkTopic(r.Topic)
	case Unsubscribe:
		return checkTopic(r.Topic)
	case Auth:
		if r.Token == "" {
			return errors.New("auth needs token")
		}
	}
	return nil
}

func checkSend(r SendMessage) error {
	if utf8.RuneCountInString(r.ID) > MaxID {
		return fmt.Errorf("id must be at most %d characters", MaxID)
	}
	if r.Parts == nil {
		if strings.TrimSpace(r.Text) == "" {
			return errors.New("sendMessage needs text")
		}
		return nil
	}
	switch {
	case r.ID == "":
		return errors.New("a part needs id, the same for all parts")
	case *r.Parts < 1 || *r.Parts > MaxParts:
		return fmt.Errorf("parts must be 1 to %d", MaxParts)
	case r.Part < 0 || r.Part >= *r.Parts:
		return fmt.Errorf("part must be 0 to %d", *r.Parts-1)
	}
	return nil
}

func checkLimit(n int) error {
	if n < 0 {
		return errors.New("limit must be 1 or more")
	}
	return nil
}

func checkTopic(t string) error {
	if t == "" {
		return errors.New("topic is missing")
	}
	if utf8.RuneCountInString(t) > MaxTopic {
		return fmt.Errorf("topic must be at most %d characters", MaxTopic)
	}
	return nil
}

// typeMessage turns the json package's view of a wrong type into a sentence for
// the person who sent it.
func typeMessage(err error) string {
	var te *json.UnmarshalTypeError
	if errors.As(err, &te) && te.Field != "" {
		return fmt.Sprintf("%s must be %s", te.Field, kindName(te.Type.Kind().String()))
	}
	return err.Error()
}

func kindName(k string) string {
	switch {
	case strings.HasPrefix(k, "int"):
		return "a whole number"
	case k == "bool":
		return "true or false"
	}
	return "a " + k
}

// clip cuts s to at most n code points.
func clip(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// EncodeRequest encodes a request as a client sends it. Text is sent as it is.
func EncodeRequest(r Request) []byte {
	switch r := r.(type) {
	case Text:
		return []byte(r.Line)
	case Empty:
		return nil
	case SendMessage:
		return appendSend(nil, r)
	}
	return encodeAction(r.Action(), r)
}

// appendSend is written by hand so that a text costs its EncodedLen: prompts are
// cut into parts by it.
func appendSend(b []byte, r SendMessage) []byte {
	b = append(b, `{"action":"sendMessage","text":`...)
	b = AppendString(b, r.Text)
	if r.ID != "" {
		b = append(b, `,"id":`...)
		b = AppendString(b, r.ID)
	}
	if r.Conversation != "" {
		b = append(b, `,"conversation":`...)
		b = AppendString(b, r.Conversation)
	}
	if r.Parts != nil { // part means nothing without parts
		b = append(b, `,"part":`...)
		b = strconv.AppendInt(b, int64(r.Part), 10)
		b = append(b, `,"parts":`...)
		b = strconv.AppendInt(b, int64(*r.Parts), 10)
	}
	return append(b, '}')
}

func encodeAction(action string, r any) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	// The request types hold strings and integers only: encoding cannot fail.
	_ = enc.Encode(r)
	body := bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
	head := append([]byte(`{"action":`), AppendString(nil, action)...)
	if len(body) > 2 {
		head = append(head, ',')
	}
	return append(head, body[1:]...)
}
