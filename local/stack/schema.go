package stack

import (
	"fmt"
	"slices"
	"strings"
)

// schema is what CreateTable and DescribeTable have in common, as far as programs
// depend on it.
type schema struct {
	KeySchema              []keyElement
	AttributeDefinitions   []struct{ AttributeName, AttributeType string }
	GlobalSecondaryIndexes []indexSchema
	LocalSecondaryIndexes  []indexSchema
}

type keyElement struct{ AttributeName, KeyType string }

type indexSchema struct {
	IndexName  string
	KeySchema  []keyElement
	Projection struct {
		ProjectionType   string
		NonKeyAttributes []string
	}
}

// otherSchema tells in which way a table that is there is not the template's.
type otherSchema struct{ has string }

func (e *otherSchema) Error() string { return "is not as the template says: it has " + e.has }

// differs tells what a stored table has otherwise; empty if it has all that is
// wanted. Further indexes do no harm.
func (stored schema) differs(wanted schema) string {
	if has, want := stored.keys(stored.KeySchema), wanted.keys(wanted.KeySchema); has != want {
		return fmt.Sprintf("the keys %s, not %s", has, want)
	}
	has := append(slices.Clone(stored.GlobalSecondaryIndexes), stored.LocalSecondaryIndexes...)
	for _, want := range append(slices.Clone(wanted.GlobalSecondaryIndexes), wanted.LocalSecondaryIndexes...) {
		i := slices.IndexFunc(has, func(x indexSchema) bool { return x.IndexName == want.IndexName })
		if i < 0 {
			return "no index " + want.IndexName
		}
		if is, want := stored.index(has[i]), wanted.index(want); is != want {
			return fmt.Sprintf("the index %s with %s, not %s", has[i].IndexName, is, want)
		}
	}
	return ""
}

// keys are a key schema in words: pk S, sk N.
func (s schema) keys(all []keyElement) string {
	var words []string
	for _, k := range all {
		kind := "?"
		for _, a := range s.AttributeDefinitions {
			if a.AttributeName == k.AttributeName {
				kind = a.AttributeType
			}
		}
		words = append(words, k.AttributeName+" "+kind)
	}
	return strings.Join(words, ", ")
}

func (s schema) index(x indexSchema) string {
	projected := slices.Sorted(slices.Values(x.Projection.NonKeyAttributes))
	return strings.TrimSpace(fmt.Sprint("keys ", s.keys(x.KeySchema), " and ", x.Projection.ProjectionType, " ", strings.Join(projected, ", ")))
}
