package raw_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"github.com/coder/websocket"

	"kaiwa/client/internal/fake"
	"kaiwa/client/raw"
)

func TestMain(m *testing.M) { os.Exit(fake.Main(m)) }

func TestParseWait(t *testing.T) {
	for in, want := range map[string]raw.Wait{"3": {Count: 3}, "2s": {Idle: 2e9}, "pong": {Text: "pong"}, "close": {Close: true}, "/": {Text: "/"}, "//": {Text: "//"}, `"type":"end"`: {Text: `"type":"end"`}} {
		if got, err := raw.ParseWait(in); err != nil || got != want {
			t.Errorf("%q: %+v %v", in, got, err)
		}
	}
	for _, in := range []string{"", "0", "-1", "-2s", "0s", "/(/"} {
		if got, err := raw.ParseWait(in); err == nil {
			t.Errorf("%q: %+v", in, got)
		}
	}
}

func TestJoiner(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []string
		rest string
	}{
		{"a\n\nb", []string{"a", "b"}, ""},
		{`{"a":1}` + "\n[1]", []string{`{"a":1}`, "[1]"}, ""},
		{"{\n\"a\":1\n}\nx", []string{"{\n\"a\":1\n}", "x"}, ""},
		{"{a\nb\n\nc", []string{"{a\nb", "c"}, ""},
		{"x\n{\n1", []string{"x"}, "{\n1"},
	} {
		var j raw.Joiner
		var got []string
		for line := range strings.SplitSeq(c.in, "\n") {
			if m, ok := j.Line(line); ok {
				got = append(got, m)
			}
		}
		if rest, _ := j.Rest(); !reflect.DeepEqual(got, c.want) || rest != c.rest {
			t.Errorf("%q: %q, %q", c.in, got, rest)
		}
	}
}

// What a terminal is shown.
func TestShown(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)
	for _, c := range []struct {
		in   raw.Message
		opt  raw.Options
		want string
	}{
		{raw.Message{Text: "a\x1b[2J"}, raw.Options{}, "a␛[2J"},
		{raw.Message{Text: "a\x1b[2J"}, raw.Options{Verbatim: true}, "a\x1b[2J"},
		{raw.Message{Text: "[1,{\"a\":2}]"}, raw.Options{Pretty: true}, "[\n  1,\n  {\n    \"a\": 2\n  }\n]"},
		{raw.Message{Text: "[1"}, raw.Options{Pretty: true}, "[1"},
		{raw.Message{Text: "", At: at}, raw.Options{Pretty: true, Times: true}, "03:04:05.006 "},
		{raw.Message{Text: "\x00\xff", Binary: true}, raw.Options{}, "(binary, 2 bytes) 00 ff"},
		{raw.Message{Text: strings.Repeat("a", 65), Binary: true}, raw.Options{}, "(binary, 65 bytes) 61" + strings.Repeat(" 61", 63) + " …"},
		{raw.Message{Text: "\x00\xff", Binary: true}, raw.Options{Verbatim: true}, "\x00\xff"},
	} {
		if got := c.opt.Shown(c.in); got != c.want {
			t.Errorf("%+v: %q, want %q", c.in, got, c.want)
		}
	}
}

// A connection whose other side does not answer pings any more is over.
func TestNoPong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := fake.NewPipe()
		life, end := context.WithCancel(context.Background())
		h := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c, err := websocket.Accept(w, r, &websocket.AcceptOptions{OnPingReceived: func(context.Context, []byte) bool { return false }})
			if err == nil {
				_, _, _ = c.Read(life)
				_ = c.CloseNow()
			}
		})}
		served := make(chan struct{})
		go func() { defer close(served); _ = h.Serve(p) }()
		defer func() { end(); _ = h.Close(); <-served }()
		conn, _, err := websocket.Dial(t.Context(), "ws://x/", &websocket.DialOptions{HTTPClient: p.Client()})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		err = raw.Run(t.Context(), conn, make(chan string), raw.Output{}, raw.Options{PingFrame: 10 * time.Second})
		var closed *raw.Closed
		if !errors.As(err, &closed) || closed.Code != 1006 || closed.Reason != "no pong within 30s" || time.Since(start) != 40*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// Nothing that is shown can drive a terminal, and what is harmless is not changed.
func FuzzVisible(f *testing.F) {
	f.Add("a\x1b[2J\x07\u009b31m\u202e\x7f\xff日本👩\u200d👧\t\n")
	f.Fuzz(func(t *testing.T, s string) {
		got := raw.Visible(s)
		harmless := true
		for _, r := range s {
			harmless = harmless && !unicode.IsControl(r) && !unicode.Is(unicode.Cf, r) && r != unicode.ReplacementChar && r != 0x2028 && r != 0x2029
		}
		if harmless && got != s {
			t.Errorf("%q became %q", s, got)
		}
		for _, r := range got {
			if unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r) {
				t.Errorf("%q became %q", s, got)
			}
		}
	})
}
