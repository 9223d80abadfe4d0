package ddb

import (
	"encoding/base64"
	"errors"
	"maps"
	"slices"
	"strings"
)

// maxNameLength is how long an attribute name may be: below 64 KB (DynamoDB developer guide, "Naming rules").
const maxNameLength = 65535

// attributes decodes a map of attribute values: an item or a key.
func attributes(dst *item) decoder {
	return func(p *problems, _ string, v any) error {
		object, err := asAttributeMap(v)
		if err != nil {
			return err
		}
		*dst = make(item, len(object))
		for _, name := range slices.Sorted(maps.Keys(object)) {
			if err := checkName(name); err != nil {
				p.also(err)
			}
			av, err := decodeValue(object[name])
			if isSerialization(err) {
				return err
			}
			if err != nil {
				p.also(err)
				continue
			}
			(*dst)[name] = av
		}
		return nil
	}
}

func asAttributeMap(v any) (map[string]any, error) {
	switch v := v.(type) {
	case map[string]any:
		return v, nil
	case []any:
		return nil, badSerialization("Unrecognized collection type java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.AttributeValue>")
	}
	return nil, badSerialization("Unexpected field type")
}

func checkName(name string) error {
	switch {
	case name == "":
		return invalidValue("Attribute name must not be empty")
	case len(name) > maxNameLength:
		return invalidValue("Attribute name is too large, must be less than 65536 bytes")
	}
	return nil
}

func isSerialization(err error) bool {
	var e *apiError
	return errors.As(err, &e) && strings.HasSuffix(e.kind, "#SerializationException")
}

// decodeValue makes a value of its DynamoDB JSON, which must name exactly one type.
func decodeValue(v any) (value, error) {
	object, err := asObject("AttributeValue", v)
	if err != nil {
		return nil, err
	}
	var found value
	var first error
	n := 0
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if object[name] == nil {
			continue
		}
		one, err := decodeAs(kind(name), object[name])
		switch {
		case isSerialization(err):
			return nil, err
		case err != nil && first == nil:
			first = err
		case err == nil && one == nil:
			continue // not a type at all
		}
		found = one
		n++
	}
	switch {
	case first != nil:
		return nil, first
	case n == 0:
		return nil, invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
	case n > 1:
		return nil, invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
	}
	return found, nil
}

// decodeAs returns nil for a type it does not know.
func decodeAs(k kind, v any) (value, error) {
	switch k {
	case kindS, kindN, kindB:
		return decodeScalar(k, v)
	case kindBOOL, kindNULL:
		return decodeBoolean(k, v)
	case kindSS, kindNS, kindBS:
		return decodeSet(k, v)
	case kindL:
		return decodeList(v)
	case kindM:
		return decodeMap(v)
	}
	return nil, nil
}

func decodeScalar(k kind, v any) (value, error) {
	s, ok := v.(string)
	switch {
	case !ok && k == kindB:
		return nil, badSerialization("only base-64-encoded strings are convertible to bytes")
	case !ok:
		return nil, wrongType(v, "String")
	case k == kindS:
		return str(s), nil
	case k == kindN:
		return parseNumber(s)
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(s)
	switch {
	case len(s)%4 != 0:
		return nil, badSerialization("Base64 encoded length is expected a multiple of 4 bytes but found: %d", len(s))
	case err != nil:
		return nil, badSerialization("Invalid last non-pad Base64 character dectected")
	}
	return bin(raw), nil
}

func decodeBoolean(k kind, v any) (value, error) {
	b, ok := v.(bool)
	switch {
	case !ok:
		return nil, wrongType(v, "Boolean")
	case k == kindBOOL:
		return boolean(b), nil
	case !b:
		return nil, detected("One or more parameter values were invalid: Null attribute value types must have the value of true")
	}
	return null{}, nil
}

func decodeSet(k kind, v any) (value, error) {
	all, ok := v.([]any)
	if !ok {
		return nil, badSerialization("Unexpected field type")
	}
	elems := make([]value, 0, len(all))
	for _, e := range all {
		one, err := decodeScalar(k[:1], e)
		if err != nil {
			return nil, err
		}
		elems = append(elems, one)
	}
	if len(elems) == 0 {
		return nil, detected("One or more parameter values were invalid: %s", emptySet(k))
	}
	s, distinct := newSet(k, elems)
	if !distinct {
		return nil, duplicates(k, elems)
	}
	return s, nil
}

// emptySet has AWS's own grammar and spacing.
func emptySet(k kind) string {
	switch k {
	case kindSS:
		return "An string set  may not be empty"
	case kindNS:
		return "An number set  may not be empty"
	}
	return "Binary sets should not be empty"
}

func duplicates(k kind, elems []value) error {
	if k == kindNS {
		return detected("Input collection contains duplicates")
	}
	shown := make([]string, len(elems))
	for i, e := range elems {
		shown[i] = scalarText(e)
	}
	joined := strings.Join(shown, ", ")
	if k == kindBS {
		return detected("One or more parameter values were invalid: Input collection [%s]of type BS contains duplicates.", joined)
	}
	return detected("One or more parameter values were invalid: Input collection [%s] contains duplicates.", joined)
}

func decodeList(v any) (value, error) {
	all, ok := v.([]any)
	if !ok {
		return nil, badSerialization("Unexpected field type")
	}
	l := make(list, len(all))
	for i, e := range all {
		one, err := decodeValue(e)
		if err != nil {
			return nil, err
		}
		l[i] = one
	}
	return l, nil
}

func decodeMap(v any) (value, error) {
	object, err := asAttributeMap(v)
	if err != nil {
		return nil, err
	}
	d := make(doc, len(object))
	for name, e := range object {
		one, err := decodeValue(e)
		if err != nil {
			return nil, err
		}
		d[name] = one
	}
	return d, nil
}
