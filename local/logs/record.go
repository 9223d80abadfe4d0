package logs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// record is a line of a structured logger.
type record struct {
	level, message string
	rest           []member
}

type member struct {
	name  string
	value json.RawMessage
}

// The names that loggers in use have for these: slog, Lambda's own JSON format,
// Powertools, pino, zap, logrus, structlog.
var (
	levelNames   = map[string]bool{"level": true, "severity": true, "lvl": true}
	messageNames = map[string]bool{"msg": true, "message": true, "event": true}
	timeNames    = map[string]bool{"time": true, "timestamp": true, "ts": true, "@timestamp": true}
	requestNames = map[string]bool{"requestid": true, "request_id": true, "awsrequestid": true, "function_request_id": true}
)

// parseRecord takes an object that has a message, or a level: any other may be
// anything.
func parseRecord(line []byte) (record, bool) {
	line = bytes.TrimSpace(line)
	if !bytes.HasPrefix(line, []byte("{")) {
		return record{}, false
	}
	members, err := parseMembers(line)
	if err != nil {
		return record{}, false
	}
	var r record
	for _, m := range members {
		text, isText := m.text()
		switch name := strings.ToLower(m.name); {
		case levelNames[name] && isText && r.level == "":
			r.level = text
		case messageNames[name] && isText && r.message == "":
			r.message = text
		case timeNames[name]:
		default:
			r.rest = append(r.rest, m)
		}
	}
	return r, r.level != "" || r.message != ""
}

// parseMembers keeps the order.
func parseMembers(object []byte) (all []member, err error) {
	d := json.NewDecoder(bytes.NewReader(object))
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		m := member{name: fmt.Sprint(name)}
		if err := d.Decode(&m.value); err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("more than one value")
	}
	return all, nil
}

func (m member) text() (s string, ok bool) {
	if !bytes.HasPrefix(m.value, []byte{'"'}) {
		return "", false
	}
	err := json.Unmarshal(m.value, &s)
	return s, err == nil
}

// record writes level, message and whatever else there is, but for the request id
// that stands before it anyway.
func (p *printer) record(r record, requestID string) {
	if r.level != "" {
		p.level(r.level)
	}
	p.text(r.message)
	for _, m := range r.rest {
		text, isText := m.text()
		if text == requestID && requestNames[strings.ToLower(m.name)] {
			continue
		}
		if !isText || ambiguous(text) {
			text = string(m.value)
		}
		p.attribute(m.name, text)
	}
}

// ambiguous tells that a value needs quotes.
func ambiguous(value string) bool { return value == "" || strings.ContainsAny(value, " \t\n\"=") }

func (p *printer) attribute(name, value string) {
	p.WriteByte(' ')
	p.paint(dim, safe(name)+"=")
	p.text(value)
}
