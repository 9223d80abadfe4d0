package ddb

import "slices"

// update is a checked UpdateExpression.
type update struct {
	actions []action
}

// action is one assignment of a clause: SET path = value, REMOVE path, ADD path value, DELETE path value.
type action struct {
	clause string
	path   path
	value  *node
}

func (p *parser) update() *update {
	u := &update{}
	seen := map[string]bool{}
	for p.token().kind != tokenEnd {
		clause := p.clause()
		if seen[clause] {
			p.flawed(flawSection, `The "%s" section can only be used once in an update expression;`, clause)
		}
		seen[clause] = true
		for {
			a := p.action(clause)
			p.distinctPath(u.paths(), a.path)
			u.actions = append(u.actions, a)
			if !p.symbol(",") {
				break
			}
		}
	}
	if len(u.actions) == 0 {
		p.fail()
	}
	return u
}

func (p *parser) clause() string {
	for _, c := range []string{"SET", "REMOVE", "ADD", "DELETE"} {
		if p.isKeyword(c) {
			p.next()
			return c
		}
	}
	p.fail()
	return ""
}

func (p *parser) action(clause string) action {
	if p.isKeyword("SET", "REMOVE", "ADD", "DELETE") {
		p.fail()
	}
	a := action{clause: clause, path: p.documentPath()}
	switch clause {
	case "SET":
		p.want("=")
		a.value = p.assigned()
	case "ADD", "DELETE":
		if p.token().kind != tokenValueRef {
			p.fail()
			return a
		}
		a.value = p.valueRef()
		p.checkSetOperand(clause, a.value)
	}
	return a
}

// assigned reads the right side of SET: an operand, or a sum or difference of two. Parentheses are allowed around any of them.
func (p *parser) assigned() *node {
	left := p.assignedOperand()
	for _, op := range []string{"+", "-"} {
		if p.symbol(op) {
			n := &node{op: op, args: []*node{left, p.assignedOperand()}}
			for _, a := range n.args {
				if k := a.kind(); k != "" && k != kindN {
					p.wrongOperand(op, k)
				}
			}
			return n
		}
	}
	return left
}

func (p *parser) assignedOperand() *node {
	if p.symbol("(") {
		n := p.assigned()
		p.want(")")
		return n
	}
	n := p.operand()
	if n.function {
		p.checkUpdateCall(n)
	}
	return n
}

func (p *parser) checkUpdateCall(n *node) {
	_, condition := functionOperands[n.op]
	switch {
	case condition:
		p.flawed(flawMisuse, "The function is not allowed in an update expression; function: %s", n.op)
		return
	case n.op != "if_not_exists" && n.op != "list_append":
		p.flawed(flawFunction, "Invalid function name; function: %s", n.op)
		return
	case len(n.args) != 2:
		p.wrongCount(n)
		return
	}
	for _, a := range n.args {
		if a.function {
			p.checkUpdateCall(a)
		}
	}
	if n.op == "if_not_exists" {
		if n.args[0].op != "path" {
			p.flawed(flawType, "Operator or function requires a document path; operator or function: if_not_exists")
		}
		return
	}
	for _, a := range n.args {
		// list_append(list_append(…), …) is refused by AWS, reason unknown (scylladb/alternator test_update_expression).
		if a.op == "list_append" {
			p.misused(a)
		}
		if k := a.kind(); k != "" && k != kindL {
			p.wrongOperand(n.op, k)
		}
	}
}

// checkSetOperand: only sets can be added to and deleted from, and numbers be added.
func (p *parser) checkSetOperand(clause string, n *node) {
	names := map[kind]string{kindS: "STRING", kindN: "NUMBER", kindB: "BINARY", kindBOOL: "BOOLEAN", kindNULL: "NULL", kindL: "LIST", kindM: "MAP"}
	if name := names[n.kind()]; name != "" && (clause != "ADD" || n.kind() != kindN) {
		p.flawed(flawType, "Incorrect operand type for operator or function; operator: %s, operand type: %s", clause, name)
	}
}

// paths are the paths the update writes.
func (u *update) paths() []path {
	paths := make([]path, len(u.actions))
	for i, a := range u.actions {
		paths[i] = a.path
	}
	return paths
}

// creates tells whether the update makes an item where none was. One that only takes away does not
// (scylladb/alternator test_item, run against AWS).
func (u *update) creates() bool {
	return u == nil || slices.ContainsFunc(u.actions, func(a action) bool { return a.clause == "SET" || a.clause == "ADD" })
}

// check refuses what cannot be right on this table whatever the item.
func (u *update) check(t *table) error {
	if u == nil {
		return nil
	}
	for _, a := range u.actions {
		for _, k := range t.keys {
			if a.path[0].name == k.name {
				return invalidValue("Cannot update attribute %s. This attribute is part of the key", k.name)
			}
		}
	}
	for _, a := range u.actions {
		for _, x := range t.indexes {
			if err := a.checkIndex(x); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a action) checkIndex(x *index) error {
	for _, k := range x.keys {
		switch {
		case a.path[0].name != k.name:
		case len(a.path) > 1:
			return keyPath("IndexKey", k.name)
		case a.value != nil && a.clause != "DELETE" && a.value.kind() != "" && a.value.kind() != k.kind:
			return invalidValue("Type mismatch for Index Key %s Expected: %s Actual: %s IndexName: %s", k.name, k.kind, a.value.kind(), x.name)
		}
	}
	return nil
}

// checkKeyPaths refuses paths into key attributes, which are scalars.
func (t *table) checkKeyPaths(paths []path) error {
	for _, p := range paths {
		if len(p) == 1 {
			continue
		}
		for _, k := range t.keys {
			if p[0].name == k.name {
				return keyPath("Key", k.name)
			}
		}
		for _, x := range t.indexes {
			for _, k := range x.keys {
				if p[0].name == k.name {
					return keyPath("IndexKey", k.name)
				}
			}
		}
	}
	return nil
}

func keyPath(what, name string) error {
	return invalid("Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: %s: %s", what, name)
}
