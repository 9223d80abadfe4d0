package notice

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// object is a JSON object of somebody else's. Paths are dotted; a number is an
// index into a list.
type object map[string]any

// parse reads raw if it is one JSON object and nothing else.
func parse(raw []byte) (object, bool) {
	if !bytes.HasPrefix(raw, []byte("{")) || !json.Valid(raw) {
		return nil, false
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber() // ids that are numbers stay what they are
	var o object
	return o, d.Decode(&o) == nil
}

// at is what stands at a path, nil if nothing does. A key that itself has dots is
// found as well.
func (o object) at(path string) any {
	if v, ok := o[path]; ok {
		return v
	}
	var v any = map[string]any(o)
	for step := range strings.SplitSeq(path, ".") {
		switch in := v.(type) {
		case map[string]any:
			v = in[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(in) {
				return nil
			}
			v = in[i]
		default:
			return nil
		}
	}
	return v
}

func (o object) has(path string) bool { return o.at(path) != nil }

// text is a string, number or boolean as text, "" for anything else.
func (o object) text(path string) string {
	switch v := o.at(path).(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

func (o object) object(path string) object {
	m, _ := o.at(path).(map[string]any)
	return m
}

// list gives the objects of a list.
func (o object) list(path string) []object {
	all, _ := o.at(path).([]any)
	var list []object
	for _, e := range all {
		if m, ok := e.(map[string]any); ok {
			list = append(list, m)
		}
	}
	return list
}

func isObjects(o object, path string) bool { return len(o.list(path)) > 0 }

// time reads the two ways AWS writes times.
func (o object) time(path string) time.Time {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05.999-0700"} {
		if t, err := time.Parse(layout, o.text(path)); err == nil && t.Year() > 1970 && t.Year() < 9999 {
			return t.UTC()
		}
	}
	return time.Time{}
}

// first is the first of some paths that has a text.
func (o object) first(paths ...string) string {
	for _, p := range paths {
		if s := strings.TrimSpace(o.text(p)); s != "" {
			return s
		}
	}
	return ""
}

// fill replaces {path} or {path|other} in a pattern by what stands there, and
// drops the blanks around what does not. A pattern of one path alone leaves the
// lines of its text as they are.
func (o object) fill(pattern string) string {
	if strings.HasPrefix(pattern, "{") && strings.Index(pattern, "}") == len(pattern)-1 {
		return o.first(strings.Split(pattern[1:len(pattern)-1], "|")...)
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(pattern, "{")
		b.WriteString(before)
		if !found {
			break
		}
		var names string
		names, pattern, _ = strings.Cut(rest, "}")
		b.WriteString(o.first(strings.Split(names, "|")...))
	}
	return strings.TrimSpace(strings.Join(strings.Fields(b.String()), " "))
}
