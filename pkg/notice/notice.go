package notice

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"kaiwa/pkg/wire"
)

// Notice is one notification.
type Notice struct {
	To To
	// ID makes a repeat to the same target harmless: the sender's own, else that of
	// the envelope it came in, "" where there is none. At most wire.MaxID characters.
	ID                 string
	Title, Text, Level string
	Data               json.RawMessage
	// TTL is how long it is worth delivering, 0 for the deployment's default.
	TTL time.Duration
	// Ask also starts a reply in To.Conversation.
	Ask bool
	// At is when its sender sent it, zero where the envelope does not tell.
	At time.Time
}

// To is whom a notification is for. Exactly one field is set.
type To struct {
	User         string `json:"user,omitempty"`
	Topic        string `json:"topic,omitempty"`
	Conversation string `json:"conversation,omitempty"`
	Connection   string `json:"connection,omitempty"`
	All          bool   `json:"all,omitempty"`
}

// maxName is the most bytes of a user's name; ids are shorter.
const maxName = 512

const example = `{"to":{"user":"alice"},"text":"hello"}`

// Check tells what is wrong with a target.
func (t To) Check() error {
	n := 0
	for _, set := range []bool{t.User != "", t.Topic != "", t.Conversation != "", t.Connection != "", t.All} {
		if set {
			n++
		}
	}
	switch {
	case n == 0:
		return errors.New("to names nobody; send " + example + ", or topic, conversation, connection, or \"all\":true")
	case n > 1:
		return errors.New("to names more than one target; name one of user, topic, conversation, connection, all")
	case utf8.RuneCountInString(t.Topic) > wire.MaxTopic:
		return fmt.Errorf("to.topic must be at most %d characters", wire.MaxTopic)
	case max(len(t.User), len(t.Conversation), len(t.Connection)) > maxName:
		return fmt.Errorf("to has a name of more than %d bytes", maxName)
	}
	return nil
}

// Kind is what sort of target it is, for logs.
func (t To) Kind() string {
	kind, _, _ := strings.Cut(t.String(), ":")
	return kind
}

// String is a target as ParseTo reads it; it also names it in keys.
func (t To) String() string {
	switch {
	case t.User != "":
		return "user:" + t.User
	case t.Topic != "":
		return "topic:" + t.Topic
	case t.Conversation != "":
		return "conversation:" + t.Conversation
	case t.Connection != "":
		return "connection:" + t.Connection
	case t.All:
		return "all"
	}
	return ""
}

// ParseTo reads "user:NAME", "topic:NAME", "conversation:ID", "connection:ID" or
// "all".
func ParseTo(s string) (To, error) {
	kind, name, _ := strings.Cut(s, ":")
	var t To
	switch {
	case s == "all":
		t.All = true
	case kind == "user":
		t.User = name
	case kind == "topic":
		t.Topic = name
	case kind == "conversation":
		t.Conversation = name
	case kind == "connection":
		t.Connection = name
	}
	if err := t.Check(); err != nil {
		return To{}, fmt.Errorf(`%q is no target; write user:NAME, topic:NAME, conversation:ID, connection:ID or all`, s)
	}
	return t, nil
}

// maxTTL bounds Notice.TTL, in seconds: a month.
const maxTTL = 30 * 24 * 60 * 60

// message reads the documented message strictly: whoever names a target is told
// what is wrong rather than heard by others.
func message(raw []byte) (Notice, error) {
	var m struct {
		To    json.RawMessage `json:"to"`
		ID    string          `json:"id"`
		Title string          `json:"title"`
		Text  string          `json:"text"`
		Level string          `json:"level"`
		Data  json.RawMessage `json:"data"`
		TTL   int             `json:"ttl"`
		Ask   bool            `json:"ask"`
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return Notice{}, wrong("the notification", err)
	}
	n := Notice{ID: shortID(m.ID), Title: m.Title, Text: m.Text, Level: m.Level, Data: m.Data, Ask: m.Ask,
		TTL: time.Duration(min(m.TTL, maxTTL)) * time.Second}
	if string(m.Data) == "null" {
		n.Data = nil
	}
	if m.TTL < 0 {
		return Notice{}, errors.New("ttl must be 1 or more seconds")
	}
	if len(m.To) > 0 { // null as well: a name that is missing is not everybody
		if err := target(m.To, &n.To); err != nil {
			return Notice{}, err
		}
	}
	if strings.TrimSpace(n.Title+n.Text) == "" {
		if n.Data == nil {
			return Notice{}, errors.New("the notification says nothing; give it text, title or data")
		}
		n.Text = compact(n.Data)
	}
	return n, nil
}

func target(raw []byte, to *To) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields() // {"usr":"alice"} is not for everybody
	if err := d.Decode(to); err != nil {
		return wrong("to", err)
	}
	return to.Check()
}

// wrong turns the json package's view into a sentence for the sender.
func wrong(what string, err error) error {
	if te, is := errors.AsType[*json.UnmarshalTypeError](err); is {
		if te.Field != "" {
			what = te.Field
		}
		kind := te.Type.Kind().String()
		return fmt.Errorf("%s must be %s; send %s", what, cmp.Or(map[string]string{"struct": "an object", "int": "a whole number", "bool": "true or false"}[kind], "a "+kind), example)
	}
	return fmt.Errorf("%s cannot be read: %w; send %s", what, err, example)
}

// shortID keeps an id that fits and replaces a longer one by its hash.
func shortID(id string) string {
	if utf8.RuneCountInString(id) <= wire.MaxID {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// compact is JSON without its blanks.
func compact(raw []byte) string {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return string(raw)
	}
	return b.String()
}
