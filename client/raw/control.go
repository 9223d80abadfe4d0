package raw

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// pongWithin is how long a pong may take before the connection counts as broken.
const pongWithin = 30 * time.Second

// Frames are notes about control frames, which a connection tells to nobody else.
type Frames chan string

// NewFrames are the frames of a connection that is made with o.
func NewFrames(o *websocket.DialOptions) Frames {
	f := make(Frames, 64)
	o.OnPingReceived = func(_ context.Context, payload []byte) bool {
		f.note("ping" + quoted(payload))
		return true
	}
	return f
}

func quoted(payload []byte) string {
	if len(payload) == 0 {
		return ""
	}
	return fmt.Sprintf(" %q", payload)
}

// note drops what nobody takes: it is called from where messages are read.
func (f Frames) note(text string) {
	select {
	case f <- text:
	default:
	}
}

// ping sends a ping frame; its pong is noted, with the time it took.
func (l *link) ping(ctx context.Context) {
	l.work.Go(func() {
		within, cancel := context.WithTimeout(ctx, pongWithin)
		defer cancel()
		start := time.Now()
		switch err := l.conn.Ping(within); {
		case err == nil:
			l.opt.Frames.note(fmt.Sprintf("pong after %v", time.Since(start).Round(100*time.Microsecond)))
		case within.Err() != nil && ctx.Err() == nil:
			l.report(ctx, arrival{err: fmt.Errorf("no pong within %v", pongWithin)})
		}
	})
}

// errClosed is why a loop ends after /close.
var errClosed = errors.New("closed")

func unlessClosed(err error) error {
	if errors.Is(err, errClosed) {
		return nil
	}
	return err
}

// say sends a message, or does what it commands.
func (l *link) say(ctx context.Context, text string, note func(string)) error {
	command, ok := strings.CutPrefix(text, "/")
	switch {
	case !ok || !l.opt.Slash:
		return l.send(ctx, text)
	case strings.HasPrefix(command, "/"):
		return l.send(ctx, command)
	}
	name, rest, _ := strings.Cut(strings.TrimSpace(command), " ")
	switch name {
	case "ping":
		l.ping(ctx)
	case "close":
		return l.close(rest, note)
	default:
		note("there is no command /" + Visible(name) + "; there are /ping and /close [CODE [REASON]], and // sends a text that starts with /")
	}
	return nil
}

// close says goodbye with a code, 1000 if none is given.
func (l *link) close(how string, note func(string)) error {
	digits, reason, _ := strings.Cut(strings.TrimSpace(how), " ")
	code := int(websocket.StatusNormalClosure)
	if digits != "" {
		var err error
		if code, err = strconv.Atoi(digits); err != nil || code < 1000 || code > 4999 || code == 1005 || code == 1006 || code == 1015 || len(reason) > 123 {
			note("a code is between 1000 and 4999, without 1005, 1006 and 1015, and a reason has at most 123 bytes")
			return nil
		}
	}
	_ = l.conn.Close(websocket.StatusCode(code), reason) // however it goes, that was it
	return errClosed
}
