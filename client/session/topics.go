package session

import (
	"slices"
	"time"

	"kaiwa/pkg/wire"
)

// topics are the subscriptions of a connection. A service that does not know the
// user keeps none: every new socket asks again. One is asked for at a time, as a
// refusal does not say which it means.
type topics struct {
	pending []string  // not confirmed on this socket; the first is asked for
	asked   bool      // the first was
	askAt   time.Time // when to ask (again)
}

// subscribeAll begins with all of them.
func (t *Talk) subscribeAll(now time.Time) {
	t.topics = topics{pending: slices.Clone(t.opt.Topics), askAt: now}
}

func (t *Talk) tickTopics(now time.Time) {
	if len(t.topics.pending) > 0 && due(t.topics.askAt, now) {
		t.send(now, wire.Subscribe{Topic: t.topics.pending[0]})
		t.topics.asked, t.topics.askAt = true, now.Add(wire.AcceptWithin)
	}
}

func (t *Talk) topicsAt() time.Time {
	if len(t.topics.pending) == 0 {
		return time.Time{}
	}
	return t.topics.askAt
}

func (t *Talk) subscribed(now time.Time, topic string) {
	if len(t.topics.pending) > 0 && t.topics.pending[0] == topic {
		t.nextTopic(now)
	}
}

func (t *Talk) nextTopic(now time.Time) {
	t.topics = topics{pending: t.topics.pending[1:], askAt: now}
}

// refusesTopic says whether an error that names nothing is about the topic that was
// asked for, and then tells of it.
func (t *Talk) refusesTopic(now time.Time, e wire.Error) bool {
	if !t.topics.asked || e.ID != "" || e.Reply != "" || e.Retryable {
		return false
	}
	topic := t.topics.pending[0]
	t.opt.Topics = slices.DeleteFunc(slices.Clone(t.opt.Topics), func(s string) bool { return s == topic })
	t.nextTopic(now)
	e.Message = topic + ": " + e.Message
	t.emit(Unheard{Topic: topic, Err: e})
	return true
}
