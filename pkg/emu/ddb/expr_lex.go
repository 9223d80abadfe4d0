package ddb

import "strings"

// tokenKind tells what a token of an expression is.
type tokenKind byte

const (
	tokenEnd       tokenKind = iota
	tokenName                // a, also every keyword and function name
	tokenNameRef             // #a
	tokenValueRef            // :a
	tokenInteger             // 0, an index
	tokenSymbol              // = <> < <= > >= ( ) [ ] , . + -
	tokenForbidden           // anything else, among it names that begin with an underscore
)

type token struct {
	kind       tokenKind
	text       string
	start, end int
}

const (
	letters      = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	decimals     = "0123456789"
	wordChars    = letters + decimals + "_"
	blanks       = " \t\r\n"
	twoSymbols   = "<> <= >="
	singleSymbol = "=<>()[],.+-"
)

// lex cuts an expression into tokens, the last of which is tokenEnd.
func lex(s string) []token {
	var tokens []token
	for at := 0; ; {
		at += span(s[at:], blanks)
		if at == len(s) {
			return append(tokens, token{tokenEnd, "<EOF>", at, at})
		}
		kind, n := nextToken(s[at:])
		tokens = append(tokens, token{kind, s[at : at+n], at, at + n})
		at += n
	}
}

// nextToken tells kind and length of the token s begins with.
func nextToken(s string) (tokenKind, int) {
	c := s[:1]
	switch {
	case strings.Contains(letters, c):
		return tokenName, span(s, wordChars)
	case strings.Contains(decimals, c):
		return tokenInteger, span(s, decimals)
	case c == "#" && span(s[1:], wordChars) > 0:
		return tokenNameRef, 1 + span(s[1:], wordChars)
	case c == ":" && span(s[1:], wordChars) > 0:
		return tokenValueRef, 1 + span(s[1:], wordChars)
	case len(s) > 1 && s[1] != ' ' && strings.Contains(twoSymbols, s[:2]):
		return tokenSymbol, 2
	case strings.Contains(singleSymbol, c):
		return tokenSymbol, 1
	}
	return tokenForbidden, 1
}

// span is how many bytes of chars s begins with.
func span(s, chars string) int { return len(s) - len(strings.TrimLeft(s, chars)) }
