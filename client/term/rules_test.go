package term_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"kaiwa/client/cells"
	"kaiwa/client/internal/tmux"
	"kaiwa/client/internal/vt"
	"kaiwa/client/term"
)

// The rules are those of reference/terminal-clients.md §5. Those that are the chat's
// (8, the pace; 9, its own words; 10 to 13) are tested in package repl too.

// hard is what terminals and clients get wrong, a line each.
var hard = []string{
	"日本語の長い段落は空白を含まないので、端末の幅に合わせて折り返される必要があります。終わり",
	"絵文字👩‍👩‍👧と👍🏽と❤️と🇯🇵、結合文字か\u3099とe\u0301、半角ｶﾞｷﾞｸﾞｹﾞｺﾞ、한국어\u1112\u1161\u11ab",
	"tabs\tand\t日本\ttext",
	"a word, and another",
	"",
	"0123456789012345678901234567890123456789",
	"曖昧○→“”…①※",
}

// expanded is a line as it is written: with blanks for tabs.
func expanded(line string, m cells.Measure) string {
	var b strings.Builder
	for part := range strings.SplitAfterSeq(line, "\t") {
		b.WriteString(strings.TrimSuffix(part, "\t"))
		if strings.HasSuffix(part, "\t") {
			b.WriteString(strings.Repeat(" ", 8-m.Width(b.String())%8))
		}
	}
	return b.String()
}

// terminals are the ways to count.
var terminals = map[string]cells.Measure{
	"wcwidth":   {},
	"graphemes": {Selector: true, Modifier: true, Joiner: true},
	"tmux":      {Joiner: true},
	"ambiguous": {Ambiguous: true},
}

// onEach runs f on a terminal of each kind, of a width at which much does not fit.
func onEach(t *testing.T, cols, rows int, f func(t *testing.T, v *vt.Terminal, s *term.Screen)) {
	t.Helper()
	for name, m := range terminals {
		t.Run(name, func(t *testing.T) {
			v := vt.New(cols, rows)
			v.Measure = m
			s := term.NewScreen(v, v.Size, nil)
			s.Measure(m)
			f(t, v, s)
			if v.Refused() != nil || !v.AtRest() {
				t.Errorf("refused %v, at rest %v", v.Refused(), v.AtRest())
			}
		})
	}
}

