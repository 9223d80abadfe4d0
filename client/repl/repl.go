// Package repl is the interactive chat: a session on a terminal. What is finished
// belongs to the terminal's own scrollback; the line being typed is never torn by
// what comes in.
package repl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"kaiwa/client/cells"
	"kaiwa/client/markdown"
	"kaiwa/client/session"
	"kaiwa/client/term"
	"kaiwa/pkg/wire"
)

// ErrInterrupted is what Run returns if the user left with ^C.
var ErrInterrupted = errors.New("interrupted")

// errQuit ends the loop.
var errQuit = errors.New("quit")

// Terminal is a terminal in raw mode.
type Terminal struct {
	// In is what the user types, in pieces of any size. It is closed when the
	// terminal is gone.
	In  <-chan []byte
	Out io.Writer
	// Size is asked at every drawing; 0 means unknown.
	Size func() (cols, rows int)
	// Resized says that the size changed. It may be nil.
	Resized <-chan os.Signal
	// NoReflow is term.ScreenOptions.NoReflow.
	NoReflow bool
	// OtherKeys says that the terminal knows term.OtherKeysOn.
	OtherKeys bool
	// Ambiguous is how many cells an East Asian ambiguous character takes, 1 or 2.
	// 0 asks the terminal, and how it counts emoji too.
	Ambiguous int
	// Color says that the user wants colours.
	Color bool
	// Edit lets the user change a text in an editor, on the same terminal, from
	// which nothing comes over In meanwhile. It may be nil.
	Edit func(text string) (string, error)
	// Suspend stops the program until the user has it go on. It may be nil.
	Suspend func()
}

// Options of Run; nil and zero values are the defaults.
type Options struct {
	// Greeting is a line to begin with.
	Greeting string
	// History is what was sent in earlier chats, oldest first.
	History []string
	// Keep, if set, is called with every text that is sent.
	Keep func(text string)
	// EnterBreaks is term.Line.EnterBreaks.
	EnterBreaks bool
	// Timeout is how long a reply may take before it is stopped. 0: for ever.
	Timeout time.Duration
	// Kinsoku is term.ScreenOptions.Kinsoku.
	Kinsoku bool
}

// Times of drawing. Text streams in at most 60 times a second, and less often
// while the user types or has begun a line, so as not to disturb an input method.
const (
	frameTime  = 17 * time.Millisecond
	typingTime = 80 * time.Millisecond
	typing     = 150 * time.Millisecond // after the last key
	resizeTime = 300 * time.Millisecond // a window being dragged settles first: tmux tells its size up to 250 ms late
	answerTime = 200 * time.Millisecond // for the terminal to say where the cursor is
	escapeTime = 50 * time.Millisecond  // after which an ESC is the key
	leaveTime  = 2 * time.Second        // between the two ^C that leave
)

type repl struct {
	s      *session.Session
	screen *term.Screen
	style  *markdown.Renderer
	edit   *term.Line
	term   Terminal
	opt    Options
	keys   term.Decoder

	draw    *time.Timer
	drawAt  time.Time // when draw fires; zero: it does not
	drawn   time.Time
	lastKey time.Time
	settled time.Time // until then a window that changes its size is left alone
	cols    int       // the window's size when it was last looked at
	rows    int
	moved   bool             // the size changed; nobody has asked for the cursor yet
	asked   []func(term.Key) // what to do with the terminal's answers, in their order

	late *time.Timer // when the turn has lasted for Options.Timeout
	turn string      // the prompt being served

	queued int               // prompts whose turn has not come
	short  map[string]string // prompts with pastes, as they were shown
	status status
	unsure map[string]wire.End     // ends that are not saved yet, by reply
	list   []wire.ConversationInfo // as last listed
	broke  time.Time               // when ^C was last pressed with nothing to do
	warned time.Time               // when leaving was last refused
	why    error                   // why the session is gone
}

