package term

// mostKills is how many killed texts are kept.
const mostKills = 30

// kills is what was killed, newest last, to be yanked back.
type kills struct {
	ring []string
	at   int // how far back the text last yanked is; 0: the newest
	// What the key before did, and what this one does.
	killed, kills  bool
	pasted, pastes bool
	from, to       int // where the yanked text stands
}

// next begins another key.
func (k *kills) next() {
	k.killed, k.kills = k.kills, false
	k.pasted, k.pastes = k.pastes, false
}

// add takes a killed text in. What several keys in a row kill is one text.
func (k *kills) add(s string, backwards bool) {
	last := len(k.ring) - 1
	switch {
	case k.killed && backwards:
		k.ring[last] = s + k.ring[last]
	case k.killed:
		k.ring[last] += s
	default:
		k.ring = append(k.ring, s)
		k.ring = k.ring[max(0, len(k.ring)-mostKills):]
	}
	k.kills, k.at = true, 0
}

// newest is what to yank: "" if there is nothing.
func (k *kills) newest() string {
	if k.at = 0; len(k.ring) == 0 {
		return ""
	}
	return k.ring[len(k.ring)-1]
}

// yanked notes where the yanked text stands.
func (k *kills) yanked(from, to int) { k.pastes, k.from, k.to = true, from, to }

// older is what was killed before the text that the key before this one yanked,
// and where that starts.
func (k *kills) older(caret int) (from int, s string, ok bool) {
	if !k.pasted || len(k.ring) == 0 || caret != k.to {
		return 0, "", false
	}
	k.at = (k.at + 1) % len(k.ring)
	return k.from, k.ring[len(k.ring)-1-k.at], true
}
