package ddb

import (
	"maps"
	"slices"
)

// edit is a change at a path that has been worked out: a nil value removes.
type edit struct {
	path  path
	value value
}

// apply returns the item after the update; it itself is not changed. All operands are read before anything is written.
// existed is false for an item made up of its key alone: taking away from that is no error, whatever the path.
func (u *update) apply(it item, existed bool) (item, error) {
	if u == nil {
		return it, nil
	}
	var writes, removals []edit
	for _, a := range u.actions {
		e, err := a.evaluate(it)
		switch {
		case err != nil:
			return nil, err
		case a.clause == "SET" || a.clause == "ADD":
			writes = append(writes, e)
		case existed:
			removals = append(removals, e)
		}
	}
	// New elements are appended to a list in the order of their indexes. Removals come last, from the back,
	// so that every index means what it meant before the update.
	byPath := func(a, b edit) int { return a.path.compare(b.path) }
	slices.SortFunc(writes, byPath)
	slices.SortFunc(removals, byPath)
	slices.Reverse(removals)
	var out value = it
	for _, e := range slices.Concat(writes, removals) {
		var err error
		if out, err = e.in(out, e.path); err != nil {
			return nil, err
		}
	}
	return out.(doc), nil
}

func (a action) evaluate(it item) (edit, error) {
	old := a.path.find(it)
	switch a.clause {
	case "REMOVE":
		return edit{a.path, nil}, nil
	case "SET":
		v, err := a.value.assigned(it)
		return edit{a.path, v}, err
	case "ADD":
		v, err := added(old, a.value.value)
		return edit{a.path, v}, err
	}
	v, err := deleted(old, a.value.value)
	return edit{a.path, v}, err
}

func added(old, v value) (value, error) {
	if old == nil {
		return v, nil
	}
	if n, ok := v.(number); ok {
		if m, ok := old.(number); ok {
			return m.plus(n)
		}
		return nil, errOperand()
	}
	to, ok := old.(set)
	if s := v.(set); ok && s.of == to.of {
		return to.plus(s), nil
	}
	return nil, errOperand()
}

func deleted(old, v value) (value, error) {
	if old == nil {
		return nil, nil
	}
	from, ok := old.(set)
	s := v.(set)
	if !ok || s.of != from.of {
		return nil, errOperand()
	}
	if rest := from.minus(s); len(rest.elems) > 0 {
		return rest, nil
	}
	return nil, nil
}

func errOperand() error {
	return invalid("An operand in the update expression has an incorrect data type")
}

// assigned is the value of the right side of SET.
func (n *node) assigned(it item) (value, error) {
	switch n.op {
	case "value":
		return n.value, nil
	case "path":
		if v := n.path.find(it); v != nil {
			return v, nil
		}
		return nil, invalid("The provided expression refers to an attribute that does not exist in the item")
	case "if_not_exists":
		if v := n.args[0].path.find(it); v != nil {
			return v, nil
		}
		return n.args[1].assigned(it)
	}
	left, err := n.args[0].assigned(it)
	if err != nil {
		return nil, err
	}
	right, err := n.args[1].assigned(it)
	if err != nil {
		return nil, err
	}
	if n.op == "list_append" {
		return appended(left, right)
	}
	return combined(n.op, left, right)
}

func appended(left, right value) (value, error) {
	l, ok := left.(list)
	r, also := right.(list)
	if !ok || !also {
		return nil, errOperand()
	}
	return slices.Concat(l, r), nil
}

func combined(op string, left, right value) (value, error) {
	l, ok := left.(number)
	r, also := right.(number)
	if !ok || !also {
		return nil, errOperand()
	}
	if op == "-" {
		r = r.negated()
	}
	return l.plus(r)
}

// in makes the change at p within v. Only what lies on the path is copied.
func (e edit) in(v value, p path) (value, error) {
	if len(p) == 0 {
		return e.value, nil
	}
	last := len(p) == 1
	switch v := v.(type) {
	case doc:
		return e.inMap(v, p, last)
	case list:
		return e.inList(v, p, last)
	}
	return nil, errPath()
}

func (e edit) inMap(v doc, p path, last bool) (value, error) {
	name := p[0].name
	if p[0].index >= 0 || !last && v[name] == nil {
		return nil, errPath()
	}
	member, err := e.in(v[name], p[1:])
	if err != nil {
		return nil, err
	}
	out := maps.Clone(v)
	if member == nil {
		delete(out, name)
	} else {
		out[name] = member
	}
	return out, nil
}

func (e edit) inList(v list, p path, last bool) (value, error) {
	i := p[0].index
	switch {
	case i < 0 || !last && i >= len(v):
		return nil, errPath()
	case i >= len(v) && e.value == nil:
		return v, nil
	case i >= len(v):
		return slices.Concat(v, list{e.value}), nil
	}
	element, err := e.in(v[i], p[1:])
	if err != nil {
		return nil, err
	}
	out := slices.Clone(v)
	if element == nil {
		return slices.Delete(out, i, i+1), nil
	}
	out[i] = element
	return out, nil
}

func errPath() error {
	return invalid("The document path provided in the update expression is invalid for update")
}
