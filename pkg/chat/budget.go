package chat

import "strings"

// EstimateTokens guesses, on the safe side, how many tokens a model makes of s:
// a third of a token for an ASCII byte, one for any other code point. It bounds
// the history that is sent; the model's own count is in its usage.
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

// Tokens estimates the prompt's size.
func (p Prompt) Tokens() int {
	n := 0
	for _, m := range p.Messages {
		n += EstimateTokens(m.Text) + perMessage
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
