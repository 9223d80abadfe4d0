package ddb

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// problems gathers what is wrong with a request while it is taken apart. AWS reports violated constraints first,
// up to ten together, and of everything else the first.
type problems struct {
	constraints []string
	other       error
}

// violated notes a constraint; v is how the value is shown, quoted unless it is null.
func (p *problems) violated(at, v, rule string) {
	if len(p.constraints) < 10 {
		p.constraints = append(p.constraints, fmt.Sprintf("Value %s at '%s' failed to satisfy constraint: %s", v, at, rule))
	}
}

func (p *problems) also(err error) {
	if p.other == nil {
		p.other = err
	}
}

func (p *problems) err() error {
	switch n := len(p.constraints); n {
	case 0:
		return p.other
	case 1:
		return detected("%s", p.constraints[0])
	default:
		return invalid("%d validation errors detected: %s", n, strings.Join(p.constraints, "; "))
	}
}

// decoder stores a JSON value somewhere. What it returns is a SerializationException, or the refusal of a member:
// nothing further is looked at then.
type decoder func(p *problems, at string, v any) error

// member is a member of a request or of a structure in one.
type member struct {
	name     string
	into     decoder
	required bool
}

func must(name string, into decoder) member { return member{name, into, true} }
func may(name string, into decoder) member  { return member{name, into, false} }

// decode takes the whole body of a request apart.
func decode(body any, members ...member) error {
	p := &problems{}
	if err := structure("Input", members...)(p, "", body); err != nil {
		return err
	}
	return p.err()
}

// structure decodes an object of known members. Any other member is refused by its name, as are the legacy ones:
// what would be ignored here might have mattered on AWS.
func structure(shape string, members ...member) decoder {
	return func(p *problems, at string, v any) error {
		object, err := asObject(shape, v)
		if err != nil {
			return err
		}
		for _, name := range slices.Sorted(maps.Keys(object)) {
			if object[name] != nil && !slices.ContainsFunc(members, func(m member) bool { return m.name == name }) {
				return refuseMember(object, strings.TrimPrefix(at+".", ".")+name, name)
			}
		}
		for _, m := range members {
			if err := m.decode(p, at, object[m.name]); err != nil {
				return err
			}
		}
		return nil
	}
}

// legacy are the members that expressions replaced, with their successors.
var legacy = map[string]string{
	"AttributesToGet": "ProjectionExpression", "AttributeUpdates": "UpdateExpression", "Expected": "ConditionExpression", "ConditionalOperator": "ConditionExpression",
	"KeyConditions": "KeyConditionExpression", "QueryFilter": "FilterExpression", "ScanFilter": "FilterExpression",
}

// refuseMember refuses a member that is not known, at a place. AWS takes legacy members, but not together with expressions.
func refuseMember(object map[string]any, at, name string) error {
	successor := legacy[name]
	if successor == "" {
		return notEmulated("The member " + at)
	}
	var old, expressions []string
	for _, member := range slices.Sorted(maps.Keys(object)) {
		switch {
		case legacy[member] != "":
			old = append(old, member)
		case strings.HasSuffix(member, "Expression"):
			expressions = append(expressions, member)
		}
	}
	if len(expressions) > 0 {
		return invalid("Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {%s} Expression parameters: {%s}",
			strings.Join(old, ", "), strings.Join(expressions, ", "))
	}
	return invalid("The legacy member %s is not emulated by kaiwa's DynamoDB: use %s", at, successor)
}

func (m member) decode(p *problems, at string, v any) error {
	at = strings.TrimPrefix(at+"."+strings.ToLower(m.name[:1])+m.name[1:], ".")
	if v != nil {
		return m.into(p, at, v)
	}
	if m.required {
		p.violated(at, "null", "Member must not be null")
	}
	return nil
}

func asObject(shape string, v any) (map[string]any, error) {
	switch v := v.(type) {
	case map[string]any:
		return v, nil
	case []any:
		return nil, badSerialization("Unrecognized collection type class com.amazonaws.dynamodb.v20120810.%s", shape)
	}
	return nil, badSerialization("Unexpected value type in payload")
}

// wrongType is how AWS complains of a scalar of the wrong type.
func wrongType(v any, wanted string) error {
	switch v := v.(type) {
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			return badSerialization("DECIMAL_VALUE cannot be converted to %s", wanted)
		}
		return badSerialization("NUMBER_VALUE cannot be converted to %s", wanted)
	case string:
		return badSerialization("STRING_VALUE cannot be converted to %s", wanted)
	case bool:
		return badSerialization("%s_VALUE cannot be converted to %s", strings.ToUpper(fmt.Sprint(v)), wanted)
	case []any:
		return badSerialization("Unrecognized collection type class java.lang.%s", wanted)
	}
	return badSerialization("Start of structure or map found where not expected")
}

// rule tells which constraint a string breaks; empty if none.
type rule func(s string) string

