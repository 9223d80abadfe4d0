package ddb

import "slices"

func (c *call) query() (reply, error) {
	var r read
	forward := true
	err := decode(c.body, append(r.members(),
		may("KeyConditionExpression", given(&r.exprs.key)),
		may("ScanIndexForward", flag(&forward)))...)
	if err != nil {
		return nil, err
	}
	r.backwards = !forward
	if r.exprs.key == nil {
		return nil, invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	}
	if err := r.compile("Querying"); err != nil {
		return nil, err
	}
	conditions, err := keyConditions(r.compiled.key)
	if err != nil {
		return nil, err
	}
	if err := c.admit(r.table); err != nil {
		return nil, err
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	if err := r.open(&c.store); err != nil {
		return nil, err
	}
	b, start, err := r.bound(conditions)
	if err != nil {
		return nil, err
	}
	return r.answer(c, r.read(b, start)), nil
}

// bound turns the conditions and the start key into bounds.
func (r *read) bound(conditions map[string]keyCondition) (bounds, string, error) {
	keys, _ := r.keys()
	for _, k := range keys {
		if slices.ContainsFunc(r.compiled.filterPaths, func(p path) bool { return p[0].name == k.name }) {
			return bounds{}, "", invalid("Filter Expression can only contain non-primary key attributes: Primary key attribute: %s", k.name)
		}
	}
	b, err := boundsOf(keys, conditions)
	if err != nil {
		return b, "", err
	}
	start, err := r.startKey()
	if err != nil || start == "" {
		return b, start, err
	}
	partition := keys[0].name
	switch {
	case !equal(r.start[partition], conditions[partition].values[0]):
		return b, "", invalid("The provided starting key is outside query boundaries based on provided conditions")
	case start < b.lo || b.hi != "" && start >= b.hi:
		return b, "", invalid("The provided starting key does not match the range key predicate")
	}
	return b, start, nil
}
