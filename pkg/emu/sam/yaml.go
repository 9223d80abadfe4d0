package sam

import (
	"bytes"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Aliases can make a small file large; CloudFormation's own limits are far
// below these.
const (
	maxNodes = 100_000
	maxDepth = 100
)

var yamlLine = regexp.MustCompile(`^yaml: (?:unmarshal errors:\s*)?(?:line (\d+): )?(.*)`)

// readYAML reads a template in YAML.
func readYAML(data []byte) (*node, error) {
	var doc, second yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&doc); err != nil && err != io.EOF {
		m := yamlLine.FindStringSubmatch(err.Error())
		if m == nil {
			return nil, &fault{1, "not YAML: " + err.Error()}
		}
		line, _ := strconv.Atoi(m[1])
		return nil, &fault{max(line, 1), "not YAML: " + m[2]}
	}
	if len(doc.Content) == 0 {
		return nil, &fault{1, "empty: a template has at least Resources"}
	}
	if dec.Decode(&second) != io.EOF {
		return nil, &fault{max(second.Line, 1), "a second document: a template is one"}
	}
	r := yamlReader{left: maxNodes}
	return r.node(doc.Content[0], 0)
}

type yamlReader struct{ left int }

func (r *yamlReader) node(y *yaml.Node, depth int) (*node, error) {
	r.left--
	if r.left < 0 || depth > maxDepth {
		return nil, &fault{y.Line, "too large or too deep, perhaps an alias inside its own anchor: write it out"}
	}
	if y.Kind == yaml.AliasNode {
		return r.node(y.Alias, depth+1)
	}
	n, err := r.plain(y, depth)
	if err != nil || !strings.HasPrefix(y.Tag, "!") || strings.HasPrefix(y.Tag, "!!") || y.Tag == "!" {
		return n, err
	}
	name, known := shortForms[y.Tag]
	if !known {
		return nil, n.errorf("unknown tag %s: intrinsic functions are !Ref, !Sub, !GetAtt and so on", y.Tag)
	}
	call := newMapping(y.Line)
	call.set(name, n)
	return call, nil
}

// plain reads a node without regard to an intrinsic tag.
func (r *yamlReader) plain(y *yaml.Node, depth int) (*node, error) {
	switch y.Kind {
	case yaml.ScalarNode:
		return yamlScalar(y)
	case yaml.SequenceNode:
		n := &node{kind: list, line: y.Line}
		for _, c := range y.Content {
			item, err := r.node(c, depth+1)
			if err != nil {
				return nil, err
			}
			n.items = append(n.items, item)
		}
		return n, nil
	case yaml.MappingNode:
		return r.mapping(y, depth)
	}
	return nil, &fault{y.Line, "not a value"}
}

func (r *yamlReader) mapping(y *yaml.Node, depth int) (*node, error) {
	n := newMapping(y.Line)
	for i := 0; i+1 < len(y.Content); i += 2 {
		key := y.Content[i]
		for hops := 0; key.Kind == yaml.AliasNode && hops < maxDepth; hops++ {
			key = key.Alias
		}
		if key.Kind != yaml.ScalarNode {
			return nil, &fault{key.Line, "a key must be a string"}
		}
		v, err := r.node(y.Content[i+1], depth+1)
		if err != nil {
			return nil, err
		}
		if key.Tag == "!!merge" {
			continue
		}
		if k, err := yamlScalar(key); err != nil || k.kind == boolean || k.kind == null {
			return nil, &fault{key.Line, "the key " + strconv.Quote(key.Value) + " is no string in YAML 1.1: put it in quotes"}
		}
		if n.fields[key.Value] != nil {
			return nil, &fault{key.Line, strconv.Quote(key.Value) + " stands here twice: remove one"}
		}
		n.setAt(key.Value, key.Line, v)
	}
	return n, r.merge(n, y, depth)
}

// merge adds what the mappings under << have and n has not, the first winning.
func (r *yamlReader) merge(n *node, y *yaml.Node, depth int) error {
	for i := 0; i+1 < len(y.Content); i += 2 {
		if y.Content[i].Tag != "!!merge" {
			continue
		}
		from, err := r.node(y.Content[i+1], depth+1)
		if err != nil {
			return err
		}
		sources := []*node{from}
		if from.kind == list {
			sources = from.items
		}
		for _, s := range sources {
			if s.kind != mapping {
				return s.errorf("<<: must be a mapping, not %s", s.what())
			}
			for _, k := range s.keys {
				if n.fields[k] == nil {
					n.take(s, k, s.fields[k])
				}
			}
		}
	}
	return nil
}

// yamlScalar gives a scalar its type. Only a plain one can be anything but text.
func yamlScalar(y *yaml.Node) (*node, error) {
	quoted := y.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0
	tagged := y.Style&yaml.TaggedStyle != 0
	switch {
	case tagged && strings.HasPrefix(y.Tag, "!!") && y.Tag != "!!str" && !strings.HasPrefix(y.Tag, "!!int") &&
		y.Tag != "!!float" && y.Tag != "!!bool" && y.Tag != "!!null":
		return nil, &fault{y.Line, "tag " + y.Tag + " means nothing in a template: remove it"}
	case quoted, tagged && (y.Tag == "!!str" || !strings.HasPrefix(y.Tag, "!!")):
		return newText(y.Line, y.Value), nil
	}
	k, s := plainScalar(y.Value)
	return &node{kind: k, line: y.Line, text: s}, nil
}

// shortForms are the tags of the intrinsic functions and their full names.
var shortForms = map[string]string{
	"!Ref": "Ref", "!Condition": "Condition", "!And": "Fn::And", "!Base64": "Fn::Base64", "!Cidr": "Fn::Cidr",
	"!Equals": "Fn::Equals", "!FindInMap": "Fn::FindInMap", "!GetAtt": "Fn::GetAtt", "!GetAZs": "Fn::GetAZs",
	"!If": "Fn::If", "!ImportValue": "Fn::ImportValue", "!Join": "Fn::Join", "!Length": "Fn::Length", "!Not": "Fn::Not",
	"!Or": "Fn::Or", "!Select": "Fn::Select", "!Split": "Fn::Split", "!Sub": "Fn::Sub", "!ToJsonString": "Fn::ToJsonString",
	"!Transform": "Fn::Transform",
}