func text(dst *string, rules ...rule) decoder {
	return func(p *problems, at string, v any) error {
		s, ok := v.(string)
		if !ok {
			return wrongType(v, "String")
		}
		*dst = s
		for _, broken := range rules {
			if why := broken(s); why != "" {
				p.violated(at, "'"+s+"'", why)
			}
		}
		return nil
	}
}

// given is text of which it matters whether it was there at all.
func given(dst **string) decoder {
	return func(p *problems, at string, v any) error {
		*dst = new(string)
		return text(*dst)(p, at, v)
	}
}

func lengthOf(least, most int) rule {
	return func(s string) string { return outside(utf8.RuneCountInString(s), least, most) }
}

// outside is the constraint a length breaks, empty if none.
func outside(length, least, most int) string {
	switch {
	case length < least:
		return fmt.Sprintf("Member must have length greater than or equal to %d", least)
	case length > most:
		return fmt.Sprintf("Member must have length less than or equal to %d", most)
	}
	return ""
}

func oneOf(values ...string) rule {
	return func(s string) string {
		if slices.Contains(values, s) {
			return ""
		}
		return "Member must satisfy enum value set: [" + strings.Join(values, ", ") + "]"
	}
}

// nameChars is the alphabet of table and index names.
func nameChars(s string) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"
	if strings.Trim(s, letters) == "" {
		return ""
	}
	return "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
}

// tableName takes a name, or an ARN in its place (as the API does since 2024); the account and region in it are not looked at.
func tableName(dst *string) decoder {
	return func(p *problems, at string, v any) error {
		if arn, ok := v.(string); ok && strings.HasPrefix(arn, "arn:aws:dynamodb:") {
			if _, name, found := strings.Cut(arn, ":table/"); found {
				v = name
			}
		}
		return text(dst, nameChars, lengthOf(1, 255))(p, at, v)
	}
}

// newName is the name of a table or index that is to be.
func newName(dst *string) decoder { return text(dst, nameChars, lengthOf(3, 255)) }

func flag(dst *bool) decoder {
	return func(_ *problems, _ string, v any) error {
		b, ok := v.(bool)
		if !ok {
			return wrongType(v, "Boolean")
		}
		*dst = b
		return nil
	}
}

// integer decodes a number from least to most.
func integer(dst *int, least, most int) decoder {
	return func(p *problems, at string, v any) error {
		n, ok := v.(json.Number)
		if !ok {
			return wrongType(v, "Integer")
		}
		f, err := n.Float64()
		if err != nil {
			return wrongType(v, "Integer")
		}
		*dst = int(f)
		switch {
		case f < float64(least):
			p.violated(at, "'"+n.String()+"'", fmt.Sprintf("Member must have value greater than or equal to %d", least))
		case f > float64(most):
			p.violated(at, "'"+n.String()+"'", fmt.Sprintf("Member must have value less than or equal to %d", most))
		}
		return nil
	}
}

// elements decodes a list of least to most values; one makes the decoder of the next.
func elements(least, most int, one func() decoder) decoder {
	return func(p *problems, at string, v any) error {
		all, ok := v.([]any)
		if !ok {
			return badSerialization("Unexpected field type")
		}
		if why := outside(len(all), least, most); why != "" {
			p.violated(at, "'"+brief(v)+"'", why)
		}
		for i, e := range all {
			if err := one()(p, fmt.Sprintf("%s.%d.member", at, i+1), e); err != nil {
				return err
			}
		}
		return nil
	}
}

// entries decodes a map of at least one table; one makes the decoder for a table's name.
func entries(one func(name string) decoder) decoder {
	return func(p *problems, at string, v any) error {
		object, ok := v.(map[string]any)
		if !ok {
			return badSerialization("Unexpected field type")
		}
		if len(object) == 0 {
			p.violated(at, "'{}'", "Member must have length greater than or equal to 1")
		}
		names := slices.Sorted(maps.Keys(object))
		if slices.ContainsFunc(names, func(name string) bool { return nameChars(name) != "" || outside(len(name), 1, 255) != "" }) {
			p.violated(at, "'"+brief(v)+"'", "Map keys must satisfy constraint: [Member must have length less than or equal to 255, "+
				"Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+]") // dynalite
			return nil
		}
		for _, name := range names {
			if err := one(name)(p, at+"."+name+".member", object[name]); err != nil {
				return err
			}
		}
		return nil
	}
}

// brief shows a list or map in a message, unless it is long.
func brief(v any) string {
	shown, err := json.Marshal(v)
	if err != nil || len(shown) > 200 {
		return "..."
	}
	return string(shown)
}

func texts(dst *[]string, least, most int, rules ...rule) decoder {
	return elements(least, most, func() decoder {
		return func(p *problems, at string, v any) error {
			var s string
			err := text(&s, rules...)(p, at, v)
			*dst = append(*dst, s)
			return err
		}
	})
}
