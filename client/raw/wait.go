package raw

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Wait says when enough has come: a number of messages, a message with a text in
// it, the end of the connection, or, else, that nothing came for a while after the
// last one was sent.
type Wait struct {
	Count int
	Text  string
	Match *regexp.Regexp
	Close bool
	Idle  time.Duration // 0: 2 s
}

// ParseWait reads "3", "2s", "close", "/a regular expression/" or a text.
func ParseWait(s string) (Wait, error) {
	switch {
	case s == "":
		return Wait{}, errors.New("say what to wait for: a number of messages, a time like 2s, close, or a text")
	case s == "close":
		return Wait{Close: true}, nil
	case len(s) > 2 && s[0] == '/' && s[len(s)-1] == '/':
		match, err := regexp.Compile(s[1 : len(s)-1])
		return Wait{Match: match}, err
	}
	if n, err := strconv.Atoi(s); err == nil {
		if n <= 0 {
			return Wait{}, errors.New("the number of messages must be over 0")
		}
		return Wait{Count: n}, nil
	}
	if d, err := time.ParseDuration(s); err == nil {
		if d <= 0 {
			return Wait{}, errors.New("the time must be over 0")
		}
		return Wait{Idle: d}, nil
	}
	return Wait{Text: s}, nil
}

func (w *Wait) byIdle() bool { return w.Count == 0 && w.Text == "" && w.Match == nil && !w.Close }

func (w *Wait) idleTime() time.Duration {
	if w.Idle > 0 {
		return w.Idle
	}
	return idle
}

// enough takes a message that came.
func (w *Wait) enough(message string) bool {
	if w.Count > 0 {
		w.Count--
		return w.Count == 0
	}
	if w.Match != nil {
		return w.Match.MatchString(message)
	}
	return w.Text != "" && strings.Contains(message, w.Text)
}
