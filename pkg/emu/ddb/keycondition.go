package ddb

import "slices"

// keyCondition is what a KeyConditionExpression says of one key attribute.
type keyCondition struct {
	op     string // = < <= > >= BETWEEN begins_with
	values []value
}

// mirrored is an operator seen from its other side.
var mirrored = map[string]string{"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

// keyConditions takes a parsed KeyConditionExpression apart, by attribute. The grammar allows any condition; only
// comparisons of key attributes with constants, joined by AND, mean something here.
func keyConditions(n *node) (map[string]keyCondition, error) {
	conditions := map[string]keyCondition{}
	var collect func(n *node) error
	collect = func(n *node) error {
		if n.op == "AND" {
			if err := collect(n.args[0]); err != nil {
				return err
			}
			return collect(n.args[1])
		}
		name, c, err := oneKeyCondition(n)
		if err != nil {
			return err
		}
		if _, twice := conditions[name]; twice {
			return invalid("KeyConditionExpressions must only contain one condition per key")
		}
		conditions[name] = c
		return nil
	}
	if err := collect(n); err != nil {
		return nil, err
	}
	if len(conditions) > 2 {
		return nil, invalid("Conditions can be of length 1 or 2 only")
	}
	return conditions, nil
}

func oneKeyCondition(n *node) (name string, c keyCondition, err error) {
	if slices.Contains([]string{"OR", "NOT", "IN", "<>"}, n.op) || n.function && n.op != "begins_with" {
		return "", c, invalid("Invalid operator used in KeyConditionExpression: %s", n.op)
	}
	at := slices.IndexFunc(n.args, func(a *node) bool { return a.op == "path" })
	switch {
	case slices.ContainsFunc(n.args, func(a *node) bool { return a.function }):
		return "", c, invalid("KeyConditionExpressions cannot contain nested operations")
	case at < 0:
		return "", c, invalid("Invalid condition in KeyConditionExpression: No key attribute specified")
	case at > 0 && mirrored[n.op] == "":
		return "", c, invalid("Invalid condition in KeyConditionExpression: %s operator must have the key attribute as its first operand", n.op)
	case len(n.args[at].path) > 1:
		return "", c, invalid("KeyConditionExpressions cannot have conditions on nested attributes")
	}
	c.op = n.op
	if at > 0 {
		c.op = mirrored[n.op]
	}
	for i, a := range n.args {
		switch {
		case i == at:
		case a.op == "path":
			return "", c, invalid("Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition")
		default:
			c.values = append(c.values, a.value)
		}
	}
	return n.args[at].path[0].name, c, nil
}

// bounds are the storage keys a Query reads: from lo up to but not including hi.
type bounds struct{ lo, hi string }

// boundsOf finds the part of a table or index, ordered by keys, that the conditions describe.
func boundsOf(keys []keyAttr, conditions map[string]keyCondition) (bounds, error) {
	for i, k := range keys {
		c, ok := conditions[k.name]
		if !ok && (i == 0 || len(conditions) > 1) {
			return bounds{}, invalid("Query condition missed key schema element: %s", k.name)
		}
		if err := c.check(i, k); err != nil {
			return bounds{}, err
		}
	}
	if len(conditions) > len(keys) {
		return bounds{}, invalid("Query key condition not supported")
	}
	partition := string(partitionPrefix(conditions[keys[0].name].values[0]))
	if len(keys) == 1 {
		return bounds{partition, after(partition)}, nil
	}
	return conditions[keys[1].name].within(partition), nil
}

// check tells whether a condition suits the i-th key attribute. No condition suits the second.
func (c keyCondition) check(i int, k keyAttr) error {
	for _, v := range c.values {
		if v.kind() != k.kind {
			return invalidValue("Condition parameter type does not match schema type")
		}
		if err := checkKeyValue(k.name, i, v); err != nil && (i == 0 || c.op == "=") {
			return err
		}
	}
	if i == 0 && c.op != "=" {
		return invalid("Query key condition not supported")
	}
	return nil
}

// within narrows a partition to what the condition on the sort key allows.
func (c keyCondition) within(partition string) bounds {
	key := func(i int) string { return string(appendKeyValue([]byte(partition), c.values[i])) }
	switch c.op {
	case "=":
		return bounds{key(0), after(key(0))}
	case "<":
		return bounds{partition, key(0)}
	case "<=":
		return bounds{partition, after(key(0))}
	case ">":
		return bounds{after(key(0)), after(partition)}
	case ">=":
		return bounds{key(0), after(partition)}
	case "BETWEEN":
		return bounds{key(0), after(key(1))}
	case "begins_with":
		prefix := string(appendKeyPrefix([]byte(partition), c.values[0]))
		return bounds{prefix, after(prefix)}
	}
	return bounds{partition, after(partition)}
}
