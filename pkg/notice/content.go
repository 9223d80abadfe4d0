package notice

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// maxDepth bounds messages in messages: SQS, SNS, EventBridge and the message
// itself are four.
const maxDepth = 4

// contents reads one message, or an array of them, whatever envelopes are around it.
// Whatever has a target is that message or an error: what was meant for one must
// not reach those who hear what is meant for nobody in particular.
func contents(raw []byte, depth int) ([]Notice, error) {
	raw = trim(raw)
	deep := depth >= maxDepth
	if list := objects(raw); list != nil && !deep {
		return array(list, depth)
	}
	if s, ok := quoted(raw); ok && !deep {
		return contents(s, depth+1)
	}
	o, ok := parse(raw)
	switch {
	case o.targets() > 1:
		return nil, errors.New("it has \"to\" more than once; send " + example)
	case o.targets() == 1:
		return single(message(raw))
	case !ok && mentionsTo(raw):
		return nil, errors.New("it has a \"to\" and cannot be read as a notification; send JSON like " + example)
	case !ok:
		return single(text(raw), nil)
	case deep:
		return single(generic(o, raw), nil)
	case o.text("Type") == "Notification" && o.has("TopicArn") && o.has("Message"):
		return fromSNS(o, depth)
	case o.text("source") != "" && o.has("detail") && (o.has("detail-type") || o.has("detailType")):
		return fromBus(o, raw, depth)
	}
	return single(readable(o, raw), nil)
}

func single(n Notice, err error) ([]Notice, error) {
	if err != nil {
		return nil, err
	}
	return []Notice{n}, nil
}

func array(list []json.RawMessage, depth int) (all []Notice, err error) {
	for i, raw := range list {
		some, err := contents(raw, depth+1)
		if err != nil {
			return nil, fmt.Errorf("message %d of an array: %w", i+1, err)
		}
		all = append(all, some...)
	}
	return all, nil
}

// readable puts an object without a target into words.
func readable(o object, raw []byte) Notice {
	switch {
	case o.has("alarmData") && o.text("source") == "aws.cloudwatch":
		return alarmAction(o, raw)
	case o.text("AlarmName") != "" && o.has("NewStateValue"):
		return alarmMessage(o, raw)
	case isObjects(o, "alerts") && (o.has("groupLabels") || o.has("receiver")):
		return alertmanager(o, raw)
	case o.text("repository.full_name") != "" && o.has("sender"):
		return github(o, raw, "")
	case o.text("Records.0.eventSource") == "aws:s3":
		return s3(o, raw)
	}
	if o.text("text") != "" || o.text("title") != "" {
		if n, err := message(raw); err == nil { // the message without a target
			return n
		}
	}
	return generic(o, raw)
}

func fromSNS(o object, depth int) ([]Notice, error) {
	list, err := contents([]byte(o.text("Message")), depth+1)
	if err != nil {
		return nil, fmt.Errorf("in an SNS message: %w", err)
	}
	for i := range list {
		n := &list[i]
		n.enclose(o.text("MessageId"), i, len(list), o.time("Timestamp"))
		if n.Title == "" {
			n.Title = o.text("Subject")
		}
	}
	return list, nil
}

// fromBus reads EventBridge's events, and the copies of them that the developer
// tools' notification rules send through SNS with other spellings.
func fromBus(o object, raw []byte, depth int) ([]Notice, error) {
	var in struct {
		Detail json.RawMessage `json:"detail"`
	}
	list, err := []Notice{}, json.Unmarshal(raw, &in)
	switch {
	case err != nil: // cannot be: it was parsed before
	case o.object("detail").targets() > 0 || o.object("detail") == nil && mentionsTo(in.Detail):
		list, err = contents(in.Detail, depth+1)
	default:
		list = append(list, service(o, raw))
	}
	if err != nil {
		return nil, fmt.Errorf("in the detail of an EventBridge event: %w", err)
	}
	for i := range list {
		list[i].enclose(o.text("id"), i, len(list), o.time("time"))
	}
	return list, nil
}

// targets counts the targets of an object, right or wrong.
func (o object) targets() (n int) {
	for k := range o {
		if strings.EqualFold(k, "to") {
			n++
		}
	}
	return n
}

// mentionsTo tells whether what is no JSON object was meant to be one with a target:
// a slip in its syntax, Python's quotes, an array with something else in it. Lines of
// logs that begin with a word in brackets, braces or quotes only mention somebody.
func mentionsTo(raw []byte) bool {
	return toKey.Match(raw) && looksLikeJSON(raw)
}

func looksLikeJSON(raw []byte) bool {
	if len(raw) == 0 {
		return false
	}
	switch raw[0] {
	case '"': // of a string whose end or whose escapes are missing, too
		return looksLikeJSON(trim(bytes.TrimLeft(raw, `"\`)))
	case '[':
		next := trim(raw[1:])
		return json.Valid(raw) || len(next) > 0 && strings.ContainsRune(`{["'\`, rune(next[0]))
	case '{':
		return !braced.Match(raw)
	}
	return false
}

var (
	toKey  = regexp.MustCompile(`(?i)\\*["']to\\*["']\s*:`)
	braced = regexp.MustCompile(`^\{\s*[^\s{}"':][^{}"':]*\}`)
)

// quoted is the JSON, or what was meant to be JSON, inside a JSON string.
func quoted(raw []byte) ([]byte, bool) {
	var s string
	if !bytes.HasPrefix(raw, []byte(`"`)) || json.Unmarshal(raw, &s) != nil {
		return nil, false
	}
	in := trim([]byte(s))
	return in, len(in) > 0 && strings.ContainsRune(`{["`, rune(in[0]))
}

// trim also drops the mark that some editors put before UTF-8.
func trim(raw []byte) []byte {
	return bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(raw), []byte("\ufeff")))
}
