package frame

import (
	"errors"
	"fmt"

	"kaiwa/pkg/wire"
)

// ErrTooLarge is in the chain of Parts' errors when a prompt has to be made
// shorter.
var ErrTooLarge = errors.New("prompt is too large")

// Parts makes the messages that send a prompt, each of which encodes to at most
// limit bytes (0: wire.MaxMessage): m itself if it fits, else parts under m's id,
// which must be set. Invalid UTF-8 becomes U+FFFD. A message longer than wire.MaxFrame has to be sent in
// several WebSocket frames (aws-facts §1).
func Parts(m wire.SendMessage, limit int) ([]wire.SendMessage, error) {
	if limit <= 0 {
		limit = wire.MaxMessage
	}
	m.Text, m.Part, m.Parts = valid(m.Text), 0, nil
	if len(m.Text) > wire.MaxPrompt {
		return nil, fmt.Errorf("%w: %d bytes, %d are the most", ErrTooLarge, len(m.Text), wire.MaxPrompt)
	}
	if len(wire.EncodeRequest(m)) <= limit {
		return []wire.SendMessage{m}, nil
	}
	if m.ID == "" {
		return nil, errors.New("prompt needs an id to be sent in parts")
	}
	texts, err := partTexts(m, limit)
	if err != nil {
		return nil, err
	}
	parts := make([]wire.SendMessage, len(texts))
	for i, text := range texts {
		n := len(texts)
		parts[i] = m
		parts[i].Text, parts[i].Part, parts[i].Parts = text, i, &n
	}
	return parts, nil
}

func partTexts(m wire.SendMessage, limit int) ([]string, error) {
	text, most := m.Text, wire.MaxParts
	m.Text, m.Part, m.Parts = "", most-1, &most
	room := limit - len(wire.EncodeRequest(m))
	if room < maxEncoded {
		return nil, fmt.Errorf("a message of %d bytes has no room for a part of the prompt", limit)
	}
	texts := Split(text, room)
	if len(texts) > most {
		return nil, fmt.Errorf("%w: %d parts of %d bytes, %d are the most", ErrTooLarge, len(texts), limit, most)
	}
	return texts, nil
}
