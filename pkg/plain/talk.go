package plain

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"kaiwa/pkg/wire"
)

// How many characters of a title and of a message are shown.
const (
	titleChars   = 60
	messageChars = 200
)

// HelpText answers Help.
func HelpText() string {
	return `Type a line and send it; the answer comes line by line.
/new [text]  begin a new conversation
/list        show your conversations
/open N      go on with number N of the list
/stop        stop the answer
/help        show this
//text       send text that begins with a slash`
}

// ListText answers List: one line for each conversation, numbered as Open counts
// them. current is the id of the one that is open.
func ListText(cs []wire.ConversationInfo, now time.Time, current string) string {
	if len(cs) == 0 {
		return "no conversations yet; type something to begin one"
	}
	lines := make([]string, len(cs))
	for i, c := range cs {
		lines[i] = fmt.Sprintf("%d  %s", i+1, titleOf(c.Title))
		if when := ago(c.At, now); when != "" {
			lines[i] += ", " + when
		}
		if c.ID == current && current != "" {
			lines[i] += " (open)"
		}
	}
	return strings.Join(lines, "\n")
}

// Opened says which conversation goes on and shows its last messages, which are
// given newest first, as a page of history has them.
func Opened(title string, last []wire.Message) string {
	lines := []string{"opened: " + titleOf(title)}
	for i := len(last) - 1; i >= 0; i-- {
		who := "you: "
		if last[i].Role != "user" {
			who = "kaiwa: "
		}
		if text := oneLine(last[i].Text); text != "" {
			lines = append(lines, who+clip(text, messageChars))
		}
	}
	return strings.Join(lines, "\n")
}

// Created says that the next line begins a new conversation.
func Created() string { return "a new conversation; type something to begin it" }

func titleOf(s string) string {
	if s = oneLine(s); s == "" {
		return "(no title)"
	}
	return clip(s, titleChars)
}

// ago says how long before now t was, "" if that is not known.
func ago(t, now time.Time) string {
	minutes := int(now.Sub(t) / time.Minute)
	switch {
	case t.IsZero():
		return ""
	case minutes < 1:
		return "just now"
	case minutes < 60:
		return fmt.Sprintf("%d min ago", minutes)
	case minutes < 24*60:
		return fmt.Sprintf("%d h ago", minutes/60)
	case minutes < 7*24*60:
		return fmt.Sprintf("%d d ago", minutes/60/24)
	}
	return t.UTC().Format(time.DateOnly)
}

// clip shortens s to at most n characters, the last of them … then; it does not
// cut inside a grapheme cluster of ordinary size.
func clip(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	end := 0
	for range n - 1 {
		_, width := utf8.DecodeRuneInString(s[end:])
		end += width
	}
	if whole := wholeClusters(s, end); whole > 0 {
		end = whole
	}
	return strings.TrimRight(s[:end], blanks) + "…"
}
