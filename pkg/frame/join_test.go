package frame_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"kaiwa/pkg/frame"
)

// screen is a client: what it shows changes by fresh text and by Cut only.
type screen struct {
	frame.Join
	shown []rune
}

func (s *screen) delta(offset int, text string) (fresh string, gap bool) {
	fresh, gap = s.Delta(offset, text)
	s.shown = append(s.shown, []rune(fresh)...)
	return fresh, gap
}

func (s *screen) end(length int, saved bool) bool {
	final := s.End(length, saved)
	s.shown = s.shown[:len(s.shown)-s.Cut()]
	return final
}

// Steps are written "offset text" for a delta and "end length saved|unsaved"
// for an end; the answers are the fresh text and "gap", or "final" or "open".
func TestJoin(t *testing.T) {
	for _, c := range []struct {
		name  string
		steps []string
		want  []string
		text  string
	}{
		{"in order", []string{"0 あい", "2 う", "end 3 saved"}, []string{"あい", "う", "final"}, "あいう"},
		{"repeated", []string{"0 ab", "0 ab", "2 c", "2 c"}, []string{"ab", "", "c", ""}, "abc"},
		{"overlap", []string{"0 abc", "1 bcde"}, []string{"abc", "de"}, "abcde"},
		{"gap, then filled", []string{"0 a", "2 c", "1 b"}, []string{"a", "gap", "bc"}, "abc"},
		{"gap, resumed from held", []string{"0 a", "2 c", "3 d", "1 bcde"}, []string{"a", "gap", "gap", "bcde"}, "abcde"},
		{"two gaps", []string{"4 e", "2 c", "0 ab", "3 d"}, []string{"gap", "gap", "abc", "de"}, "abcde"},
		{"longer of two aside", []string{"1 b", "1 bcd", "1 bc", "0 a"}, []string{"gap", "gap", "gap", "abcd"}, "abcd"},
		{"aside overlaps", []string{"2 cd", "3 def", "0 abc"}, []string{"gap", "gap", "abcdef"}, "abcdef"},
		{"empty reply", []string{"end 0 saved"}, []string{"final"}, ""},
		{"end before the text", []string{"end 3 saved", "0 ab", "2 c"}, []string{"open", "ab", "c"}, "abc"},
		{"end cuts", []string{"0 abcde", "end 2 saved"}, []string{"abcde", "final"}, "ab"},
		{"all is dropped after", []string{"0 ab", "end 2 saved", "2 c", "end 1 saved", "end 9 unsaved"}, []string{"ab", "final", "", "final", "final"}, "ab"},
		{"durable after unsaved", []string{"0 abc", "end 3 unsaved", "3 d", "end 1 saved", "end 3 saved"}, []string{"abc", "final", "", "final", "final"}, "a"},
		{"unsaved repeated", []string{"0 abc", "end 3 unsaved", "end 1 unsaved"}, []string{"abc", "final", "final"}, "abc"},
		{"durable is longer", []string{"0 abc", "end 2 unsaved", "end 3 saved", "2 c"}, []string{"abc", "final", "open", "c"}, "abc"},
		{"late unsaved is nothing", []string{"0 ab", "end 3 saved", "end 2 unsaved", "2 c"}, []string{"ab", "open", "open", "c"}, "abc"},
		{"late text past a known end", []string{"end 3 saved", "0 a", "1 bcdef"}, []string{"open", "a", "bc"}, "abc"},
		{"aside past a known end", []string{"2 cdef", "end 3 saved", "0 ab"}, []string{"gap", "open", "abc"}, "abc"},
		{"negative", []string{"-1 ab", "0 a", "end -5 saved"}, []string{"", "a", "final"}, ""},
		{"invalid UTF-8", []string{"0 a\xe3\x81", "3 b"}, []string{"a\ufffd\ufffd", "b"}, "a\ufffd\ufffdb"},
	} {
		var s screen
		for i, step := range c.steps {
			if got := s.step(t, step); got != c.want[i] {
				t.Errorf("%s: %q gave %q, want %q", c.name, step, got, c.want[i])
			}
		}
		if s.Text() != c.text || string(s.shown) != c.text || s.Held() != len([]rune(c.text)) {
			t.Errorf("%s: text %q, shown %q, held %d, want %q", c.name, s.Text(), string(s.shown), s.Held(), c.text)
		}
	}
}

func (s *screen) step(t *testing.T, step string) string {
	t.Helper()
	first, rest, _ := strings.Cut(step, " ")
	if first != "end" {
		var offset int
		if _, err := fmt.Sscan(first, &offset); err != nil {
			t.Fatal(err)
		}
		fresh, gap := s.delta(offset, rest)
		if gap {
			fresh += "gap"
		}
		return fresh
	}
	var length int
	var saved string
	if _, err := fmt.Sscan(rest, &length, &saved); err != nil {
		t.Fatal(err)
	}
	if s.end(length, saved == "saved") {
		return "final"
	}
	return "open"
}

