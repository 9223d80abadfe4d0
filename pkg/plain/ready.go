package plain

import (
	"strings"
	"unicode/utf8"
)

// Ready tells how many leading bytes of text may be shown now: up to and
// including the last newline, 。．！？, or .!? that a blank follows, with closing
// quotes and brackets and the blanks after it. 0 means wait for more.
//
// A number (３．１４), a list mark ("1. " or "１．" that begins a line), and a
// sentence that ends text inside an open 「 or （, whose 」 or ） will come, are no
// ends. It looks at each byte a few times at most; callers pass what they have
// not shown yet.
func Ready(text string) int {
	after := len(text) // where the marks and closers around i end
	quoted := endsQuoted(text)
	for i := len(text); i > 0; {
		r, n := utf8.DecodeLastRuneInString(text[:i])
		switch {
		case r == '\n':
			return i
		case isMark(r):
			if (after < len(text) || !quoted) && endsSentence(text, i-n, i, after) {
				return after + len(text[after:]) - len(strings.TrimLeft(text[after:], blanks))
			}
		case !isCloser(r):
			after = i - n
		}
		i -= n
	}
	return 0
}

func isMark(r rune) bool {
	switch r {
	case '。', '．', '！', '？', '.', '!', '?':
		return true
	}
	return false
}

// endsSentence judges the mark text[start:end]; the marks and closers that follow
// it end at after.
func endsSentence(text string, start, end, after int) bool {
	next, _ := utf8.DecodeRuneInString(text[after:])
	switch mark := text[start:end]; mark {
	case ".", "!", "?":
		blank := after < len(text) && strings.ContainsRune(blanks, next)
		return blank && !(mark == "." && after == end && isListMark(text[:start]))
	case "．":
		before, _ := utf8.DecodeLastRuneInString(text[:start])
		if !isDigit(before) {
			return true
		}
		return after < len(text) && !isDigit(next) && !isListMark(text[:start])
	}
	return true
}

// isListMark tells whether a line that ends with s consists of digits.
func isListMark(s string) bool {
	number := strings.TrimRightFunc(s, isDigit)
	before := strings.TrimRight(number, blanks)
	return len(number) < len(s) && (before == "" || strings.HasSuffix(before, "\n"))
}

func isDigit(r rune) bool { return '0' <= r && r <= '9' || '０' <= r && r <= '９' }

// isCloser tells of what belongs to the sentence that ends before it.
func isCloser(r rune) bool {
	switch r {
	case '"', '\'', ')', ']', '}', '’', '»':
		return true
	}
	return quote(r) < 0
}

// quote is 1 for what opens a quotation or a bracket that is sure to be closed,
// -1 for what closes one, else 0.
func quote(r rune) int {
	switch r {
	case '「', '『', '（', '【', '〈', '《', '〔', '［', '｢', '“':
		return 1
	case '」', '』', '）', '】', '〉', '》', '〕', '］', '｣', '”':
		return -1
	}
	return 0
}

// endsQuoted tells whether text ends with a mark, or a closer after it, inside an
// open quotation.
func endsQuoted(text string) bool {
	if r, _ := utf8.DecodeLastRuneInString(text); !isMark(r) && quote(r) >= 0 {
		return false
	}
	depth := 0
	for _, r := range text {
		depth = max(0, depth+quote(r))
	}
	return depth > 0
}
