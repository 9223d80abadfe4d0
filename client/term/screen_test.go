package term_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"kaiwa/client/cells"
	"kaiwa/client/internal/vt"
	"kaiwa/client/term"
)

func screen(cols, rows int) (*vt.Terminal, *term.Screen) {
	v := vt.New(cols, rows)
	return v, term.NewScreen(v, v.Size, nil)
}

func draw(t *testing.T, s *term.Screen, text string, caret int) {
	t.Helper()
	if err := s.Draw(term.Input{Prompt: "> ", Text: text, Caret: caret}); err != nil {
		t.Fatal(err)
	}
}

func rows(v *vt.Terminal) string {
	return strings.TrimRight(strings.Join(v.Rows(), "\n"), "\n")
}

func TestScreenStreams(t *testing.T) {
	v, s := screen(20, 6)
	draw(t, s, "", 0)
	for _, piece := range []string{"Hel", "lo, ", "wor", "ld.\nSec", "ond\tline", "\n"} {
		s.Write(piece)
		draw(t, s, "typing", 6)
	}
	if got, want := rows(v), "Hello, world.\nSecond  line\n> typing"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if x, y := v.Cursor(); x != 8 || y != 2 {
		t.Errorf("cursor at %d,%d", x, y)
	}
}

func TestScreenCaret(t *testing.T) {
	family := "👩‍👩‍👧"
	for _, c := range []struct {
		name, text string
		caret      int
		rows       string
		x, y       int
	}{
		{"at the end", "日本", 6, "> 日本", 6, 0},
		{"before a wide character", "日本", 3, "> 日本", 4, 0},
		{"after a mark", "か\u3099x", 6, "> か\u3099x", 4, 0},
		{"a row that is full", "12345678", 8, "> 12345678\n", 0, 1},
		{"in a full row", "1234567890", 8, "> 12345678\n90", 0, 1},
		{"a wide character does not split", "1234567日", 10, "> 1234567\n日", 2, 1},
		{"lines", "ab\ncd", 3, "> ab\ncd", 0, 1},
		{"at a line's end", "ab\ncd", 2, "> ab\ncd", 4, 0},
		{"at the end of a full line", "12345678\nx", 8, "> 12345678\n\nx", 0, 1},
		{"after a tab", "a\tb", 2, "> a     b", 8, 0},
		{"a family is one", family + "x", len(family), "> " + family + "x", 8, 0},
	} {
		v, s := screen(10, 5)
		draw(t, s, c.text, c.caret)
		if x, y := v.Cursor(); rows(v) != strings.TrimRight(c.rows, "\n") || x != c.x || y != c.y {
			t.Errorf("%s: got\n%s\ncursor %d,%d; want\n%s\n%d,%d", c.name, rows(v), x, y, c.rows, c.x, c.y)
		}
	}
}

// Terminals differ about the width of some characters. The caret is right on all
// of them, and no row is left over.
func TestScreenWidthsDiffer(t *testing.T) {
	for name, m := range map[string]cells.Measure{
		"graphemes": {Selector: true, Modifier: true, Joiner: true},
		"tmux":      {Joiner: true}, // 3.3a
	} {
		v, s := screen(12, 6)
		v.Measure = m
		before := "👍🏽❤️e"
		for i := range 8 {
			s.Write("👍🏽❤️")
			if i == 6 {
				s.Write("\nend\n")
			}
			draw(t, s, before+"xy", len(before))
		}
		x, y := v.Cursor()
		if want := m.Width("> " + before); x != want || !strings.HasPrefix(v.Rows()[y], "> ") {
			t.Errorf("%s: cursor %d,%d, want column %d\n%s", name, x, y, want, rows(v))
		}
		if n := strings.Count(strings.Join(v.Text(), "\n"), ">"); n != 1 {
			t.Errorf("%s: the prompt stands there %d times\n%s", name, n, strings.Join(v.Text(), "\n"))
		}
	}
}

