package session

import (
	"slices"
	"time"

	"kaiwa/pkg/wire"
)

// overhearWithin is how long a reply to somebody else's prompt waits for that prompt
// to be shown before it.
const overhearWithin = 3 * time.Second

// overhear looks for the prompt of a reply that this client did not ask for: frames
// name it, but only the history has its text.
func (t *Talk) overhear(now time.Time, r *reply) {
	if !t.opt.Overhear || slices.Contains(t.shown, r.ref.Reply) {
		return
	}
	r.unasked = now.Add(overhearWithin)
	t.send(now, wire.History{Conversation: r.ref.Conversation, Limit: 4})
}

// overheard finds the prompts that are looked for.
func (t *Talk) overheard(h wire.HistoryPage) {
	for _, r := range t.replies {
		for _, m := range h.Messages {
			if m.Role == "user" && m.Reply == r.ref.Reply {
				t.unveil(r, m.Text)
			}
		}
	}
}

// tell emits what is about a reply, after its prompt.
func (t *Talk) tell(r *reply, e Event) {
	if r.unasked.IsZero() {
		t.emit(e)
		return
	}
	r.held = append(r.held, e)
}

// unveil shows a reply that was waiting for its prompt; "" if that was not found.
func (t *Talk) unveil(r *reply, prompt string) {
	if r.unasked.IsZero() {
		return
	}
	t.emit(Overheard{Ref: r.ref, Text: prompt})
	for _, e := range r.held {
		t.emit(e)
	}
	r.unasked, r.held = time.Time{}, nil
}
