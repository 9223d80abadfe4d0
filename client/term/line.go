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
)

// Line is a text being edited, one line or several, with its history. Editing
// goes by grapheme. The zero value is empty and ready.
type Line struct {
	text    string
	caret   int // in bytes, always between two graphemes
	killed  string
	history []string
	at      int    // where in history the text comes from, counted from its end; 0: typed
	draft   string // what was typed before going into history
	find    *search
	ctrlX   bool // was the key before
}

// Line is the text and the caret's place in it, in bytes.
func (l *Line) Line() (text string, caret int) { return l.text, l.caret }

// Recall sets the history, oldest entry first.
func (l *Line) Recall(history []string) { l.history = slices.Clone(history) }

// Replace puts another text in the place of this one.
func (l *Line) Replace(text string) { l.set(clean(text)) }

// Accept takes the text into the history, where it stands once, and starts an
// empty one.
func (l *Line) Accept() {
	if strings.TrimSpace(l.text) != "" {
		l.history = slices.DeleteFunc(l.history, func(s string) bool { return s == l.text })
		l.history = append(l.history, l.text)
	}
	l.set("")
	l.at, l.draft = 0, ""
}

// Press lets a key do its work.
func (l *Line) Press(k Key) Action {
	if l.find != nil && l.searching(k) {
		return None
	}
	afterX := l.ctrlX
	l.ctrlX = false
	switch k.Code {
	case Text:
		if k.Mod == 0 {
			l.insert(k.Text)
		}
	case Paste:
		l.insert(k.Text)
	case Tab:
		l.insert("\t")
	case Enter:
		if k.Mod != 0 {
			l.insert("\n")
			return None
		}
		if before, ok := strings.CutSuffix(l.text[:l.caret], "\\"); ok {
			l.remove(len(before), l.caret)
			l.insert("\n")
			return None
		}
		return Send
	case Ctrl:
		if afterX && k.Text == "e" {
			return Edit
		}
		return l.ctrl(k)
	default:
		l.move(k)
	}
	return None
}

// move serves the keys that have a name.
func (l *Line) move(k Key) {
	switch k.Code {
	case Backspace:
		if k.Mod&Alt != 0 {
			l.kill(l.wordBefore(), l.caret)
			return
		}
		l.remove(l.before(), l.caret)
	case Delete:
		l.remove(l.caret, l.after())
	case Left:
		l.caret = l.before()
	case Right:
		l.caret = l.after()
	case Home:
		l.caret = l.lineStart()
	case End:
		l.caret = l.lineEnd()
	case Up:
		l.up()
	case Down:
		l.down()
	}
}

// ctrl serves the Emacs keys.
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
	case "j":
		l.insert("\n")
	case "k":
		if end := l.lineEnd(); end > l.caret {
			l.kill(l.caret, end)
		} else {
			l.kill(l.caret, l.after()) // at the line's end: its newline
		}
	case "u":
		l.kill(l.lineStart(), l.caret)
	case "w":
		l.kill(l.wordBefore(), l.caret)
	case "y":
		l.insert(l.killed)
	case "r":
		l.find = &search{text: l.text, caret: l.caret}
	case "x":
		l.ctrlX = true
	case "g":
		return Edit
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
		l.killed = l.text[from:to]
		l.remove(from, to)
	}
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

// wordBefore is where the word before the caret starts. Words stand between
// blanks, as in a shell.
func (l *Line) wordBefore() int {
	s := strings.TrimRight(l.text[:l.caret], " \t\n")
	return strings.LastIndexAny(s, " \t\n") + 1
}

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
