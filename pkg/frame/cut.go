package frame

import (
	"math"
	"unicode/utf8"

	"github.com/rivo/uniseg"

	"kaiwa/pkg/wire"
)

// maxEncoded is the most bytes that one code point takes in JSON: \u001b.
const maxEncoded = 6

// Cut returns the longest prefix of text that ends between two grapheme clusters
// and whose wire.EncodedLen is at most limit. A first cluster that is longer than
// the limit is cut between code points, where that can be had not beside a
// zero-width joiner. The result is "" only if text is, or if not even one code
// point fits; with a limit of 6 or more one always does.
//
// Where text itself ends counts as a boundary, although a stream may go on with
// a combining mark: nothing is ever held back.
func Cut(text string, limit int) string {
	fit := wire.EncodedPrefix(text, limit)
	if fit == len(text) {
		return text
	}
	if end := clusterEnd(text, fit); end > 0 {
		return text[:end]
	}
	return text[:insideCluster(text, fit)]
}

// Split cuts text into pieces as Cut does; they concatenate to text. A limit
// under 6, the most that one code point takes, counts as 6.
func Split(text string, limit int) []string {
	limit = max(limit, maxEncoded)
	var pieces []string
	for text != "" {
		p := Cut(text, limit)
		pieces = append(pieces, p)
		text = text[len(p):]
	}
	return pieces
}

// DeltaLimit is the room for a delta's encoded text in a message of at most
// piece bytes, whatever its offset. It is 0 if there is none.
func DeltaLimit(r wire.Ref, piece int) int {
	return max(0, piece-wire.DeltaOverhead(r, math.MaxInt))
}

// clusterEnd is the last boundary between grapheme clusters of text that is at
// most fit, a boundary between code points before text's end.
func clusterEnd(text string, fit int) int {
	end := settled(text[:fit])
	// The code point after fit decides whether there is a boundary at fit.
	_, next := utf8.DecodeRuneInString(text[fit:])
	rest, state := text[end:fit+next], -1
	for rest != "" {
		var cluster string
		cluster, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if end+len(cluster) > fit {
			break
		}
		end += len(cluster)
	}
	return end
}

// settled is a boundary between clusters near the end of s that can be seen
// without its context, or 0: it saves looking at all of s.
func settled(s string) int {
	after, width := utf8.DecodeLastRuneInString(s)
	for i := len(s) - width; i > 0; {
		before, n := utf8.DecodeLastRuneInString(s[:i])
		if before == '\n' || ordinary(before) && ordinary(after) {
			return i
		}
		i, after = i-n, before
	}
	return 0
}

// ordinary tells of some code points that neither extend a cluster nor are
// extended by another ordinary one: printable ASCII, kana, kanji, 、 and 。.
func ordinary(r rune) bool {
	switch {
	case 0x20 <= r && r < 0x7f, 0x3041 <= r && r <= 0x3096, 0x30A1 <= r && r <= 0x30FC,
		0x4E00 <= r && r <= 0x9FFF, r == '、', r == '。':
		return true
	}
	return false
}

// insideCluster chooses where to cut a cluster of which fit bytes fit: the last
// place that is not beside a zero-width joiner, else fit.
func insideCluster(text string, fit int) int {
	const joiner = '\u200d'
	after, _ := utf8.DecodeRuneInString(text[fit:])
	for i := fit; i > 0; {
		before, n := utf8.DecodeLastRuneInString(text[:i])
		if before != joiner && after != joiner {
			return i
		}
		i, after = i-n, before
	}
	return fit
}
