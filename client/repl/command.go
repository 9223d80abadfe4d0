package repl

import (
	"fmt"
	"strconv"
	"strings"
)

var help = strings.TrimSpace(`
/new      start a conversation         /list     your conversations
/open N   go to one of the list        /stop     stop the reply
/title T  name the conversation        /help     this
/quit     leave
//text    send a text that starts with /
Enter sends. ^J, Alt+Enter, or a \ before Enter makes a new line (with
--enter-sends=false it is the other way round). A paste is one text; a long one
is folded, and Tab unfolds it. Keys are as in a shell, with ^_ to undo. Up and ^R
find what was sent before; ^G opens your editor; Tab completes commands. ^L
clears the screen, ^Z suspends, ^D leaves.
^C stops the reply and keeps what you typed; so does Esc.
`)

// enter does with a text what Enter is for: it is a command or a prompt. A text
// that could not be used stays to be corrected.
func (r *repl) enter(text string) error {
	switch {
	case strings.TrimSpace(text) == "":
		return nil
	case strings.HasPrefix(text, "//"):
		text = text[1:]
	case strings.HasPrefix(text, "/"):
		return r.command(strings.Fields(text))
	}
	if _, err := r.s.Prompt(text); err != nil {
		r.trouble(err)
		return nil
	}
	r.queued++
	if shown, _ := r.edit.Shown(); shown != r.edit.Text() {
		r.short[text] = shown
	}
	r.accept(text)
	return nil
}

// command does a slash command.
func (r *repl) command(words []string) (err error) {
	switch name := words[0]; {
	case name == "/help":
		r.screen.Line(help)
	case name == "/new":
		if err = r.s.New(); err == nil {
			r.screen.Line("[new conversation]")
		}
	case name == "/list":
		err = r.s.List()
	case name == "/open" && len(words) == 2:
		err = r.open(words[1])
	case name == "/open":
		err = fmt.Errorf("say which one: /open N, with N from /list")
	case name == "/title" && len(words) > 1:
		err = r.s.Rename(strings.Join(words[1:], " "))
	case name == "/title":
		err = fmt.Errorf("say which: /title TEXT")
	case name == "/stop":
		if r.status.stopping = r.s.Stop(); !r.status.stopping {
			r.screen.Line("[nothing to stop]")
		}
	case name == "/quit", name == "/exit":
		if err := r.leave("^D leaves"); err != nil {
			return err
		}
	default:
		err = fmt.Errorf("there is no command %s; /help lists them, // sends a text that starts with /", name)
	}
	if err != nil {
		r.trouble(err)
		return nil
	}
	r.accept(strings.Join(words, " "))
	return nil
}

// accept takes the text that was sent, or obeyed, out of the editor.
func (r *repl) accept(text string) {
	r.edit.Accept()
	if r.opt.Keep != nil {
		r.opt.Keep(text)
	}
}

// open goes to a conversation, by its number in the list or by its id.
func (r *repl) open(which string) error {
	n, err := strconv.Atoi(which)
	switch {
	case err != nil:
		return r.s.Open(which)
	case n < 1 || n > len(r.list):
		return fmt.Errorf("there is no number %d; /list shows them", n)
	}
	return r.s.Open(r.list[n-1].ID)
}
