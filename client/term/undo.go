package term

import "strings"

// mostUndo is how many steps can be undone.
const mostUndo = 200

// undo is what a text was before, oldest first.
type undo struct {
	steps []step
	typed bool // the last step is of letters being typed
}

type step struct {
	text  string
	caret int
}

// note takes in what the text was before a change. Letters typed one after the
// other are one step a word.
func (u *undo) note(text string, caret int, typed bool) {
	goesOn := u.typed && typed && !strings.HasSuffix(text[:caret], " ")
	if u.typed = typed; goesOn {
		return
	}
	u.steps = append(u.steps, step{text, caret})
	u.steps = u.steps[max(0, len(u.steps)-mostUndo):]
}

// apart ends the step of letters being typed.
func (u *undo) apart() { u.typed = false }

// back is the text one step ago; the same if there is none.
func (u *undo) back(text string, caret int) (string, int) {
	u.typed = false
	if n := len(u.steps); n > 0 {
		s := u.steps[n-1]
		u.steps = u.steps[:n-1]
		return s.text, s.caret
	}
	return text, caret
}
