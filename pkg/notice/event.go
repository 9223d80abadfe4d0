package notice

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Event is what one invocation of the function brings.
type Event struct {
	Entries []Entry
	// Queue: it came from SQS, which wants to know the messages that failed.
	Queue bool
	// FIFO: after a failure the rest of the same Group must fail as well.
	FIFO bool
}

// Entry is one notification of an event.
type Entry struct {
	Notice
	// Message is the SQS message's id, Group its FIFO message group.
	Message, Group string
	// Failed is the event of an earlier invocation, out of Lambda's record of its
	// failure: to be handled again as it was. Notice has that invocation's ID then,
	// and when the record was made.
	Failed json.RawMessage
	// Err tells why it cannot be delivered to anybody.
	Err error
}

// Read finds the notifications of an event. Those without a target of their own
// go to fallback.
func Read(event []byte, fallback To) Event {
	e := read(event)
	for i := range e.Entries {
		n := &e.Entries[i]
		if n.Err == nil && n.Failed == nil && n.To == (To{}) {
			n.To = fallback
		}
	}
	return e
}

func read(event []byte) Event {
	event = trim(event)
	if list := objects(event); list != nil { // each by itself: one slip does not fail the others
		var e Event
		for _, raw := range list {
			e.Entries = append(e.Entries, entries(raw)...)
		}
		return e
	}
	var batch struct {
		Records []struct {
			Source  string          `json:"EventSource"` // also matches eventSource
			Sns     json.RawMessage `json:"Sns"`
			ID      string          `json:"messageId"`
			Body    string          `json:"body"`
			ARN     string          `json:"eventSourceARN"`
			Sending struct {
				Group string `json:"MessageGroupId"`
				Sent  string `json:"SentTimestamp"`
			} `json:"attributes"`
		} `json:"Records"`
	}
	if json.Unmarshal(event, &batch) != nil || len(batch.Records) == 0 {
		return Event{Entries: entries(event)}
	}
	var e Event
	for _, r := range batch.Records {
		switch {
		case r.Source != batch.Records[0].Source: // AWS sends no such thing
			return Event{Entries: []Entry{{Err: errors.New("records of more than one source")}}}
		case r.Source == "aws:sns":
			e.Entries = append(e.Entries, entries(r.Sns)...)
		case r.Source == "aws:sqs":
			list := entries([]byte(r.Body))
			for i := range list {
				list[i].Message, list[i].Group = r.ID, r.Sending.Group
				list[i].enclose(r.ID, i, len(list), millis(r.Sending.Sent))
			}
			e.Entries = append(e.Entries, list...)
			e.Queue, e.FIFO = true, strings.HasSuffix(r.ARN, ".fifo")
		}
	}
	if len(e.Entries) == 0 { // S3 and others, which have no message inside
		e.Entries = entries(event)
	}
	return e
}

// objects are the elements of an array of nothing but objects, else nil.
func objects(raw []byte) []json.RawMessage {
	var list []json.RawMessage
	if !bytes.HasPrefix(raw, []byte("[")) || json.Unmarshal(raw, &list) != nil || len(list) == 0 {
		return nil
	}
	for _, e := range list {
		if !bytes.HasPrefix(e, []byte("{")) {
			return nil
		}
	}
	return list
}

// entries are the notifications of one message: one, unless it is an array.
func entries(raw []byte) []Entry {
	if e, ok := failedEvent(raw); ok {
		return []Entry{e}
	}
	list, err := contents(raw, 0)
	if err != nil {
		return []Entry{{Err: err}}
	}
	var all []Entry
	for _, n := range list {
		all = append(all, Entry{Notice: n})
	}
	return all
}

// enclose gives a notification, the i-th of n, what its envelope knows and it does
// not.
func (n *Notice) enclose(id string, i, of int, at time.Time) {
	if n.ID == "" && id != "" {
		if of > 1 {
			id = fmt.Sprintf("%s-%d", id, i)
		}
		n.ID = shortID(id)
	}
	if n.At.IsZero() {
		n.At = at
	}
}

// failedEvent is the event inside a record that Lambda sends to a function's
// OnFailure destination ("Capturing records of Lambda asynchronous invocations" in
// its developer guide).
func failedEvent(raw []byte) (Entry, bool) {
	var record struct {
		At      string `json:"timestamp"`
		Context struct {
			ID        string `json:"requestId"`
			ARN       string `json:"functionArn"`
			Condition string `json:"condition"`
		} `json:"requestContext"`
		Payload json.RawMessage `json:"requestPayload"`
	}
	if json.Unmarshal(raw, &record) != nil || record.Context.ARN == "" || record.Context.Condition == "" || len(record.Payload) == 0 {
		return Entry{}, false
	}
	at, _ := time.Parse(time.RFC3339, record.At) // zero: not known
	return Entry{Notice: Notice{ID: record.Context.ID, At: at}, Failed: record.Payload}, true
}

func millis(s string) time.Time {
	if ms, err := strconv.ParseInt(s, 10, 64); err == nil && ms > 0 {
		return time.UnixMilli(ms).UTC()
	}
	return time.Time{}
}
