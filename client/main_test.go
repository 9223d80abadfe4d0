package main_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"kaiwa/client/internal/fake"
	"kaiwa/pkg/wire"
)

// binary is the program under test: exit codes and signals are those of a real
// process.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "kaiwa")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(dir, "kaiwa")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v\n%s", err, out)
		os.Exit(1)
	}
	code := fake.Main(m)
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// service is a fake one on a real socket. Prompts that start with a word it knows
// get what the word says.
func service(t *testing.T) (server *fake.Server, url string) {
	t.Helper()
	server = fake.NewServer(func(prompt string) fake.Script {
		word, _, _ := strings.Cut(prompt, " ")
		switch word {
		case "slow":
			return fake.Script{Text: strings.Repeat("word ", 2000), Piece: 5, Every: 20 * time.Millisecond}
		case "rate":
			return fake.Script{Refuse: wire.Error{Code: wire.CodeRateLimited, Message: "too much for today"}}
		case "expired":
			return fake.Script{Refuse: wire.Error{Code: wire.CodeExpired, Message: "the token ran out"}}
		case "bad":
			return fake.Script{Refuse: wire.Error{Code: wire.CodeBadRequest, Message: "no"}}
		case "break":
			return fake.Script{Text: "half", Fail: wire.Error{Code: wire.CodeModelError, Message: "the model broke"}}
		case "short":
			return fake.Script{Text: "half", Stop: "max_tokens"}
		case "count":
			var text strings.Builder
			for i := range 40 {
				fmt.Fprintf(&text, "%d日本語の長い段落は、空白を含まない。", i)
				if i%3 == 2 {
					text.WriteString("\n")
				}
			}
			return fake.Script{Text: text.String() + "fin", Piece: 3, Every: 10 * time.Millisecond}
		case "markdown":
			return fake.Script{Text: "# 見出し\n\n- **太字** and `code`\n\n| 名前 | n |\n|---|--:|\n| 日本語 | 1 |\n| a | 100 |\n", Piece: 2, Every: 2 * time.Millisecond}
		case "code":
			return fake.Script{Text: "First:\n\n- so\n  ```go\n  a\n    b\n  ```\n\n```\nsecond\n```\n"}
		case "evil":
			return fake.Script{
				Text:  "a\x1b]0;title\a\x1b[2Jb\n",
				Usage: &wire.Usage{InputTokens: 1, OutputTokens: 2}, Timing: &wire.Timing{FirstMs: 3, TotalMs: 4},
			}
		case "hang":
			return fake.Script{Text: "half", Hang: true}
		case "busy":
			return fake.Script{Refuse: wire.Error{Code: wire.CodeBusy, Message: "wait"}}
		}
		return fake.Script{Text: "You said: " + prompt}
	})
	h := httptest.NewServer(server)
	t.Cleanup(func() {
		server.Close()
		h.Close()
	})
	return server, "ws" + strings.TrimPrefix(h.URL, "http")
}

type result struct {
	out, err string
	code     int
}

// command is the program with nothing of this machine's settings.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	c := exec.CommandContext(ctx, binary, args...)
	c.Env = []string{"PATH=" + os.Getenv("PATH")}
	return c
}

func kaiwa(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	var out, err bytes.Buffer
	c := command(t, args...)
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(stdin), &out, &err
	if e := c.Run(); e != nil && c.ProcessState == nil {
		t.Fatal(e)
	}
	return result{out.String(), err.String(), c.ProcessState.ExitCode()}
}

