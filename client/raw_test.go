package main_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// echo is a WebSocket that is no kaiwa: it says everything back, and a few words
// have it do something else.
func echo(t *testing.T) string {
	t.Helper()
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"chat.v1"}})
		if err != nil {
			return
		}
		defer func() { _ = c.CloseNow() }()
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		for {
			_, b, err := c.Read(ctx)
			if err != nil {
				return
			}
			switch string(b) {
			case "bye":
				_ = c.Close(1000, "")
			case "big":
				_ = c.Close(1009, "128 KB \x1b[2J")
			case "own":
				_ = c.Close(4001, "going")
			case "cut":
				return
			case "protocol":
				b = []byte(c.Subprotocol() + " " + r.Header.Get("X-A"))
				fallthrough
			default:
				if c.Write(ctx, websocket.MessageText, b) != nil {
					return
				}
			}
		}
	}))
	t.Cleanup(h.Close)
	return "ws" + strings.TrimPrefix(h.URL, "http")
}

func TestRaw(t *testing.T) {
	url := echo(t)
	for _, c := range []struct {
		name, stdin string
		args        []string
		want        result
	}{
		{"lines", "one\n\ntwo\r\n", []string{"--wait-for", "300ms"}, result{out: "one\ntwo\n"}},
		{"words", "not read", []string{"one", "two", "--wait-for", "2"}, result{out: "one\ntwo\n"}},
		{"a text", "", []string{"one", "two", "three", "--wait-for", "tw"}, result{out: "one\ntwo\n"}},
		{"JSON over lines", "{\n \"a\": [\n1]}\n[1,\n\n2]\n", []string{"--wait-for", "3"}, result{out: "{\n \"a\": [\n1]}\n[1,\n2]\n"}},
		{"what came, to a program", "a\x1b[2Jb\n", []string{"--wait-for", "1"}, result{out: "a\x1b[2Jb\n"}},
		{"a normal closure", "bye\n", []string{"--wait-for", "1"}, result{}},
		{"a code", "big\n", nil, result{"", "kaiwa: closed by the service: 1009 message too big: 128 KB ␛[2J\n", 5}},
		{"a code of its own", "own\n", nil, result{"", "kaiwa: closed by the service: 4001 unknown code: going\n", 5}},
		{"no closure", "cut\n", nil, result{"", "kaiwa: the connection broke: failed to get reader: failed to read frame header: EOF\n", 5}},
		{"what never comes", "x\n", []string{"--wait-for", "y", "--timeout", "300ms"}, result{"x\n", "kaiwa: it took longer than --timeout allows\n", 5}},
		{"handshake", "protocol\n", []string{"-s", "chat.v1", "-H", "X-A: b", "--wait-for", "1"}, result{out: "chat.v1 b\n"}},
		{"ping", "", []string{"--ping", "50ms", "--wait-for", "ping"}, result{out: "{\"action\":\"ping\"}\n"}},
		{"nothing to wait for", "", []string{"--wait-for", "0"}, result{"", "kaiwa: invalid value \"0\" for flag -wait-for: the number of messages must be over 0; kaiwa -h tells more\n", 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.name == "JSON over lines" {
				c.args[1] = "500ms" // its second one is cut in two by the blank line
			}
			if got := kaiwa(t, c.stdin, append([]string{"raw", url}, c.args...)...); got != c.want {
				t.Errorf("got %+v\nwant %+v", got, c.want)
			}
		})
	}
	if got := kaiwa(t, "x\n", "raw", url+"/nowhere\n", "--wait-for", "1"); got.code != 2 {
		t.Errorf("no URL: %+v", got)
	}
	if got := kaiwa(t, "x\n", "raw", "ws://127.0.0.1:1"); got.code != 4 || !strings.Contains(got.err, "nothing listens at 127.0.0.1:1") {
		t.Errorf("nobody there: %+v", got)
	}
	got := kaiwa(t, "x\n", "raw", url, "--time", "--wait-for", "1")
	if _, err := time.Parse("15:04:05.000 x\n", got.out); err != nil {
		t.Errorf("with the time: %+v", got)
	}
}

// On a terminal what comes does not tear what is typed, and cannot drive it.
func TestTmuxRaw(t *testing.T) {
	p := newPane(t, binary+" raw "+echo(t))
	p.shows("connected to")
	p.tmux("send-keys", "a\\", "Enter", "日本", "Enter")
	p.shows("< a\n  日本")
	p.tmux("send-keys", `{"a":`, "Enter")
	p.shows("> {\"a\":")
	p.tmux("send-keys", "1}", "Enter")
	p.shows("< {\n    \"a\": 1\n  }")
	p.tmux("send-keys", "not sent", "C-u", "own", "Enter")
	p.shows("kaiwa: closed by the service: 4001 unknown code: going\nleft with 5")
}
