package notice

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// text is a message that is no JSON object.
func text(raw []byte) Notice {
	var s string
	if json.Unmarshal(raw, &s) != nil { // a JSON string loses its quotes
		s = string(raw)
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	if strings.TrimSpace(s) == "" {
		s = "(an empty message)"
	}
	return Notice{Text: s}
}

// generic makes the best of an object nobody knows.
func generic(o object, raw []byte) Notice {
	n := Notice{Data: raw,
		Title: o.first("title", "subject", "Subject", "summary", "alertname", "name", "event"),
		Text:  o.first("text", "message", "Message", "description", "Description", "body", "msg", "error"),
		Level: levelOf(o.first("level", "severity", "status", "state"))}
	if n.Text == "" {
		n.Text = o.words()
	}
	return n
}

// How much of an unknown object is put into words.
const (
	maxPairs = 12
	maxWord  = 120
)

// words are an object's own texts and numbers as "name: value" lines, and its JSON
// if it has none.
func (o object) words() string {
	var pairs []string
	for _, k := range slices.Sorted(maps.Keys(o)) {
		v, _ := o[k].(string)
		if n, ok := o[k].(json.Number); ok {
			v = n.String()
		} else if b, ok := o[k].(bool); ok {
			v = strconv.FormatBool(b)
		}
		if v != "" && len(pairs) < maxPairs {
			pairs = append(pairs, k+": "+clip(v, maxWord))
		}
	}
	if len(pairs) > 0 {
		return strings.Join(pairs, "\n")
	}
	b, err := json.Marshal(o)
	if err != nil || len(o) == 0 {
		return "(nothing is said)"
	}
	return clip(string(b), maxPairs*maxWord)
}

// clip cuts s to at most n characters and shows it.
func clip(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i] + "…"
		}
		n--
	}
	return s
}

// levelOf maps what services call their states to a level: "" for those that say
// nothing about it.
func levelOf(state string) string {
	s := strings.ToLower(strings.TrimSpace(state))
	for _, l := range []struct {
		level string
		words []string
	}{
		{"critical", []string{"critical", "fatal", "emergency", "severity 9", "severity 10"}},
		{"error", []string{"error", "fail", "unsuccess", "alarm", "fault", "rollback", "timed_out", "timeout", "issue", "firing", "high", "severity 7", "severity 8"}},
		{"warning", []string{"warn", "insufficient_data", "stopped", "cancel", "abort", "superseded", "medium", "severity 4", "severity 5", "severity 6", "scheduledchange"}},
		{"info", []string{"info", "ok", "succe", "started", "running", "resolved", "complete", "active", "low", "normal", "severity", "notification", "in_progress", "notice"}},
	} {
		for _, w := range l.words {
			if strings.Contains(s, w) {
				return l.level
			}
		}
	}
	return ""
}
