package notice

import (
	"bytes"
	"encoding/json"
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
	event = bytes.TrimSpace(event)
	if list := objects(event); list != nil {
		var e Event
		for _, raw := range list {
			e.Entries = append(e.Entries, entry(raw))
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
		return Event{Entries: []Entry{entry(event)}}
	}
	var e Event
	for _, r := range batch.Records {
		switch r.Source {
		case "aws:sns":
			e.Entries = append(e.Entries, entry(r.Sns))
		case "aws:sqs":
			n := entry([]byte(r.Body))
			n.Message, n.Group = r.ID, r.Sending.Group
			n.enclose(r.ID, millis(r.Sending.Sent))
			e.Entries = append(e.Entries, n)
			e.Queue, e.FIFO = true, strings.HasSuffix(r.ARN, ".fifo")
		default: // S3 and others, which have no message inside
			return Event{Entries: []Entry{entry(event)}}
		}
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

func entry(raw []byte) Entry {
	if e, ok := failedEvent(raw); ok {
		return e
	}
	n, err := content(raw, 0)
	return Entry{Notice: n, Err: err}
}

// enclose gives a notification what its envelope knows and it does not.
func (n *Notice) enclose(id string, at time.Time) {
	if n.ID == "" {
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

// maxDepth bounds messages in messages: SQS, SNS, EventBridge and the message
// itself are four.
const maxDepth = 4

// content reads one message, whatever envelopes are around it.
func content(raw []byte, depth int) (Notice, error) {
	raw = bytes.TrimSpace(raw)
	o, ok := parse(raw)
	switch {
	case !ok:
		return text(raw), nil
	case depth >= maxDepth:
		return generic(o, raw), nil
	case o.text("Type") == "Notification" && o.has("TopicArn") && o.has("Message"):
		return fromSNS(o, depth)
	case o.has("to"):
		return message(raw)
	case o.text("source") != "" && o.has("detail") && (o.has("detail-type") || o.has("detailType")):
		return fromBus(o, raw, depth)
	case o.has("alarmData") && o.text("source") == "aws.cloudwatch":
		return alarmAction(o, raw), nil
	case o.text("AlarmName") != "" && o.has("NewStateValue"):
		return alarmMessage(o, raw), nil
	case isObjects(o, "alerts") && (o.has("groupLabels") || o.has("receiver")):
		return alertmanager(o, raw), nil
	case o.text("repository.full_name") != "" && o.has("sender"):
		return github(o, raw, ""), nil
	case o.text("Records.0.eventSource") == "aws:s3":
		return s3(o, raw), nil
	}
	if o.text("text") != "" || o.text("title") != "" {
		if n, err := message(raw); err == nil { // the message without a target
			return n, nil
		}
	}
	return generic(o, raw), nil
}

func fromSNS(o object, depth int) (Notice, error) {
	n, err := content([]byte(o.text("Message")), depth+1)
	if err != nil {
		return Notice{}, fmt.Errorf("in an SNS message: %w", err)
	}
	n.enclose(o.text("MessageId"), o.time("Timestamp"))
	if n.Title == "" {
		n.Title = o.text("Subject")
	}
	return n, nil
}

// fromBus reads EventBridge's events, and the copies of them that the developer
// tools' notification rules send through SNS with other spellings.
func fromBus(o object, raw []byte, depth int) (Notice, error) {
	var n Notice
	var err error
	if detail := o.object("detail"); detail.has("to") {
		var fields map[string]json.RawMessage
		if err = json.Unmarshal(raw, &fields); err == nil {
			n, err = content(fields["detail"], depth+1)
		}
	} else {
		n = service(o, raw)
	}
	if err != nil {
		return Notice{}, fmt.Errorf("in the detail of an EventBridge event: %w", err)
	}
	n.enclose(o.text("id"), o.time("time"))
	return n, nil
}

func millis(s string) time.Time {
	if ms, err := strconv.ParseInt(s, 10, 64); err == nil && ms > 0 {
		return time.UnixMilli(ms).UTC()
	}
	return time.Time{}
}
