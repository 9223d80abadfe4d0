package raw_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"kaiwa/client/internal/fake"
	"kaiwa/client/internal/vt"
	"kaiwa/client/raw"
)

// A person at a connection that echoes: JSON goes on until it is whole, what comes
// does not tear the line that is typed, ^L empties the screen and keeps the
// scrollback, ^D leaves.
func TestChat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := fake.NewPipe()
		h := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c, err := websocket.Accept(w, r, nil)
			if err != nil {
				return
			}
			for {
				kind, text, err := c.Read(context.Background())
				if err != nil || c.Write(context.Background(), kind, text) != nil {
					_ = c.CloseNow()
					return
				}
			}
		})}
		served := make(chan struct{})
		go func() { defer close(served); _ = h.Serve(p) }()
		defer func() { _ = h.Close(); <-served }()
		conn, _, err := websocket.Dial(t.Context(), "ws://x/", &websocket.DialOptions{HTTPClient: p.Client()})
		if err != nil {
			t.Fatal(err)
		}
		screen, keys, over := vt.New(40, 12), make(chan []byte), make(chan error)
		var kept []string
		go func() {
			over <- raw.Chat(t.Context(), conn, raw.Terminal{In: keys, Out: screen, Size: screen.Size}, nil, func(s string) { kept = append(kept, s) }, raw.Options{Pretty: true})
		}()
		typed := func(text string) []string {
			keys <- []byte(text)
			synctest.Wait()
			rows := screen.Rows()
			for len(rows) > 0 && rows[len(rows)-1] == "" {
				rows = rows[:len(rows)-1]
			}
			return rows
		}
		shown := []string{"> hello", "< hello", `> {"a":`, "  1}", "< {", `    "a": 1`, "  }", "> half a"}
		typed("hello\r")
		typed(`{"a":` + "\r")
		typed("1}\r")
		if got := typed("half a"); !slices.Equal(got, shown) {
			t.Errorf("%q, want %q", got, shown)
		}
		if got := typed("\x0c"); !slices.Equal(got, shown[len(shown)-1:]) {
			t.Errorf("after ^L %q", got)
		}
		if got := screen.Text(); !slices.Equal(got, append(shown[:len(shown)-1:len(shown)-1], "> half a")) {
			t.Errorf("scrollback %q", got)
		}
		// Esc is a key, even while messages come all the time, and the next one is whole.
		go func() {
			for n := range 30 {
				_ = conn.Write(t.Context(), websocket.MessageText, fmt.Append(nil, n))
				time.Sleep(20 * time.Millisecond)
			}
		}()
		typed("\x1b")
		time.Sleep(200 * time.Millisecond)
		if got := typed("!"); got[len(got)-1] != "> half a!" {
			t.Fatalf("after Esc %q", got[len(got)-1])
		}
		time.Sleep(time.Second)
		typed("\x7f word\r")
		keys <- []byte("\x04")
		if err := <-over; err != nil {
			t.Error(err)
		}
		if want := []string{"hello", "{\"a\":\n1}", "half a word"}; !slices.Equal(kept, want) {
			t.Errorf("kept %q", kept)
		}
		if refused := screen.Refused(); len(refused) > 0 {
			t.Errorf("the terminal does not know %q", refused)
		}
	})
}
