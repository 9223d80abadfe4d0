package repl_test

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kaiwa/client/cells"
	"kaiwa/client/internal/fake"
	"kaiwa/client/internal/vt"
	"kaiwa/client/repl"
	"kaiwa/client/session"
	"kaiwa/pkg/wire"
)

func TestMain(m *testing.M) { os.Exit(fake.Main(m)) }

const leaveTime = 2 * time.Second

const ctrlC, ctrlD, up, left = "\x03", "\x04", "\x1b[A", "\x1b[D"

// chat is a person at a terminal, in virtual time.
type chat struct {
	t       *testing.T
	server  *fake.Server
	term    *vt.Terminal
	in      chan []byte
	resized chan os.Signal
	left    chan error
	cancel  context.CancelFunc
	client  *http.Client // of the service

	kept      []string
	edits     func(string) (string, error)
	suspended []string // what the screen showed
}

func (c *chat) keep(text string) { c.kept = append(c.kept, text) }

func (c *chat) edit(text string) (string, error) {
	if c.edits == nil {
		return text, nil
	}
	return c.edits(text)
}

func (c *chat) suspend() {
	c.suspended = append(c.suspended, strings.TrimRight(strings.Join(c.term.Rows(), "\n"), "\n"))
	if c.term.Bracketed() {
		c.t.Error("bracketed paste is left on")
	}
}

// run puts a person before a 40 by 12 terminal.
func run(t *testing.T, answer func(string) fake.Script, f func(c *chat)) {
	t.Helper()
	runWith(t, setup{}, answer, f)
}

// setup is a terminal and what its user wants.
type setup struct {
	repl.Options
	measure   cells.Measure
	mute      bool // it answers no questions
	ambiguous int
	color     bool
	cols      int // 0: 40
}

func runWith(t *testing.T, with setup, answer func(string) fake.Script, f func(c *chat)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &chat{
			t: t, server: fake.NewServer(answer), term: vt.New(cmp.Or(with.cols, 40), 12),
			in: make(chan []byte, 16), resized: make(chan os.Signal), left: make(chan error, 1),
		}
		c.term.Measure = with.measure
		if !with.mute {
			c.term.Answer = func(s string) { c.in <- []byte(s) }
		}
		client, stop := fake.Serve(c.server)
		defer stop()
		c.client = client
		ctx, cancel := context.WithCancel(t.Context())
		c.cancel = cancel
		s, err := session.Dial(ctx, "ws://kaiwa/dev", &session.Config{Client: client, Options: session.Options{Overhear: true}})
		if err != nil {
			t.Fatal(err)
		}
		with.Greeting, with.History, with.Keep = "hello", []string{"before"}, c.keep
		gone := make(chan struct{})
		defer func() {
			cancel()
			<-gone
			s.Close()
		}()
		go func() {
			defer close(gone)
			c.left <- repl.Run(ctx, s, repl.Terminal{
				In: c.in, Out: c.term, Size: c.term.Size, Resized: c.resized, Edit: c.edit, Suspend: c.suspend,
				Ambiguous: with.ambiguous, Color: with.color,
			}, &with.Options)
		}()
		c.wait(time.Second)
		f(c)
		if c.term.Refused() != nil {
			t.Errorf("the terminal was sent %v", c.term.Refused())
		}
	})
}

// type types keys and lets what follows at once happen.
func (c *chat) types(keys string) {
	c.in <- []byte(keys)
	synctest.Wait()
}

// wait lets time pass. It is virtual: nothing sleeps.
func (c *chat) wait(d time.Duration) {
	select {
	case <-time.After(d):
	case <-c.t.Context().Done():
	}
	synctest.Wait()
}

// shows compares the screen, from its first row that is not empty.
func (c *chat) shows(want string) {
	c.t.Helper()
	got := strings.TrimRight(strings.Join(c.term.Rows(), "\n"), "\n")
	if want = strings.Trim(want, "\n"); got != want {
		c.t.Errorf("the screen shows\n%s\n\nwant\n%s\n", got, want)
	}
	if !c.term.AtRest() {
		c.t.Error("the terminal is left in the middle of a drawing")
	}
}

// leaves waits for the end.
func (c *chat) leaves(want error) {
	c.t.Helper()
	select {
	case err := <-c.left:
		if !errors.Is(err, want) {
			c.t.Errorf("left with %v, want %v", err, want)
		}
	case <-time.After(time.Minute):
		c.t.Fatal("it does not leave")
	}
	if c.term.Bracketed() {
		c.t.Error("bracketed paste is left on")
	}
}

