package session_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"kaiwa/client/session"
	"kaiwa/pkg/frame"
	"kaiwa/pkg/wire"
)

const second = time.Second

// The rules of R12, one scenario each.
func TestRules(t *testing.T) {
	for _, c := range []struct {
		name string
		run  func(t *testing.T)
	}{
		{"a turn", func(t *testing.T) {
			r := running(t, nil)
			r.frame(delta(1, 0, "Hel"))
			r.frame(delta(1, 3, "lo"))
			r.frame(end(1, 5))
			r.want(`text "Hel"; text "lo"; ended r1 end_turn 5`)
			r.prompt("more")
			r.want(`asked p2; send p2 c1 "more"`)
		}},
		{"overlap is dropped, and all after the end", func(t *testing.T) {
			r := running(t, nil)
			r.frame(delta(1, 0, "Hel"))
			r.frame(delta(1, 0, "Hel"))
			r.frame(delta(1, 1, "ello"))
			r.frame(end(1, 5))
			r.frame(delta(1, 3, "lo"))
			r.frame(delta(1, 5, "!"))
			r.frame(end(1, 5))
			r.frame(wire.Keepalive{Ref: ref(1), Waited: 20})
			r.want(`text "Hel"; text "lo"; ended r1 end_turn 5`)
		}},
		{"no accepted in 10 s: the same prompt again", func(t *testing.T) {
			r := online(t, nil)
			r.prompt("hi")
			r.pass(10 * second)
			r.want(`asked p1; send p1 new "hi"; send p1 new "hi"`)
			r.pass(9 * second)
			r.want("")
			r.frame(wire.Accepted{Ref: ref(1)})
			r.pass(20 * second)
			r.want("")
		}},
		{"any frame that names the prompt accepts it", func(t *testing.T) {
			r := online(t, nil)
			r.prompt("hi")
			r.frame(delta(1, 0, "Hello"))
			r.frame(end(1, 5))
			r.pass(12 * second)
			r.want(`asked p1; send p1 new "hi"; text "Hello"; ended r1 end_turn 5`)
		}},
		{"a prompt nobody accepts is given up", func(t *testing.T) {
			r := online(t, &session.Options{Tries: 2})
			r.prompt("hi")
			r.pass(20 * second)
			r.want(`asked p1; send p1 new "hi"; send p1 new "hi"; refused p1: the service does not answer; send it again`)
		}},
		{"prompts wait for one another", func(t *testing.T) {
			r := running(t, nil)
			r.prompt("second")
			r.want("")
			r.frame(end(1, 0))
			r.want(`ended r1 end_turn 0; asked p2; send p2 c1 "second"`)
		}},
		{"a prompt made offline goes with the socket", func(t *testing.T) {
			r := newRig(t, nil)
			r.prompt("hi")
			r.want("dial 1; asked p1")
			r.open(1)
			r.want(`send p1 new "hi"`)
		}},
		{"a gap asks for what is missing, at most once a second", func(t *testing.T) {
			r := running(t, nil)
			r.frame(delta(1, 2, "cd"))
			r.want("resume r1 c1 @0")
			r.frame(delta(1, 4, "ef"))
			r.want("")
			r.pass(second)
			r.want("resume r1 c1 @0")
			r.frame(delta(1, 0, "abc"))
			r.want(`text "abcdef"`)
			r.pass(5 * second)
			r.want("")
		}},
		{"an end past what is held is a gap", func(t *testing.T) {
			r := running(t, nil)
			r.frame(delta(1, 0, "ab"))
			r.frame(end(1, 4))
			r.want(`text "ab"; resume r1 c1 @2`)
			r.frame(delta(1, 2, "cd"))
			r.want(`text "cd"; ended r1 end_turn 4`)
		}},
		{"an end before what is held cuts", func(t *testing.T) {
			r := running(t, nil)
			r.frame(delta(1, 0, "abcdef"))
			r.frame(wire.End{Ref: ref(1), Length: 4, Saved: true, Stop: wire.StopInterrupted})
			r.want(`text "abcdef"; ended r1 interrupted 4 cut 2`)
		}},
		{"25 s of silence, then 5, 10, 20 s", func(t *testing.T) {
			r := running(t, nil)
			r.pass(25*second - 1)
			r.want("")
			r.pass(1)
			r.want("resume r1 c1 @0")
			r.pass(5 * second)
			r.want("resume r1 c1 @0")
			r.pass(10 * second)
			r.want("resume r1 c1 @0")
			r.frame(wire.Keepalive{Ref: ref(1), Waited: 40})
			r.want("waiting 40s")
			r.pass(25 * second)
			r.want("resume r1 c1 @0")
		}},
		{"a new socket resumes and sends again", func(t *testing.T) {
			r := running(t, nil)
			r.frame(delta(1, 0, "ab"))
			r.want(`text "ab"`)
			r.lose()
			r.pass(0)
			r.want("lost try 1; dial 2")
			r.open(2)
			r.want("back; resume r1 c1 @2")
		}},
		{"a new socket with a prompt in flight", func(t *testing.T) {
			r := online(t, nil)
			r.prompt("hi")
			r.lose()
			r.open(2)
			r.want(`asked p1; send p1 new "hi"; lost try 1; dial 2; back; send p1 new "hi"`)
		}},
		{"a new socket with nothing unfinished follows the newest", func(t *testing.T) {
			r := running(t, nil)
			r.frame(delta(1, 0, "ab"))
			r.frame(end(1, 2))
			r.lose()
			r.open(2)
			r.want(`text "ab"; ended r1 end_turn 2; lost try 1; dial 2; back; resume r1 c1 @2`)
			r.pass(5 * second)
			r.want("resume r1 c1 @2")
			r.frame(end(1, 2))
			r.pass(10 * second)
			r.want("")
		}},
		{"another device's reply shows", func(t *testing.T) {
			r := running(t, nil)
			r.frame(end(1, 0))
			other := wire.Ref{ID: "x", Conversation: "c1", Reply: "r9"}
			r.frame(wire.Delta{Ref: other, Text: "hi"})
			r.frame(wire.Delta{Ref: wire.Ref{ID: "y", Conversation: "c2", Reply: "r8"}, Text: "elsewhere"})
			r.want(`ended r1 end_turn 0; text "hi"`)
		}},
		{"stop names the reply and is repeated until final", func(t *testing.T) {
			r := running(t, nil)
			r.stop()
			r.want("stop r1")
			r.pass(5 * second)
			r.want("stop r1")
			r.frame(wire.End{Ref: ref(1), Saved: true, Stop: wire.StopStopped})
			r.pass(10 * second)
			r.want("ended r1 stopped 0")
		}},
		{"stop before the reply has a name", func(t *testing.T) {
			r := online(t, nil)
			r.prompt("hi")
			r.stop()
			r.want(`asked p1; send p1 new "hi"`)
			r.frame(wire.Accepted{Ref: ref(1)})
			r.want("stop r1")
		}},
		{"stop is said again on a new socket", func(t *testing.T) {
			r := running(t, nil)
			r.stop()
			r.lose()
			r.open(2)
			r.want("stop r1; lost try 1; dial 2; back; resume r1 c1 @0; stop r1")
		}},
		{"stop of a prompt that waits", func(t *testing.T) {
			r := newRig(t, nil)
			r.prompt("hi")
			r.stop()
			r.want("dial 1; asked p1; refused p1: stopped")
			if r.talk.Stop(r.now) {
				t.Error("there was nothing to stop")
			}
		}},
		{"an unsaved end, then the durable one", func(t *testing.T) {
			r := running(t, nil)
			r.frame(delta(1, 0, "abcd"))
			r.frame(wire.End{Ref: ref(1), Length: 4, Stop: wire.StopEndTurn})
			r.want(`text "abcd"; ended r1 end_turn 4 unsaved`)
			r.frame(wire.End{Ref: ref(1), Length: 4, Stop: wire.StopEndTurn})
			r.want("")
			r.frame(wire.End{Ref: ref(1), Length: 3, Saved: true, Stop: wire.StopInterrupted})
			r.frame(wire.End{Ref: ref(1), Length: 3, Saved: true, Stop: wire.StopInterrupted})
			r.want("ended r1 interrupted 3 cut 1")
		}},
		{"a durable end that is longer", func(t *testing.T) {
			r := running(t, nil)
			r.frame(delta(1, 0, "ab"))
			r.frame(wire.End{Ref: ref(1), Length: 2, Stop: wire.StopInterrupted})
			r.frame(end(1, 4))
			r.want(`text "ab"; ended r1 interrupted 2 unsaved; resume r1 c1 @2`)
			r.frame(delta(1, 2, "cd"))
			r.want(`text "cd"; ended r1 end_turn 4`)
		}},
		{"busy: again after a while", func(t *testing.T) {
			r := online(t, nil)
			r.prompt("hi")
			r.frame(wire.Error{Code: wire.CodeBusy, Message: "wait", ID: "p1"})
			r.want(`asked p1; send p1 new "hi"; delayed p1 3s: busy: wait`)
			r.pass(3 * second)
			r.want(`send p1 new "hi"`)
			r.frame(wire.Error{Code: wire.CodeBusy, Message: "wait", ID: "p1", RetryAfter: 30})
			r.pass(30 * second)
			r.want(`delayed p1 30s: busy: wait; send p1 new "hi"`)
		}},
		{"stop while busy", func(t *testing.T) {
			r := online(t, nil)
			r.prompt("hi")
			r.frame(wire.Error{Code: wire.CodeBusy, Message: "wait", ID: "p1"})
			r.stop()
			r.pass(10 * second)
			r.want(`asked p1; send p1 new "hi"; delayed p1 3s: busy: wait; refused p1: stopped`)
		}},
		{"unavailable: again; rate limited: not", func(t *testing.T) {
			r := online(t, nil)
			r.prompt("hi")
			r.frame(wire.Error{Code: wire.CodeUnavailable, Message: "x", ID: "p1", Retryable: true})
			r.pass(3 * second)
			r.frame(wire.Error{Code: wire.CodeRateLimited, Message: "y", ID: "p1", Retryable: true, RetryAfter: 60})
			r.want(`asked p1; send p1 new "hi"; delayed p1 3s: unavailable: x; send p1 new "hi"; refused p1: rate_limited: y`)
		}},
		{"an error that names nothing is the waiting prompt's, if final", func(t *testing.T) {
			r := online(t, nil)
			r.frame(wire.Error{Code: wire.CodeBadRequest, Message: "z"})
			r.prompt("hi")
			r.frame(wire.Error{Code: wire.CodeUnavailable, Message: "x", Retryable: true})
			r.frame(wire.Error{Code: wire.CodeUnauthorized, Message: "y"})
			r.frame(wire.Error{Code: wire.CodeUnauthorized, Message: "late", ID: "p1"})
			r.want(`trouble bad_request: z; asked p1; send p1 new "hi"; trouble unavailable: x; refused p1: unauthorized: y`)
		}},
		{"a reply that fails", func(t *testing.T) {
			r := running(t, nil)
			r.frame(wire.Error{Code: wire.CodeModelError, Message: "m", ID: "p1", Reply: "r1"})
			r.frame(wire.End{Ref: ref(1), Saved: true, Stop: wire.StopInterrupted})
			r.want("trouble model_error: m; ended r1 interrupted 0 because model_error: m")
		}},
		{"a reply that is nowhere to be found", func(t *testing.T) {
			r := running(t, nil)
			r.frame(delta(1, 0, "ab"))
			r.frame(wire.Error{Code: wire.CodeNotFound, Message: "gone", Reply: "r1"})
			r.want(`text "ab"; trouble not_found: gone; ended r1 interrupted 2 because not_found: gone`)
		}},
		{"a resume that fails is repeated quietly", func(t *testing.T) {
			r := running(t, nil)
			r.pass(25 * second)
			r.frame(wire.Error{Code: wire.CodeUnavailable, Message: "x", Retryable: true, Reply: "r1"})
			r.pass(5 * second)
			r.want("resume r1 c1 @0; resume r1 c1 @0")
		}},
		{"API Gateway's timeout means nothing", func(t *testing.T) {
			r := online(t, nil)
			r.prompt("hi")
			r.frame(wire.Gateway{Message: "Endpoint request timed out"})
			r.pass(9 * second)
			r.want(`asked p1; send p1 new "hi"`)
		}},
		{"API Gateway's internal error: the prompt again", func(t *testing.T) {
			r := online(t, nil)
			r.prompt("hi")
			r.frame(wire.Gateway{Message: "Internal server error"})
			r.frame(wire.Gateway{Message: "Internal server error"})
			r.pass(3 * second)
			r.want(`asked p1; send p1 new "hi"; delayed p1 3s: API Gateway says: Internal server error; send p1 new "hi"`)
		}},
		{"API Gateway's Forbidden ends the prompt", func(t *testing.T) {
			r := online(t, nil)
			r.prompt("hi")
			r.frame(wire.Gateway{Message: "Forbidden"})
			r.want(`asked p1; send p1 new "hi"; refused p1: the service has no route for this message; is the API deployed?`)
		}},
		{"API Gateway's complaints are told once", func(t *testing.T) {
			r := online(t, nil)
			r.frame(wire.Gateway{Message: "Forbidden"})
			r.frame(wire.Gateway{Message: "Forbidden"})
			r.want("trouble the service has no route for this message; is the API deployed?")
		}},
		{"unknown frames and pongs are ignored", func(t *testing.T) {
			r := online(t, nil)
			r.frame(wire.Unknown{Name: "fancy"})
			r.frame(wire.Pong{})
			r.want("")
		}},
		{"a notification shows once", func(t *testing.T) {
			r := online(t, nil)
			r.frame(wire.Notification{ID: "n1"})
			r.frame(wire.Notification{ID: "n1"})
			r.frame(wire.Notification{ID: "n2"})
			r.want("notified n1; notified n2")
		}},
		{"topics, one by one, on every socket", func(t *testing.T) {
			r := newRig(t, &session.Options{Topics: []string{"ci", "ops"}})
			r.open(1)
			r.want("dial 1; subscribe ci")
			r.pass(10 * second)
			r.frame(wire.Subscribed{Topic: "ci"})
			r.frame(wire.Error{Code: wire.CodeUnavailable, Retryable: true})
			r.frame(wire.Subscribed{Topic: "ops"})
			r.frame(wire.Subscribed{Topic: "ops"})
			r.want("subscribe ci; subscribe ops; trouble unavailable: ")
			r.lose()
			r.open(2)
			r.want("lost try 1; dial 2; back; subscribe ci")
		}},
		{"a topic that is refused", func(t *testing.T) {
			r := newRig(t, &session.Options{Topics: []string{"secret", "ci"}})
			r.open(1)
			r.frame(wire.Error{Code: wire.CodeUnauthorized, Message: "no"})
			r.frame(wire.Subscribed{Topic: "ci"})
			r.frame(wire.Error{Code: wire.CodeInternal, Message: "else"})
			r.want("dial 1; subscribe secret; unheard secret: unauthorized: secret: no; subscribe ci; trouble internal: else")
			r.lose()
			r.open(2)
			r.want("lost try 1; dial 2; back; subscribe ci")
		}},
		{"what is queued can be taken back", func(t *testing.T) {
			r := running(t, nil)
			r.prompt("two")
			r.prompt("three")
			if text, ok := r.talk.Unqueue(); text != "three" || !ok || r.talk.Queued() != 1 {
				t.Errorf("got %q %v, %d left", text, ok, r.talk.Queued())
			}
			_, _ = r.talk.Unqueue()
			if _, ok := r.talk.Unqueue(); ok {
				t.Error("the prompt being served was taken back")
			}
		}},
		{"what leaving would leave undone", func(t *testing.T) {
			r := online(t, nil)
			pending := func(unsent int, running bool) {
				t.Helper()
				if n, on := r.talk.Pending(); n != unsent || on != running {
					t.Errorf("%d prompts are not sent, running: %v; want %d, %v", n, on, unsent, running)
				}
			}
			pending(0, false)
			r.prompt("a")
			r.prompt("b")
			pending(2, false) // nobody knows whether the first has arrived
			r.frame(wire.Accepted{Ref: ref(1)})
			pending(1, true)
			r.lose()
			pending(1, true)
		}},
		{"new and open", func(t *testing.T) {
			r := running(t, nil)
			if err := r.talk.New(); !errors.Is(err, session.ErrRunning) {
				t.Errorf("new during a reply: %v", err)
			}
			r.frame(end(1, 0))
			if err := r.talk.New(); err != nil {
				t.Error(err)
			}
			r.prompt("a")
			r.want(`ended r1 end_turn 0; asked p2; send p2 new "a"`)
			r.frame(wire.Accepted{Ref: wire.Ref{ID: "p2", Conversation: "c2", Reply: "r2"}})
			r.frame(wire.End{Ref: wire.Ref{ID: "p2", Conversation: "c2", Reply: "r2"}, Saved: true, Stop: "end_turn"})
			if err := r.talk.Open(r.now, "c3"); err != nil {
				t.Error(err)
			}
			r.take()
			r.frame(wire.HistoryPage{Conversation: "c3", Messages: []wire.Message{
				{Role: "assistant", Reply: "r7"}, {Role: "user"}}})
			r.want("ended r2 end_turn 0; history c3; showed c3 1; resume  c3 @0")
			r.frame(wire.Delta{Ref: wire.Ref{ID: "z", Conversation: "c3", Reply: "r7"}, Text: "old"})
			r.prompt("b")
			r.want(`text "old"; asked p3; send p3 c3 "b"`)
		}},
		{"opening a conversation whose newest reply was shown", func(t *testing.T) {
			r := running(t, nil)
			r.frame(delta(1, 0, "ab"))
			r.frame(end(1, 2))
			_ = r.talk.Open(r.now, "c1")
			r.frame(wire.HistoryPage{Conversation: "c1", Messages: []wire.Message{{Role: "assistant", Reply: "r1"}, {Role: "user"}}})
			r.frame(delta(1, 0, "ab"))
			r.frame(end(1, 2))
			r.want(`text "ab"; ended r1 end_turn 2; showed c1 2; history c1; resume  c1 @0`)
		}},
		{"what another client asks is shown before its reply", func(t *testing.T) {
			r := online(t, &session.Options{Overhear: true})
			_ = r.talk.Open(r.now, "c1")
			r.take()
			r.frame(wire.HistoryPage{Conversation: "c1", Messages: []wire.Message{{Role: "assistant", Reply: "r1"}, {Role: "user", Reply: "r1"}}})
			r.frame(delta(1, 0, "one"))
			r.frame(end(1, 3))
			r.want(`history c1; showed c1 1; resume  c1 @0; text "one"; ended r1 end_turn 3`) // that one was shown
			r.frame(delta(2, 0, "two"))
			r.want("history c1")
			r.frame(end(2, 3))
			r.frame(wire.HistoryPage{Conversation: "c1", Messages: []wire.Message{{Role: "user", Text: "b", Reply: "r2"}}})
			r.want(`overheard r2 "b"; text "two"; ended r2 end_turn 3`)
			r.prompt("mine")
			r.frame(wire.Accepted{Ref: wire.Ref{ID: "p1", Conversation: "c1", Reply: "r3"}})
			r.want(`asked p1; send p1 c1 "mine"`)
		}},
		{"a prompt that is not told holds its reply up for a while", func(t *testing.T) {
			r := running(t, &session.Options{Overhear: true})
			r.frame(end(1, 0))
			r.frame(delta(2, 0, "two"))
			r.frame(wire.HistoryPage{Conversation: "c1"})
			r.pass(3*second - 1)
			r.want("ended r1 end_turn 0; history c1")
			r.pass(1)
			r.want(`overheard r2 ""; text "two"`)
			r.frame(delta(2, 3, "more"))
			r.want(`text "more"`)
			r.frame(end(2, 7))
			r.frame(delta(3, 0, "three")) // held
			r.frame(end(3, 5))
			r.frame(delta(4, 0, "four")) // and so is this: neither is lost when the next one comes, or one goes
			_ = r.talk.New()
			r.take()
			r.want(`ended r2 end_turn 7; history c1; overheard r3 ""; text "three"; ended r3 end_turn 5; history c1; overheard r4 ""; text "four"`)
		}},
		{"a conversation that is not there is not gone to", func(t *testing.T) {
			r := running(t, nil)
			r.frame(end(1, 0))
			_ = r.talk.Open(r.now, "c9")
			r.prompt("meant for c9")
			if err := r.talk.Rename(r.now, "x"); !errors.Is(err, session.ErrOpening) {
				t.Errorf("a title for which one? %v", err)
			}
			r.frame(wire.Error{Code: wire.CodeNotFound, Message: "leave the field out"})
			r.want("ended r1 end_turn 0; history c9; trouble there is no conversation c9; /list shows them; " +
				"asked p2; refused p2: not sent: it was meant for that conversation")
			r.prompt("b")
			r.want(`asked p3; send p3 c1 "b"`)
		}},
		{"what is said while a conversation is opened is said there", func(t *testing.T) {
			r := running(t, nil)
			r.frame(end(1, 0))
			_ = r.talk.Open(r.now, "c2")
			r.prompt("a")
			r.prompt("taken back")
			if text, ok := r.talk.Unqueue(); text != "taken back" || !ok || r.talk.Queued() != 1 {
				t.Errorf("took back %q, %d left", text, r.talk.Queued())
			}
			r.want("ended r1 end_turn 0; history c2")
			r.frame(wire.HistoryPage{Conversation: "c2"})
			r.want(`showed c2 0; asked p2; resume  c2 @0; send p2 c2 "a"`)
		}},
		{"opening outlives a connection, but not for ever", func(t *testing.T) {
			r := running(t, nil)
			r.frame(end(1, 0))
			_ = r.talk.Open(r.now, "c2")
			r.frame(wire.Error{Code: wire.CodeUnavailable, Message: "in a moment", Retryable: true})
			r.lose()
			r.did = nil
			r.open(2)
			r.want("back; history c2; resume r1 c1 @0")
			r.frame(end(1, 0))
			r.pass(25 * second)
			r.want("history c2; history c2")
			r.frame(wire.Pong{}) // or it would be dead
			r.pass(10 * second)
			r.want("history c2")
			r.pass(20 * second)
			r.want("trouble the service does not show the conversation; /open it again")
			r.prompt("b")
			r.want(`asked p2; send p2 c1 "b"`)
		}},
		{"a conversation without replies, with a prompt on its way", func(t *testing.T) {
			r := online(t, nil)
			_ = r.talk.Open(r.now, "c5")
			r.frame(wire.HistoryPage{Conversation: "c5"})
			r.prompt("hi")
			r.frame(wire.Error{Code: wire.CodeNotFound, Message: "none"})
			r.want(`showed c5 0; history c5; resume  c5 @0; asked p1; send p1 c5 "hi"`)
		}},
		{"a conversation without replies", func(t *testing.T) {
			r := online(t, nil)
			_ = r.talk.Open(r.now, "c5")
			r.frame(wire.HistoryPage{Conversation: "c5"})
			r.frame(wire.Error{Code: wire.CodeNotFound, Message: "none"})
			r.pass(20 * second)
			r.want("showed c5 0; history c5; resume  c5 @0")
		}},
		{"list", func(t *testing.T) {
			r := newRig(t, nil)
			if err := r.talk.List(r.now); !errors.Is(err, session.ErrOffline) {
				t.Errorf("offline: %v", err)
			}
			r.open(1)
			_ = r.talk.List(r.now)
			r.frame(wire.ConversationsPage{Conversations: make([]wire.ConversationInfo, 2)})
			r.want("dial 1; listed 2; conversations")
		}},
	} {
		t.Run(c.name, c.run)
	}
}

func TestPromptInParts(t *testing.T) {
	r := online(t, nil)
	r.prompt(strings.Repeat("あ", 100_000)) // 300 kB
	r.want("asked p1; part p1 0/3; part p1 1/3; part p1 2/3")
	r.pass(28*second - 1) // 10 s, and a second for every 16 KB
	r.want("")
	r.pass(1)
	r.want("part p1 0/3; part p1 1/3; part p1 2/3")
	if _, err := r.talk.Prompt(r.now, strings.Repeat("a", wire.MaxPrompt+1)); !errors.Is(err, frame.ErrTooLarge) {
		t.Errorf("too large a prompt: %v", err)
	}
}
