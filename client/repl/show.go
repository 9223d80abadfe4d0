package repl

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"kaiwa/client/session"
	"kaiwa/pkg/wire"
)

// show puts an event on the screen.
func (r *repl) show(e session.Event) {
	switch e := e.(type) {
	case session.Asked:
		r.began(e.ID)
		r.queued = max(0, r.queued-1)
		r.status = status{lost: r.status.lost, hint: r.status.hint, running: true, doing: "waiting"}
		r.screen.EndText()
		r.screen.Line("> " + r.asShown(e.Text))
	case session.Overheard:
		r.screen.EndText()
		r.screen.Line(strings.TrimSpace("[from elsewhere] > " + e.Text))
	case session.Text:
		r.status.doing = ""
		r.screen.Write(e.Text)
	case session.Waiting:
		if e.For > 0 {
			r.status.doing = fmt.Sprintf("waiting %d s", int(e.For/time.Second))
		}
	case session.Ended:
		r.over(e.ID)
		r.status = status{lost: r.status.lost, hint: r.status.hint}
		r.ended(e)
	case session.Delayed:
		r.status.doing = fmt.Sprintf("%s; again in %d s", oneLine(reason(e.Err)), int(e.In/time.Second))
	case session.Refused:
		r.over(e.ID)
		r.status = status{lost: r.status.lost, hint: r.status.hint}
		r.refused(e)
	case session.Trouble:
		r.trouble(e.Err)
	case session.Notified:
		r.notified(e.Notification)
	case session.Titled:
		r.screen.Line("[the title is now: " + oneLine(e.Title) + "]")
	case session.Listed:
		r.listed(e.ConversationsPage)
	case session.Showed:
		r.showed(e.HistoryPage)
	case session.Lost:
		r.status.lost = lost{try: e.Try, at: time.Now().Add(e.In)}
		if e.In > 0 { // else it may be over before it is read
			r.status.lost.why, _, _ = strings.Cut(oneLine(e.Err.Error()), "; ") // what to do comes behind it
		}
	case session.Back:
		r.status.lost = lost{}
	case session.Gone:
		r.why = e.Err
	}
}

// began notes that a turn begins, and by when it is to end.
func (r *repl) began(prompt string) {
	r.turn = prompt
	if r.opt.Timeout > 0 {
		r.late.Reset(r.opt.Timeout)
	}
}

// over notes that a turn ended, if it was this one.
func (r *repl) over(prompt string) {
	if prompt == r.turn {
		r.late.Stop()
	}
}

// asShown is a prompt as it was when it was sent: with its long pastes folded.
func (r *repl) asShown(prompt string) string {
	shown, ok := r.short[prompt]
	if !ok {
		return prompt
	}
	delete(r.short, prompt)
	return shown
}

// ended tells how a reply ended, where that is worth a line.
func (r *repl) ended(e session.Ended) {
	before, again := r.unsure[e.Reply]
	delete(r.unsure, e.Reply)
	if !e.Saved {
		r.unsure[e.Reply] = e.End
	}
	r.screen.EndText()
	if e.Cut > 0 {
		r.screen.Line(fmt.Sprintf("! the last %d characters were lost by the service", e.Cut))
	}
	switch {
	case again && before.Stop == e.Stop:
	case e.Stop != wire.StopEndTurn:
		r.screen.Line("[" + oneLine(e.Stop) + "]")
	}
	if !again {
		r.screen.Line("")
	}
}

func (r *repl) refused(e session.Refused) {
	if errors.Is(e.Err, session.ErrStopped) {
		r.screen.Line("[stopped]\n")
		return
	}
	r.trouble(e.Err)
	r.screen.Line("")
}

func (r *repl) trouble(err error) { r.screen.Line("! " + oneLine(reason(err))) }

func (r *repl) notified(n wire.Notification) {
	line := "* "
	if n.Title != "" {
		line += oneLine(n.Title) + ": "
	}
	r.screen.Line(line + strings.ReplaceAll(n.Text, "\n", "\n  "))
}

func (r *repl) listed(page wire.ConversationsPage) {
	if r.list = page.Conversations; len(r.list) == 0 {
		r.screen.Line("[no conversations yet]")
	}
	for i, c := range r.list {
		r.screen.Line(fmt.Sprintf("%2d  %s  %s", i+1, c.At.Local().Format("2006-01-02 15:04"), oneLine(c.Title)))
	}
	if page.Before != "" {
		r.screen.Line("[older ones: kaiwa ls]")
	}
}

// showed prints the messages of the conversation just opened.
func (r *repl) showed(h wire.HistoryPage) {
	if h.Before != "" {
		r.screen.Line("[earlier messages are not shown]")
	}
	for _, m := range slices.Backward(h.Messages) {
		if m.Role == "user" {
			r.screen.Line("> " + m.Text)
			continue
		}
		r.screen.Write(m.Text)
		r.screen.EndText()
		r.screen.Line("")
	}
}

// reason is what an error tells the user: the service's words without its code.
func reason(err error) string {
	var e wire.Error
	if errors.As(err, &e) && e.Message != "" {
		return e.Message
	}
	return err.Error()
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// status is what the line above the prompt tells.
type status struct {
	running  bool   // a turn is
	doing    string // what it waits for; "": text flows
	stopping bool
	lost     lost
	hint     string // about the last key
}

// lost is about a connection that is not there. The zero value: it is.
type lost struct {
	try int       // of the attempt that comes next, or is being made
	at  time.Time // when it comes
	why string
}

// line is one line, "" if all is well. What is short and matters most comes first: a
// narrow window cuts the rest.
func (s status) line(queued int, now time.Time) string {
	var parts []string
	switch {
	case s.stopping:
		parts = append(parts, "stopping")
	case s.doing != "" && s.lost.try == 0:
		parts = append(parts, s.doing)
	}
	if s.lost.try > 0 {
		parts = append(parts, s.lost.line(now))
	}
	if queued > 0 && (s.running || s.lost.try > 0) {
		parts = append(parts, fmt.Sprintf("%d waiting to be sent", queued))
	}
	if s.hint != "" {
		parts = append(parts, s.hint)
	}
	line := strings.Join(parts, ", ")
	if s.lost.why != "" {
		line += " (" + s.lost.why + ")"
	}
	return line
}

func (l lost) line(now time.Time) string {
	switch wait := l.at.Sub(now); {
	case l.why == "":
		return "reconnecting"
	case wait > 0:
		return fmt.Sprintf("no connection, try %d in %d s", l.try, int((wait+time.Second-1)/time.Second))
	}
	return fmt.Sprintf("no connection, try %d", l.try)
}

// changes is how long line stays true, 0 if it does until something happens.
func (l lost) changes(now time.Time) time.Duration {
	wait := l.at.Sub(now)
	if l.why == "" || wait <= 0 {
		return 0
	}
	return (wait-1)%time.Second + 1
}