func TestPipes(t *testing.T) {
	big := strings.Repeat("日本語\n", 40_000) // 400 kB: in parts
	const url = "URL"
	id := regexp.MustCompile(`"id":"[A-Z2-7]{26}"`)
	for _, c := range []struct {
		name, stdin string
		args        []string
		want        result
	}{
		{"ask", "", []string{"-p", "こんにちは", url}, result{out: "You said: こんにちは\n"}},
		{"ask about a file", "a file\n", []string{"-p", "explain", "--url", url}, result{out: "You said: explain\n\na file\n"}},
		{"the pipe alone", big, []string{"-p", "-", url}, result{out: "You said: " + big}},
		{"lines", "one\n\n  \ntwo\r\nthree", []string{url}, result{out: "You said: one\nYou said: two\nYou said: three\n"}},
		{"no lines", "", []string{url}, result{}},
		{"a line that fails", "bad\ntwo\n", []string{url}, result{"You said: two\n", "kaiwa: no\n", 1}},
		{"a line after which none can succeed", "expired\ntwo\n", []string{url}, result{"", "kaiwa: the sign-in has run out, or was withdrawn; start again, with a new token if one is needed (token-command gets them by itself)\n", 3}},
		{"an error of the model", "", []string{"-p", "break", url}, result{"half\n", "kaiwa: the model broke\nkaiwa: the reply ended early: interrupted\n", 1}},
		{"a reply that is cut short", "", []string{"-p", "short", url}, result{"half\n", "kaiwa: the reply ended early: max_tokens\n", 0}},
		{"not allowed", "", []string{"-p", "expired", url}, result{"", "kaiwa: the sign-in has run out, or was withdrawn; start again, with a new token if one is needed (token-command gets them by itself)\n", 3}},
		{"rate limited", "", []string{"-p", "rate", url}, result{"", "kaiwa: too much for today\n", 6}},
		{"too large", strings.Repeat("x", wire.MaxPrompt+1), []string{"-p", "-", url}, result{"", "kaiwa: prompt is too large: 524289 bytes, 524288 are the most\n", 2}},
		{"text without -p", "a file\n", []string{url, "explain", "this"}, result{out: "You said: explain this\n\na file\n"}},
		{"flags after the text", "", []string{"-p", "x", url, "--plain"}, result{out: "You said: x\n"}},
		{"a dash in the text", "", []string{url, "--", "-p", "is it"}, result{out: "You said: -p is it\n"}},
		{"a file", "", []string{"-p", "explain", "-f", "testdata/note.md", url}, result{out: "You said: explain\n\nnote.md:\n````\n```\nfenced 日本語\n```\n````\n"}},
		{"code", "", []string{"-x", "-p", "code", url}, result{out: "a\n  b\n"}},
		{"no code", "", []string{"-x", "-p", "hi", url}, result{"", "kaiwa: there is no code block in the reply\n", 1}},
		{"timeout", "", []string{"-p", "hang", "--timeout", "300ms", url}, result{"half\n", "kaiwa: it took longer than --timeout allows\n", 5}},
		{"timeout, no reply", "", []string{"--json", "-p", "busy", "--timeout", "300ms", url}, result{`{"id":"ID","text":"","saved":false,"error":{"code":"","message":"it took longer than --timeout allows","retryable":false}}` + "\n", "kaiwa: wait; trying again in 3s\nkaiwa: it took longer than --timeout allows\n", 5}},
		{"json", "", []string{"--json", "-p", "evil", url}, result{out: `{"id":"ID","conversation":"c1","reply":"r1","text":"a\u001b]0;title\u0007\u001b[2Jb\n","stop":"end_turn","saved":true,"usage":{"inputTokens":1,"outputTokens":2,"cacheReadTokens":0,"cacheWriteTokens":0},"timing":{"firstMs":3,"totalMs":4}}` + "\n"}},
		{"json of a failure", "", []string{"--json", "-p", "rate", url}, result{`{"id":"ID","text":"","saved":false,"error":{"code":"rate_limited","message":"too much for today","retryable":false,"id":"ID"}}` + "\n", "kaiwa: too much for today\n", 6}},
		{"json of lines", "one\nbreak\n", []string{"--json", url}, result{
			`{"id":"ID","conversation":"c1","reply":"r1","text":"You said: one","stop":"end_turn","saved":true}
{"id":"ID","conversation":"c1","reply":"r2","text":"half","stop":"interrupted","saved":true,"error":{"code":"model_error","message":"the model broke","retryable":false,"id":"ID","reply":"r2"}}
`, "kaiwa: the model broke\nkaiwa: the reply ended early: interrupted\n", 1}},
		{"events", "", []string{"--stream-json", "-p", "hi", url}, result{out: `{"id":"ID","text":"hi","type":"asked"}
{"type":"text","id":"ID","conversation":"c1","reply":"r1","text":"You said: hi"}
{"type":"end","id":"ID","conversation":"c1","reply":"r1","length":12,"saved":true,"stop":"end_turn"}
`}},
		{"events of a failure", "", []string{"--stream-json", "-p", "bad", url}, result{`{"id":"ID","text":"bad","type":"asked"}
{"error":{"code":"bad_request","message":"no","retryable":false,"id":"ID"},"id":"ID","type":"failed"}
`, "kaiwa: no\n", 1}},
		{"harmless", "", []string{"-p", "evil", url}, result{out: "ab\n"}},
		{"another encoding", "\x83e\x83X", []string{"-p", "-", url}, result{"", "kaiwa: standard input is not UTF-8; a text in another encoding goes through iconv, as in: iconv -f SHIFT_JIS -t UTF-8\n", 2}},
		{"lines in another encoding", "one\n\x83e\x83X\ntwo\n", []string{url}, result{"You said: one\n", "kaiwa: a line of standard input is not UTF-8; a text in another encoding goes through iconv, as in: iconv -f SHIFT_JIS -t UTF-8\n", 2}},
		{"a command's name after --", "", []string{url, "--", "ls"}, result{out: "You said: ls\n"}},
		{"an address after --", "", []string{url, "--", "https://a"}, result{out: "You said: https://a\n"}},
		{"a bare number of seconds", "", []string{"-p", "hang", "--timeout", "0.3", url}, result{"half\n", "kaiwa: it took longer than --timeout allows\n", 5}},
		{"nothing to send", "", []string{"-p", "-", url}, result{"", "kaiwa: there is nothing to send: standard input is empty\n", 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, at := service(t)
			if i := slices.Index(c.args, url); i >= 0 {
				c.args[i] = at
			}
			got := kaiwa(t, c.stdin, c.args...)
			if got.out = id.ReplaceAllString(got.out, `"id":"ID"`); got != c.want {
				t.Errorf("got %.300q\nwant %.300q", fmt.Sprint(got), fmt.Sprint(c.want))
			}
		})
	}
}

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		err  string
	}{
		{[]string{"--url", "http://x"}, `"http://x" does not start with ws:// or wss://`},
		{[]string{"--url", "ws://"}, `"ws://" names no host`},
		{[]string{"ws://a", "ws://b"}, "give the URL once"},
		{[]string{"-p", "x", "ws://a", "and", "more"}, `"and more" is one argument too many`},
		{[]string{"-p", "x", "--json", "-x"}, "choose one"},
		{[]string{"-p", "x", "--timeout", "-1s"}, "--timeout must not be negative"},
		{[]string{"-p", "x", "-f", "/nowhere"}, "no such file"},
		{[]string{"-p", "x", "-f", "testdata/binary"}, "testdata/binary is not UTF-8; a text in another encoding goes through iconv"},
		{[]string{"--url", "ws://a", "ws://b"}, "give the URL once"},
		{[]string{"show", "-abc"}, "an id that starts with - goes after --"},
		{[]string{"--what"}, "flag provided but not defined: -what"},
		{[]string{"-H", "nocolon"}, `it has the form "Name: value"`},
		{[]string{"-H", "a: b\r\nc: d"}, `it has the form "Name: value"`},
		{[]string{"--ping", "-1s"}, "--ping must not be negative"},
		{[]string{"--ping", "soon"}, `invalid value "soon" for flag -ping: write a time like 30s, 5m or 1h30m`},
		{[]string{"-r", "", "-p", "x"}, "say an id or a title"},
		{[]string{"https://a.example/prod"}, "the address of a WebSocket begins with ws: wss://a.example/prod; a text goes after --"},
		{[]string{"raw", "http://a.example/prod", "x"}, "the address of a WebSocket begins with ws: ws://a.example/prod; a text goes after --"},
	} {
		if got := kaiwa(t, "", c.args...); got.code != 2 || !strings.Contains(got.err, c.err) || got.out != "" || strings.Count(got.err, "\n") != 1 {
			t.Errorf("%q: got %+v, want %s", c.args, got, c.err)
		}
	}
	if got := kaiwa(t, "", "--help"); got.code != 0 || !strings.Contains(got.out, "Exit codes") || got.err != "" {
		t.Errorf("help: %+v", got)
	}
}