func TestScreenStatusAndNotes(t *testing.T) {
	v, s := screen(20, 6)
	s.Write("the reply goes")
	s.Line("* a notification")
	_ = s.Draw(term.Input{Prompt: "> ", Text: "typed", Caret: 5, Status: "waiting 20 s, and this does not fit"})
	if got, want := rows(v), "* a notification\nthe reply goes\nwaiting 20 s, and th\n> typed"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	s.Write(" on\n")
	draw(t, s, "typed", 5)
	if got, want := rows(v), "* a notification\nthe reply goes on\n> typed"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestScreenTallInput(t *testing.T) {
	v, s := screen(10, 5)
	text := "1\n2\n3\n4\n5\n6\n7"
	s.Write("reply")
	draw(t, s, text, len(text))
	if got, want := rows(v), "reply\n5\n6\n7"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	draw(t, s, text, 0)
	if got, want := rows(v), "reply\n> 1\n2\n3"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestScreenDrawsOnlyChanges(t *testing.T) {
	v, s := screen(20, 6)
	s.Write("partial")
	draw(t, s, "typed", 5)
	n := v.Writes()
	draw(t, s, "typed", 5)
	if v.Writes() != n {
		t.Error("drew again though nothing changed")
	}
	draw(t, s, "typed", 4)
	if v.Writes() != n+1 {
		t.Errorf("%d writes for one change", v.Writes()-n)
	}
}

func TestScreenClose(t *testing.T) {
	v, s := screen(20, 6)
	s.Write("unfinished")
	_ = s.Draw(term.Input{Prompt: "> ", Text: "typed", Caret: 2, Status: "status"})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if x, y := v.Cursor(); rows(v) != "unfinished" || x != 0 || y != 1 || !v.AtRest() {
		t.Errorf("got %q, cursor %d,%d, at rest %v", rows(v), x, y, v.AtRest())
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("gone") }

func TestScreenReportsAFailedWrite(t *testing.T) {
	s := term.NewScreen(broken{}, func() (int, int) { return 0, 0 }, nil)
	if err := s.Draw(term.Input{Prompt: "> "}); err == nil {
		t.Error("no error")
	}
	if err := s.Close(); err == nil {
		t.Error("the error was forgotten")
	}
}

// TestScreenProperty streams, types, notes and resizes at random. Whatever the
// order, the finished lines stand in the terminal once each, whole and in order.
func TestScreenProperty(t *testing.T) {
	for seed := range uint64(100) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { property(t, seed) })
	}
}

var scraps = []string{"a", "word ", "日本語", "、", "👩‍👩‍👧", "か\u3099", "❤️", "\t", "\n", "\n\n", "0123456789", "ｶﾞ", "長い段落は空白を含まないので", "🇯🇵"}

func property(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	v := vt.New(12+r.IntN(30), 8+r.IntN(10))
	all, notes := atRandom(t, r, v)
	// Tabs become blanks, and a tall line is cut: compare without either.
	squeeze := strings.NewReplacer(" ", "", "\n", "", "\t", "")
	got := strings.Join(v.Text(), "\n")
	gotNotes := ""
	var text []string
	for _, l := range strings.Split(got, "\n") {
		if strings.HasPrefix(l, "#") {
			gotNotes += l
			continue
		}
		text = append(text, l)
	}
	if want := squeeze.Replace(all); squeeze.Replace(strings.Join(text, "\n")) != want {
		t.Errorf("the terminal holds\n%s\nwant\n%s", strings.Join(text, "\n"), all)
	}
	if gotNotes != notes {
		t.Errorf("notes: got %s want %s", gotNotes, notes)
	}
}

// In tmux, which at times moves the cursor to another line when it changes its
// width, no character is lost: every one is there, in order, if a few of them twice.
// (Only where the caret stands in an empty row nobody can tell that it was moved.)
func TestScreenLosesNothingInTmux(t *testing.T) {
	twice := 0
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		v := vt.New(12+r.IntN(30), 8+r.IntN(10))
		v.Tmux, v.Measure.Joiner = true, true
		all, notes := atRandom(t, r, v)
		got := strings.Join(v.Text(), "")
		for what, want := range map[string]string{"text": all, "notes": notes} {
			rest := got
			for _, c := range want {
				if strings.ContainsRune(" \t\n", c) {
					continue
				}
				i := strings.IndexRune(rest, c)
				if i < 0 {
					t.Errorf("%d: of the %s\n%s\nis lost in\n%s", seed, what, want, strings.Join(v.Text(), "\n"))
					break
				}
				rest = rest[i+utf8.RuneLen(c):]
			}
		}
		if strings.Contains(got, ">") { // a region that was left standing
			twice++
		}
	}
	if twice > 10 {
		t.Errorf("a region was left standing in %d runs of 200", twice)
	}
}

