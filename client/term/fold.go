package term

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// A paste of more lines, or more bytes, is shown folded.
const (
	longPaste  = 20
	largePaste = 4 << 10
)

// A folded paste is one of these noncharacters in Line.text; Line.pastes has what
// it stands for. clean lets none of them in.
const (
	foldFirst = '\ufdd0'
	foldLast  = '\ufdef'
)

// fold is what to insert for a paste: the text, or what stands for it.
func (l *Line) fold(s string) string {
	long := lines(s) > longPaste || len(s) > largePaste
	if !long || foldFirst+rune(len(l.pastes)) > foldLast {
		return s
	}
	l.pastes = append(l.pastes, s)
	return string(foldFirst + rune(len(l.pastes)-1))
}

// unfold shows the folded paste that the caret stands behind, if there is one.
func (l *Line) unfold() bool {
	r, n := utf8.DecodeLastRuneInString(l.text[:l.caret])
	if !isFold(r) {
		return false
	}
	l.remove(l.caret-n, l.caret)
	l.insert(l.pastes[r-foldFirst])
	return true
}

// Folded says whether the caret stands behind a folded paste, which Tab unfolds.
func (l *Line) Folded() bool {
	r, _ := utf8.DecodeLastRuneInString(l.text[:l.caret])
	return isFold(r)
}

// unfolded is a text with its pastes.
func (l *Line) unfolded(s string) string {
	return l.eachFold(s, func(paste string) string { return paste })
}

// folded is a text as it is shown.
func (l *Line) folded(s string) string {
	return l.eachFold(s, func(paste string) string {
		if n := lines(paste); n > longPaste {
			return fmt.Sprintf("[paste %d lines]", n)
		}
		return fmt.Sprintf("[paste %d characters]", utf8.RuneCountInString(paste))
	})
}

func (l *Line) eachFold(s string, f func(paste string) string) string {
	if len(l.pastes) == 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if isFold(r) {
			b.WriteString(f(l.pastes[r-foldFirst]))
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func lines(s string) int { return strings.Count(strings.TrimSuffix(s, "\n"), "\n") + 1 }

// isFold tells the noncharacters that stand for pastes.
func isFold(r rune) bool { return r >= foldFirst && r <= foldLast }
