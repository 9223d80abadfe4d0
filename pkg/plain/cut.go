package plain

import (
	"strings"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// Line is what goes out as one text frame: text made harmless, without blank
// lines before and without blanks and newlines after it. "" means send nothing. It
// is never longer than text.
func Line(text string) string {
	text = strings.TrimRight(Safe(text), blanks+"\n")
	for {
		first, rest, more := strings.Cut(text, "\n")
		if !more || strings.Trim(first, blanks) != "" {
			return text
		}
		text = rest
	}
}

// Cut is the beginning of text for one frame of at most limit bytes: all of it,
// else up to the last end of a line or sentence (see Ready), else of a grapheme
// cluster, else of a code point. It is "" only if text is or if not even one code
// point fits; with a limit of 4 or more one always does.
func Cut(text string, limit int) string {
	limit = max(limit, 0)
	if len(text) <= limit {
		return text
	}
	fit := wholeRunes(text, limit)
	if n := Ready(text[:fit]); n > 0 {
		return text[:n]
	}
	if n := wholeClusters(text, fit); n > 0 {
		return text[:n]
	}
	return text[:fit]
}

// wholeRunes is the last start of a code point that is at most limit, which is
// less than the size of text.
func wholeRunes(text string, limit int) int {
	for i := limit; i >= max(0, limit-utf8.UTFMax+1); i-- {
		if _, n := utf8.DecodeRuneInString(text[i:]); utf8.RuneStart(text[i]) && i+n > limit {
			return i
		}
	}
	return limit // in the middle of invalid bytes
}

// wholeClusters is the last boundary between grapheme clusters that is at most
// fit, a boundary between code points before text's end.
func wholeClusters(text string, fit int) int {
	end, state := 0, -1
	_, next := utf8.DecodeRuneInString(text[fit:])
	for rest := text[:fit+next]; rest != ""; {
		var cluster string
		cluster, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if end+len(cluster) > fit {
			break
		}
		end += len(cluster)
	}
	return end
}
