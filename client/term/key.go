package term

// Key is one thing the user did at the keyboard, or the terminal's answer to
// AskCursor.
type Key struct {
	Code Code
	// Text is what was typed (Text), pasted (Paste, newlines as \n) or the letter
	// held with Ctrl (Ctrl, lower case). It never holds a control character but
	// \n and \t.
	Text string
	Mod  Mod
	// X and Y are where the cursor is, from 0 (Cursor).
	X, Y int
}

// Code says what kind of key it was.
type Code int

// The kinds of keys. Whatever else a terminal can send is dropped.
const (
	Text  Code = iota + 1 // printable characters, one or several
	Paste                 // a bracketed paste, whole
	Ctrl                  // a letter with Ctrl
	Enter
	Tab
	Esc
	Backspace
	Delete
	Left
	Right
	Up
	Down
	Home
	End
	Cursor // no key: where the cursor is
)

// Mod is a set of modifiers.
type Mod int

// The modifiers, numbered as xterm does in CSI 1;Nx, where N is the set plus 1.
const (
	Shift Mod = 1 << iota
	Alt
	Control
)
