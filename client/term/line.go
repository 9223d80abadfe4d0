package term

import (
	"slices"
	"strings"

	"github.com/rivo/uniseg"

	"kaiwa/client/cells"
)

// Action is what a key asks of the program, beyond editing.
type Action int

// The actions.
const (
	None    Action = iota // edited, or nothing to do
	Send                  // Enter: the text is meant to go
	Break                 // ^C on an empty text
	Leave                 // ^D on an empty text
	Edit                  // ^X^E or ^G: the text is to be edited in an editor
	Suspend               // ^Z
	Clear                 // ^L: the screen is to be emptied
)

// Line is a text being edited, one line or several, with its history. Editing
// goes by grapheme, with the keys of readline. The zero value is empty and ready.
type Line struct {
	// EnterBreaks: Enter makes a new line, and Enter with Shift, Alt or Control, or
	// ^J, sends. Otherwise it is the other way round. A command, one line that
	// starts with a single slash, is sent by Enter always.
	EnterBreaks bool

	text    string
	caret   int // in bytes, always between two graphemes
	pastes  []string
	kills   kills
	past    undo
	history []string
	at      int    // where in history the text comes from, counted from its end; 0: typed
	draft   string // what was typed before going into history
	find    *search
	ctrlX   bool // was the key before
}

// Text is the whole text.
func (l *Line) Text() string { return l.unfolded(l.text) }

// Shown is the text with long pastes folded into a few words each, and the caret's
// place in it, in bytes.
func (l *Line) Shown() (text string, caret int) {
	before := l.folded(l.text[:l.caret])
	return before + l.folded(l.text[l.caret:]), len(before)
}

// Recall sets the history, oldest entry first.
func (l *Line) Recall(history []string) { l.history = slices.Clone(history) }

// Replace puts another text in the place of this one.
func (l *Line) Replace(text string) {
	l.past.note(l.text, l.caret, false)
	l.set(clean(text))
}

// Accept takes the text into the history, where it stands once, and starts an
// empty one.
func (l *Line) Accept() {
	if text := l.Text(); strings.TrimSpace(text) != "" {
		l.history = slices.DeleteFunc(l.history, func(s string) bool { return s == text })
		l.history = append(l.history, text)
	}
	l.set("")
	l.at, l.draft = 0, ""
	l.past, l.pastes = undo{}, nil
}

// Press lets a key do its work.
func (l *Line) Press(k Key) Action {
	if l.find != nil && l.searching(k) {
		return None
	}
	if (k.Code == Ctrl && (k.Text == "_" || l.ctrlX && k.Text == "u")) && k.Mod == 0 {
		l.ctrlX = false
		l.text, l.caret = l.past.back(l.text, l.caret)
		return None
	}
	text, caret := l.text, l.caret
	l.kills.next()
	action := l.act(k)
	if l.text != text {
		l.past.note(text, caret, k.Code == Text && k.Mod == 0 && grapheme(k.Text) == len(k.Text))
	} else if l.caret != caret {
		l.past.apart()
	}
	return action
}

// act serves a key outside of a search.
func (l *Line) act(k Key) Action {
	afterX := l.ctrlX
	l.ctrlX = false
	switch k.Code {
	case Text:
		if k.Mod == Alt {
			l.alt(k.Text)
		} else if k.Mod == 0 {
			l.insert(k.Text)
		}
	case Paste:
		l.insert(l.fold(k.Text))
	case Tab:
		if !l.unfold() {
			l.insert("\t")
		}
	case Enter:
		return l.enter(k.Mod != 0)
	case Ctrl:
		if afterX && k.Text == "e" {
			return Edit
		}
		if k.Mod == 0 {
			return l.ctrl(k)
		}
	default:
		l.move(k)
	}
	return None
}

// enter serves Enter; modified: with another key held.
func (l *Line) enter(modified bool) Action {
	if l.EnterBreaks {
		if modified || isCommand(l.text) {
			return Send
		}
		l.insert("\n")
		return None
	}
	before, escaped := strings.CutSuffix(l.text[:l.caret], "\\")
	if !modified && !escaped {
		return Send
	}
	if escaped && !modified {
		l.remove(len(before), l.caret)
	}
	l.insert("\n")
	return None
}

func isCommand(text string) bool {
	return strings.HasPrefix(text, "/") && !strings.HasPrefix(text, "//") && !strings.Contains(text, "\n")
}

// move serves the keys that have a name.
func (l *Line) move(k Key) {
	words := k.Mod&(Alt|Control) != 0
	switch k.Code {
	case Backspace:
		if words {
			l.kill(l.wordBefore(), l.caret)
			return
		}
		l.remove(l.before(), l.caret)
	case Delete:
		if words {
			l.kill(l.caret, l.wordAfter())
			return
		}
		l.remove(l.caret, l.after())
	case Left:
		if words {
			l.caret = l.wordBefore()
			return
		}
		l.caret = l.before()
	case Right:
		if words {
			l.caret = l.wordAfter()
			return
		}
		l.caret = l.after()
	case Home:
		if l.caret = l.lineStart(); words {
			l.caret = 0
		}
	case End:
		if l.caret = l.lineEnd(); words {
			l.caret = len(l.text)
		}
	case Up:
		l.up()
	case Down:
		l.down()
	}
}

// alt serves readline's keys with Alt.
func (l *Line) alt(key string) {
	switch strings.ToLower(key) {
	case "b":
		l.caret = l.wordBefore()
	case "f":
		l.caret = l.wordAfter()
	case "d":
		l.kill(l.caret, l.wordAfter())
	case "y":
		if from, older, ok := l.kills.older(l.caret); ok {
			l.remove(from, l.caret)
			l.yank(older)
		}
	}
}

