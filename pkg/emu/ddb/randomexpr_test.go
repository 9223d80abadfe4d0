package ddb_test

import (
	"fmt"
	"slices"
	"strings"
)

// expressive is a request that has expressions, and makes them.
type expressive struct {
	generator
	body m
}

func (g generator) expressive(body m) *expressive { return &expressive{g, body} }

// name is how an expression writes a name.
func (e *expressive) name(name string) string {
	if !e.one(4) {
		return name
	}
	ref := "#" + name
	if e.slip(6) {
		return ref + "x" // which is not defined
	}
	e.refer("ExpressionAttributeNames", ref, name)
	return ref
}

// ref puts a value among the request's.
func (e *expressive) ref(v any) string {
	values, _ := e.body["ExpressionAttributeValues"].(m)
	ref := fmt.Sprintf(":v%d", len(values))
	if e.slip(12) {
		return ref + "x"
	}
	e.refer("ExpressionAttributeValues", ref, v)
	return ref
}

func (e *expressive) refer(member, ref string, v any) {
	all, _ := e.body[member].(m)
	if all == nil {
		all = m{}
		e.body[member] = all
	}
	all[ref] = v
}

// finish adds what is one too many, now and then.
func (e *expressive) finish() m {
	if e.slip(6) {
		e.refer("ExpressionAttributeNames", "#unused", "a")
	}
	if e.slip(6) {
		e.refer("ExpressionAttributeValues", ":unused", m{"S": "x"})
	}
	return e.body
}

func (e *expressive) path() string {
	first := pick(e.generator, "a", "b", "c", "d")
	switch {
	case e.slip(20):
		first = pick(e.generator, "pk", "sk", "name", "data", "id")
	case e.one(8): // keys of indexes are scalars
		return e.name(pick(e.generator, "n", "g", "l"))
	}
	return e.below(first)
}

// below is a path that begins with a name.
func (e *expressive) below(first string) string {
	path := e.name(first)
	if most := map[string]string{"a": ".x", "b": "[1]"}[first]; most != "" && e.one(2) {
		return path + most
	}
	for e.one(4) {
		if e.one(2) {
			path += "." + e.name(pick(e.generator, "x", "y", "z"))
		} else {
			path += fmt.Sprintf("[%d]", e.IntN(3))
		}
	}
	return path
}

// operand is what is compared.
func (e *expressive) operand() string {
	switch e.IntN(8) {
	case 0:
		return "size(" + e.path() + ")"
	case 1, 2, 3:
		return e.path()
	}
	return e.ref(pick[any](e.generator, m{"S": "x"}, m{"N": "1"}, m{"N": "2.5"}, m{"S": ""}, m{"B": "eA=="}, m{"S": "日本"}))
}

// condition is one with everything that a condition may have.
func (e *expressive) condition(depth int) string {
	if depth > 0 {
		switch e.IntN(8) {
		case 0:
			return e.condition(depth-1) + " AND " + e.condition(depth-1)
		case 1:
			return e.condition(depth-1) + pick(e.generator, " OR ", " or ") + e.condition(depth-1)
		case 2:
			return "NOT " + e.condition(depth-1)
		case 3:
			if inner := e.condition(depth - 1); inner[0] != '(' { // two pairs around one thing are a mistake
				return "(" + inner + ")"
			}
		}
	}
	switch e.IntN(12) {
	case 0:
		return "attribute_exists(" + e.path() + ")"
	case 1:
		return "attribute_not_exists(" + e.path() + ")"
	case 2:
		return "attribute_type(" + e.path() + ", " + e.ref(m{"S": pick(e.generator, "S", "N", "L", "M", "SS", "NULL", "BOOL", "BS")}) + ")"
	case 3:
		return "begins_with(" + e.path() + ", " + e.ref(pick(e.generator, m{"S": "x"}, m{"S": ""}, m{"B": "eA=="})) + ")"
	case 4:
		return "contains(" + e.path() + ", " + e.ref(e.value(0)) + ")"
	case 5:
		return e.path() + " BETWEEN " + e.ref(m{"N": pick(e.generator, "-3", "0")}) + " AND " + e.ref(m{"N": pick(e.generator, "1", "3")})
	case 6:
		in := e.ref(e.value(1))
		for e.one(2) {
			in += ", " + pick(e.generator, e.path, e.operand)()
		}
		return e.path() + " IN (" + in + ")"
	case 7:
		return e.operand() + pick(e.generator, " < ", " <= ", " > ", " >= ") + e.operand()
	case 8:
		return "size(" + e.path() + ") " + pick(e.generator, "=", "<", ">=", "<>") + " " + e.ref(m{"N": pick(e.generator, "0", "1", "2")})
	}
	return e.path() + pick(e.generator, " = ", " <> ", "=") + pick(e.generator, e.operand, func() string { return e.ref(e.value(2)) })()
}

