package sam

import (
	"bytes"
	"encoding/json"
	"sort"
)

// readJSON reads a template in JSON; data is valid.
func readJSON(data []byte) (*node, error) {
	r := jsonReader{dec: json.NewDecoder(bytes.NewReader(data))}
	r.dec.UseNumber()
	for i, b := range data {
		if b == '\n' {
			r.newlines = append(r.newlines, i)
		}
	}
	return r.value(0)
}

type jsonReader struct {
	dec      *json.Decoder
	newlines []int // offsets
}

func (r *jsonReader) line() int {
	return 1 + sort.SearchInts(r.newlines, int(r.dec.InputOffset()))
}

func (r *jsonReader) value(depth int) (*node, error) {
	token, err := r.dec.Token()
	line := r.line()
	if err != nil {
		return nil, &fault{line, "not JSON: " + err.Error()}
	}
	if depth > maxDepth {
		return nil, &fault{line, "too deep: CloudFormation would not take it"}
	}
	switch v := token.(type) {
	case json.Delim:
		if v == '{' {
			return r.object(line, depth)
		}
		return r.array(line, depth)
	case string:
		return newText(line, v), nil
	case json.Number:
		return &node{kind: number, line: line, text: v.String()}, nil
	case bool:
		n := &node{kind: boolean, line: line, text: "false"}
		if v {
			n.text = "true"
		}
		return n, nil
	}
	return &node{line: line}, nil
}

func (r *jsonReader) object(line, depth int) (*node, error) {
	n := newMapping(line)
	for r.dec.More() {
		key, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		v, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		if n.fields[key.text] != nil {
			return nil, key.errorf("%q stands here twice: remove one", key.text)
		}
		n.setAt(key.text, key.line, v)
	}
	_, err := r.dec.Token()
	return n, err
}

func (r *jsonReader) array(line, depth int) (*node, error) {
	n := &node{kind: list, line: line}
	for r.dec.More() {
		v, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		n.items = append(n.items, v)
	}
	_, err := r.dec.Token()
	return n, err
}
