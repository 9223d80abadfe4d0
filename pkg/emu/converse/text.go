package converse

import "strings"

// Text is the whole text of the demo model's answer to an @demo prompt with these knobs. What a client was sent by a
// call that was cut, stopped or failed is a prefix of it, as is the text with fewer Tokens or a smaller Size.
func Text(k Knobs) string { return strings.Join(Tokens(k), "") }

// Tokens is the same text as the deltas in which it is streamed. They never split a code point.
func Tokens(k Knobs) []string {
	w := writer{state: k.Seed, lang: k.Lang, escape: k.Escape}
	if k.Size > 0 {
		return []string{w.characters(k.Size)}
	}
	tokens := make([]string, k.Tokens)
	for i := range tokens {
		tokens[i] = w.token()
	}
	return tokens
}

// writer writes an endless text, the same for the same state, language and escape. The generator is splitmix64, spelled
// out here so that the text can never change with a Go release.
type writer struct {
	state   uint64
	lang    string
	escape  bool
	pending []string // tokens of the sentence begun
	last    int      // the sentence before this one, which does not come twice in a row
	begun   bool
}

func (w *writer) token() string {
	if w.escape {
		return w.escapes()
	}
	if len(w.pending) == 0 {
		w.pending = pieces(w.sentence())
	}
	token := w.pending[0]
	w.pending = w.pending[1:]
	return token
}

func (w *writer) characters(n int) string {
	var b strings.Builder
	for n > 0 {
		for _, r := range w.token() {
			if n > 0 {
				b.WriteRune(r)
				n--
			}
		}
	}
	return b.String()
}

// sentence includes what divides it from the one before it: now and then a line or a paragraph.
func (w *writer) sentence() string {
	table, gap := english, " "
	if w.lang == "ja" {
		table, gap = japanese, ""
	}
	n := w.below(len(table))
	if n == w.last {
		n = (n + 1) % len(table)
	}
	w.last = n
	switch c := w.below(10); {
	case !w.begun:
		gap = ""
	case c == 0:
		gap = "\n\n"
	case c == 1:
		gap = "\n"
	}
	w.begun = true
	return gap + table[n]
}

func (w *writer) escapes() string {
	token := make([]rune, 1+w.below(4))
	for i := range token {
		token[i] = escapes[w.below(len(escapes))]
	}
	return string(token)
}

func (w *writer) below(n int) int {
	w.state += 0x9e3779b97f4a7c15
	z := w.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return int((z ^ z>>31) % uint64(n))
}
