package repl_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"kaiwa/client/internal/fake"
)

const tab, esc, ctrlG, ctrlR, ctrlZ = "\t", "\x1b", "\x07", "\x12", "\x1a"

func TestEscStops(t *testing.T) {
	run(t, slow, func(c *chat) {
		c.types("hi\rnext")
		c.wait(1500 * time.Millisecond)
		c.types(esc)
		c.wait(time.Second)
		c.shows("hello\n> hi\nhi hi hi hi\n[stopped]\n\n> next")
		c.types(esc) // nothing to stop, and nothing happens
		c.wait(time.Second)
		c.shows("hello\n> hi\nhi hi hi hi\n[stopped]\n\n> next")
	})
}

// Esc is the key also while text comes faster than one can tell it from the start of
// a sequence, and the key after it is whole.
func TestEscStopsFastText(t *testing.T) {
	for _, every := range []time.Duration{time.Millisecond, 20 * time.Millisecond} {
		run(t, func(string) fake.Script {
			return fake.Script{Text: strings.Repeat("hi ", 5000), Piece: 3, Every: every}
		}, func(c *chat) {
			c.types("go\r")
			c.wait(time.Second)
			c.types(esc)
			c.wait(200 * time.Millisecond)
			c.types("bye")
			if got := strings.Join(c.term.Text(), "\n"); !strings.HasSuffix(got, "hi\n[stopped]\n\n> bye") {
				t.Fatalf("text every %v: the screen shows\n%s", every, got)
			}
			c.types(esc)
			c.wait(100 * time.Millisecond)
			c.types(ctrlC + ctrlD) // clears, leaves
			c.leaves(nil)
		})
	}
}

func TestHistory(t *testing.T) {
	run(t, nil, func(c *chat) {
		c.types("two\\\rlines\r")
		c.wait(time.Second)
		c.types("/list\r")
		c.wait(time.Second)
		if want := []string{"two\nlines", "/list"}; !reflect.DeepEqual(c.kept, want) {
			t.Errorf("kept %q, want %q", c.kept, want)
		}
		c.types(ctrlR + "BEF")
		if got := strings.Join(c.term.Rows(), "\n"); !strings.Contains(got, "\n(search: BEF) before\n") {
			t.Errorf("got\n%s", got)
		}
		c.types("x")
		if got := strings.Join(c.term.Rows(), "\n"); !strings.Contains(got, "\n(not found: BEFx) before\n") {
			t.Errorf("got\n%s", got)
		}
		c.types("\x7f\r")
		if got := strings.Join(c.term.Rows(), "\n"); !strings.Contains(got, "\n> before\n") {
			t.Errorf("got\n%s", got)
		}
	})
}

func TestCompletion(t *testing.T) {
	for _, c := range []struct{ keys, want string }{
		{"/l" + tab, "hello\n> /list"},
		{"/o" + tab + "1", "hello\n> /open 1"},
		{"/" + tab, "hello\n/exit /help /list /new /open /quit /stop\n> /"},
		{"/x" + tab, "hello\nno command starts with /x\n> /x"},
		{"/x" + tab + "y", "hello\n> /xy"},
		{"a" + tab + "b", "hello\n> a     b"},
		{"/open" + left + tab, "hello\n> /ope  n"},
	} {
		run(t, nil, func(chat *chat) {
			chat.types(c.keys)
			got := strings.TrimRight(strings.Join(chat.term.Rows(), "\n"), "\n")
			if got != c.want && !strings.HasPrefix(got, c.want+"\n") {
				t.Errorf("%q: got\n%s\nwant\n%s", c.keys, got, c.want)
			}
		})
	}
}

func TestEditorAndBack(t *testing.T) {
	run(t, slow, func(c *chat) {
		var shown, given string
		c.edits = func(text string) (string, error) {
			given, shown = text, strings.TrimRight(strings.Join(c.term.Rows(), "\n"), "\n")
			return "日本\nother\x1b[2J\n", nil
		}
		c.types("hi\rtext")
		c.wait(1250 * time.Millisecond)
		c.types(ctrlG)
		if given != "text" || shown != "hello\n> hi" {
			t.Errorf("the editor was given %q on\n%s", given, shown)
		}
		c.shows("hello\n> hi\nhi hi\n> 日本\nother[2J")
		c.edits = func(string) (string, error) { return "", errors.New("the editor: exit status 1") }
		c.types("\x18\x05")
		c.shows("hello\n> hi\n! the editor: exit status 1\nhi hi\n> 日本\nother[2J")
		c.types(ctrlC + ctrlZ)
		c.wait(time.Second)
		if len(c.suspended) != 1 || strings.Contains(c.suspended[0], "other") {
			t.Errorf("suspended with %q", c.suspended)
		}
		c.shows("hello\n> hi\n! the editor: exit status 1\nhi hi\n[stopped]\n\n> 日本\nother[2J")
	})
}
