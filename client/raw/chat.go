package raw

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"github.com/coder/websocket"

	"kaiwa/client/term"
)

// ErrInterrupted is what Chat returns if the user left with ^C.
var ErrInterrupted = errors.New("interrupted")

// Terminal is a terminal in raw mode, as in package repl.
type Terminal struct {
	In       <-chan []byte
	Out      io.Writer
	Size     func() (cols, rows int)
	Resized  <-chan os.Signal
	NoReflow bool
}

// escapeTime is how long after an ESC it is the key, and not the start of a sequence.
const escapeTime = 50 * time.Millisecond

// chat is a person at a connection.
type chat struct {
	*link
	screen *term.Screen
	edit   term.Line
	keys   term.Decoder
}

// Chat lets a person type messages and shows what comes, until the person leaves
// or the connection ends. Enter sends; JSON that is not whole yet goes on in the
// next line. keep is called with what was sent. It closes conn.
func Chat(ctx context.Context, conn *websocket.Conn, t Terminal, history []string, keep func(string), opt Options) error {
	ctx, cancel := context.WithCancel(ctx)
	c := &chat{link: newLink(ctx, conn, opt), screen: term.NewScreen(t.Out, t.Size, &term.ScreenOptions{NoReflow: t.NoReflow})}
	defer func() { cancel(); c.work.Wait() }()
	c.edit.Recall(history)
	if _, err := io.WriteString(t.Out, term.On); err != nil {
		return err
	}
	err := c.loop(ctx, t, keep)
	_ = c.screen.Close()
	_, _ = io.WriteString(t.Out, term.Off)
	if errors.Is(err, errClosed) {
		return nil
	}
	if errors.Is(err, io.EOF) {
		return conn.Close(websocket.StatusNormalClosure, "")
	}
	return err
}

func (c *chat) loop(ctx context.Context, t Terminal, keep func(string)) error {
	ping, stop := ticks(c.opt.Ping)
	defer stop()
	frame, stopFrames := ticks(c.opt.PingFrame)
	defer stopFrames()
	escape := time.NewTimer(escapeTime)
	escape.Stop()
	defer escape.Stop()
	for {
		text, caret := c.edit.Shown()
		prompt := "> "
		if query, _, under := c.edit.Search(); under {
			prompt = "(search: " + query + ") "
		}
		if err := c.screen.Draw(term.Input{Prompt: prompt, Text: text, Caret: caret}); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case b, ok := <-t.In:
			if !ok {
				return io.EOF
			}
			if err := c.pressed(ctx, c.keys.Feed(b), keep); err != nil {
				return err
			}
			if escape.Stop(); c.keys.Pending() {
				escape.Reset(escapeTime)
			}
		case <-escape.C:
			if err := c.pressed(ctx, c.keys.Flush(), keep); err != nil {
				return err
			}
		case a := <-c.came:
			if a.err != nil {
				return ended(a.err)
			}
			c.screen.Line("< " + strings.ReplaceAll(c.opt.Shown(a.Message), "\n", "\n  "))
		case <-t.Resized:
		case text := <-c.opt.Frames:
			c.screen.Line("* " + text)
		case <-frame:
			c.ping(ctx)
		case <-ping:
			if err := c.send(ctx, `{"action":"ping"}`); err != nil {
				return err
			}
		}
	}
}

func (c *chat) pressed(ctx context.Context, keys []term.Key, keep func(string)) error {
	for _, k := range keys {
		if err := c.key(ctx, k, keep); err != nil {
			return err
		}
	}
	return nil
}

func (c *chat) key(ctx context.Context, k term.Key, keep func(string)) error {
	switch c.edit.Press(k) {
	case term.Clear:
		c.screen.Clear()
	case term.Leave:
		return io.EOF
	case term.Break:
		return ErrInterrupted
	case term.Send:
		text := c.edit.Text()
		var j Joiner
		for line := range strings.SplitSeq(text, "\n") {
			j.Line(line)
		}
		if _, open := j.Rest(); open && !strings.HasSuffix(text, "\n") { // Enter twice sends it as it is
			c.edit.Press(term.Key{Code: term.Enter, Mod: term.Alt})
			return nil
		}
		if strings.TrimSpace(text) == "" {
			return nil
		}
		text = strings.TrimSuffix(text, "\n")
		c.screen.Line("> " + strings.ReplaceAll(text, "\n", "\n  "))
		c.edit.Accept()
		keep(text)
		return c.say(ctx, text, func(note string) { c.screen.Line("* " + note) })
	}
	return nil
}
