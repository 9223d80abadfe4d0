package repl

import (
	"io"
	"time"

	"kaiwa/client/cells"
	"kaiwa/client/term"
)

// takeTerminal has the terminal send keys the way we want them.
func (r *repl) takeTerminal() error {
	on := term.On
	if r.term.OtherKeys {
		on += term.OtherKeysOn
	}
	return r.write(on)
}

// giveTerminal ends that. Answers that are still to come would be typed into
// whatever has the terminal next, so they are waited for.
func (r *repl) giveTerminal() error {
	late := time.NewTimer(answerTime)
	defer late.Stop()
	for waiting := true; waiting && len(r.asked) > 0; {
		select {
		case b, ok := <-r.term.In:
			for _, k := range r.keys.Feed(b) {
				if k.Code == term.Cursor {
					r.answered(k)
				}
			}
			waiting = ok
		case <-late.C:
			waiting = false
		}
	}
	off := term.Off
	if r.term.OtherKeys {
		off += term.OtherKeysOff
	}
	return r.write(off)
}

func (r *repl) write(s string) error {
	_, err := io.WriteString(r.term.Out, s)
	return err
}

// answered serves an answer of the terminal.
func (r *repl) answered(k term.Key) {
	if len(r.asked) > 0 {
		f := r.asked[0]
		r.asked = r.asked[1:]
		f(k)
	}
}

// measure tells all who count cells how.
func (r *repl) measure(m cells.Measure) {
	r.screen.Measure(m)
	r.style.Measure = m
}

// probe finds out how the terminal counts cells. Until it answers wcwidth's way is
// assumed.
func (r *repl) probe() {
	p := &term.Probe{}
	if r.write(p.Text()) != nil {
		return // drawing tells
	}
	for range p.Questions() {
		r.asked = append(r.asked, func(k term.Key) {
			if m, ok := p.Answer(k.X); ok {
				r.measure(m)
			}
		})
	}
}

// resized leaves the window alone until it has settled.
func (r *repl) resized() {
	r.sizeChanged()
	r.settled, r.moved = time.Now().Add(resizeTime), true
	r.later(resizeTime)
}

// sizeChanged says whether the window has another size than at the last look.
func (r *repl) sizeChanged() bool {
	cols, rows := r.term.Size()
	changed := r.cols != 0 && (cols != r.cols || rows != r.rows)
	r.cols, r.rows = cols, rows
	return changed
}

// askCursor has the terminal say where the cursor is after a change of its size. It
// is drawn on when the answer comes, or when it does not come in time.
func (r *repl) askCursor() error {
	r.moved = false
	asked := time.Now()
	r.settled = asked.Add(answerTime)
	r.asked = append(r.asked, func(k term.Key) {
		if !r.moved && time.Since(asked) < answerTime {
			r.screen.Found(k.X, k.Y)
			r.settled = time.Time{}
		}
	})
	r.later(answerTime)
	return r.write(term.AskCursor)
}
