package ddb

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
)

// reply is an answer before it is written as JSON.
type reply = map[string]any

// appendJSON writes the few types answers are made of, among them all that a request can have in it. Members come in the order of their names, so that equal answers are equal bytes.
func appendJSON(dst []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return appendText(dst, v)
	case bool:
		return strconv.AppendBool(dst, v)
	case int:
		return strconv.AppendInt(dst, int64(v), 10)
	case float64:
		return strconv.AppendFloat(dst, v, 'f', -1, 64)
	case json.Number:
		return append(dst, v...)
	case reply:
		return appendMembers(dst, v, appendJSON)
	case []any:
		return appendElements(dst, v, appendJSON)
	case []string:
		return appendElements(dst, v, appendText)
	case []item:
		return appendElements(dst, v, appendItem)
	case item:
		return appendItem(dst, v)
	}
	return append(dst, "null"...)
}

func appendItem(dst []byte, it item) []byte { return appendMembers(dst, it, appendValue) }

func appendMembers[T any](dst []byte, m map[string]T, one func([]byte, T) []byte) []byte {
	dst = append(dst, '{')
	for i, name := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendText(dst, name), ':')
		dst = one(dst, m[name])
	}
	return append(dst, '}')
}

func appendElements[T any](dst []byte, all []T, one func([]byte, T) []byte) []byte {
	dst = append(dst, '[')
	for i, v := range all {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = one(dst, v)
	}
	return append(dst, ']')
}

// appendValue writes v as DynamoDB JSON: {"S":"text"}.
func appendValue(dst []byte, v value) []byte {
	dst = append(appendText(append(dst, '{'), string(v.kind())), ':')
	switch v := v.(type) {
	case boolean:
		dst = strconv.AppendBool(dst, bool(v))
	case null:
		dst = append(dst, "true"...)
	case set:
		dst = appendElements(dst, v.elems, appendScalar)
	case list:
		dst = appendElements(dst, v, appendValue)
	case doc:
		dst = appendItem(dst, v)
	default:
		dst = appendScalar(dst, v)
	}
	return append(dst, '}')
}

func appendScalar(dst []byte, v value) []byte { return appendText(dst, scalarText(v)) }

// scalarText is what stands for a string, number or binary in JSON.
func scalarText(v value) string {
	switch v := v.(type) {
	case str:
		return string(v)
	case bin:
		return base64.StdEncoding.EncodeToString([]byte(v))
	case number:
		return v.String()
	}
	return ""
}

func appendText(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(s) // a string always marshals
			return append(dst, quoted...)
		}
	}
	return append(append(append(dst, '"'), s...), '"')
}

// plain turns v into what encoding/json would have made of its DynamoDB JSON.
func plain(v value) any {
	var of any
	switch v := v.(type) {
	case boolean:
		of = bool(v)
	case null:
		of = true
	case set:
		of = plainList(v.elems, func(e value) any { return scalarText(e) })
	case list:
		of = plainList(v, plain)
	case doc:
		of = plainItem(v)
	default:
		of = scalarText(v)
	}
	return map[string]any{string(v.kind()): of}
}

func plainList(vs []value, one func(value) any) []any {
	out := make([]any, len(vs))
	for i, v := range vs {
		out[i] = one(v)
	}
	return out
}

func plainItem(it item) map[string]any {
	out := make(map[string]any, len(it))
	for name, v := range it {
		out[name] = plain(v)
	}
	return out
}