// What was not written is told, whatever wrote it: a backup that is not whole must
// not look like one.
func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("needs Linux' full disk: ", err)
	}
	defer full.Close()
	_, url := withTalks(t)
	for _, args := range []string{"-p x", "-p x --json", "-p x --stream-json", "-p code -x", "ls", "ls --json", "show c1", "export c1", "export c1 --json", "url", "help", "config show", "completion bash", "--version"} {
		c := command(t, strings.Fields(args)...)
		var errs bytes.Buffer
		c.Env, c.Stdout, c.Stderr = append(c.Env, "KAIWA_URL="+url), full, &errs
		_ = c.Run()
		if code := c.ProcessState.ExitCode(); code == 0 || !strings.Contains(errs.String(), "no space left on device") {
			t.Errorf("%s: exit code %d, %q", args, code, errs.String())
		}
	}
}

func TestConnecting(t *testing.T) {
	server, url := service(t)
	status, header := 0, http.Header{}
	server.Look(func(*fake.Chat) {
		server.Admit = func(r *http.Request) int { header = r.Header.Clone(); return status }
	})
	admit := func(code int) { server.Look(func(*fake.Chat) { status = code }) }
	for code, want := range map[int]result{
		401: {"", "kaiwa: 401 Unauthorized: the service wants a token: --token, KAIWA_TOKEN, or token-command in the config\n", 3},
		403: {"", "kaiwa: 403 Forbidden: the service wants a key (--api-key), a token (--token) or AWS credentials (--sigv4)\n", 3},
		404: {"", "kaiwa: 404 Not Found: there is no service at this path; does the URL end with the stage, as in /dev?\n", 4},
		429: {"", "kaiwa: 429 Too Many Requests: too many connections; try again in a moment\n", 6},
	} {
		admit(code)
		if got := kaiwa(t, "", "-p", "x", url); got != want {
			t.Errorf("%d: got %+v", code, got)
		}
	}
	admit(0)
	c := command(t, "-p", "x", "-H", "X-Api-Key: k", "-H", "X-Two: a:b")
	c.Env = append(c.Env, "KAIWA_URL="+url, "KAIWA_TOKEN=secret")
	if out, err := c.Output(); err != nil || string(out) != "You said: x\n" {
		t.Errorf("from the environment: %q %v", out, err)
	}
	server.Look(func(*fake.Chat) {
		for name, want := range map[string]string{"Authorization": "Bearer secret", "X-Api-Key": "k", "X-Two": "a:b", "Sec-Websocket-Protocol": "kaiwa.v1"} {
			if got := header.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := l.Addr().String()
	_ = l.Close()
	if got, want := kaiwa(t, "", "-p", "x", "ws://"+at), (result{"", "kaiwa: nothing listens at " + at + "; `go run ./local` starts a service, or give the URL of one\n", 4}); got != want {
		t.Errorf("nobody there: %+v", got)
	}
}

// Whoever is not there to read any more ends it, as in any pipe: a shell sees 141.
func TestPipeCloses(t *testing.T) {
	_, url := service(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c := command(t, "-p", "slow", url)
	c.Stdout = w
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	if _, err := r.Read(make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
	_ = c.Wait()
	if how, ok := c.ProcessState.Sys().(syscall.WaitStatus); !ok || how.Signal() != syscall.SIGPIPE {
		t.Errorf("it ended with %v", c.ProcessState)
	}
}

// Programs learn in JSON, too, that there is no connection.
func TestConnectingJSON(t *testing.T) {
	const message = "nothing listens at 127.0.0.1:1; `go run ./local` starts a service, or give the URL of one"
	const why = `{"code":"","message":"` + message + `","retryable":false}`
	for flag, want := range map[string]string{
		"--json":        `{"id":"","text":"","saved":false,"error":` + why + "}\n",
		"--stream-json": `{"error":` + why + `,"id":"","type":"failed"}` + "\n",
		"-x":            "",
	} {
		if got := kaiwa(t, "", "-p", "x", flag, "ws://127.0.0.1:1"); got != (result{want, "kaiwa: " + message + "\n", 4}) {
			t.Errorf("%s: %+v", flag, got)
		}
	}
}

// ^C stops the reply at the service too; what came is on stdout.
func TestInterrupt(t *testing.T) {
	for _, args := range [][]string{{"-p", "slow"}, nil} {
		server, url := service(t)
		c := command(t, append(args, url)...)
		var err bytes.Buffer
		c.Stderr = &err
		c.Stdin = strings.NewReader("slow\nnever sent\n")
		if args != nil {
			c.Stdin = nil
		}
		out, e := c.StdoutPipe()
		if e != nil {
			t.Fatal(e)
		}
		if e := c.Start(); e != nil {
			t.Fatal(e)
		}
		first := make([]byte, 4)
		if _, e := out.Read(first); e != nil {
			t.Fatal(e)
		}
		if e := c.Process.Signal(os.Interrupt); e != nil {
			t.Fatal(e)
		}
		var rest bytes.Buffer
		_, _ = rest.ReadFrom(out)
		_ = c.Wait()
		if got := c.ProcessState.ExitCode(); got != 130 || string(first) != "word" || !strings.HasSuffix(rest.String(), "\n") || err.Len() > 0 {
			t.Errorf("exit code %d, %q %q %s", got, first, rest.String(), err.String())
		}
		server.Look(func(chat *fake.Chat) {
			if r := chat.Replies(); len(r) != 1 || r[0].End.Stop != wire.StopStopped {
				t.Errorf("the service made %d replies, the first ended %q", len(r), r[0].End.Stop)
			}
		})
	}
}
