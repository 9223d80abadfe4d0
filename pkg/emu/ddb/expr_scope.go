package ddb

import (
	"maps"
	"slices"
	"strings"
)

// expressions are the members of a request that hold expressions, and what these refer to. Which of them a request has
// depends on the operation; the others stay nil.
type expressions struct {
	update, condition, key, filter, projection *string
	names                                      map[string]string
	values                                     map[string]any
}

// compiled are the expressions of a request after checking. Absent ones are nil.
type compiled struct {
	update         *update
	condition      *node
	key            *node
	filter         *node
	filterPaths    []path
	projection     *projection
	projectedPaths []path
}

// referring are the members an expression may need beside itself.
func (e *expressions) referring(withValues bool) []member {
	m := []member{may("ExpressionAttributeNames", e.decodeNames)}
	if withValues {
		m = append(m, may("ExpressionAttributeValues", e.decodeValues))
	}
	return m
}

func (e *expressions) decodeNames(p *problems, at string, v any) error {
	object, ok := v.(map[string]any)
	if !ok {
		return badSerialization("Unexpected field type")
	}
	e.names = make(map[string]string, len(object))
	for ref, name := range object {
		var s string
		if err := text(&s)(p, at, name); err != nil {
			return err
		}
		e.names[ref] = s
	}
	return nil
}

func (e *expressions) decodeValues(_ *problems, _ string, v any) error {
	object, err := asAttributeMap(v)
	e.values = object
	return err
}

// scope resolves the references of a request's expressions and knows which were used.
type scope struct {
	names                     map[string]string
	values                    item
	unusedNames, unusedValues map[string]bool
}

func (e *expressions) scope() (*scope, error) {
	if e.names != nil && len(e.names) == 0 {
		return nil, invalid("ExpressionAttributeNames must not be empty")
	}
	s := &scope{names: e.names, values: item{}, unusedNames: map[string]bool{}, unusedValues: map[string]bool{}}
	for _, ref := range slices.Sorted(maps.Keys(e.names)) {
		if !isReference(ref, '#') {
			return nil, invalid("ExpressionAttributeNames contains invalid key: Syntax error; key: %q", ref)
		}
		if err := checkName(e.names[ref]); err != nil {
			return nil, within("ExpressionAttributeNames contains invalid value: %s for key "+ref, err)
		}
		s.unusedNames[ref] = true
	}
	return s, s.take(e.values)
}

func (s *scope) take(values map[string]any) error {
	if values != nil && len(values) == 0 {
		return invalid("ExpressionAttributeValues must not be empty")
	}
	for _, ref := range slices.Sorted(maps.Keys(values)) {
		if !isReference(ref, ':') {
			return invalid("ExpressionAttributeValues contains invalid key: Syntax error; key: %q", ref)
		}
		v, err := decodeValue(values[ref])
		if err != nil {
			return within("ExpressionAttributeValues contains invalid value: %s for key "+ref, err)
		}
		s.values[ref] = v
		s.unusedValues[ref] = true
	}
	return nil
}

func isReference(s string, sigil byte) bool {
	return len(s) > 1 && s[0] == sigil && span(s[1:], wordChars) == len(s)-1
}

// within puts a validation message into another one; the words that count errors stay in front.
func within(format string, err error) error {
	e, ok := err.(*apiError)
	if !ok || isSerialization(err) {
		return err
	}
	message, counted := strings.CutPrefix(e.message, "1 validation error detected: ")
	message = strings.ReplaceAll(format, "%s", message)
	if counted {
		return detected("%s", message)
	}
	return invalid("%s", message)
}

func (s *scope) unused() error {
	if len(s.unusedNames) > 0 {
		return unusedError("ExpressionAttributeNames", s.unusedNames)
	}
	if len(s.unusedValues) > 0 {
		return unusedError("ExpressionAttributeValues", s.unusedValues)
	}
	return nil
}

func unusedError(member string, refs map[string]bool) error {
	return invalid("Value provided in %s unused in expressions: keys: {%s}", member, strings.Join(slices.Sorted(maps.Keys(refs)), ", "))
}

// compile checks all expressions of a request, in the order AWS does.
func (e *expressions) compile() (*compiled, error) {
	if err := e.expected(); err != nil {
		return nil, err
	}
	s, err := e.scope()
	if err != nil {
		return nil, err
	}
	out := &compiled{}
	if out.update, _, err = parse(e.update, "UpdateExpression", s, (*parser).update); err != nil {
		return nil, err
	}
	if out.condition, _, err = parse(e.condition, "ConditionExpression", s, (*parser).wholeCondition); err != nil {
		return nil, err
	}
	if out.key, _, err = parse(e.key, "KeyConditionExpression", s, (*parser).wholeCondition); err != nil {
		return nil, err
	}
	if out.filter, out.filterPaths, err = parse(e.filter, "FilterExpression", s, (*parser).wholeCondition); err != nil {
		return nil, err
	}
	if out.projection, out.projectedPaths, err = parse(e.projection, "ProjectionExpression", s, (*parser).projection); err != nil {
		return nil, err
	}
	return out, s.unused()
}

// expected refuses names and values where there is no expression to use them.
func (e *expressions) expected() error {
	anyValued := e.update != nil || e.condition != nil || e.key != nil || e.filter != nil
	switch {
	case e.names != nil && !anyValued && e.projection == nil:
		return detected("ExpressionAttributeNames can only be specified when using expressions")
	case e.values != nil && !anyValued:
		return detected("ExpressionAttributeValues can only be specified when using expressions")
	}
	return nil
}
