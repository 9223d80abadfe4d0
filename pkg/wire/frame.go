package wire

import (
	"encoding/json"
	"time"
)

// Frame is what the service may send: one of the struct types of this file.
type Frame interface {
	// Type is the value of the frame's "type"; "" for Gateway.
	Type() string
}

// Ref stands on every frame of a reply. ID is the prompt's own id.
type Ref struct {
	ID           string `json:"id"`
	Conversation string `json:"conversation"`
	Reply        string `json:"reply"`
}

type (
	// Accepted says that the prompt is stored and a reply will come.
	Accepted struct{ Ref }

	// Delta is a piece of a reply's text. Offset is where it starts, in code points.
	Delta struct {
		Ref
		Offset int    `json:"offset"`
		Text   string `json:"text"`
	}

	// Keepalive says that the reply is still being made. Waited is the time since
	// the last frame, in seconds.
	Keepalive struct {
		Ref
		Waited int `json:"waited"`
	}

	// End is the last frame of a reply.
	End struct {
		Ref
		// Length of the stored text in code points.
		Length int `json:"length"`
		// Saved is false when the table could not be reached: a durable end follows
		// when it can.
		Saved bool `json:"saved"`
		// Stop is the model's own reason, StopStopped or StopInterrupted.
		Stop   string  `json:"stop"`
		Usage  *Usage  `json:"usage,omitempty"`
		Timing *Timing `json:"timing,omitempty"`
	}

	// Error answers a message that could not be served, or tells why a reply
	// ended. Message is one line that says what to do.
	Error struct {
		Code      Code   `json:"code"`
		Message   string `json:"message"`
		Retryable bool   `json:"retryable"`
		// RetryAfter is in seconds, 0 (absent) where unknown.
		RetryAfter int    `json:"retryAfter,omitempty"`
		ID         string `json:"id,omitempty"`
		Reply      string `json:"reply,omitempty"`
	}

	// Notification is what another system has to say. One with an ID that was seen
	// before is a repeat: a client that shows it again would show it twice.
	Notification struct {
		ID    string `json:"id"`
		Title string `json:"title,omitempty"`
		Text  string `json:"text"`
		Level string `json:"level,omitempty"`
		// Topic or Conversation it was sent to, "" for the user or connection.
		Topic        string          `json:"topic,omitempty"`
		Conversation string          `json:"conversation,omitempty"`
		At           time.Time       `json:"at"`
		Data         json.RawMessage `json:"data,omitempty"`
	}

	// Goaway says that the connection is near API Gateway's two hours.
	Goaway struct {
		In int `json:"in"` // seconds
	}

	// Pong answers Ping. Connection is filled where the gateway can.
	Pong struct {
		Connection string `json:"connection,omitempty"`
	}

	// HistoryPage answers History, newest message first. Before asks for more; ""
	// means that there is none.
	HistoryPage struct {
		Conversation string    `json:"conversation"`
		Messages     []Message `json:"messages"`
		Before       string    `json:"before,omitempty"`
	}

	// ConversationsPage answers Conversations, newest first.
	ConversationsPage struct {
		Conversations []ConversationInfo `json:"conversations"`
		Before        string             `json:"before,omitempty"`
	}

	// Renamed answers Rename.
	Renamed struct {
		Conversation string `json:"conversation"`
		Title        string `json:"title"`
	}
	// Deleted answers Delete, with what it asked for.
	Deleted struct {
		Conversation string `json:"conversation,omitempty"`
		All          bool   `json:"all,omitempty"`
	}
	// Subscribed answers Subscribe.
	Subscribed struct {
		Topic string `json:"topic"`
	}
	// Unsubscribed answers Unsubscribe.
	Unsubscribed struct {
		Topic string `json:"topic"`
	}
	// Authorized answers Auth.
	Authorized struct{}

	// Gateway is API Gateway's own error frame (aws-facts §3), for example
	// "Internal server error" or "Endpoint request timed out".
	Gateway struct {
		Message      string `json:"message"`
		ConnectionID string `json:"connectionId"`
		RequestID    string `json:"requestId"`
	}

	// Unknown is a frame of a type this version does not know: ignore it.
	Unknown struct {
		Name string `json:"-"`
	}
)

// Reasons of End.Stop that are kaiwa's own; all others are the model's
// (aws-facts §8: end_turn, max_tokens, …).
const (
	// StopEndTurn is the model's ordinary end.
	StopEndTurn = "end_turn"
	// StopStopped: the user asked for it.
	StopStopped = "stopped"
	// StopInterrupted: the reply could not be finished; what came is kept.
	StopInterrupted = "interrupted"
)

// Usage is what the model counted, in tokens.
type Usage struct {
	InputTokens      int `json:"inputTokens"`
	OutputTokens     int `json:"outputTokens"`
	CacheReadTokens  int `json:"cacheReadTokens"`
	CacheWriteTokens int `json:"cacheWriteTokens"`
}

// Timing is measured by the reply function from its claim, in milliseconds.
type Timing struct {
	FirstMs int `json:"firstMs"` // to the first text
	TotalMs int `json:"totalMs"` // to the end
}

// Message is one entry of a HistoryPage. A text that was cut has a Length
// greater than its own code points.
type Message struct {
	ID     string    `json:"id"`
	Role   string    `json:"role"` // user or assistant
	Text   string    `json:"text"`
	At     time.Time `json:"at"`
	Reply  string    `json:"reply,omitempty"`
	Stop   string    `json:"stop,omitempty"`
	Length int       `json:"length"`
}

// ConversationInfo is one entry of a ConversationsPage.
type ConversationInfo struct {
	ID    string    `json:"id"`
	Title string    `json:"title"`
	At    time.Time `json:"at"`
}

func (Accepted) Type() string          { return "accepted" }
func (Delta) Type() string             { return "delta" }
func (Keepalive) Type() string         { return "keepalive" }
func (End) Type() string               { return "end" }
func (Error) Type() string             { return "error" }
func (Notification) Type() string      { return "notification" }
func (Goaway) Type() string            { return "goaway" }
func (Pong) Type() string              { return "pong" }
func (HistoryPage) Type() string       { return "history" }
func (ConversationsPage) Type() string { return "conversations" }
func (Renamed) Type() string           { return "renamed" }
func (Deleted) Type() string           { return "deleted" }
func (Subscribed) Type() string        { return "subscribed" }
func (Unsubscribed) Type() string      { return "unsubscribed" }
func (Authorized) Type() string        { return "authorized" }
func (Gateway) Type() string           { return "" }
func (u Unknown) Type() string         { return u.Name }

// Error makes a *Error usable as a Go error on the client's side.
func (e Error) Error() string { return string(e.Code) + ": " + e.Message }
