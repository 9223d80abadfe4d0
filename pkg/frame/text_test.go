package frame_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"kaiwa/pkg/frame"
)

func TestTextInvalidAndSplit(t *testing.T) {
	for _, c := range []struct {
		name    string
		appends []string
		want    string
		held    string // what Flush adds
	}{
		{"whole", []string{"a", "あ"}, "aあ", ""},
		{"split in two", []string{"a\xe3", "\x81\x82b"}, "aあb", ""},
		{"byte by byte", []string{"\xf0", "\x9f", "\x98", "\x80"}, "😀", ""},
		{"empty append in between", []string{"\xe3\x81", "", "\x82"}, "あ", ""},
		{"never completed", []string{"a\xe3\x81"}, "a", "\ufffd\ufffd"},
		{"broken off", []string{"\xe3\x81", "x"}, "\ufffd\ufffdx", ""},
		{"never valid", []string{"\xff\xc0\x80"}, "\ufffd\ufffd\ufffd", ""},
		{"lone continuation bytes", []string{"\x80\x80\x80\x80\x80"}, strings.Repeat("\ufffd", 5), ""},
	} {
		var text frame.Text
		for _, s := range c.appends {
			text.Append(s)
		}
		if got := text.Slice(0, text.Len()); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		text.Flush()
		if got := text.Slice(0, text.Len()); got != c.want+c.held {
			t.Errorf("%s: flushed %q, want %q", c.name, got, c.want+c.held)
		}
	}
}

func TestTextSlicesStayValid(t *testing.T) {
	var text frame.Text
	var slices, want []string
	for i := range 3000 {
		text.Append("あい")
		slices = append(slices, text.Slice(i, 2*i+2))
		want = append(want, string([]rune(strings.Repeat("あい", i+1))[i:]))
	}
	for i := range slices {
		if slices[i] != want[i] {
			t.Fatalf("slice %d changed", i)
		}
	}
}

func TestTextOutside(t *testing.T) {
	var text frame.Text
	if text.Slice(0, 1) != "" || text.Len() != 0 {
		t.Error("the zero value is not empty")
	}
	text.Append("あいう")
	for _, c := range []struct {
		from, to int
		want     string
	}{{-5, 2, "あい"}, {1, 99, "いう"}, {3, 9, ""}, {9, 12, ""}, {2, 1, ""}, {1, -1, ""}, {0, 0, ""}} {
		if got := text.Slice(c.from, c.to); got != c.want {
			t.Errorf("Slice(%d, %d) = %q, want %q", c.from, c.to, got, c.want)
		}
	}
}

// checkText compares a Text with a slice of runes.
func checkText(t *testing.T, appends []string, seed uint64) {
	t.Helper()
	var text frame.Text
	for _, s := range appends {
		text.Append(s)
	}
	text.Flush()
	want := []rune(strings.Join(appends, ""))
	if text.Len() != len(want) {
		t.Fatalf("%d code points, want %d", text.Len(), len(want))
	}
	r := rand.New(rand.NewPCG(seed, 1))
	for range 30 {
		from, to := r.IntN(len(want)+1), r.IntN(len(want)+1)
		if got := text.Slice(from, max(from, to)); got != string(want[from:max(from, to)]) {
			t.Fatalf("Slice(%d, %d) = %q", from, to, got)
		}
	}
}

func TestTextLong(t *testing.T) { // over many entries of the index
	for _, n := range []int{1023, 1024, 1025, 2048, 10000} {
		checkText(t, []string{strings.Repeat("あ", n), "b", strings.Repeat("😀é", n)}, uint64(n))
	}
}

func FuzzText(f *testing.F) {
	for i, s := range hard {
		f.Add(s, i, uint64(i))
	}
	f.Fuzz(func(t *testing.T, s string, at int, seed uint64) {
		at = max(0, min(at, len(s)))
		long := strings.Repeat(s, 1+3000/(len(s)+1))
		checkText(t, []string{s[:at], s[at:], long, s}, seed)
	})
}
