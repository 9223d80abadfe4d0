package main_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
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
			case "ping":
				go func() { _ = c.Ping(ctx) }()
			case "bye":
				_ = c.Close(1000, "")
			case "big":
				_ = c.Close(1009, "128 KB \x1b[2J")
			case "own":
				_ = c.Close(4001, "going")
			case "cut":
				return
			case "binary":
				if c.Write(ctx, websocket.MessageBinary, []byte("\x00\xff")) != nil {
					return
				}
				continue
			case "protocol":
				b = []byte(c.Subprotocol() + " " + r.Header.Get("X-A") + r.Header.Get("Authorization"))
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
		{"a code of its own", "own\n", nil, result{"", "kaiwa: closed by the service: 4001 a code of the service's own: going\n", 5}},
		{"no closure", "cut\n", nil, result{"", "kaiwa: the connection broke: EOF\n", 5}},
		{"until it is closed", "one\nbye\n", []string{"--wait-for", "close"}, result{out: "one\n"}},
		{"a pattern", "", []string{"one", "two", "three", "--wait-for", "/^t.o$/"}, result{out: "one\ntwo\n"}},
		{"a pattern that is none", "", []string{"--wait-for", "/(/"}, result{"", "kaiwa: invalid value \"/(/\" for flag -wait-for: error parsing regexp: missing closing ): `(`; kaiwa -h tells more\n", 2}},
		{"binary, to a program", "binary\n", []string{"--wait-for", "1"}, result{out: "\x00\xff\n"}},
		{"basic authentication", "protocol\n", []string{"--auth", "me:secret", "-s", "x", "-s", "chat.v1", "--wait-for", "1"}, result{out: "chat.v1 Basic bWU6c2VjcmV0\n"}},
		{"basic authentication in the URL", "protocol\n", []string{"--url", "ws://me:secret@" + strings.TrimPrefix(url, "ws://"), "--wait-for", "1"}, result{out: " Basic bWU6c2VjcmV0\n"}},
		{"a command", "/close\nnever sent\n", []string{"--slash", "--wait-for", "9"}, result{}},
		{"a command that is none", "//x\n/y\n/close 1\n", []string{"--slash", "--wait-for", "300ms"}, result{"/x\n", "kaiwa: there is no command /y; there are /ping and /close [CODE [REASON]], and // sends a text that starts with /\nkaiwa: a code is between 1000 and 4999, without 1005, 1006 and 1015, and a reason has at most 123 bytes\n", 0}},
		{"no command", "/close\n", []string{"--wait-for", "1"}, result{out: "/close\n"}},
		{"a ping", "ping\n", []string{"-P", "--wait-for", "300ms"}, result{"", "kaiwa: ping \"1\"\n", 0}},
		{"what never comes", "x\n", []string{"--wait-for", "y", "--timeout", "300ms"}, result{"x\n", "kaiwa: it took longer than --timeout allows\n", 5}},
		{"handshake", "protocol\n", []string{"-s", "chat.v1", "-H", "X-A: b", "--wait-for", "1"}, result{out: "chat.v1 b\n"}},
		{"ping", "", []string{"--ping", "50ms", "--wait-for", "ping"}, result{out: "{\"action\":\"ping\"}\n"}},
		{"nothing to wait for", "", []string{"--wait-for", "0"}, result{"", "kaiwa: invalid value \"0\" for flag -wait-for: the number of messages must be over 0; kaiwa -h tells more\n", 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.name == "JSON over lines" {
				c.args[1] = "500ms" // its second one is cut in two by the blank line
			}
			args := append([]string{"raw", url}, c.args...)
			if slices.Contains(c.args, "--url") {
				args = append([]string{"raw"}, c.args...)
			}
			if got := kaiwa(t, c.stdin, args...); got != c.want {
				t.Errorf("got %+v\nwant %+v", got, c.want)
			}
		})
	}
	if got := kaiwa(t, "x\n", "raw", url+"/nowhere\n", "--wait-for", "1"); got.code != 2 {
		t.Errorf("no URL: %+v", got)
	}
	for _, bare := range []string{strings.TrimPrefix(url, "ws://"), strings.TrimPrefix(url, "ws://") + "/path"} { // as wscat takes it
		c := command(t, "raw", bare, "hello", "--wait-for", "1")
		c.Env = append(c.Env, "KAIWA_URL=ws://127.0.0.1:1", "KAIWA_TOKEN=secret")
		if out, err := c.Output(); err != nil || string(out) != "hello\n" {
			t.Errorf("raw %s: %q %v", bare, out, err)
		}
	}
	if got := kaiwa(t, "x\n", "raw", "ws://127.0.0.1:1"); got.code != 4 || !strings.Contains(got.err, "nothing listens at 127.0.0.1:1") {
		t.Errorf("nobody there: %+v", got)
	}
	got := kaiwa(t, "x\n", "raw", url, "--time", "--wait-for", "1")
	if _, err := time.Parse("15:04:05.000 x\n", got.out); err != nil {
		t.Errorf("with the time: %+v", got)
	}
}