func slow(text string) fake.Script {
	return fake.Script{Text: strings.Repeat(text+" ", 30), Piece: 2, Every: 100 * time.Millisecond, First: time.Second}
}

func TestTurn(t *testing.T) {
	run(t, nil, func(c *chat) {
		c.types("日本語\r")
		c.wait(time.Second)
		c.shows(`
hello
> 日本語
You said: 日本語

>`)
		c.types("more" + left)
		if x, y := c.term.Cursor(); x != 5 || y != 4 {
			t.Errorf("cursor at %d,%d", x, y)
		}
		c.types(ctrlC + ctrlD) // clears, leaves
		c.leaves(nil)
		c.shows(`
hello
> 日本語
You said: 日本語
`)
	})
}

// ^C stops the reply and keeps what was typed meanwhile.
func TestStopKeepsTheLine(t *testing.T) {
	run(t, slow, func(c *chat) {
		c.types("word\r")
		c.wait(500 * time.Millisecond)
		c.shows(`
hello
> word
waiting
>`)
		c.wait(time.Second)
		c.types("つぎの")
		c.wait(100 * time.Millisecond)
		c.types(ctrlC)
		c.wait(100 * time.Millisecond)
		c.types("質問")
		c.shows(`
hello
> word
word word word
[stopped]

> つぎの質問`)
		if x, y := c.term.Cursor(); x != 12 || y != 5 {
			t.Errorf("cursor at %d,%d", x, y)
		}
	})
}

