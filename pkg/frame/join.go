package frame

import (
	"slices"
	"unicode/utf8"
)

// maxAside bounds what a Join keeps of pieces past a gap, in bytes; what is over
// it is dropped, since the resume brings it again.
const maxAside = 1 << 20

// Join is the client's half of a reply (R12): it takes deltas and ends in any
// order, repeated and with gaps, and neither doubles nor loses a character,
// provided that a resume from Held is sent when one is wanted. The zero value is
// a reply of which nothing has come; do not copy one that was used.
type Join struct {
	text  Text
	aside []piece // past a gap, by offset
	size  int     // of aside

	ended  bool // an end has come; length and saved are its
	length int
	saved  bool
	final  bool
	cut    int
}

type piece struct {
	offset int
	text   string
}

// cost is what a piece counts towards maxAside, roughly with its own fields.
func (p piece) cost() int { return len(p.text) + 48 }

// Delta takes a piece of text that starts at code point offset. fresh is what
// follows the text shown so far, and may hold earlier pieces that waited for this
// one. gap tells that text before the piece is missing: a resume is wanted. A
// delta that completes a reply whose end came before it makes the reply Final.
func (j *Join) Delta(offset int, text string) (fresh string, gap bool) {
	held := j.Held()
	switch {
	case j.final || offset < 0 || text == "":
		return "", false
	case offset > held:
		j.put(piece{offset, text})
		return "", true
	}
	j.take(piece{offset, text})
	for len(j.aside) > 0 && j.aside[0].offset <= j.Held() {
		p := j.aside[0]
		j.aside, j.size = j.aside[1:], j.size-p.cost()
		j.take(p)
	}
	j.settle()
	return j.text.Slice(held, j.Held()), false
}

// End takes the reply's end and tells whether the reply is final now: exactly
// length code points are held. If there are fewer a resume is wanted; if there
// were more they are taken back, see Cut. After a final end all is dropped,
// except a durable end (saved) after one that was not.
func (j *Join) End(length int, saved bool) (final bool) {
	j.cut = 0
	late := j.ended && j.saved && !saved // what it knew was superseded
	if late || j.final && (j.saved || !saved) {
		return j.final
	}
	j.ended, j.length, j.saved, j.final = true, max(length, 0), saved, false
	if over := j.Held() - j.length; over > 0 {
		j.text.keep(j.length)
		j.cut = over
	}
	j.settle()
	return j.final
}

// Held is how many code points are held without a gap: where a resume starts.
func (j *Join) Held() int { return j.text.Len() }

// Text is what is held.
func (j *Join) Text() string { return j.text.Slice(0, j.text.Len()) }

// Gap tells whether text past Held is known to exist. A client that may not send
// a resume yet looks here when it may.
func (j *Join) Gap() bool { return !j.final && (j.ended || len(j.aside) > 0) }

// Final tells whether the reply is complete.
func (j *Join) Final() bool { return j.final }

// Cut is how many code points the newest call of End took back.
func (j *Join) Cut() int { return j.cut }

// take appends what of p is new and not past a known end. p starts at most at
// Held.
func (j *Join) take(p piece) {
	text := p.text[runes(p.text, j.Held()-p.offset):]
	if j.ended {
		text = text[:runes(text, j.length-j.Held())]
	}
	j.text.Append(text)
	j.text.Flush()
}

// settle makes the reply final if all of it is there.
func (j *Join) settle() {
	if j.ended && j.Held() == j.length {
		j.final, j.aside, j.size = true, nil, 0
	}
}

// put keeps a piece past a gap, of two with one offset the longer.
func (j *Join) put(p piece) {
	at, found := slices.BinarySearchFunc(j.aside, p.offset, func(q piece, offset int) int { return q.offset - offset })
	if found {
		if q := j.aside[at]; len(q.text) < len(p.text) && j.size+p.cost()-q.cost() <= maxAside {
			j.aside[at], j.size = p, j.size+p.cost()-q.cost()
		}
		return
	}
	if j.size+p.cost() <= maxAside {
		j.aside, j.size = slices.Insert(j.aside, at, p), j.size+p.cost()
	}
}

// runes is how many bytes the first n code points of s take, all of s if it has
// fewer.
func runes(s string, n int) int {
	i := 0
	for ; n > 0 && i < len(s); n-- {
		_, width := utf8.DecodeRuneInString(s[i:])
		i += width
	}
	return i
}
