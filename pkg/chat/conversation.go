package chat

import "time"

// Role of a message.
type Role string

// The roles, as stored and sent.
const (
	User      Role = "user"
	Assistant Role = "assistant"
)

// Conversation belongs to one user from its first day.
type Conversation struct {
	ID    string
	User  string
	Title string
	// At is the time of the last prompt.
	At time.Time
	// Active is the newest reply, "" before the first.
	Active string
	// N counts registrations and prompts: it is the version a new turn is
	// conditional on (R10).
	N int64
	// Listeners by connection id; Offset is not used here.
	Listeners map[string]Listener
}

// Message is one entry of a conversation.
type Message struct {
	ID   string
	Role Role
	Text string
	At   time.Time
	// Reply is the reply a user message asked for, or the reply itself.
	Reply string
	// Stop is why an assistant message ended; "" while it runs.
	Stop string
	// Length is the whole text's code points; Text may be cut.
	Length int
}

// Connection is one WebSocket connection as the service knows it.
type Connection struct {
	ID string
	// User, Expires and Topics are the Identity's.
	User    string
	Expires time.Time
	Topics  []string
	// Mode notifications are shown in: that of the last message, unless Fixed by
	// the subprotocol asked for at the handshake.
	Mode  Mode
	Fixed bool
	// Conversation is the current one, "" before the first prompt.
	Conversation string
	// At is when the connection was opened.
	At time.Time
	// Gone marks a connection that answered 410: it is in no index any more, but
	// its user is remembered, because a message from it brings it back (R8).
	Gone bool
	// Warned: it was told that API Gateway's two hours are nearly over.
	Warned bool
	// Refused is when a message was first refused because the token had run out.
	Refused time.Time
}

// Turn is a prompt about to be stored: the one transaction of R10.
type Turn struct {
	User       string
	Connection string
	Mode       Mode
	// Prompt is the client's own id (or one made for it), Hash that of its text.
	Prompt string
	Hash   string
	Text   string
	// Conversation to write in; New when it is to be created.
	Conversation string
	New          bool
	// Seen is the conversation as read; the write is conditional on its Active
	// and N. Its listeners follow the reply from 0.
	Seen Conversation
	// Silenced are connections that are not to be its listeners any longer.
	Silenced []string
	// Message and Reply are the ids of the items to be made.
	Message string
	Reply   string
	At      time.Time
	// Account is the user's once this turn has begun; the write is conditional on
	// its Version. nil where nothing is counted.
	Account *Account
}

// Claim is what an idempotency key remembers.
type Claim struct {
	Hash         string
	Reply        string
	Conversation string
}

// Part is a piece of a prompt that is too big for one message.
type Part struct {
	User   string
	Prompt string // the client's own id
	Part   int
	Parts  int
	Text   string
	At     time.Time
}
