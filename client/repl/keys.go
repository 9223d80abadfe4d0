package repl

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"kaiwa/client/term"
)

// key does what a key is for.
func (r *repl) key(k term.Key) error {
	r.status.hint = ""
	text, caret := r.edit.Shown()
	_, _, searching := r.edit.Search()
	switch {
	case searching:
	case k == term.Key{Code: term.Ctrl, Text: "c"} && r.s.Stop():
		r.status.stopping = true
		return nil
	case k.Code == term.Esc:
		r.status.stopping = r.s.Stop()
		return nil
	case k.Code == term.Up && text == "" && r.queued > 0:
		if text, ok := r.s.Unqueue(); ok {
			r.queued--
			r.edit.Replace(text)
		}
		return nil
	case k.Code == term.Tab && caret == len(text) && strings.HasPrefix(text, "/") && !strings.ContainsAny(text, " \n"):
		r.complete(text)
		return nil
	}
	action := r.edit.Press(k)
	if k.Code == term.Paste && r.edit.Folded() {
		r.status.hint = "Tab unfolds the paste"
	}
	return r.act(action)
}

// act does what a key asked for beyond editing.
func (r *repl) act(a term.Action) error {
	switch a {
	case term.Send:
		return r.enter(r.edit.Text())
	case term.Clear:
		r.screen.Clear()
	case term.Leave:
		return r.leave("^D again leaves")
	case term.Break:
		if time.Since(r.broke) < leaveTime {
			return ErrInterrupted
		}
		r.broke = time.Now()
		r.screen.Line("press ^C again, or ^D, to leave")
	case term.Edit:
		if r.term.Edit != nil {
			return r.elsewhere(r.inEditor)
		}
		r.status.hint = "no editor here"
	case term.Suspend:
		if r.term.Suspend != nil {
			return r.elsewhere(r.term.Suspend)
		}
	}
	return nil
}

// leave ends the chat. It wants to be told twice where that would leave prompts
// unsent, and says so where a reply goes on without us.
func (r *repl) leave(how string) error {
	unsent, running := r.s.Pending()
	if unsent > 0 && time.Since(r.warned) >= leaveTime {
		r.warned = time.Now()
		what := "1 prompt is"
		if unsent > 1 {
			what = fmt.Sprintf("%d prompts are", unsent)
		}
		r.screen.Line(what + " not sent; " + how)
		return nil
	}
	if running {
		r.screen.EndText()
		r.screen.Line("[the reply goes on without you; kaiwa -c shows it]")
	}
	return errQuit
}

// elsewhere gives the terminal away while f runs.
func (r *repl) elsewhere(f func()) error {
	if err := r.screen.Hide(); err != nil {
		return err
	}
	if err := r.giveTerminal(); err != nil {
		return err
	}
	f()
	return r.takeTerminal()
}

func (r *repl) inEditor() {
	text, err := r.term.Edit(r.edit.Text())
	if err != nil {
		r.trouble(err)
		return
	}
	r.edit.Replace(strings.TrimRight(text, "\n"))
}

// names are the commands, for completion.
var names = []string{"/exit", "/help", "/list", "/new", "/open", "/quit", "/stop", "/title"}

// complete completes a command as far as it is clear, and shows the choice if it
// is not.
func (r *repl) complete(start string) {
	var fit []string
	for _, n := range names {
		if strings.HasPrefix(n, start) {
			fit = append(fit, n)
		}
	}
	switch len(fit) {
	case 0:
		r.status.hint = "no command starts with " + start
		return
	case 1:
		if start = fit[0]; start == "/open" || start == "/title" {
			start += " "
		}
		r.edit.Replace(start)
		return
	}
	for common := fit[0]; ; common = common[:len(common)-1] {
		if !slices.ContainsFunc(fit, func(n string) bool { return !strings.HasPrefix(n, common) }) {
			r.edit.Replace(common)
			break
		}
	}
	r.status.hint = strings.Join(fit, " ")
}
