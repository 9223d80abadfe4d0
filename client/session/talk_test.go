package session_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"kaiwa/client/session"
	"kaiwa/pkg/wire"
)

// rig drives a Talk by hand and writes down what it does.
type rig struct {
	t    *testing.T
	talk *session.Talk
	now  time.Time
	wake time.Time
	did  []string
	sock int // the newest socket that is open
}

func newRig(t *testing.T, opt *session.Options) *rig {
	if opt == nil {
		opt = &session.Options{}
	}
	n := 0
	opt.NewID = func() string { n++; return fmt.Sprintf("p%d", n) }
	opt.Seed = 1
	r := &rig{t: t, now: time.Unix(0, 0)}
	r.talk = session.NewTalk(r.now, opt)
	r.take()
	return r
}

// online is a rig with its first socket open.
func online(t *testing.T, opt *session.Options) *rig {
	r := newRig(t, opt)
	r.open(1)
	r.want("dial 1")
	return r
}

// running is a rig whose prompt p1 is accepted as reply r1 of conversation c1.
func running(t *testing.T, opt *session.Options) *rig {
	r := online(t, opt)
	r.prompt("hi")
	r.frame(wire.Accepted{Ref: ref(1)})
	r.want(`asked p1; send p1 new "hi"`)
	return r
}

func ref(n int) wire.Ref {
	return wire.Ref{ID: fmt.Sprintf("p%d", n), Conversation: "c1", Reply: fmt.Sprintf("r%d", n)}
}

func delta(n, offset int, text string) wire.Delta {
	return wire.Delta{Ref: ref(n), Offset: offset, Text: text}
}

func end(n, length int) wire.End {
	return wire.End{Ref: ref(n), Length: length, Saved: true, Stop: wire.StopEndTurn}
}

func (r *rig) take() {
	out := r.talk.Take()
	r.wake = out.Wake
	for _, e := range out.Events {
		r.did = append(r.did, showEvent(e))
	}
	if out.Dial != 0 {
		r.did = append(r.did, fmt.Sprintf("dial %d", out.Dial))
	}
	if out.Renew {
		r.did = append(r.did, "renew")
	}
	for _, q := range out.Send {
		r.did = append(r.did, showRequest(q))
	}
	if out.Hangup != 0 {
		r.did = append(r.did, fmt.Sprintf("hangup %d", out.Hangup))
	}
}

func (r *rig) open(n int) { r.sock = n; r.talk.Opened(r.now, n); r.take() }
func (r *rig) lose()      { r.talk.Lost(r.now, r.sock, errors.New("cut")); r.take() }
func (r *rig) fail(n int) { r.talk.Failed(r.now, n, errors.New("no"), false); r.take() }
func (r *rig) renewed(token string, expires time.Time, err error) {
	r.talk.Renewed(r.now, token, expires, err)
	r.take()
}
func (r *rig) expires(at time.Time) { r.talk.Expires(r.now, at); r.take() }
func (r *rig) frame(f wire.Frame)   { r.talk.Frame(r.now, r.sock, f); r.take() }
func (r *rig) stop()                { r.talk.Stop(r.now); r.take() }
func (r *rig) prompt(text string) {
	r.t.Helper()
	if _, err := r.talk.Prompt(r.now, text); err != nil {
		r.t.Fatal(err)
	}
	r.take()
}

// pass lets time go by, waking the talk when it asks for it.
func (r *rig) pass(d time.Duration) {
	r.t.Helper()
	end := r.now.Add(d)
	for n := 0; !r.wake.IsZero() && !r.wake.After(end); n++ {
		if n > 10000 {
			r.t.Fatal("it never sleeps")
		}
		if r.wake.After(r.now) {
			r.now = r.wake
		}
		r.talk.Tick(r.now)
		r.take()
	}
	r.now = end
}

// want compares what was done since the last want.
func (r *rig) want(want string) {
	r.t.Helper()
	if got := strings.Join(r.did, "; "); got != want {
		r.t.Fatalf("after %v got\n%s\nwant\n%s", r.now.Sub(time.Unix(0, 0)), got, want)
	}
	r.did = nil
}

func showRequest(q wire.Request) string {
	switch q := q.(type) {
	case wire.SendMessage:
		if q.Parts != nil {
			return fmt.Sprintf("part %s %d/%d", q.ID, q.Part, *q.Parts)
		}
		return fmt.Sprintf("send %s %s %q", q.ID, q.Conversation, q.Text)
	case wire.Resume:
		return fmt.Sprintf("resume %s %s @%d", q.Reply, q.Conversation, q.Offset)
	case wire.Stop:
		return "stop " + q.Reply
	case wire.Auth:
		return "auth " + q.Token
	case wire.Subscribe:
		return "subscribe " + q.Topic
	case wire.History:
		return "history " + q.Conversation
	}
	return q.Action()
}

func showEvent(e session.Event) string {
	switch e := e.(type) {
	case session.Asked:
		return "asked " + e.ID
	case session.Overheard:
		return fmt.Sprintf("overheard %s %q", e.Reply, e.Text)
	case session.Text:
		return fmt.Sprintf("text %q", e.Text)
	case session.Waiting:
		return fmt.Sprintf("waiting %v", e.For)
	case session.Ended:
		s := fmt.Sprintf("ended %s %s %d", e.Reply, e.Stop, e.Length)
		if !e.Saved {
			s += " unsaved"
		}
		if e.Cut > 0 {
			s += fmt.Sprintf(" cut %d", e.Cut)
		}
		if e.Err != nil {
			s += " because " + e.Err.Error()
		}
		return s
	case session.Delayed:
		return fmt.Sprintf("delayed %s %v: %v", e.ID, e.In, e.Err)
	case session.Refused:
		return fmt.Sprintf("refused %s: %v", e.ID, e.Err)
	case session.Trouble:
		return fmt.Sprintf("trouble %v", e.Err)
	case session.Notified:
		return "notified " + e.ID
	case session.Unheard:
		return fmt.Sprintf("unheard %s: %v", e.Topic, e.Err)
	case session.Listed:
		return fmt.Sprintf("listed %d", len(e.Conversations))
	case session.Showed:
		return fmt.Sprintf("showed %s %d", e.Conversation, len(e.Messages))
	case session.Lost:
		return fmt.Sprintf("lost try %d", e.Try)
	case session.Back:
		return "back"
	case session.Gone:
		return fmt.Sprintf("gone %v", e.Err)
	}
	return fmt.Sprintf("%T", e)
}
