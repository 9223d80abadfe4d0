// Package repl is the interactive chat: a session on a terminal. What is finished
// belongs to the terminal's own scrollback; the line being typed is never torn by
// what comes in.
package repl

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

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
}

// Editor turns keys into the text to send.
type Editor interface {
	Press(term.Key) term.Action
	// Line is the text and the caret's place in it, in bytes.
	Line() (text string, caret int)
	// Accept keeps the text for later and starts an empty one.
	Accept()
}

// Times of drawing. Text streams in at most 60 times a second, and less often
// while the user types, so as not to disturb an input method.
const (
	frameTime  = 16 * time.Millisecond
	typingTime = 80 * time.Millisecond
	typing     = 150 * time.Millisecond // after the last key
	resizeTime = 30 * time.Millisecond  // a window being dragged settles first
	escapeTime = 50 * time.Millisecond  // after which an ESC is the key
	leaveTime  = 2 * time.Second        // between the two ^C that leave
)

type repl struct {
	s      *session.Session
	screen *term.Screen
	edit   Editor
	keys   term.Decoder

	draw    *time.Timer
	drawAt  time.Time // when draw fires; zero: it does not
	drawn   time.Time
	lastKey time.Time

	queued int // prompts whose turn has not come
	status status
	unsure map[string]wire.End     // ends that are not saved yet, by reply
	list   []wire.ConversationInfo // as last listed
	broke  time.Time               // when ^C was last pressed with nothing to do
	why    error                   // why the session is gone
}

// Run shows what s says on t and sends what the user types, until the user
// leaves (nil, or ErrInterrupted with ^C), the session is gone (its reason) or
// ctx ends. greeting is a line to begin with. edit may be nil: a term.Line.
func Run(ctx context.Context, s *session.Session, t Terminal, greeting string, edit Editor) error {
	if edit == nil {
		edit = &term.Line{}
	}
	r := &repl{
		s: s, edit: edit, unsure: map[string]wire.End{}, draw: time.NewTimer(0),
		screen: term.NewScreen(t.Out, t.Size, &term.ScreenOptions{NoReflow: t.NoReflow}),
	}
	defer r.draw.Stop()
	if _, err := io.WriteString(t.Out, term.PasteOn); err != nil {
		return err
	}
	r.screen.Line(greeting)
	err := r.loop(ctx, t)
	r.screen.EndLine()
	if e := r.screen.Close(); err == errQuit {
		err = e
	}
	_, _ = io.WriteString(t.Out, term.PasteOff)
	return err
}

func (r *repl) loop(ctx context.Context, t Terminal) error {
	escape := time.NewTimer(0)
	defer escape.Stop()
	for {
		escape.Stop()
		if r.keys.Pending() {
			escape.Reset(escapeTime)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case b, ok := <-t.In:
			if !ok {
				return errQuit
			}
			if err := r.pressed(r.keys.Feed(b)); err != nil {
				return err
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
		case <-t.Resized:
			r.later(resizeTime)
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
	if time.Since(r.lastKey) < typing {
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
	text, caret := r.edit.Line()
	return r.screen.Draw(term.Input{Status: r.status.line(r.queued), Prompt: "> ", Text: text, Caret: caret})
}

// key does what a key is for.
func (r *repl) key(k term.Key) error {
	text, _ := r.edit.Line()
	switch {
	case k == term.Key{Code: term.Ctrl, Text: "c"} && r.s.Stop():
		r.status.stopping = true
		return nil
	case k.Code == term.Up && text == "" && r.queued > 0:
		if text, ok := r.s.Unqueue(); ok {
			r.queued--
			r.edit.Press(term.Key{Code: term.Paste, Text: text})
		}
		return nil
	}
	switch r.edit.Press(k) {
	case term.Send:
		text, _ := r.edit.Line()
		return r.enter(text)
	case term.Leave:
		return errQuit
	case term.Break:
		if time.Since(r.broke) < leaveTime {
			return ErrInterrupted
		}
		r.broke = time.Now()
		r.screen.Line("press ^C again, or ^D, to leave")
	}
	return nil
}
