package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode"
	"unicode/utf16"

	"kaiwa/client/session"
	"kaiwa/pkg/wire"
)

// answer is what --json prints for one prompt.
type answer struct {
	ID           string       `json:"id"`
	Conversation string       `json:"conversation,omitempty"`
	Reply        string       `json:"reply,omitempty"`
	Text         string       `json:"text"`
	Stop         string       `json:"stop,omitempty"` // "": the reply did not end
	Saved        bool         `json:"saved"`
	Usage        *wire.Usage  `json:"usage,omitempty"`
	Timing       *wire.Timing `json:"timing,omitempty"`
	Error        *wire.Error  `json:"error,omitempty"`
}

// jsonPrinter prints one object for each prompt, on one line.
type jsonPrinter struct {
	gathered
	ref wire.Ref
	out io.Writer
}

func (p *jsonPrinter) event(id string, e session.Event) {
	if t, ok := e.(session.Text); ok && t.ID == id {
		p.ref = t.Ref
	}
	p.gathered.event(id, e)
}

func (p *jsonPrinter) end(id string, ended *session.Ended, why error) error {
	a := answer{ID: id, Conversation: p.ref.Conversation, Reply: p.ref.Reply, Text: p.take(ended)}
	if ended != nil {
		a.Conversation, a.Reply = ended.Conversation, ended.Reply
		a.Stop, a.Saved, a.Usage, a.Timing = ended.Stop, ended.Saved, ended.Usage, ended.Timing
	}
	a.Error = asWire(why)
	p.ref = wire.Ref{}
	return writeJSON(p.out, a)
}

// streamPrinter prints every event as one line of JSON.
type streamPrinter struct{ out io.Writer }

func (p *streamPrinter) event(_ string, e session.Event) {
	if v := eventJSON(e); v != nil {
		_ = writeJSON(p.out, v) // as in textPrinter
	}
}

func (p *streamPrinter) end(id string, ended *session.Ended, why error) error {
	if ended != nil || why == nil {
		return nil // said as an event
	}
	return writeJSON(p.out, map[string]any{"type": "failed", "id": id, "error": asWire(why)})
}

// eventJSON is an event as --stream-json prints it, nil if it is not printed.
func eventJSON(e session.Event) any {
	switch e := e.(type) {
	case session.Asked:
		return map[string]any{"type": "asked", "id": e.ID, "text": e.Text}
	case session.Text:
		return struct {
			Type string `json:"type"`
			wire.Ref
			Text string `json:"text"`
		}{"text", e.Ref, e.Text}
	case session.Waiting:
		return map[string]any{"type": "waiting", "id": e.ID, "seconds": int(e.For / time.Second)}
	case session.Ended:
		return struct {
			Type string `json:"type"`
			wire.End
			Cut   int         `json:"cut,omitempty"`
			Error *wire.Error `json:"error,omitempty"`
		}{"end", e.End, e.Cut, asWire(e.Err)}
	case session.Delayed:
		return map[string]any{"type": "delayed", "id": e.ID, "seconds": e.In.Seconds(), "error": asWire(e.Err)}
	case session.Trouble:
		return map[string]any{"type": "error", "error": asWire(e.Err)}
	case session.Notified:
		return notificationJSON(e.Notification)
	case session.Lost:
		return map[string]any{"type": "lost", "try": e.Try, "seconds": e.In.Seconds(), "error": asWire(e.Err)}
	case session.Back:
		return map[string]any{"type": "back"}
	}
	return nil // Refused and Gone end the prompt: end tells
}

func notificationJSON(n wire.Notification) any {
	return json.RawMessage(wire.EncodeFrame(n))
}

// asWire is an error in the shape in which the service tells its own; what the
// client found out by itself has no code.
func asWire(err error) *wire.Error {
	if err == nil {
		return nil
	}
	var e wire.Error
	if !errors.As(err, &e) {
		e.Message = err.Error()
	}
	return &e
}

// writeJSON prints v as one line. Whatever could drive a terminal or turn its text
// around is escaped, so that it is harmless there and still the same text.
func writeJSON(out io.Writer, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := out.Write(harmlessJSON(b.Bytes()))
	return err
}

// harmlessJSON escapes the control and format characters of a JSON text, newlines
// apart.
func harmlessJSON(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for _, r := range string(b) {
		switch {
		case r == '\n' || !unicode.IsControl(r) && !unicode.Is(unicode.Cf, r):
			out = append(out, string(r)...)
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, hi, lo)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}
