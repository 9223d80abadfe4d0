package converse

import "unicode"

// script is a class of characters that stand together in a token; its value is how many of them at most.
type script int

const (
	single   script = 1 // punctuation, symbols, emoji, and the marks that join or modify them
	kanji    script = 2
	hiragana script = 3
	katakana script = 4
	latin    script = 8
	blank    script = 9 // glued to what follows, as tokenizers do
)

// pieces cuts text into the word-like tokens a language model would stream. Joined they are the text again. A cut may
// fall inside a grapheme (before a combining mark, inside an emoji sequence), never inside a code point.
func pieces(text string) []string {
	var out []string
	start, held, last := 0, 0, blank // held counts the characters of the class last since the token began
	for i, r := range text {
		class := scriptOf(r)
		glued := last == blank && class != single && held < int(latin)
		if i > start && !glued && (class != last || held >= int(class)) {
			out = append(out, text[start:i])
			start, held = i, 0
		}
		if class != last {
			held = 0
		}
		held++
		last = class
	}
	if start < len(text) {
		out = append(out, text[start:])
	}
	return out
}

func scriptOf(r rune) script {
	switch {
	case r == ' ' || r == '\n':
		return blank
	case unicode.Is(unicode.Han, r):
		return kanji
	case unicode.Is(unicode.Hiragana, r):
		return hiragana
	case unicode.Is(unicode.Katakana, r) || r == 'ー':
		return katakana
	case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '\'':
		return latin
	}
	return single
}