// Run shows what s says on t and sends what the user types, until the user
// leaves (nil, or ErrInterrupted with ^C), the session is gone (its reason) or
// ctx ends.
func Run(ctx context.Context, s *session.Session, t Terminal, opt *Options) error {
	r := &repl{
		s: s, edit: &term.Line{}, term: t, unsure: map[string]wire.End{}, short: map[string]string{}, draw: time.NewTimer(0),
		style: &markdown.Renderer{Color: t.Color},
	}
	if opt != nil {
		r.opt = *opt
	}
	r.screen = term.NewScreen(t.Out, t.Size, &term.ScreenOptions{NoReflow: t.NoReflow, Kinsoku: r.opt.Kinsoku, Style: r.style})
	r.style.Fold = r.screen.Fold
	r.edit.Recall(r.opt.History)
	r.edit.EnterBreaks = r.opt.EnterBreaks
	defer r.draw.Stop()
	r.late = time.NewTimer(0)
	r.late.Stop()
	defer r.late.Stop()
	if err := r.takeTerminal(); err != nil {
		return err
	}
	r.measure(cells.Measure{Ambiguous: t.Ambiguous == 2})
	if t.Ambiguous == 0 {
		r.probe()
	}
	if r.opt.Greeting != "" {
		r.screen.Line(r.opt.Greeting)
	}
	err := r.loop(ctx)
	if e := r.screen.Close(); err == errQuit {
		err = e
	}
	_ = r.giveTerminal()
	return err
}

func (r *repl) loop(ctx context.Context) error {
	escape := time.NewTimer(escapeTime)
	escape.Stop()
	defer escape.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case b, ok := <-r.term.In:
			if !ok {
				return errQuit
			}
			if err := r.pressed(r.keys.Feed(b)); err != nil {
				return err
			}
			// Only a key moves it: text that streams in must not put it off.
			if escape.Stop(); r.keys.Pending() {
				escape.Reset(escapeTime)
			}
		case <-escape.C:
			if err := r.pressed(r.keys.Flush()); err != nil {
				return err
			}
		case e, ok := <-r.s.Events():
			if !ok {
				return r.why
			}
			r.show(e)
			r.later(r.pace())
		case <-r.late.C:
			if r.s.Stop() {
				r.screen.Line(fmt.Sprintf("! it takes longer than %v (--timeout)", r.opt.Timeout))
				r.status.stopping = true
				r.later(r.pace())
			}
		case <-r.term.Resized:
			r.resized()
		case <-r.draw.C:
			if err := r.redraw(); err != nil {
				return err
			}
		}
	}
}

// pressed lets keys do their work and shows it at once.
func (r *repl) pressed(keys []term.Key) error {
	for _, k := range keys {
		if k.Code == term.Cursor {
			r.answered(k)
			continue
		}
		if err := r.key(k); err != nil {
			return err
		}
	}
	r.lastKey = time.Now()
	return r.redraw()
}

// pace is how long the next drawing has to wait.
func (r *repl) pace() time.Duration {
	every := frameTime
	// An input method sends nothing while a word is being composed: whoever has
	// begun a line may be at it.
	if text, _ := r.edit.Shown(); text != "" || time.Since(r.lastKey) < typing {
		every = typingTime
	}
	return max(0, every-time.Since(r.drawn))
}

// later draws after a while, or sooner if that was planned.
func (r *repl) later(wait time.Duration) {
	at := time.Now().Add(wait)
	if r.drawAt.IsZero() || at.Before(r.drawAt) {
		r.drawAt = at
		r.draw.Reset(wait)
	}
}

func (r *repl) redraw() error {
	r.draw.Stop()
	r.drawAt, r.drawn = time.Time{}, time.Now()
	if r.sizeChanged() { // the signal for it is still to come, or there is none
		r.resized()
	}
	// What is drawn for one size and arrives at another erases the wrong rows.
	if wait := r.settled.Sub(r.drawn); wait > 0 {
		r.later(wait)
		return nil
	}
	if r.moved {
		return r.askCursor()
	}
	text, caret := r.edit.Shown()
	prompt := "> "
	switch query, found, under := r.edit.Search(); {
	case under && found:
		prompt = "(search: " + query + ") "
	case under:
		prompt = "(not found: " + query + ") "
	}
	// Seconds are counted down before an empty line only: nothing is to disturb an
	// input method that may be at work on another.
	if wait := r.status.lost.changes(r.drawn); wait > 0 && text == "" {
		r.later(wait)
	}
	return r.screen.Draw(term.Input{Status: r.status.line(r.queued, r.drawn), Prompt: prompt, Text: text, Caret: caret})
}
