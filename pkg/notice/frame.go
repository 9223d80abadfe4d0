package notice

import (
	"fmt"
	"strings"

	"kaiwa/pkg/wire"
)

// Bounds of a frame's parts. Together they leave text most of a WebSocket frame.
const (
	maxTitle = 200      // characters
	maxLevel = 32       // characters
	maxData  = 16 << 10 // bytes, encoded
)

// Frame is a notification as it goes out. It fits into one WebSocket frame, which
// is one billed unit: data over 16 KB is left out with a note, then text is cut.
// The caller sets ID and At where they are unset.
func (n Notice) Frame() wire.Notification {
	f := wire.Notification{ID: n.ID, Title: clip(n.Title, maxTitle), Text: n.Text, Level: clip(n.Level, maxLevel),
		Topic: n.To.Topic, Conversation: n.To.Conversation, At: n.At}
	if len(n.Data) > 0 {
		if data := strings.ToValidUTF8(compact(n.Data), "\uFFFD"); len(data) <= maxData {
			f.Data = []byte(data)
		} else {
			f.Text = strings.TrimSpace(f.Text + fmt.Sprintf("\n(%d bytes of data left out)", len(data)))
		}
	}
	over := len(wire.EncodeFrame(f)) - wire.MaxFrame
	if over > 0 {
		const mark = "… (cut)"
		f.Text = f.Text[:wire.EncodedPrefix(f.Text, wire.EncodedLen(f.Text)-over-len(mark))] + mark
	}
	return f
}

// Prompt is a notification as the user message that asks about it. What the other
// system said stands inside a fence of its own and is called data: it must never
// read as an instruction of the user's or the system's. question is the
// deployment's own sentence.
func (n Notice) Prompt(question string) string {
	f := n.Frame()
	body := lines(bracket(f.Level)+f.Title, f.Text)
	if len(f.Data) > 0 {
		body = lines(body, "data: "+string(f.Data))
	}
	// The fence cannot be closed from inside.
	body = strings.NewReplacer("<notification", "< notification", "</notification", "< /notification").Replace(body)
	return question + "\n\n<notification>\n" + body + "\n</notification>"
}

func bracket(level string) string {
	if level == "" {
		return ""
	}
	return "[" + level + "] "
}
