package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"
)

// EncodeFrame encodes a frame as one compact JSON object whose first field is
// "type". The result is not split: see package frame for the size limits.
func EncodeFrame(f Frame) []byte {
	if d, ok := f.(Delta); ok {
		return appendDelta(make([]byte, 0, DeltaOverhead(d.Ref, d.Offset)+EncodedLen(d.Text)), d)
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	// The frame types hold strings, numbers, times and raw JSON only. A RawMessage
	// that is not valid JSON is the one way to fail: it is dropped.
	f = tidy(f)
	if err := enc.Encode(f); err != nil {
		if n, ok := f.(Notification); ok && n.Data != nil {
			n.Data = nil
			return EncodeFrame(n)
		}
		return nil
	}
	body := bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
	if f.Type() == "" {
		return body
	}
	out := append([]byte(`{"type":`), AppendString(nil, f.Type())...)
	if len(body) > 2 {
		out = append(out, ',')
	}
	return append(out, body[1:]...)
}

// tidy keeps two promises that encoding/json does not: times are UTC, and an
// empty list is [] rather than null.
func tidy(f Frame) Frame {
	switch f := f.(type) {
	case Notification:
		f.At = utc(f.At)
		return f
	case HistoryPage:
		f.Messages = append([]Message{}, f.Messages...)
		for i := range f.Messages {
			f.Messages[i].At = utc(f.Messages[i].At)
		}
		return f
	case ConversationsPage:
		f.Conversations = append([]ConversationInfo{}, f.Conversations...)
		for i := range f.Conversations {
			f.Conversations[i].At = utc(f.Conversations[i].At)
		}
		return f
	}
	return f
}

// utc is t as RFC 3339 can write it: a year it cannot is no time at all.
func utc(t time.Time) time.Time {
	if t = t.UTC(); t.Year() < 0 || t.Year() > 9999 {
		return time.Time{}
	}
	return t
}

// appendDelta is written by hand: a delta is the one frame sent many times a
// second, and its exact size decides where text is split.
func appendDelta(b []byte, d Delta) []byte {
	b = append(b, `{"type":"delta","id":`...)
	b = AppendString(b, d.ID)
	b = append(b, `,"conversation":`...)
	b = AppendString(b, d.Conversation)
	b = append(b, `,"reply":`...)
	b = AppendString(b, d.Reply)
	b = append(b, `,"offset":`...)
	b = strconv.AppendInt(b, int64(d.Offset), 10)
	b = append(b, `,"text":`...)
	b = AppendString(b, d.Text)
	return append(b, '}')
}

// DeltaOverhead is how many bytes a Delta takes beyond EncodedLen of its text.
func DeltaOverhead(r Ref, offset int) int {
	var digits [20]byte
	return len(`{"type":"delta","id":"","conversation":"","reply":"","offset":,"text":""}`) +
		EncodedLen(r.ID) + EncodedLen(r.Conversation) + EncodedLen(r.Reply) + len(strconv.AppendInt(digits[:0], int64(offset), 10))
}

// DecodeFrame reads a frame from the service. A type this version does not know
// gives Unknown; API Gateway's own frames give Gateway.
func DecodeFrame(b []byte) (Frame, error) {
	var head struct {
		Type    string          `json:"type"`
		Message json.RawMessage `json:"message"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return nil, fmt.Errorf("decode frame: %w", err)
	}
	switch head.Type {
	case "accepted":
		return asFrame[Accepted](b)
	case "delta":
		return asFrame[Delta](b)
	case "keepalive":
		return asFrame[Keepalive](b)
	case "end":
		return asFrame[End](b)
	case "error":
		return asFrame[Error](b)
	case "notification":
		return asFrame[Notification](b)
	case "goaway":
		return asFrame[Goaway](b)
	case "pong":
		return asFrame[Pong](b)
	case "history":
		return asFrame[HistoryPage](b)
	case "conversations":
		return asFrame[ConversationsPage](b)
	case "renamed":
		return asFrame[Renamed](b)
	case "deleted":
		return asFrame[Deleted](b)
	case "subscribed":
		return asFrame[Subscribed](b)
	case "unsubscribed":
		return asFrame[Unsubscribed](b)
	case "authorized":
		return asFrame[Authorized](b)
	case "":
		if head.Message != nil {
			return asFrame[Gateway](b)
		}
	}
	return Unknown{Name: head.Type}, nil
}

func asFrame[T Frame](b []byte) (Frame, error) {
	var v T
	if err := json.Unmarshal(b, &v); err != nil {
		return nil, fmt.Errorf("decode %T: %w", v, err)
	}
	return v, nil
}

const hex = "0123456789abcdef"

// AppendString appends s as a JSON string. Only what JSON requires is escaped,
// so that text costs what it must; invalid UTF-8 becomes U+FFFD.
func AppendString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			b = utf8.AppendRune(b, r)
			i += n
			continue
		}
		i++
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, '\\', 'n')
		case c == '\r':
			b = append(b, '\\', 'r')
		case c == '\t':
			b = append(b, '\\', 't')
		case c < 0x20:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

// EncodedLen is how many bytes s takes inside the quotes of AppendString: one to
// six for each byte of s.
func EncodedLen(s string) int {
	n := 0
	for i := 0; i < len(s); {
		size, width := first(s[i:])
		n += size
		i += width
	}
	return n
}

// EncodedPrefix is how many leading bytes of s, in whole code points, have an
// EncodedLen of at most limit.
func EncodedPrefix(s string, limit int) int {
	i := 0
	for i < len(s) {
		size, width := first(s[i:])
		if limit -= size; limit < 0 {
			break
		}
		i += width
	}
	return i
}

// first gives the first code point's encoded size and its width in s, which must
// not be empty.
func first(s string) (size, width int) {
	c := s[0]
	switch {
	case c >= utf8.RuneSelf:
		r, w := utf8.DecodeRuneInString(s)
		return utf8.RuneLen(r), w
	case c == '"' || c == '\\' || c == '\n' || c == '\r' || c == '\t':
		return 2, 1
	case c < 0x20:
		return 6, 1
	}
	return 1, 1
}