// Text that streams in while somebody types tears neither.
func TestTypingWhileTextStreams(t *testing.T) {
	run(t, func(string) fake.Script {
		return fake.Script{Text: strings.Repeat("長い段落は空白を含まない。", 6) + "\nend", Piece: 1, Every: 20 * time.Millisecond}
	}, func(c *chat) {
		c.types("go\r")
		for _, r := range "typed 日本語" {
			c.types(string(r))
			c.wait(150 * time.Millisecond)
		}
		c.wait(5 * time.Second)
		got := c.term.Text()
		want := []string{"hello", "> go", strings.Repeat("長い段落は空白を含まない。", 6), "end", "", "> typed 日本語"}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestQueue(t *testing.T) {
	run(t, slow, func(c *chat) {
		c.types("a\rb\rc\r")
		c.wait(500 * time.Millisecond)
		c.shows(`
hello
> a
waiting, 2 waiting to be sent
>`)
		c.types(up + "!")
		c.shows(`
hello
> a
waiting, 1 waiting to be sent
> c!`)
		c.wait(20 * time.Second)
		if n := strings.Count(strings.Join(c.term.Text(), "\n"), "\n> b\nb b b"); n != 1 {
			t.Errorf("the screen says %q", c.term.Text())
		}
	})
}

func TestLeaving(t *testing.T) {
	for name, c := range map[string]struct {
		keys []string
		want error
	}{
		"^D":          {[]string{ctrlD}, nil},
		"/quit":       {[]string{"/quit\r"}, nil},
		"^C ^C":       {[]string{ctrlC, ctrlC}, repl.ErrInterrupted},
		"^C clears":   {[]string{"abc", ctrlC, ctrlC, ctrlC}, repl.ErrInterrupted},
		"during text": {[]string{"hi\r", ctrlD}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, slow, func(p *chat) {
				for _, k := range c.keys {
					p.types(k)
				}
				p.leaves(c.want)
			})
		})
	}
	t.Run("^C, long after ^C", func(t *testing.T) {
		run(t, nil, func(c *chat) {
			c.types(ctrlC)
			c.wait(3 * time.Second)
			c.types(ctrlC)
			c.shows("hello\npress ^C again, or ^D, to leave\npress ^C again, or ^D, to leave\n>")
		})
	})
	t.Run("the terminal goes", func(t *testing.T) {
		run(t, nil, func(c *chat) {
			close(c.in)
			c.leaves(nil)
		})
	})
	t.Run("the context ends", func(t *testing.T) {
		run(t, nil, func(c *chat) {
			c.cancel()
			c.leaves(context.Canceled)
		})
	})
}

// Leaving with prompts that are not sent wants to be said twice; a reply goes on
// without us, which is said.
func TestLeavingWork(t *testing.T) {
	const on = "[the reply goes on without you; kaiwa -c shows it]"
	run(t, slow, func(c *chat) {
		c.types("a\r")
		c.wait(1250 * time.Millisecond)
		c.types(ctrlD)
		c.leaves(nil)
		if got := strings.Join(c.term.Text(), "\n"); got != "hello\n> a\na a a\n"+on {
			t.Errorf("got\n%s", got)
		}
	})
	run(t, slow, func(c *chat) {
		c.types("a\rb\rc\r")
		c.wait(1250 * time.Millisecond)
		c.types(ctrlD)
		c.shows("hello\n> a\n2 prompts are not sent; ^D again leaves\na a a\n2 waiting to be sent\n>")
		c.wait(leaveTime)
		c.types(up + "\x15" + ctrlD)
		c.types("/quit\r")
		c.leaves(nil)
		if got := strings.Join(c.term.Text(), "\n"); !strings.Contains(got, "\n1 prompt is not sent; ^D again leaves\n") || !strings.HasSuffix(got, on) {
			t.Errorf("got\n%s", got)
		}
	})
	run(t, slow, func(c *chat) { // it has its turn, but nobody to go to
		c.server.Look(func(*fake.Chat) { c.server.Admit = func(*http.Request) int { return http.StatusBadGateway } })
		c.server.Cut()
		c.wait(100 * time.Millisecond)
		c.types("a\r/quit\r")
		c.wait(100 * time.Millisecond)
		if got := strings.Join(c.term.Text(), "\n"); !strings.Contains(got, "\n1 prompt is not sent; ^D leaves\n") {
			t.Errorf("got\n%s", got)
		}
		c.types(ctrlD)
		c.leaves(nil)
		if got := strings.Join(c.term.Text(), "\n"); strings.Contains(got, "goes on") {
			t.Errorf("got\n%s", got)
		}
	})
}

func TestCommands(t *testing.T) {
	run(t, nil, func(c *chat) {
		c.types("one\r")
		c.wait(time.Second)
		c.types("/new\r")
		c.types("//two\r")
		c.wait(time.Second)
		c.types("/list\r")
		c.wait(time.Second)
		c.types("/open 2\r")
		c.wait(time.Second)
		c.types("more\r")
		c.wait(time.Second)
		c.types("/title 新しい  題\r")
		c.wait(time.Second)
		c.types("/opne\r")
		got := strings.Join(c.term.Text(), "\n")
		want := `hello
> one
You said: one

[new conversation]
> /two
You said: /two

 1  0001-01-01 00:00  about /two
 2  0001-01-01 00:00  about one
> one
You said: one

> more
You said: more

[the title is now: 新しい 題]
! there is no command /opne; /help lists them, // sends a text that starts with /
> /opne`
		if got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		c.server.Look(func(chat *fake.Chat) {
			if r := chat.Replies(); r[2].Conversation != r[0].Conversation {
				t.Errorf("/open went to %s", r[2].Conversation)
			}
		})
	})
}

// A prompt from another terminal stands before its reply.
func TestOverheard(t *testing.T) {
	run(t, nil, func(c *chat) {
		c.types("one\r")
		c.wait(time.Second)
		other, err := session.Dial(c.t.Context(), "ws://kaiwa/dev", &session.Config{Client: c.client})
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		if err := other.Enter("c1"); err != nil {
			t.Error(err)
		}
		if _, err := other.Prompt("別の端末\nから"); err != nil {
			t.Error(err)
		}
		c.types("typed")
		c.wait(time.Second)
		c.shows("hello\n> one\nYou said: one\n\n[from elsewhere] > 別の端末\nから\nYou said: 別の端末\nから\n\n> typed")
	})
}

// A conversation that does not exist is not gone to: the chat stays where it is.
func TestOpenNothing(t *testing.T) {
	run(t, nil, func(c *chat) {
		c.types("one\r")
		c.wait(time.Second)
		c.types("/open bogus\rfor it\r")
		c.wait(time.Second)
		c.types("two\r")
		c.wait(time.Second)
		got := strings.Join(c.term.Text(), "\n")
		want := "hello\n> one\nYou said: one\n\n! there is no conversation bogus; /list shows them\n> for it\n" +
			"! not sent: it was meant for that conversation\n\n> two\nYou said: two\n\n>"
		if got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		c.server.Look(func(chat *fake.Chat) {
			if r := chat.Replies(); len(r) != 2 || r[1].Conversation != r[0].Conversation {
				t.Errorf("the service has %d replies, in %s and %s", len(r), r[0].Conversation, r[len(r)-1].Conversation)
			}
		})
	})
}

// --timeout stops a reply that takes too long, and no other.
func TestTimeout(t *testing.T) {
	runWith(t, setup{Options: repl.Options{Timeout: 2450 * time.Millisecond}}, func(prompt string) fake.Script {
		if prompt == "quick" {
			return fake.Script{Text: "done", First: time.Second}
		}
		return slow(prompt)
	}, func(c *chat) {
		c.types("quick\rslow\rquick\r")
		c.wait(10 * time.Second)
		got := strings.Join(c.term.Text(), "\n")
		want := "hello\n> quick\ndone\n\n> slow\n! it takes longer than 2.45s (--timeout)\nslow slow slow slow slow slow\n[stopped]\n\n> quick\ndone\n\n>"
		if got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

// The list says that there are more than it shows.
func TestListOlder(t *testing.T) {
	run(t, nil, func(c *chat) {
		for range 3 { // the fake's pages have two
			c.types("a\r")
			c.wait(time.Second)
			c.types("/new\r")
		}
		c.types("/list\r")
		c.wait(time.Second)
		if got := c.term.Text(); len(got) < 4 || got[len(got)-2] != "[older ones: kaiwa ls]" || !strings.HasPrefix(got[len(got)-3], " 2 ") {
			t.Errorf("got %q", got)
		}
	})
}

func TestCommandTrouble(t *testing.T) {
	for keys, want := range map[string]string{
		"/title\r":   "! say which: /title TEXT",
		"/title x\r": "! there is no conversation yet; say something first",
		"/open\r":    "! say which one: /open N, with N from /list",
		"/open 7\r":  "! there is no number 7; /list shows them",
		"/stop\r":    "[nothing to stop]",
		"/help\r":    help,
	} {
		run(t, nil, func(c *chat) {
			c.types(keys)
			if got := strings.Join(c.term.Text(), "\n"); !strings.Contains(got, want) {
				t.Errorf("%q: got\n%s", keys, got)
			}
		})
	}
	run(t, slow, func(c *chat) {
		c.types("hi\r/new\r")
		c.wait(100 * time.Millisecond)
		c.shows("hello\n! a reply is still running; stop it firs\nt\n> hi\nwaiting\n> /new")
	})
}

const help = "^C stops the reply and keeps what you"

func TestEndings(t *testing.T) {
	for _, c := range []struct {
		name   string
		script fake.Script
		want   string
	}{
		{"refused", fake.Script{Refuse: wire.Error{Code: wire.CodeRateLimited, Message: "you have\nused up your words"}}, "! you have used up your words\n\n>"},
		{"interrupted", fake.Script{Text: "half", Fail: wire.Error{Code: wire.CodeModelError, Message: "the model broke"}}, "half\n[interrupted]\n\n>"},
		{"cut short", fake.Script{Text: "half", Stop: "max_tokens"}, "half\n[max_tokens]\n\n>"},
		{"saved later", fake.Script{Text: "whole", Unsaved: true}, "whole\n\n>"},
		{"lost later", fake.Script{Text: "whole", Unsaved: true, Lose: 2}, "whole\n\n! the last 2 characters were lost by the\n service\n>"},
		{"not harmless", fake.Script{Text: "a\x1b]0;title\a\x1b[2Jb\n"}, "ab\n\n>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			run(t, func(string) fake.Script { return c.script }, func(p *chat) {
				p.types("q\r")
				p.wait(5 * time.Second)
				got := strings.TrimRight(strings.Join(p.term.Rows(), "\n"), "\n")
				if !strings.HasSuffix(got, c.want) {
					t.Errorf("got\n%s\nwant\n%s", got, c.want)
				}
			})
		})
	}
}

// A notification stands above the line that is being typed, and above the one
// that is being streamed.
func TestNotification(t *testing.T) {
	run(t, slow, func(c *chat) {
		c.types("word\r")
		c.wait(1250 * time.Millisecond)
		c.types("typed")
		c.server.Send(wire.Notification{ID: "n", Title: "build", Text: "green\nagain"})
		c.wait(90 * time.Millisecond)
		c.shows(`
hello
> word
* build: green
  again
word wor
> typed`)
	})
}

func TestConnectionLost(t *testing.T) {
	run(t, slow, func(c *chat) {
		c.types("word\r")
		c.wait(1250 * time.Millisecond)
		refuse := true
		c.server.Look(func(*fake.Chat) {
			c.server.Admit = func(*http.Request) int {
				if refuse {
					return http.StatusBadGateway
				}
				return 0
			}
		})
		c.server.Cut()
		c.wait(100 * time.Millisecond)
		if got := strings.Join(c.term.Rows(), "\n"); !strings.Contains(got, "\nno connection, try ") {
			t.Errorf("the screen shows\n%s", got)
		}
		c.server.Look(func(*fake.Chat) { refuse = false })
		c.wait(2 * time.Minute)
		if got := strings.Join(c.term.Text(), "\n"); got != "hello\n> word\n"+strings.TrimRight(strings.Repeat("word ", 30), " ")+"\n\n>" {
			t.Errorf("got\n%s", got)
		}
	})
}

// The status of a lost connection has the short things first, without advice to a
// newcomer, and counts down while nobody has begun a line.
func TestConnectionStatus(t *testing.T) {
	runWith(t, setup{cols: 100}, slow, func(c *chat) {
		c.server.Look(func(*fake.Chat) { c.server.Admit = func(*http.Request) int { return http.StatusBadGateway } })
		c.server.Cut()
		c.wait(100 * time.Millisecond)
		c.types("a\rb\rc\r")
		is := regexp.MustCompile(`(?m)^no connection, try \d+ in (\d+) s, 2 waiting to be sent \(502 Bad Gateway: the service's \$connect failed\)$`)
		left := func() int {
			n := -1
			if found := is.FindStringSubmatch(strings.Join(c.term.Rows(), "\n")); found != nil {
				n, _ = strconv.Atoi(found[1])
			}
			return n
		}
		tries := 0
		for ; left() < 5 && tries < 1000; tries++ { // the waits grow, at random
			c.wait(100 * time.Millisecond)
		}
		was := left()
		c.wait(2 * time.Second)
		if now := left(); was < 5 || now != was-2 {
			t.Errorf("%d s are left, and 2 s later %d:\n%s", was, now, strings.Join(c.term.Rows(), "\n"))
		}
		c.types("t")
		n := c.term.Writes()
		c.wait(time.Second)
		if c.term.Writes() != n {
			t.Error("it counts down while somebody types")
		}
	})
}

func TestGone(t *testing.T) {
	run(t, nil, func(c *chat) {
		c.server.Look(func(*fake.Chat) {
			c.server.Admit = func(*http.Request) int { return http.StatusUnauthorized }
		})
		c.server.Cut()
		err := <-c.left
		var refused *session.DialError
		if !errors.As(err, &refused) || refused.Status != http.StatusUnauthorized {
			t.Errorf("left with %v", err)
		}
	})
}

func TestPasteAndEscape(t *testing.T) {
	run(t, nil, func(c *chat) {
		c.types("\x1b[200~one\rtwo\x1b[201~")
		c.types("\x1b")
		c.wait(time.Second)
		c.types("x")
		c.shows("hello\n> one\ntwox")
		c.types("\r")
		c.wait(time.Second)
		c.shows("hello\n> one\ntwox\nYou said: one\ntwox\n\n>")
	})
}

// Rule 10: a paste is one edit and never sends; a long one is folded.
func TestLongPaste(t *testing.T) {
	long := strings.Repeat("line\n", 30)
	run(t, func(string) fake.Script { return fake.Script{Text: "ok"} }, func(c *chat) {
		c.types("about \x1b[200~" + strings.ReplaceAll(long, "\n", "\r") + "\x1b[201~: ")
		c.shows("hello\n> about [paste 30 lines]:")
		c.types("\x1f\x1f\x1b[200~" + long + "\x1b[201~")
		c.shows("hello\nTab unfolds the paste\n> about [paste 30 lines]")
		c.types("\r")
		c.wait(time.Second)
		c.shows("hello\n> about [paste 30 lines]\nok\n\n>")
		if len(c.kept) != 1 || c.kept[0] != "about "+long {
			t.Errorf("sent %q", c.kept)
		}
		c.types("\x1b[200~" + long + "end\x1b[201~" + tab)
		if got := c.term.Rows(); got[11] != "end" || got[2] != "line" {
			t.Errorf("unfolded it shows %q", got)
		}
	})
}

// Rule 11: what sends, and what makes a new line.
func TestEnter(t *testing.T) {
	const shiftEnter, otherShiftEnter, altEnter, ctrlJ = "\x1b[13;2u", "\x1b[27;2;13~", "\x1b\r", "\n"
	run(t, nil, func(c *chat) {
		c.types("1" + shiftEnter + "2" + otherShiftEnter + "3" + altEnter + "4" + ctrlJ + "5\\\r6")
		c.shows("hello\n> 1\n2\n3\n4\n5\n6")
		c.types("\r")
		c.wait(time.Second)
		if len(c.kept) != 1 || c.kept[0] != "1\n2\n3\n4\n5\n6" {
			t.Errorf("sent %q", c.kept)
		}
	})
	for _, key := range []string{shiftEnter, otherShiftEnter, altEnter, ctrlJ} {
		runWith(t, setup{Options: repl.Options{EnterBreaks: true}}, nil, func(c *chat) {
			c.types("1\r2" + key)
			c.wait(time.Second)
			if len(c.kept) != 1 || c.kept[0] != "1\n2" {
				t.Errorf("%q: sent %q", key, c.kept)
			}
		})
	}
}

// Rule 14: wrap: kinsoku.
func TestKinsoku(t *testing.T) {
	long := "これは日本語の長い段落で、行の頭に句読点が来る。" + "English words stay whole. " + "太字も「括弧」も。"
	runWith(t, setup{Options: repl.Options{Kinsoku: true}}, func(string) fake.Script {
		return fake.Script{Text: long + "\n```\n" + strings.Repeat("code ", 10) + "\n```\n", Piece: 2, Every: 20 * time.Millisecond}
	}, func(c *chat) {
		c.types("go\r")
		c.wait(5 * time.Second)
		got := strings.Join(c.term.Text(), "\n")
		want := "hello\n> go\nこれは日本語の長い段落で、行の頭に句読点\nが来る。English words stay whole. 太字も\n「括弧」も。\n```\n" +
			strings.TrimSpace(strings.Repeat("code ", 10)) + "\n```\n\n>"
		if got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

// Rule 9: the terminal says how it counts, and tables are lined up for it.
func TestAmbiguousWidth(t *testing.T) {
	answer := func(string) fake.Script {
		return fake.Script{Text: "| a | b |\n|---|---|\n| ○→ | x |\n| ❤️ | y |\n| 👍🏽 | y |\n| 👩‍👩‍👧 | y |\n| 日 | z |\n"}
	}
	wide := cells.Measure{Ambiguous: true}
	for name, c := range map[string]struct {
		setup   setup
		counted cells.Measure // as the client must come to believe
	}{
		"narrow":    {setup{}, cells.Measure{}},
		"wide":      {setup{measure: wide}, wide},
		"graphemes": {setup{measure: cells.Measure{Selector: true, Joiner: true, Modifier: true}}, cells.Measure{Selector: true, Joiner: true, Modifier: true}},
		"tmux":      {setup{measure: cells.Measure{Joiner: true}}, cells.Measure{Joiner: true}},
		"set to 1":  {setup{measure: wide, ambiguous: 1}, cells.Measure{}},
		"set to 2":  {setup{ambiguous: 2}, wide},
		"no answer": {setup{measure: wide, mute: true}, cells.Measure{}},
	} {
		t.Run(name, func(t *testing.T) {
			runWith(t, c.setup, answer, func(p *chat) {
				p.types("q\r")
				p.wait(time.Second)
				ends := map[int]bool{}
				for _, row := range p.term.Text() {
					if strings.HasPrefix(row, "| ") {
						ends[c.counted.Width(row[:strings.Index(row[2:], "|")+2])] = true
					}
				}
				if len(ends) != 1 {
					t.Errorf("the bars stand in columns %v of\n%s", ends, strings.Join(p.term.Text(), "\n"))
				}
			})
		})
	}
}

func TestResize(t *testing.T) {
	run(t, slow, func(c *chat) {
		c.types("日本語の長い段落\r")
		c.wait(3 * time.Second)
		c.types("typed")
		for _, cols := range []int{30, 17, 60, 25} {
			c.term.Resize(cols, 12)
			c.resized <- os.Interrupt
			c.wait(200 * time.Millisecond)
		}
		c.wait(time.Minute)
		// A paragraph taller than the screen is cut into a few lines.
		squeeze := strings.NewReplacer("\n", "", " ", "")
		got, want := c.term.Text(), "hello>日本語の長い段落"+strings.Repeat("日本語の長い段落", 30)+">typed"
		if squeeze.Replace(strings.Join(got, "")) != want || len(got) > 8 {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
		}
	})
}
