package highlight

import "github.com/alecthomas/chroma/v2"

// Painted is a line of tokens with colours.
func Painted(tokens []chroma.Token) string {
	var p painter
	for _, t := range tokens {
		p.add(colorOf(t.Type), t.Value)
	}
	return p.end()
}