func TestJoinState(t *testing.T) {
	var j frame.Join
	if j.Gap() || j.Final() || j.Held() != 0 || j.Text() != "" {
		t.Error("the zero value knows something")
	}
	j.Delta(5, "x")
	if !j.Gap() {
		t.Error("no gap with a piece aside")
	}
	j.Delta(0, "abcde")
	if j.Gap() {
		t.Error("a gap after it was filled")
	}
	j.End(8, true)
	if !j.Gap() || j.Final() {
		t.Error("a longer end is no gap")
	}
	j.Delta(6, "yz")
	if j.Gap() || !j.Final() || j.Text() != "abcdexyz" {
		t.Errorf("final %v with %q", j.Final(), j.Text())
	}
}

func TestJoinAsideIsBounded(t *testing.T) {
	var j frame.Join
	big := strings.Repeat("x", 300<<10)
	for i := range 20 { // 6 MB, of which three pieces find room
		j.Delta(1+i*len(big), big)
	}
	if fresh, _ := j.Delta(0, "a"); len(fresh) != 1+3*len(big) {
		t.Errorf("%d bytes were kept, want %d", len(fresh)-1, 3*len(big))
	}
	for i := range 100_000 {
		j.Delta(j.Held()+2+2*i, "y")
	}
	if fresh, _ := j.Delta(j.Held(), "ay"); fresh != "ayy" {
		t.Errorf("fresh = %q", fresh)
	}
	for i := range 30 { // what was dropped comes again with a resume
		j.Delta(j.Held(), strings.Repeat("z", 1000+i))
	}
	if j.End(j.Held(), true); !j.Final() {
		t.Error("not final")
	}
}

// converge delivers a reply as badly as it can and answers resumes as the service
// does. It fails if what is shown is ever not a prefix of the text, or if the
// client does not end with exactly the stored text.
func converge(t *testing.T, text []rune, seed uint64) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 7))
	stored := len(text)
	if r.IntN(3) == 0 {
		stored = r.IntN(len(text) + 1) // a kill or a takeover: less was saved than sent
	}
	var s screen
	deliver := func(from, to int) {
		for _, d := range pieces(r, from, to) {
			s.delta(d[0], string(text[d[0]:d[1]]))
			if got := string(s.shown); got != s.Text() || !strings.HasPrefix(string(text), got) {
				t.Fatalf("shows %q and holds %q of %q", got, s.Text(), string(text))
			}
		}
	}
	deliver(0, len(text))
	if r.IntN(2) == 0 {
		s.end(len(text), stored == len(text) && r.IntN(2) == 0)
	}
	for range 3 {
		deliver(r.IntN(len(text)+1), len(text))
		if r.IntN(3) == 0 {
			s.end(stored, true)
		}
	}
	for n := 0; !s.Final() || len(s.shown) != stored; n++ { // reliable from here on: a resume
		if n > 2 {
			t.Fatalf("holds %d of %d after %d resumes, final %v", s.Held(), stored, n, s.Final())
		}
		if from := s.Held(); from < stored {
			s.delta(from, string(text[from:stored]))
		}
		s.end(stored, true)
	}
	deliver(0, len(text))
	if got := string(s.shown); got != string(text[:stored]) || got != s.Text() || s.Gap() {
		t.Fatalf("ends with %q, want %q", got, string(text[:stored]))
	}
}

// pieces cuts from..to at random, then drops, doubles and reorders.
func pieces(r *rand.Rand, from, to int) [][2]int {
	var ds [][2]int
	for from < to {
		next := min(to, from+1+r.IntN(5))
		for range []int{0, 1, 1, 1, 2}[r.IntN(5)] {
			ds = append(ds, [2]int{max(0, from-r.IntN(3)), next})
		}
		from = next
	}
	if r.IntN(2) == 0 {
		r.Shuffle(len(ds), func(i, k int) { ds[i], ds[k] = ds[k], ds[i] })
	}
	return ds
}

func TestJoinConverges(t *testing.T) {
	for seed := range uint64(5000) {
		converge(t, []rune(strings.Repeat("かいわ "+family, int(seed%7))), seed)
	}
}

func FuzzJoin(f *testing.F) {
	for i, s := range hard {
		f.Add(s, uint64(i))
	}
	f.Fuzz(func(t *testing.T, s string, seed uint64) {
		if len(s) > 500 {
			s = s[:500]
		}
		converge(t, []rune(s), seed)
	})
}