// ctrl serves readline's keys with Control.
func (l *Line) ctrl(k Key) Action {
	switch k.Text {
	case "a":
		l.caret = l.lineStart()
	case "e":
		l.caret = l.lineEnd()
	case "b":
		l.caret = l.before()
	case "f":
		l.caret = l.after()
	case "p":
		l.up()
	case "n":
		l.down()
	case "h":
		l.remove(l.before(), l.caret)
	case "k":
		if end := l.lineEnd(); end > l.caret {
			l.kill(l.caret, end)
		} else {
			l.kill(l.caret, l.after()) // at the line's end: its newline
		}
	case "u":
		l.kill(l.lineStart(), l.caret)
	case "w":
		l.kill(l.blankBefore(), l.caret)
	case "y":
		l.yank(l.kills.newest())
	case "t":
		l.transpose()
	case "r":
		l.find = &search{text: l.text, caret: l.caret}
	case "x":
		l.ctrlX = true
	default:
		return l.ask(k.Text)
	}
	return None
}

// ask serves the keys with Control that ask something of the program, at least at
// times.
func (l *Line) ask(key string) Action {
	switch key {
	case "j":
		if l.EnterBreaks {
			return Send
		}
		l.insert("\n")
	case "g":
		return Edit
	case "l":
		return Clear
	case "z":
		return Suspend
	case "c":
		if l.text == "" {
			return Break
		}
		l.set("")
	case "d":
		if l.text == "" {
			return Leave
		}
		l.remove(l.caret, l.after())
	}
	return None
}

func (l *Line) set(text string) { l.text, l.caret = text, len(text) }

// insert puts s at the caret. What follows may join the last grapheme of s (a
// zero width joiner): the caret then stands behind both.
func (l *Line) insert(s string) {
	l.text = l.text[:l.caret] + s + l.text[l.caret:]
	want := l.caret + len(s)
	for l.caret = l.lineStartAt(want); l.caret < want; {
		l.caret = l.after()
	}
}

func (l *Line) remove(from, to int) {
	l.text = l.text[:from] + l.text[to:]
	l.caret = from
	// What stood apart may have become one grapheme.
	start := l.lineStartAt(from)
	for i := start; i < from; {
		n := grapheme(l.text[i:])
		if i += n; i > from {
			l.caret = i
		}
	}
}

func (l *Line) kill(from, to int) {
	if from < to {
		l.kills.add(l.text[from:to], from < l.caret)
		l.remove(from, to)
	}
}

func (l *Line) yank(s string) {
	from := l.caret
	l.insert(s)
	l.kills.yanked(from, l.caret)
}

// transpose swaps the graphemes around the caret and moves on, at a line's end the
// last two.
func (l *Line) transpose() {
	caret := l.caret
	if l.caret == l.lineEnd() {
		l.caret = l.before()
	}
	left, right := l.before(), l.after()
	if l.caret == l.lineStart() || right == l.caret {
		l.caret = caret
		return
	}
	a, b := l.text[left:l.caret], l.text[l.caret:right]
	l.remove(left, right)
	l.insert(b + a)
}

// grapheme is the length of the first grapheme of s in bytes.
func grapheme(s string) int {
	g, _, _, _ := uniseg.FirstGraphemeClusterInString(s, -1)
	return len(g)
}

// before is where the grapheme before the caret starts.
func (l *Line) before() int {
	start := l.lineStart()
	if start == l.caret {
		return max(start-1, 0) // the newline
	}
	i := start
	for i < l.caret {
		n := grapheme(l.text[i:])
		if i+n >= l.caret {
			break
		}
		i += n
	}
	return i
}

// after is where the grapheme after the caret ends.
func (l *Line) after() int { return l.caret + grapheme(l.text[l.caret:]) }

func (l *Line) lineStart() int { return l.lineStartAt(l.caret) }

func (l *Line) lineStartAt(i int) int { return strings.LastIndexByte(l.text[:i], '\n') + 1 }

func (l *Line) lineEnd() int {
	if i := strings.IndexByte(l.text[l.caret:], '\n'); i >= 0 {
		return l.caret + i
	}
	return len(l.text)
}

// up goes to the line above, or from the first one into the history.
func (l *Line) up() {
	start := l.lineStart()
	if start == 0 {
		l.recall(l.at + 1)
		return
	}
	want := width(l.text[start:l.caret])
	l.caret = l.lineStartAt(start - 1)
	l.toColumn(want)
}

// down goes to the line below, or from the last one back out of the history.
func (l *Line) down() {
	end := l.lineEnd()
	if end == len(l.text) {
		l.recall(l.at - 1)
		return
	}
	want := width(l.text[l.lineStart():l.caret])
	l.caret = end + 1
	l.toColumn(want)
}

// width is near enough to find the place above or below.
func width(s string) int { return cells.Measure{}.Width(s) }

// toColumn moves the caret from the start of its line to a column, or to the
// line's end.
func (l *Line) toColumn(want int) {
	for end, col := l.lineEnd(), 0; l.caret < end; {
		n := grapheme(l.text[l.caret:])
		if col += width(l.text[l.caret : l.caret+n]); col > want {
			return
		}
		l.caret += n
	}
}

// recall shows the entry that is at steps back, 0 being what was typed.
func (l *Line) recall(at int) {
	if at < 0 || at > len(l.history) {
		return
	}
	if l.at == 0 {
		l.draft = l.text
	}
	l.at = at
	if at == 0 {
		l.set(l.draft)
		return
	}
	l.set(l.history[len(l.history)-at])
}
