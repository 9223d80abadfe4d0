package ddb

import (
	"slices"
	"strings"
)

// chunkSize is when a chunk of an ordered map is cut in two.
const chunkSize = 512

// record is a stored item, with its size so that it is counted once.
type record struct {
	attrs item
	size  int
}

func newRecord(it item) *record { return &record{attrs: it, size: itemSize(it)} }

// sizeOf is the size of what may be absent.
func sizeOf(r *record) int {
	if r == nil {
		return 0
	}
	return r.size
}

// ordered maps storage keys to records, in the order of the keys: a sorted list of sorted chunks, none of them empty.
// The zero value is an empty map.
type ordered struct {
	chunks [][]entry
	n      int
	bytes  int
}

type entry struct {
	key string
	rec *record
}

// find returns where key is, or would be.
func (o *ordered) find(key string) (chunk, at int, found bool) {
	chunk, exact := slices.BinarySearchFunc(o.chunks, key, func(c []entry, key string) int { return strings.Compare(c[0].key, key) })
	if exact {
		return chunk, 0, true
	}
	chunk = max(chunk-1, 0)
	if len(o.chunks) == 0 {
		return 0, 0, false
	}
	at, found = slices.BinarySearchFunc(o.chunks[chunk], key, func(e entry, key string) int { return strings.Compare(e.key, key) })
	return chunk, at, found
}

// get returns nil if there is none.
func (o *ordered) get(key string) *record {
	chunk, at, found := o.find(key)
	if !found {
		return nil
	}
	return o.chunks[chunk][at].rec
}

// put stores rec under key; a nil rec removes what was there.
func (o *ordered) put(key string, rec *record) {
	chunk, at, found := o.find(key)
	switch {
	case found && rec == nil:
		o.remove(chunk, at)
	case found:
		e := &o.chunks[chunk][at]
		o.bytes += rec.size - e.rec.size
		e.rec = rec
	case rec != nil:
		o.insert(chunk, at, entry{key, rec})
	}
}

func (o *ordered) remove(chunk, at int) {
	o.n--
	o.bytes -= o.chunks[chunk][at].rec.size
	o.chunks[chunk] = slices.Delete(o.chunks[chunk], at, at+1)
	if len(o.chunks[chunk]) == 0 {
		o.chunks = slices.Delete(o.chunks, chunk, chunk+1)
	}
}

func (o *ordered) insert(chunk, at int, e entry) {
	o.n++
	o.bytes += e.rec.size
	if len(o.chunks) == 0 {
		o.chunks = [][]entry{{e}}
		return
	}
	c := slices.Insert(o.chunks[chunk], at, e)
	o.chunks[chunk] = c
	if len(c) < chunkSize {
		return
	}
	half := len(c) / 2
	o.chunks[chunk] = slices.Clone(c[:half])
	o.chunks = slices.Insert(o.chunks, chunk+1, slices.Clone(c[half:]))
}

// ascend calls visit for the keys from lo up to but not including hi, in order, until it returns false. An empty hi is no bound.
func (o *ordered) ascend(lo, hi string, visit func(entry) bool) {
	chunk, at, _ := o.find(lo)
	for ; chunk < len(o.chunks); chunk, at = chunk+1, 0 {
		for _, e := range o.chunks[chunk][at:] {
			if hi != "" && e.key >= hi || !visit(e) {
				return
			}
		}
	}
}

// descend is ascend backwards: from the last key below hi down to lo.
func (o *ordered) descend(lo, hi string, visit func(entry) bool) {
	if len(o.chunks) == 0 {
		return
	}
	chunk := len(o.chunks) - 1
	at := len(o.chunks[chunk])
	if hi != "" {
		chunk, at, _ = o.find(hi)
	}
	for {
		for _, e := range slices.Backward(o.chunks[chunk][:at]) {
			if e.key < lo || !visit(e) {
				return
			}
		}
		if chunk--; chunk < 0 {
			return
		}
		at = len(o.chunks[chunk])
	}
}