// A finished line is written once: unwrapped, without margin or padding, and it is
// never touched again.
func TestRule1AppendOnly(t *testing.T) {
	onEach(t, 21, 7, func(t *testing.T, v *vt.Terminal, s *term.Screen) {
		var finished []string
		check := func() {
			t.Helper()
			got := v.Text()
			if len(got) < len(finished) || !slices.Equal(got[:len(finished)], finished) {
				t.Fatalf("finished are\n%q\nthe terminal holds\n%q", finished, got)
			}
		}
		for i, line := range hard {
			for _, r := range line {
				s.Write(string(r))
				draw(t, s, "入力👩‍👩‍👧", 6)
				check()
			}
			if i%2 == 1 { // a notice goes above the unfinished line
				s.Line("* 通知")
				finished = append(finished, "* 通知")
				draw(t, s, "入力", 6)
				check()
			}
			s.Write("\n")
			finished = append(finished, expanded(line, v.Measure))
			draw(t, s, "入力", 6)
			check()
		}
		if got, want := v.Text(), append(finished, "> 入力"); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// shots keeps what is written at a time.
type shots struct {
	to    *vt.Terminal
	wrote [][]byte
}

func (s *shots) Write(b []byte) (int, error) {
	s.wrote = append(s.wrote, bytes.Clone(b))
	return s.to.Write(b)
}

// Only the unfinished line, the status and the input are drawn again, in one write,
// the picture held and the cursor hidden meanwhile.
func TestRule2LiveRegion(t *testing.T) {
	v := vt.New(21, 12)
	out := &shots{to: v}
	s := term.NewScreen(out, v.Size, nil)
	for _, line := range hard {
		for _, r := range line + "\n" {
			s.Write(string(r))
			if err := s.Draw(term.Input{Status: "状態", Prompt: "> ", Text: "入力", Caret: 3}); err != nil {
				t.Fatal(err)
			}
		}
	}
	const begin, end = "\x1b[?2026h\x1b[?25l", "\x1b[?25h\x1b[?2026l"
	for i, b := range out.wrote {
		if !bytes.HasPrefix(b, []byte(begin)) || !bytes.HasSuffix(b, []byte(end)) {
			t.Errorf("write %d is not held: %q", i, b)
		}
	}
	for _, line := range hard[:4] { // once finished it is not among what is written
		line = expanded(line, cells.Measure{})
		last := -1
		for i, b := range out.wrote {
			above, _, _ := bytes.Cut(b, []byte("\x1b[?7l")) // which the region begins with
			if bytes.Contains(above, []byte(line+"\r\n")) {
				if last >= 0 {
					t.Errorf("%q was written whole in writes %d and %d", line, last, i)
				}
				last = i
			}
		}
		if last < 0 {
			t.Errorf("%q was never written whole", line)
		}
	}
}

// The region is erased row by row: tmux pushes what CSI J erases into its history
// when the cursor is in the top row.
func TestRule3NothingGoesIntoTheHistory(t *testing.T) {
	o := tmux.NewOutput(t, 20, 6)
	s := term.NewScreen(o, func() (int, int) { return 20, 6 }, nil)
	for i := range 8 { // the region begins in the top row
		s.Write("日本")
		draw(t, s, strings.Repeat("x", i), i)
	}
	if got := o.Text(); got != strings.Repeat("日本", 8)+"\n> xxxxxxx" && got != strings.Repeat("日本", 5)+"\n"+strings.Repeat("日本", 3)+"\n> xxxxxxx" {
		t.Errorf("tmux holds\n%s", got)
	}
	if n := strings.TrimSpace(o.Do("display-message", "-p", "#{history_size}")); n != "0" {
		t.Errorf("%s rows went into the history", n)
	}
}

// A tab skips over cells, and shows what stood there before.
func TestRule4Tabs(t *testing.T) {
	v := vt.New(30, 5)
	out := &shots{to: v}
	s := term.NewScreen(out, v.Size, nil)
	draw(t, s, strings.Repeat("x", 25), 25)
	draw(t, s, "a\tb\t日", 7)
	s.Write("日本\t語")
	s.Line("n\to")
	draw(t, s, "a\tb\t日", 7)
	if got, want := rows(v), "n       o\n日本    語\n> a     b       日"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if x, _ := v.Cursor(); x != 18 {
		t.Errorf("the caret is in column %d", x)
	}
	for _, b := range out.wrote {
		if bytes.Contains(b, []byte("\t")) {
			t.Errorf("a tab was written: %q", b)
		}
	}
}

// A wide character that does not fit goes to the next row whole, and the cell that
// is left over shows nothing old.
func TestRule5Margin(t *testing.T) {
	onEach(t, 11, 16, func(t *testing.T, v *vt.Terminal, s *term.Screen) {
		for _, unit := range []string{"日", "ｶﾞ", "👩‍👩‍👧", "👍🏽", "❤️", "か\u3099", "🇯🇵", "○", "x日"} {
			for n := range 12 {
				old := strings.Repeat("#", 9+11*3)
				draw(t, s, old, len(old)) // every cell of four rows
				text := strings.Repeat(unit, n)
				draw(t, s, text, len(text))
				input := ""
				for _, row := range v.Rows() {
					if w := v.Measure.Width(row); w > 11 {
						t.Fatalf("%d times %s: a row of %d cells: %q", n, unit, w, row)
					}
					input += row
				}
				if want := strings.TrimRight("> "+text, " "); input != want {
					t.Fatalf("%d times %s: the screen shows\n%s", n, unit, rows(v))
				}
			}
		}
	})
}

// The size is read at every drawing; a region that the terminal has wrapped anew is
// counted anew, and where nothing is wrapped anew it starts afresh. (What is lost at
// random changes: TestScreenProperty, TestScreenLosesNothingInTmux. That a window
// being dragged is left alone: TestResize of package repl.)
func TestRule6Resize(t *testing.T) {
	onEach(t, 40, 8, func(t *testing.T, v *vt.Terminal, s *term.Screen) {
		text := strings.Join(hard[:4], "\n") + "\n" + hard[0]
		for i, r := range []rune(text) {
			s.Write(string(r))
			draw(t, s, "入力👩‍👩‍👧です", 6)
			if i%9 == 8 { // nobody says so
				v.Resize([]int{40, 24, 60, 17, 33}[i/9%5], []int{8, 12, 6}[i/9%3])
				s.Found(v.Cursor())
			}
		}
		draw(t, s, "入力👩‍👩‍👧です", 6)
		squeeze := strings.NewReplacer(" ", "", "\t", "")
		if got, want := squeeze.Replace(strings.Join(v.Text(), "")), squeeze.Replace(strings.ReplaceAll(text, "\n", "")+">入力👩‍👩‍👧です"); got != want {
			t.Errorf("the terminal holds\n%s\nwant\n%s", strings.Join(v.Text(), "\n"), text)
		}
	})
	t.Run("and back", func(t *testing.T) { // what was below the cursor is gone then
		v, s := screen(40, 8)
		s.Write("日本")
		draw(t, s, "1\n2\n3\n4", 0)
		v.Resize(40, 3)
		v.Resize(40, 8)
		s.Found(v.Cursor())
		draw(t, s, "1\n2\n3\n4", 0)
		if got, want := rows(v), "日本\n> 1\n2\n3\n4"; got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
	t.Run("fixed", func(t *testing.T) {
		v := vt.New(40, 12)
		v.Fixed = true
		s := term.NewScreen(v, v.Size, &term.ScreenOptions{NoReflow: true})
		s.Write(hard[3] + "\n日本")
		draw(t, s, "入力", 6)
		v.Resize(24, 12)
		s.Write("語\n")
		draw(t, s, "入力", 6)
		if got, want := rows(v), hard[3]+"\n日本\n> 入力\n日本語\n> 入力"; got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

// A paragraph taller than the screen is finished row by row, in few pieces.
func TestRule7TallParagraph(t *testing.T) {
	onEach(t, 15, 6, func(t *testing.T, v *vt.Terminal, s *term.Screen) {
		long, sofar := strings.Repeat(hard[0]+hard[1]+hard[6], 3), ""
		for _, r := range long {
			s.Write(string(r))
			sofar += string(r)
			if err := s.Draw(term.Input{Status: "状態", Prompt: "> ", Text: "入力", Caret: 3}); err != nil {
				t.Fatal(err)
			}
			if x, y := v.Cursor(); x != 4 || v.Rows()[y] != "> 入力" {
				t.Fatalf("the cursor is at %d,%d of\n%s", x, y, rows(v))
			}
			if got := strings.Join(v.Text(), ""); got != sofar+"状態> 入力" {
				t.Fatalf("of %q the terminal holds %q", sofar, got)
			}
		}
		s.EndText()
		draw(t, s, "入力", 6)
		got := v.Text()
		if text := strings.Join(got[:len(got)-1], ""); text != long {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), long)
		}
		if most := v.Measure.Width(long)/15/3 + 3; len(got) > most {
			t.Errorf("it was cut into %d lines", len(got)-1)
		}
	})
}

// The real cursor is at the caret after every drawing, and visible. Nothing is
// written if nothing changed.
func TestRule8Cursor(t *testing.T) {
	onEach(t, 13, 8, func(t *testing.T, v *vt.Terminal, s *term.Screen) {
		text := "か\u3099👩‍👩‍👧x\n日本語の長い入力❤️ｶﾞ👍🏽\n\tend"
		var l term.Line
		l.Replace(text)
		for range 60 {
			shown, caret := l.Shown()
			draw(t, s, shown, caret)
			n := v.Writes()
			draw(t, s, shown, caret)
			if v.Writes() != n {
				t.Fatal("drawn again though nothing changed")
			}
			// What stands before the cursor, from the prompt on, is what is before the caret.
			x, y := v.Cursor()
			before := ""
			for i, row := range v.Rows()[:y+1] {
				if i == y {
					row = upTo(row, x, v.Measure)
				}
				if strings.HasPrefix(row, "> ") || row == ">" {
					before = ""
				}
				before += row
			}
			squeeze := strings.NewReplacer(" ", "", "\n", "", "\t", "")
			if got, want := squeeze.Replace(before), squeeze.Replace(">"+shown[:caret]); got != want || !v.AtRest() {
				t.Fatalf("the cursor stands behind %q, the caret behind %q:\n%s", got, want, rows(v))
			}
			l.Press(term.Key{Code: term.Left})
		}
	})
}

// upTo is the part of a row before a column.
func upTo(row string, x int, m cells.Measure) (before string) {
	for i := range row + "." {
		if m.Width(row[:i]) == x {
			before = row[:i] // with its marks
		}
	}
	return before
}

// Terminals count differently; they are asked how, the caret is right even where
// they are not, and so is what is above it.
func TestRule9Widths(t *testing.T) {
	for name, m := range terminals {
		v := vt.New(40, 8)
		v.Measure = m
		var p term.Probe
		answers, last := 0, cells.Measure{}
		var ok bool
		v.Answer = func(s string) {
			var d term.Decoder
			for _, k := range d.Feed([]byte(s)) {
				answers++
				last, ok = p.Answer(k.X)
			}
		}
		fmt.Fprint(v, p.Text())
		if x, y := v.Cursor(); last != m || !ok || answers != p.Questions() || rows(v) != "" || x != 0 || y != 0 || v.Refused() != nil {
			t.Errorf("%s: measured %+v (%v), %d answers; cursor %d,%d, left %q, refused %v", name, last, ok, answers, x, y, rows(v), v.Refused())
		}
		// Not measured, and wrong about everything: see TestScreenWidthsDiffer.
		v = vt.New(40, 8)
		v.Measure = m
		s := term.NewScreen(v, v.Size, nil)
		before := "○👍🏽❤️か\u3099"
		for range 3 {
			s.Write(before)
			draw(t, s, before+"x", len(before))
		}
		if x, _ := v.Cursor(); x != m.Width("> "+before) || strings.Count(strings.Join(v.Text(), ""), ">") != 1 {
			t.Errorf("%s: the cursor is in column %d of\n%s", name, x, rows(v))
		}
	}
	// Answers that make no sense, as of a window too narrow, change nothing.
	var p term.Probe
	for _, x := range []int{38, 39, 0, 4, 10} {
		if m, ok := p.Answer(x); ok || m != (cells.Measure{}) {
			t.Errorf("took %+v from nonsense", m)
		}
	}
}

// Only a few sequences are ever written: no scroll regions, no other screen, no
// mouse, no question but where the cursor is. (The model refuses all else.)
func TestRule12Sequences(t *testing.T) {
	for _, s := range []string{"\x1b[1;5r", "\x1b[?1049h", "\x1b[?47h", "\x1b[?1000h", "\x1b[?1006h", "\x1b]11;?\a", "\x1b[c", "\x1b[>0q", "\x1b[?u", "\x1b[?2026$p", "\x1b[J", "\x1b[2J", "\x1b[H", "\x1bc"} {
		v := vt.New(20, 5)
		fmt.Fprint(v, s)
		if v.Refused() == nil {
			t.Errorf("the model would let %q pass", s)
		}
	}
	v := vt.New(20, 5)
	fmt.Fprint(v, term.On+term.OtherKeysOn+(&term.Probe{}).Text())
	s := term.NewScreen(v, v.Size, nil)
	for _, line := range hard {
		s.Write(line + "\n")
		draw(t, s, line, 0)
	}
	s.Clear()
	draw(t, s, "x", 1)
	_ = s.Close()
	fmt.Fprint(v, term.AskCursor+term.Off+term.OtherKeysOff)
	if v.Refused() != nil || v.Bracketed() {
		t.Errorf("refused %v, pastes are left bracketed: %v", v.Refused(), v.Bracketed())
	}
}

// Whatever comes from elsewhere is made harmless: see FuzzScreen.
func TestRule13Harmless(t *testing.T) {
	v, s := screen(40, 12)
	for _, evil := range []string{
		"\x1b]0;PWNED\a", "\x1b[2J", "\x1b[31m", "\u009b2J", "\x9b2J", "\x1bc", "\x1b]52;c;cm0=\a", "\x1b]8;;http://e\a", "\x1bP1$r\x1b\\",
		"\u202e", "\u2066", "\u200f", "\r", "\b\b\b", "\x00", "\x7f", "\xff\xfe", "\x1b[6n", "\x1b[c", "\u2028", "\U000e0041",
	} {
		s.Write("a" + evil + "b\n")
		s.Line("n" + evil + "o")
		if err := s.Draw(term.Input{Status: "s" + evil + "t", Prompt: "p" + evil + "> ", Text: "x" + evil + "y", Caret: 1}); err != nil {
			t.Fatal(err)
		}
		if v.Refused() != nil || !v.AtRest() {
			t.Errorf("%q: the terminal got %v", evil, v.Refused())
		}
		if got := strings.Join(v.Text(), ""); strings.ContainsAny(got, "\x1b\a\u202e\u2066\u200f\u009b\r\b\x00\x7f") {
			t.Errorf("%q: the terminal shows %q", evil, got)
		}
	}
}

// Marks without end do not cover the rows around, nor take the time of all else.
func TestRule13Marks(t *testing.T) {
	v, s := screen(20, 6)
	for range 50_000 {
		s.Write("\u0301")
	}
	s.Write("a" + strings.Repeat("\u20e3", 50_000) + "b\n")
	s.Line("n" + strings.Repeat("\u0e49", 50_000) + "か\u3099")
	draw(t, s, "typed", 5)
	for _, row := range v.Rows() {
		if len(row) > 100 {
			t.Errorf("a row has %d bytes", len(row))
		}
	}
	if got := rows(v); !strings.Contains(got, "b\n") || !strings.Contains(got, "か\u3099\n> typed") {
		t.Errorf("got\n%s", got)
	}
}

// FuzzScreen: whatever is written, noted, typed and shown as a status, in whatever
// pieces and at whatever size, the terminal gets only what it is meant to get, and
// is at rest after it.
func FuzzScreen(f *testing.F) {
	f.Add("a\x1b]0;t\ab", "n\x1b[2J", "x\u202ey", uint8(20), uint8(6))
	f.Add("日本\x1b", "[2J", "👩\u200d👩", uint8(3), uint8(1))
	f.Add("\xc2", "\x9b2J\u0301\u0301", "\t\r\n", uint8(80), uint8(24))
	f.Fuzz(func(t *testing.T, text, note, typed string, cols, height uint8) {
		v := vt.New(1+int(cols)%100, 1+int(height)%40)
		s := term.NewScreen(v, v.Size, &term.ScreenOptions{Kinsoku: cols%2 == 1})
		var l term.Line
		l.Replace(typed)
		for i := 0; i <= len(text); i++ {
			s.Write(text[max(0, i-1):i])
			if i%3 == 0 {
				s.Line(note)
			}
			shown, caret := l.Shown()
			if err := s.Draw(term.Input{Status: note, Prompt: note, Text: shown, Caret: caret}); err != nil {
				t.Fatal(err)
			}
			l.Press(term.Key{Code: term.Left})
			if v.Refused() != nil || !v.AtRest() {
				t.Fatalf("the terminal refused %v, at rest %v", v.Refused(), v.AtRest())
			}
			if i%5 == 4 {
				v.Resize(1+(int(cols)+i)%100, 1+(int(height)+i)%40)
				s.Found(v.Cursor())
			}
		}
		if err := s.Close(); err != nil || v.Refused() != nil {
			t.Fatalf("%v, refused %v", err, v.Refused())
		}
		for _, line := range v.Text() {
			if i := strings.IndexFunc(line, drives); i >= 0 {
				t.Fatalf("the terminal shows %q", line)
			}
		}
	})
}

// drives tells what may drive a terminal or turn a text around.
func drives(r rune) bool {
	return r < ' ' || r >= 0x7f && r <= 0x9f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 ||
		r == 0x200e || r == 0x200f || r == 0x61c || r >= 0xe0000 && r <= 0xe007f
}
