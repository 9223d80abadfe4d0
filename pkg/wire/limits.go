package wire

import "time"

// Limits of Amazon API Gateway WebSocket APIs (aws-facts §1) and of kaiwa.
const (
	// MaxMessage is the most bytes of one message, encoded, either way: beyond it
	// a client is closed with 1009 and a post is refused with 413.
	MaxMessage = 128 << 10
	// MaxFrame is the most bytes of one WebSocket frame, either way, and the
	// metering unit of a message.
	MaxFrame = 32 << 10
	// MaxID is the most characters of a client's own message id.
	MaxID = 64
	// MaxParts is the most parts of one prompt.
	MaxParts = 32
	// MaxPrompt is the most bytes (UTF-8) of a prompt's text, all parts together.
	MaxPrompt = 512 << 10
	// PartsWithin is how long the parts of one prompt may take to arrive.
	PartsWithin = 2 * time.Minute
	// MaxHistoryPage is where a page of history stops, in encoded bytes.
	MaxHistoryPage = 32 << 10
	// MaxTitle is the most characters of a conversation's title.
	MaxTitle = 200
	// MaxTopic is the most characters of a topic.
	MaxTopic = 128
)

// Subprotocols a client may ask for at the handshake (DESIGN §2).
const (
	// SubprotocolJSON makes notifications JSON frames.
	SubprotocolJSON = "kaiwa.v1"
	// SubprotocolText makes notifications plain lines.
	SubprotocolText = "kaiwa.text.v1"
	// SubprotocolBearer is the prefix under which a browser hands over its token.
	// It is never echoed back.
	SubprotocolBearer = "bearer."
)

// Times a client keeps (DESIGN §3, R12).
const (
	// AcceptWithin: no accepted in this time means the same prompt is sent again
	// under the same id.
	AcceptWithin = 10 * time.Second
	// SilenceMax: a client that waits for a reply and has heard nothing for this
	// long sends resume. The service breaks its own silence after 20 s.
	SilenceMax = 25 * time.Second
	// PingEvery is how often a client with nothing in flight pings by default.
	PingEvery = 25 * time.Second
	// ResumeEvery bounds the resumes a client sends for gaps.
	ResumeEvery = time.Second
	// StopEvery is how often a client repeats an unanswered stop.
	StopEvery = 5 * time.Second
	// HandoverAfter is the age at which a client moves to a new socket, before
	// API Gateway's two hours end (aws-facts §1).
	HandoverAfter = 110 * time.Minute
)
