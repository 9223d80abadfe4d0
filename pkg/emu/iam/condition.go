package iam

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Condition is one line of a statement's Condition.
type Condition struct {
	// Operator as written, like ForAllValues:StringLike.
	Operator string
	// Key in lower case, as IAM ignores its case.
	Key    string
	Values []string

	operator
	set      string // ForAllValues, ForAnyValue or nothing
	ifExists bool
}

// holds evaluates the condition (IAM user guide, "Condition operators" and "Multi-
// valued context keys").
func (c Condition) holds(context map[string][]string) bool {
	values := context[c.Key]
	if len(values) == 0 {
		return c.ifExists || c.negative || c.set == forAll
	}
	fits := func(v string) bool {
		hit := slices.ContainsFunc(c.Values, func(p string) bool { return c.test(p, v) })
		return hit != c.negative
	}
	if c.set == forAll {
		return !slices.ContainsFunc(values, func(v string) bool { return !fits(v) })
	}
	return slices.ContainsFunc(values, fits)
}

const (
	forAll = "ForAllValues"
	forAny = "ForAnyValue"
)

// operator compares one value with one pattern.
type operator struct {
	test     func(pattern, value string) bool
	negative bool
}

// operators are those that are emulated.
var operators = map[string]operator{
	"StringEquals": {func(p, v string) bool { return p == v }, false}, "StringNotEquals": {func(p, v string) bool { return p == v }, true},
	"StringLike": {Glob, false}, "StringNotLike": {Glob, true},
	"ArnEquals": {arnLike, false}, "ArnNotEquals": {arnLike, true},
	"ArnLike": {arnLike, false}, "ArnNotLike": {arnLike, true},
	"Bool": {strings.EqualFold, false},
}

// arnLike matches each of the six parts of an ARN by itself.
func arnLike(pattern, value string) bool {
	p, v := strings.SplitN(pattern, ":", 6), strings.SplitN(value, ":", 6)
	if len(p) != len(v) {
		return false
	}
	for i := range p {
		if !Glob(p[i], v[i]) {
			return false
		}
	}
	return true
}

func newCondition(name, key string, values []string) (Condition, error) {
	c := Condition{Operator: name, Key: strings.ToLower(key), Values: values}
	for _, set := range []string{forAll, forAny} {
		if rest, ok := strings.CutPrefix(name, set+":"); ok {
			name, c.set = rest, set
		}
	}
	name, c.ifExists = strings.CutSuffix(name, "IfExists")
	var known bool
	if c.operator, known = operators[name]; !known {
		return c, fmt.Errorf("condition operator %s is not emulated", c.Operator)
	}
	for _, v := range values {
		if strings.Contains(v, "${") {
			return c, fmt.Errorf("condition %s: %s: policy variables are not emulated", key, v)
		}
	}
	return c, nil
}

// conditions is the element Condition: values by key by operator.
type conditions []Condition

func (c *conditions) UnmarshalJSON(b []byte) error {
	var byOperator map[string]map[string]list[scalar]
	if err := json.Unmarshal(b, &byOperator); err != nil {
		return fmt.Errorf("element Condition: %w", err)
	}
	for operator, byKey := range byOperator {
		if len(byKey) == 0 {
			return fmt.Errorf("condition %s names no key", operator)
		}
		for key, values := range byKey {
			texts := make([]string, len(values))
			for i, v := range values {
				texts[i] = string(v)
			}
			one, err := newCondition(operator, key, texts)
			if err != nil {
				return err
			}
			*c = append(*c, one)
		}
	}
	slices.SortFunc(*c, func(a, b Condition) int {
		return cmp.Or(cmp.Compare(a.Operator, b.Operator), cmp.Compare(a.Key, b.Key))
	})
	return nil
}

// scalar is a string, or a boolean or number written without quotes.
type scalar string

func (s *scalar) UnmarshalJSON(b []byte) error {
	switch {
	case len(b) > 0 && b[0] == '"':
		return json.Unmarshal(b, (*string)(s))
	case len(b) > 0 && (b[0] == '{' || b[0] == '[' || b[0] == 'n'):
		return fmt.Errorf("%s is no value of a condition", b)
	}
	*s = scalar(b)
	return nil
}
