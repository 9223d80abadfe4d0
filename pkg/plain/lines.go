package plain

import (
	"fmt"
	"strings"

	"kaiwa/pkg/wire"
)

// Waiting says that a reply is still being made; seconds is how long nothing came.
func Waiting(seconds int) string { return fmt.Sprintf("… waiting %d s", seconds) }

// Error is an error as one line that says what to do and how long to wait.
func Error(e wire.Error) string {
	text := oneLine(e.Message)
	if text == "" {
		text = withoutMessage(e.Code)
	}
	if e.Code == wire.CodeBusy && !strings.Contains(text, "/stop") {
		text += " (/stop ends it)"
	}
	if e.RetryAfter > 0 {
		text += " (wait " + span(e.RetryAfter) + ")"
	}
	return bounded("! " + text)
}

// withoutMessage is for an error whose message is empty.
func withoutMessage(c wire.Code) string {
	switch c {
	case wire.CodeTooLarge:
		return "this is too long; send less"
	case wire.CodeNotFound:
		return "there is no such thing; /list shows your conversations"
	case wire.CodeBusy:
		return "the last answer is not finished yet"
	case wire.CodeUnauthorized, wire.CodeExpired:
		return "you are not signed in any more; connect again"
	case wire.CodeBadRequest:
		return "this was not understood; /help shows what can be"
	}
	return "this did not work; try again"
}

// End is a reply's end as one line, "" for the ordinary one.
func End(e wire.End) string {
	switch e.Stop {
	case wire.StopEndTurn:
		return ""
	case wire.StopStopped:
		return "! stopped"
	case wire.StopInterrupted:
		if e.Length == 0 {
			return "! interrupted before it began; please send it again"
		}
		return "! interrupted; what came is kept, ask for the rest"
	case "max_tokens":
		return "! cut short by the length limit; ask it to go on"
	case "model_context_window_exceeded":
		return "! the conversation is too long for the model; /new starts another"
	case "content_filtered", "guardrail_intervened":
		return "! ended by a content filter; put it differently"
	}
	return bounded(strings.TrimRight("! ended: "+oneLine(e.Stop), blanks+":"))
}

// Notification is a notification as one line: level, title and text, as far as
// there are any. What is beyond wire.MaxFrame is cut off.
func Notification(n wire.Notification) string {
	level, title, text := oneLine(n.Level), oneLine(n.Title), oneLine(n.Text)
	if level != "" {
		level = "[" + level + "]"
	}
	if title != "" && text != "" {
		title += ":"
	}
	line := "*"
	for _, s := range []string{level, title, text} {
		if s != "" {
			line += " " + s
		}
	}
	return bounded(line)
}

// span says a number of seconds as a person does.
func span(seconds int) string {
	switch {
	case seconds < 120:
		return fmt.Sprintf("%d s", seconds)
	case seconds < 2*60*60:
		return fmt.Sprintf("%d min", (seconds+59)/60)
	}
	return fmt.Sprintf("%d h", (seconds+3599)/3600)
}

// oneLine is s made harmless, its lines joined by blanks.
func oneLine(s string) string {
	var lines []string
	for line := range strings.SplitSeq(strings.ReplaceAll(Safe(s), "\t", " "), "\n") {
		if line = strings.Trim(line, blanks); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, " ")
}

// bounded keeps a line within one frame.
func bounded(line string) string { return strings.TrimRight(Cut(line, wire.MaxFrame), blanks) }
