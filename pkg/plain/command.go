package plain

import (
	"strconv"
	"strings"
	"unicode"
)

// Command is what a typed line means: one of the struct types of this file.
type Command interface{ command() }

type (
	// Say is text for the model.
	Say struct{ Text string }
	// Help wants HelpText.
	Help struct{}
	// New starts a conversation; Text, where not empty, is its first prompt.
	New struct{ Text string }
	// List wants ListText.
	List struct{}
	// Open goes on with entry N of the list, counted from 1.
	Open struct{ N int }
	// Stop ends the running reply.
	Stop struct{}
	// Bad is a line that looks like a command and is none. Message, one harmless
	// line, says what to do; it goes out after "! ", as Error does it.
	Bad struct{ Message string }
)

func (Say) command()  {}
func (Help) command() {}
func (New) command()  {}
func (List) command() {}
func (Open) command() {}
func (Stop) command() {}
func (Bad) command()  {}

// blanks separate words, and are trimmed where lines begin and end.
const blanks = " \t\u3000"

// Parse reads a typed line. A leading / makes it a command and // a literal
// slash; blanks around a command do not matter, and one final line end, as
// websocat sends it, does not count. The full-width ／ of a Japanese keyboard
// makes a command only where the rest is one: it begins ordinary text as well.
func Parse(line string) Command {
	line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
	text := strings.TrimLeft(line, blanks+"\r\n")
	if rest, ok := strings.CutPrefix(text, "／"); ok {
		if c, ok := parseCommand(rest); ok {
			return c
		}
	}
	rest, ok := strings.CutPrefix(text, "/")
	switch {
	case !ok:
		return Say{line}
	case strings.HasPrefix(rest, "/"):
		return Say{rest}
	}
	if c, ok := parseCommand(rest); ok {
		return c
	}
	name, _ := word(rest)
	return Bad{"there is no /" + clip(oneLine(name), 32) + "; /help shows the commands, and // begins a text with a slash"}
}

// parseCommand reads what follows the slash.
func parseCommand(s string) (Command, bool) {
	name, arg := word(s)
	switch strings.ToLower(narrow(name)) {
	case "help":
		return Help{}, true
	case "new":
		return New{arg}, true
	case "list":
		return List{}, true
	case "open":
		return parseOpen(arg), true
	case "stop":
		return Stop{}, true
	}
	return nil, false
}

func parseOpen(arg string) Command {
	n, err := strconv.Atoi(narrow(arg))
	if err != nil || n < 1 {
		return Bad{"/open needs a number of /list, for example /open 2"}
	}
	return Open{n}
}

// word splits s after its first word and trims what follows.
func word(s string) (first, rest string) {
	if i := strings.IndexFunc(s, unicode.IsSpace); i >= 0 {
		return s[:i], strings.TrimSpace(s[i:])
	}
	return s, ""
}

// narrow turns full-width letters and digits into ASCII.
func narrow(s string) string {
	return strings.Map(func(r rune) rune {
		if 0xFF01 <= r && r <= 0xFF5E {
			return r - 0xFEE0
		}
		return r
	}, s)
}