// broken breaks an expression, now and then.
func (e *expressive) broken(expression string) string {
	if !e.slip(8) {
		return expression
	}
	tokens := expressionToken.FindAllString(expression, -1)
	at := e.IntN(len(tokens))
	switch e.IntN(3) {
	case 0:
		tokens[at] = ""
	case 1:
		tokens[at] += tokens[at]
	default:
		tokens[at] = pick(e.generator, "(", ")", ",", "AND ", "= ", "SET ", "a ", ":v0 ", "!", "name ")
	}
	return strings.Join(tokens, "")
}

func (e *expressive) when(oneIn int) {
	if e.one(oneIn) {
		e.body["ConditionExpression"] = e.broken(e.condition(2))
		if e.one(2) {
			e.body["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
		}
	}
}

// assigned is the right side of SET.
func (e *expressive) assigned() string {
	switch e.IntN(10) {
	case 0:
		return e.path()
	case 1:
		return "if_not_exists(" + e.path() + ", " + e.ref(e.value(2)) + ")"
	case 2:
		return "if_not_exists(" + e.path() + ", if_not_exists(" + e.path() + ", " + e.ref(e.value(1)) + "))"
	case 3, 4:
		list := func() string {
			switch e.IntN(4) {
			case 0:
				return e.path()
			case 1:
				return "if_not_exists(" + e.path() + ", " + e.ref(m{"L": []any{}}) + ")"
			}
			return e.ref(m{"L": []any{e.value(0)}})
		}
		return "list_append(" + list() + ", " + list() + ")"
	case 5:
		return e.operandOfSum() + pick(e.generator, " + ", " - ") + e.operandOfSum()
	}
	return e.ref(e.value(2))
}

func (e *expressive) operandOfSum() string {
	switch e.IntN(3) {
	case 0:
		return e.path()
	case 1:
		return "if_not_exists(" + e.path() + ", " + e.ref(m{"N": "5"}) + ")"
	}
	return e.ref(m{"N": pick(e.generator, "1", "0.1", "-3")})
}

// update is an update of an item of a table. One that only takes away is made to need an item, see excuses.
func (e *expressive) update(table string) string {
	free := []string{"a", "b", "c", "d", "g", "n", "l"}
	e.Shuffle(len(free), func(i, j int) { free[i], free[j] = free[j], free[i] })
	var clauses []string
	// several are actions on paths that do not overlap, the first often on an attribute that mostly suits the clause.
	several := func(clause, often string, action func(path, name string) string) {
		if at := slices.Index(free, often); at > 0 && e.one(2) {
			free[0], free[at] = free[at], free[0]
		}
		text := clause
		for i := 0; (i == 0 || e.one(3)) && len(free) > 0; i++ {
			name := free[0]
			free = free[1:]
			path := name
			switch {
			case e.slip(6):
				path = e.path()
			case strings.Contains("abcd", name):
				path = e.below(name)
			}
			text += map[bool]string{true: " ", false: ", "}[i == 0] + action(path, name)
		}
		clauses = append(clauses, text)
	}
	for _, clause := range e.Perm(4)[:1+e.IntN(2)] {
		switch clause {
		case 0:
			several(pick(e.generator, "SET", "SET", "set"), "b", func(path, name string) string { return path + " = " + e.valueFor(name, e.assigned) })
		case 1:
			several("REMOVE", "a", func(path, _ string) string { return path })
		case 2:
			several("ADD", "d", func(path, name string) string {
				if name == "g" || name == "l" {
					return "d " + e.ref(m{"N": "1"})
				}
				return path + " " + e.valueFor(name, func() string {
					if name == "d" {
						return e.ref(m{"N": "1"})
					}
					return e.ref(pick[any](e.generator, m{"N": "1"}, m{"N": "-2.5"}, m{"SS": []any{"c"}}, m{"SS": []any{"c"}}, m{"NS": []any{"1", "7"}}, m{"BS": []any{"eA=="}}))
				})
			})
		default:
			several("DELETE", "c", func(path, name string) string {
				return path + " " + e.ref(pick[any](e.generator, m{"SS": []any{"a", "c"}}, m{"NS": []any{"1"}}, m{"BS": []any{"eA=="}}, m{"SS": []any{"a", "b"}}))
			})
		}
	}
	text := strings.Join(clauses, " ")
	if !strings.Contains(strings.ToUpper(text), "SET ") && !strings.Contains(text, "ADD ") {
		exists := "attribute_exists(" + map[bool]string{true: "id", false: "pk"}[table == "table-b"] + ")"
		if condition, has := e.body["ConditionExpression"].(string); has {
			exists += " AND (" + condition + ")"
		}
		e.body["ConditionExpression"] = exists
	}
	return text
}

// valueFor is a value for an attribute: those that are keys of an index have their types.
func (e *expressive) valueFor(name string, otherwise func() string) string {
	switch name {
	case "g":
		return e.ref(m{"S": pick(e.generator, "G", "H")})
	case "l":
		return e.ref(m{"S": pick(e.generator, "u", "v")})
	case "n":
		return e.ref(m{"N": pick(e.generator, "1", "2")})
	}
	return otherwise()
}

func (e *expressive) projection() string {
	text := e.path()
	for e.one(2) {
		text += ", " + e.path()
	}
	return e.broken(text)
}