// atRandom streams, types, notes and resizes, and gives what was written.
func atRandom(t *testing.T, r *rand.Rand, v *vt.Terminal) (text, notices string) {
	t.Helper()
	s := term.NewScreen(v, v.Size, nil)
	s.Measure(v.Measure)
	var all, notes, typed strings.Builder
	for i := range 120 {
		switch r.IntN(6) {
		case 0, 1, 2:
			p := scraps[r.IntN(len(scraps))]
			all.WriteString(p)
			s.Write(p)
		case 3:
			if typed.Len() > 60 {
				typed.Reset()
			}
			if p := scraps[r.IntN(len(scraps))]; !v.Tmux || strings.TrimSpace(p) != "" {
				typed.WriteString(p)
			}
		case 4:
			fmt.Fprintf(&notes, "#%d#", i)
			s.Line(fmt.Sprintf("#%d#", i))
		case 5:
			if r.IntN(3) == 0 {
				v.Resize(12+r.IntN(30), 8+r.IntN(10))
				s.Found(v.Cursor())
			}
		}
		if r.IntN(2) == 0 {
			draw(t, s, typed.String(), typed.Len())
			if v.Refused() != nil || !v.AtRest() {
				t.Fatalf("step %d: refused %v, at rest %v", i, v.Refused(), v.AtRest())
			}
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return all.String(), notes.String()
}

// upper is a style that shows what it was given, and holds lines with a + back.
type upper struct{ held []string }

func (u *upper) Line(line string, cols int) []string {
	if strings.HasPrefix(line, "+") {
		u.held = append(u.held, line)
		return nil
	}
	return append(u.Flush(cols), fmt.Sprintf("%s/%d", strings.ToUpper(line), cols))
}

func (u *upper) End(cols int) []string { return u.Flush(cols) }

func (u *upper) Flush(int) []string {
	held := u.held
	u.held = nil
	return held
}

// The style gets the text's lines once they are finished, and nothing else.
func TestScreenStyle(t *testing.T) {
	v := vt.New(20, 8)
	s := term.NewScreen(v, v.Size, &term.ScreenOptions{Style: &upper{}})
	for _, step := range []struct{ write, line, want string }{
		{"one\ntw", "", "ONE/20\ntw\n>"},
		{"o", "note\nof two", "ONE/20\nnote\nof two\ntwo\n>"},
		{"\n+a\n+b\nx", "", "ONE/20\nnote\nof two\nTWO/20\nx\n>"},
		{"y\nz", "n", "ONE/20\nnote\nof two\nTWO/20\n+a\n+b\nXY/20\nn\nz\n>"},
	} {
		s.Write(step.write)
		if step.line != "" {
			s.Line(step.line)
		}
		draw(t, s, "", 0)
		if got := strings.Join(v.Text(), "\n"); got != step.want {
			t.Errorf("after %q: got\n%s\nwant\n%s", step.write, got, step.want)
		}
	}
	s.Write("\n+held")
	s.EndText()
	s.Line("after")
	draw(t, s, "", 0)
	if got := strings.Join(v.Text(), "\n"); !strings.HasSuffix(got, "\nZ/20\n+held\nafter\n>") {
		t.Errorf("at the end: got\n%s", got)
	}
}

// A line that is too tall for the screen is finished in pieces, after what the style
// holds back; the last of them is not taken for a line of its own.
func TestScreenStyleOfPieces(t *testing.T) {
	v := vt.New(10, 4)
	s := term.NewScreen(v, v.Size, &term.ScreenOptions{Style: &upper{}})
	s.Write("+held\n")
	for range 9 {
		s.Write("words and ")
		draw(t, s, "", 0)
	}
	s.Write("end\nnext\n")
	s.EndText()
	draw(t, s, "", 0)
	got := strings.Join(v.Text(), "")
	if want := "+held" + strings.Repeat("words and ", 9) + "endNEXT/10>"; strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(want, " ", "") {
		t.Errorf("got\n%q", v.Text())
	}
}

// What a key costs does not grow with the conversation: neither in bytes written
// nor in allocations.
func TestScreenFlat(t *testing.T) {
	var out counter
	s := term.NewScreen(&out, func() (int, int) { return 80, 24 }, &term.ScreenOptions{Style: &upper{}})
	cost := func() (written int, allocs float64) {
		text := "typed"
		allocs = testing.AllocsPerRun(100, func() {
			s.Write("w")
			text = "typed" + string("xy"[len(text)%2])
			draw(t, s, text, len(text))
			s.Write("\n")
			draw(t, s, text, len(text))
			out = 0
			draw(t, s, text+"k", len(text)+1)
		})
		return int(out), allocs
	}
	written, allocs := cost()
	for range 10_000 {
		s.Write(strings.Repeat("a line of the conversation, 日本語の行\n", 10))
		draw(t, s, "", 0)
	}
	if w, a := cost(); w != written || a > allocs+1 {
		t.Errorf("a key costs %d bytes and %v allocations after 100000 lines, %d and %v before", w, a, written, allocs)
	}
}

// counter counts bytes.
type counter int

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}