func TestRawJSON(t *testing.T) {
	got := kaiwa(t, "a\x1b\nbinary\n", "raw", echo(t), "--json", "--wait-for", "2")
	at := regexp.MustCompile(`"\d{4}-\d\d-\d\dT\d\d:\d\d:[0-9.]+Z"`)
	if got.out = at.ReplaceAllString(got.out, "AT"); got != (result{out: `{"at":AT,"text":"a\u001b"}` + "\n" + `{"at":AT,"base64":"AP8="}` + "\n"}) {
		t.Errorf("%+v", got)
	}
}

func TestRawPongs(t *testing.T) {
	for _, args := range [][]string{{"-P", "--ping-frame", "20ms"}, {"--slash", "/ping"}} {
		got := kaiwa(t, "", append([]string{"raw", "--wait-for", "300ms", echo(t)}, args...)...)
		if !regexp.MustCompile(`^(kaiwa: pong after [0-9.]+m?[µ]?s\n)+$`).MatchString(got.err) || got.code != 0 || got.out != "" {
			t.Errorf("%v: %+v", args, got)
		}
	}
}

// It can be the other side, too; what one of them says the other one hears, the
// goodbye included.
func TestRawListen(t *testing.T) {
	for _, c := range []struct {
		messages []string
		want     result
	}{
		{[]string{"hello", "--wait-for", "1"}, result{out: "hello\n"}},
		{[]string{"--slash", "/close 4001 enough", "--wait-for", "9"}, result{"", "kaiwa: closed by the service: 4001 a code of the service's own: enough\n", 5}},
	} {
		cmd := command(t, "raw", "--listen", "0", "-s", "chat.v1", "welcome", "--wait-for", "close")
		var out bytes.Buffer
		cmd.Stdout = &out
		stderr, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		errs := bufio.NewReader(stderr)
		line, err := errs.ReadString('\n')
		url, ok := strings.CutPrefix(strings.TrimSpace(line), "kaiwa: waiting for somebody to connect to ")
		if err != nil || !ok {
			t.Fatalf("%q %v", line, err)
		}
		if got := kaiwa(t, "", append([]string{"raw", url, "-s", "chat.v1"}, c.messages...)...); got.code != 0 || got.err != "" {
			t.Errorf("%+v", got)
		}
		said, _ := io.ReadAll(errs)
		_ = cmd.Wait()
		if got := (result{out.String(), string(said), cmd.ProcessState.ExitCode()}); got != c.want {
			t.Errorf("%+v", got)
		}
	}
}

// On a terminal what comes does not tear what is typed, and cannot drive it.
func TestTmuxRaw(t *testing.T) {
	p := newPane(t, binary+" raw "+echo(t))
	p.Shows("connected to")
	p.Type("a\\", "Enter", "日本", "Enter")
	p.Shows("< a\n  日本")
	p.Type(`{"a":`, "Enter")
	p.Shows("> {\"a\":")
	p.Type("1}", "Enter")
	p.Shows("< {\n    \"a\": 1\n  }")
	p.Type("not sent", "C-u", "own", "Enter")
	p.Shows("kaiwa: closed by the service: 4001 a code of the service's own: going\nleft with 5")
}
