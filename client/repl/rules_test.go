package repl_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"kaiwa/client/internal/fake"
	"kaiwa/pkg/wire"
)

// The rules are those of reference/terminal-clients.md §5; those that are the
// screen's are tested in package term.

// Rule 8: while the user types, the stream is drawn at most 15 times a second; it
// is at most 60 times when nobody does; and never if nothing changed.
func TestRule8Pace(t *testing.T) {
	run(t, func(string) fake.Script {
		return fake.Script{Text: strings.Repeat("あ", 3000), Piece: 1, Every: 2 * time.Millisecond}
	}, func(c *chat) {
		c.types("go\r")
		c.wait(500 * time.Millisecond)
		n := c.term.Writes()
		c.wait(time.Second)
		if drawn := c.term.Writes() - n; drawn < 30 || drawn > 60 {
			t.Errorf("drawn %d times in a second in which nobody typed", drawn)
		}
		n = c.term.Writes()
		for range 10 {
			c.types("k")
			c.wait(100 * time.Millisecond)
		}
		if drawn := c.term.Writes() - n - 10; drawn > 15 { // the keys are shown at once
			t.Errorf("drawn %d times in a second in which somebody typed, besides the keys", drawn)
		}
		c.wait(10 * time.Second)
		n = c.term.Writes()
		c.wait(time.Minute)
		if drawn := c.term.Writes() - n; drawn != 0 {
			t.Errorf("drawn %d times though nothing happened", drawn)
		}
	})
}

// Rule 9: our own words are ASCII, as much else is of an ambiguous width.
func TestRule9ASCII(t *testing.T) {
	runWith(t, setup{ambiguous: 1, color: true}, nil, func(c *chat) {
		everything(c, func(what string) string { return what })
		if got := strings.Join(c.term.Text(), "\n"); !strings.Contains(got, "\n[from elsewhere] > elsewhere\ntheirs\n") {
			t.Errorf("not everything appears:\n%s", got)
		}
		for _, line := range c.term.Text() {
			for _, r := range line {
				if r > '~' {
					t.Fatalf("%q is not ASCII", line)
				}
			}
		}
	})
}

// Rules 12 and 13: whatever the service sends, in whatever place, the terminal gets
// only what it is meant to. (run says so if the model refused anything.)
func TestRule13EverythingIsHarmless(t *testing.T) {
	for _, evil := range []string{"\x1b]0;PWNED\a", "\x1b[2J\x1b[31m", "\u009b2J", "\u202e", "\x1b[6n\x1bc", "\r\n\x1b[A\x1b[2K", "\u0301\u0301\u0301", "日\t本"} {
		runWith(t, setup{color: true}, nil, func(c *chat) {
			everything(c, func(what string) string { return what + evil + what })
			for _, line := range c.term.Text() {
				if strings.ContainsAny(line, "\x1b\a\u009b\u202e\r") {
					t.Errorf("%q: the terminal shows %q", evil, line)
				}
			}
		})
	}
}

// everything has all that the service can say appear on the screen; text makes the
// words for it.
func everything(c *chat, text func(what string) string) {
	script := fake.Script{}
	c.server.Look(func(chat *fake.Chat) { chat.Answer = func(string) fake.Script { return script } })
	ask := func(s fake.Script) {
		script = s
		c.types("q\r")
		c.wait(20 * time.Second)
	}
	code := "# " + text("head") + "\n> " + text("quote") + "\n- **" + text("bold") + "** `" + text("code") + "`\n```go " + text("info") + "\n/* " + text("comment") +
		"\n*/ var x = \"" + text("string") + "\"\n```\n| " + text("a") + " | b |\n|---|---|\n| " + text("cell") + " | c |\n\n" + text("end")
	ask(fake.Script{Text: code, Piece: 3, Every: 5 * time.Millisecond, First: 2 * time.Second})
	ask(fake.Script{Text: text("short"), Stop: text("stop")})
	ask(fake.Script{Text: text("cut"), Unsaved: true, Lose: 2})
	ask(fake.Script{Refuse: wire.Error{Code: wire.CodeRateLimited, Message: text("message")}})
	ask(fake.Script{Refuse: wire.Error{Code: wire.CodeBusy, Message: text("busy")}})
	ask(fake.Script{Text: text("half"), Fail: wire.Error{Code: wire.CodeModelError, Message: text("failed")}})
	c.server.Look(func(chat *fake.Chat) {
		chat.Handle(time.Now(), 0, wire.Rename{Conversation: chat.Replies()[0].Conversation, Title: text("title")})
	})
	pasted := func(s string) string { return "\x1b[200~" + strings.ReplaceAll(s, "\x1b", "") + "\x1b[201~" }
	for _, keys := range []string{"/list\r", "/open 1\r", "/title " + pasted(text("title")) + "\r", pasted(text("pasted")), "\x12" + pasted(text("search"))} {
		c.types("\x07\x15" + keys) // out of a search, or an editor and back
		c.wait(time.Second)
	}
	other := wire.Ref{ID: "other", Conversation: "c1", Reply: "other"}
	c.server.Send(wire.Delta{Ref: other, Text: text("theirs")})
	c.server.Send(wire.HistoryPage{Conversation: "c1", Messages: []wire.Message{{Role: "user", Text: text("elsewhere"), Reply: other.Reply}}})
	c.server.Send(wire.End{Ref: other, Length: len([]rune(text("theirs"))), Saved: true, Stop: wire.StopEndTurn})
	c.server.Send(wire.Notification{ID: "n", Title: text("title"), Text: text("text") + "\n" + text("more"), Topic: text("topic"), Level: text("level")})
	c.wait(time.Second)
	c.types("\x07\x15/" + pasted(text("command")) + "\r\t")
	c.server.Look(func(*fake.Chat) { c.server.Admit = func(*http.Request) int { return http.StatusBadGateway } })
	c.server.Cut()
	c.wait(3 * time.Second)
	c.types("\x15/help\r")
	c.wait(100 * time.Millisecond)
}

// FuzzChat: whatever words the service uses, the terminal gets only what it is
// meant to get, and is at rest after it.
func FuzzChat(f *testing.F) {
	for _, s := range []string{"", "\x1b]0;t\a", "\x1b[2J", "\u009b31m", "\u202e\u2066", "a\x1b", "\xff\xc2", "\u0301\u0302\u20e3", "👩\u200d", "|", "```\n", "**`", "\t\r\n", "\x00\x7f\b", "\ufdd0", "\u2028", "}"} {
		f.Add(s, "b"+s, uint8(40))
	}
	f.Fuzz(func(t *testing.T, before, after string, cols uint8) {
		if len(before)+len(after) > 2000 { // slow, and no worse
			t.Skip("long")
		}
		runWith(t, setup{color: true, cols: 12 + int(cols)%80}, nil, func(c *chat) {
			everything(c, func(what string) string { return before + what + after })
			for _, line := range c.term.Text() {
				if i := strings.IndexFunc(line, drives); i >= 0 {
					t.Errorf("the terminal shows %q", line)
				}
			}
			if !c.term.AtRest() {
				t.Error("the terminal is left in the middle of a drawing")
			}
		})
	})
}

// drives tells what may drive a terminal or turn a text around.
func drives(r rune) bool {
	return r < ' ' || r >= 0x7f && r <= 0x9f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 ||
		r == 0x200e || r == 0x200f || r == 0x61c || r >= 0xe0000 && r <= 0xe007f
}
