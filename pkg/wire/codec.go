package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
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
	// The frame types hold strings, numbers, times and valid raw JSON only. A
	// RawMessage that is not valid JSON is the one way to fail: it is dropped.
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
	return len(`{"type":"delta","id":"","conversation":"","reply":"","offset":,"text":""}`) +
		EncodedLen(r.ID) + EncodedLen(r.Conversation) + EncodedLen(r.Reply) + len(strconv.Itoa(offset))
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
		return nil, fmt.Errorf("decode %s frame: %w", v.Type(), err)
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
		c := s[i]
		if c >= utf8.RuneSelf {
			r, w := utf8.DecodeRuneInString(s[i:])
			n += utf8.RuneLen(r)
			i += w
			continue
		}
		i++
		n += asciiLen(c)
	}
	return n
}

// asciiLen is the encoded size of one byte below utf8.RuneSelf.
func asciiLen(c byte) int {
	switch {
	case c == '"' || c == '\\' || c == '\n' || c == '\r' || c == '\t':
		return 2
	case c < 0x20:
		return 6
	}
	return 1
}
