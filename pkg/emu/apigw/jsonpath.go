package apigw

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// jsonPath is the part of JSONPath that selection expressions and $input.json
// need: member names and array indexes. An element is a string or an int.
type jsonPath []any

// parseJSONPath reads what follows the root: .name, ['name'], ["name"], [0].
func parseJSONPath(s string) (jsonPath, error) {
	var path jsonPath
	for rest := s; rest != ""; {
		var elem any
		var ok bool
		switch rest[0] {
		case '.':
			n := nameLength(rest[1:])
			elem, rest, ok = rest[1:1+n], rest[1+n:], n > 0
		case '[':
			elem, rest, ok = bracket(rest)
		}
		if !ok {
			return nil, fmt.Errorf("JSONPath %q is not emulated at %q", s, rest)
		}
		path = append(path, elem)
	}
	return path, nil
}

// nameLength counts the leading bytes of s that can stand in a member name.
func nameLength(s string) int {
	n := strings.IndexFunc(s, func(r rune) bool { return r < 0x80 && !isNameByte(byte(r)) })
	if n < 0 {
		return len(s)
	}
	return n
}

func isNameByte(b byte) bool {
	return b == '_' || b == '-' || isLetter(b) || '0' <= b && b <= '9'
}

func isLetter(b byte) bool {
	return 'a' <= b|0x20 && b|0x20 <= 'z'
}

// bracket takes one […] off the front of s.
func bracket(s string) (elem any, rest string, ok bool) {
	end := strings.IndexByte(s, ']')
	if end < 2 {
		return nil, s, false
	}
	inner := s[1:end]
	if q := inner[0]; q == '\'' || q == '"' {
		end = strings.Index(s, string(q)+"]")
		if end < 2 {
			return nil, s, false
		}
		return s[2:end], s[end+2:], true
	}
	n, err := strconv.Atoi(inner)
	return n, s[end+1:], err == nil && n >= 0
}

// find walks v, a value as parseJSON returns it.
func (p jsonPath) find(v any) (any, bool) {
	for _, elem := range p {
		switch at := v.(type) {
		case map[string]any:
			name, isName := elem.(string)
			member, ok := at[name]
			if !isName || !ok {
				return nil, false
			}
			v = member
		case []any:
			i, ok := elem.(int)
			if !ok || i >= len(at) {
				return nil, false
			}
			v = at[i]
		default:
			return nil, false
		}
	}
	return v, true
}

// parseJSON decodes one JSON value, numbers kept as written.
func parseJSON(s string) (any, bool) {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil, false
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, false
	}
	return v, true
}

// stringify turns a JSON value into text: strings bare, null empty, the rest as
// JSON (aws-facts §3: the result is stringified).
func stringify(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	return toJSON(v)
}

// toJSON encodes v compactly and without HTML escapes; values that came from
// JSON cannot fail.
func toJSON(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return ""
	}
	return strings.TrimSuffix(b.String(), "\n")
}
