// Package cells counts how many cells of a terminal a text takes.
package cells

import "github.com/clipperhouse/displaywidth"

// Measure says how a terminal counts what terminals disagree about. The zero
// value is the way of wcwidth: each code point by itself, ambiguous ones narrow.
type Measure struct {
	// Ambiguous: what East Asian Width calls ambiguous (○ → “) takes two cells.
	Ambiguous bool
	// Selector: a narrow character that is asked for as an emoji (❤️) takes two.
	Selector bool
	// Modifier: a skin tone takes none of its own after an emoji (👍🏽).
	Modifier bool
	// Joiner: what is joined to an emoji takes none of its own (👩‍👩‍👧).
	Joiner bool
}

const (
	joiner   = '\u200d'
	selector = '\ufe0f'
)

// Width is how many cells s takes, which must hold no control characters.
func (m Measure) Width(s string) int {
	options := displaywidth.Options{EastAsianWidth: m.Ambiguous}
	total, last, joined := 0, 0, false
	for _, r := range s {
		n := 0
		switch {
		case ' ' <= r && r <= '~':
			n = 1
		case r == joiner:
			joined = m.Joiner
			continue
		case r == selector:
			if m.Selector && last == 1 {
				total, last = total+1, 2
			}
			continue
		case m.Modifier && isModifier(r) && last == 2, isVowel(r):
		case isIndicator(r): // two of them are one flag
			n = 1
		default:
			n = options.Rune(r)
		}
		if joined && n == 2 {
			n = 0
		}
		if joined = false; n > 0 {
			last = n
		}
		total += n
	}
	return total
}

// isModifier tells the five skin tones.
func isModifier(r rune) bool { return 0x1f3fb <= r && r <= 0x1f3ff }

// isVowel tells the vowels and finals that stand in the cell of the Korean
// consonant before.
func isVowel(r rune) bool { return 0x1160 <= r && r <= 0x11ff || 0xd7b0 <= r && r <= 0xd7ff }

// isIndicator tells the letters that flags are made of.
func isIndicator(r rune) bool { return 0x1f1e6 <= r && r <= 0x1f1ff }
