package term

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const blanks = " \t\n\u3000"

// blankBefore is where the word before the caret starts, words being what stands
// between blanks.
func (l *Line) blankBefore() int {
	s := strings.TrimRight(l.text[:l.caret], blanks)
	i := strings.LastIndexAny(s, blanks)
	if i < 0 {
		return 0
	}
	return i + grapheme(s[i:])
}

// wordBefore is where the word before the caret starts. Words are letters and
// digits of one kind: in Japanese a run of kanji, of hiragana or of katakana.
func (l *Line) wordBefore() int {
	caret := l.caret
	defer func() { l.caret = caret }()
	kind := notWord
	for l.caret > 0 {
		at := l.before()
		k := kindOf(l.text[at:l.caret], kind)
		if kind != notWord && k != kind {
			break
		}
		l.caret, kind = at, k
	}
	return l.caret
}

// wordAfter is where the word after the caret ends.
func (l *Line) wordAfter() int {
	i, kind := l.caret, notWord
	for i < len(l.text) {
		n := grapheme(l.text[i:])
		k := kindOf(l.text[i:i+n], kind)
		if kind != notWord && k != kind {
			break
		}
		i, kind = i+n, k
	}
	return i
}

// wordKind tells the kinds of words apart.
type wordKind int

const (
	notWord wordKind = iota
	word
	kanji
	hiragana
	katakana
)

// kindOf is the kind that a grapheme, which stands next to one of kind beside,
// belongs to.
func kindOf(g string, beside wordKind) wordKind {
	switch r, _ := utf8.DecodeRuneInString(g); {
	case (r == 'ー' || r == 'ｰ') && beside != notWord: // goes with what it stands next to
		return beside
	case r == 'ー', r == 'ｰ':
		return katakana
	case unicode.Is(unicode.Han, r):
		return kanji
	case unicode.Is(unicode.Hiragana, r):
		return hiragana
	case unicode.Is(unicode.Katakana, r):
		return katakana
	case unicode.IsLetter(r), unicode.IsDigit(r), r == '_', isFold(r):
		return word
	}
	return notWord
}
