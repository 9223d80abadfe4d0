package term

import "strings"

// search is a ^R under way.
type search struct {
	query string
	at    int // of the match, counted from the end of the history; 0: none yet
	text  string
	caret int // the text and the caret from before
}

// Search tells what is searched for in the history while ^R is under way, and
// whether it is found.
func (l *Line) Search() (query string, found, under bool) {
	if l.find == nil {
		return "", false, false
	}
	return l.find.query, l.find.at > 0 || l.find.query == "", true
}

// searching lets a key of a search do its work. It says false if the key ends the
// search and is to be served as usual.
func (l *Line) searching(k Key) bool {
	s := l.find
	switch {
	case k.Code == Text && k.Mod == 0, k.Code == Paste:
		s.query += k.Text
		l.match(max(s.at, 1))
	case k.Code == Backspace && s.query != "":
		n := 0
		for n < len(s.query) && n+grapheme(s.query[n:]) < len(s.query) {
			n += grapheme(s.query[n:])
		}
		s.query = s.query[:n]
		l.match(1)
	case k.Code == Ctrl && k.Text == "r":
		l.match(s.at + 1)
	case k.Code == Esc, k.Code == Ctrl && (k.Text == "g" || k.Text == "c"):
		l.text, l.caret, l.find = s.text, s.caret, nil
	case k.Code == Enter: // taken, to be looked at before it is sent
		l.take()
	default:
		l.take()
		return false
	}
	return true
}

// take ends the search with what was found.
func (l *Line) take() {
	if l.text != l.find.text {
		l.past.note(l.find.text, l.find.caret, false)
	}
	l.find = nil
}

// match shows the newest entry with the query in it, at steps back or more. If
// there is none, the last match stays.
func (l *Line) match(at int) {
	s := l.find
	if s.query == "" {
		s.at = 0
		l.text, l.caret = s.text, s.caret
		return
	}
	query := strings.ToLower(s.query)
	for ; at <= len(l.history); at++ {
		text := l.history[len(l.history)-at]
		if strings.Contains(strings.ToLower(text), query) {
			s.at = at
			l.set(text)
			return
		}
	}
	if !strings.Contains(strings.ToLower(l.text), query) {
		s.at = 0
	}
}
