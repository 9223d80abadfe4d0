package chat

import (
	"strings"
	"unicode/utf8"
)

// EstimateTokens guesses how many tokens a model makes of usual text, prose or
// code: a third of a token for an ASCII byte, one for any other code point. It
// bounds the history that is sent; the model's own count is in its usage. Of digits,
// or of rare characters, a model can make up to a token for each byte.
func EstimateTokens(s string) int {
	ascii, other := 0, 0
	for _, r := range s {
		if r < 0x80 {
			ascii++
		} else {
			other++
		}
	}
	return (ascii+2)/3 + other
}

// CautiousTokens guesses too many tokens rather than too few, also of text that was
// made to be dear: half a token for an ASCII letter or a blank, one for a digit and
// any other ASCII byte, one for each byte but the first of any other code point.
// It is what counts on a user's account where the model does not say it.
func CautiousTokens(s string) int {
	halves := 0
	for _, r := range s {
		switch {
		case r == ' ' || 'a' <= r|0x20 && r|0x20 <= 'z':
			halves++
		case r < utf8.RuneSelf:
			halves += 2
		default:
			halves += 2 * (utf8.RuneLen(r) - 1)
		}
	}
	return (halves + 1) / 2
}

// perMessage is what a message costs beyond its text.
const perMessage = 4

// Budget picks messages, newest first, until its tokens run out.
type Budget struct {
	// Tokens left. The zero Budget takes nothing.
	Tokens int
}

// Take tells whether a message still fits, and if so takes its share.
func (b *Budget) Take(text string) bool {
	n := EstimateTokens(text) + perMessage
	if n > b.Tokens {
		return false
	}
	b.Tokens -= n
	return true
}

// Prompt is what a model is asked: messages oldest first, roles alternating, the
// first and the last by the user.
type Prompt struct {
	Messages []Message
}

// Tokens estimates the prompt's size, cautiously.
func (p Prompt) Tokens() int {
	n := 0
	for _, m := range p.Messages {
		n += CautiousTokens(m.Text) + perMessage
	}
	return n
}

// Arrange makes a Prompt of messages given newest first: blank texts are left
// out, neighbours of one role are joined by a blank line, and what stands before
// the first user message or after the last is dropped, since models want roles
// to alternate from user to user (aws-facts §8).
func Arrange(newestFirst []Message) Prompt {
	var p Prompt
	for i := len(newestFirst) - 1; i >= 0; i-- {
		m := newestFirst[i]
		last := len(p.Messages) - 1
		switch {
		case strings.TrimSpace(m.Text) == "":
		case last < 0 && m.Role != User:
		case last >= 0 && p.Messages[last].Role == m.Role:
			p.Messages[last].Text += "\n\n" + m.Text
		default:
			p.Messages = append(p.Messages, m)
		}
	}
	if n := len(p.Messages); n > 0 && p.Messages[n-1].Role != User {
		p.Messages = p.Messages[:n-1]
	}
	return p
}
