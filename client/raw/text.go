package raw

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
)

// Shown is a message as it is printed.
func (o *Options) Shown(m Message) string {
	text := m.Text
	switch {
	case o.Verbatim:
	case m.Binary:
		text = hexed(text)
	default:
		if o.Pretty {
			text = pretty(text)
		}
		text = Visible(text)
	}
	if o.Times {
		text = m.At.Format("15:04:05.000 ") + text
	}
	return text
}

// pretty indents what is a JSON object or array.
func pretty(text string) string {
	var b bytes.Buffer
	if start := strings.TrimSpace(text); start == "" || start[0] != '{' && start[0] != '[' || json.Indent(&b, []byte(text), "", "  ") != nil {
		return text
	}
	return b.String()
}

// hexed shows the beginning of a binary message.
func hexed(text string) string {
	const most = 64
	dots := ""
	if len(text) > most {
		dots = " …"
	}
	return fmt.Sprintf("(binary, %d bytes) % x%s", len(text), text[:min(len(text), most)], dots)
}

// Visible shows what could drive a terminal, or turn its text around: C0 as the
// control pictures of Unicode, the rest as an escape. Newlines and tabs stay.
func Visible(s string) string {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		switch {
		case r == '\n', r == '\t', r == '\u200d', r == '\u200c': // emoji and scripts need the joiners
			b.WriteRune(r)
		case r < ' ':
			b.WriteRune('\u2400' + r)
		case r == 0x7f:
			b.WriteRune('\u2421')
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == '\u2028', r == '\u2029':
			fmt.Fprintf(&b, "\\u%04x", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Joiner makes messages of lines: a JSON object or array may take several, until
// it is whole or a blank line ends it. The zero value is ready.
type Joiner struct{ lines []string }

// Line takes a line without its newline. ok: a message is complete.
func (j *Joiner) Line(line string) (message string, ok bool) {
	if len(j.lines) == 0 {
		if s := strings.TrimSpace(line); !strings.HasPrefix(s, "{") && !strings.HasPrefix(s, "[") {
			return line, line != ""
		}
	}
	blank := strings.TrimSpace(line) == ""
	if !blank {
		j.lines = append(j.lines, line)
	}
	message = strings.Join(j.lines, "\n")
	if !blank && len(message) < maxMessage && !json.Valid([]byte(message)) {
		return "", false
	}
	j.lines = nil
	return message, true
}

// Rest is what was begun and never became whole.
func (j *Joiner) Rest() (message string, ok bool) {
	message = strings.Join(j.lines, "\n")
	j.lines = nil
	return message, message != ""
}
