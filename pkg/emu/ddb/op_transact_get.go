package ddb

func (c *call) transactGetItems() (reply, error) {
	mode := ""
	var gets []*get
	err := decode(c.body,
		must("TransactItems", elements(1, maxTransaction, func() decoder {
			g := &get{consistent: true}
			gets = append(gets, g)
			return structure("TransactGetItem", must("Get", structure("Get", g.members()...)))
		})),
		capacityMember(&mode))
	if err != nil {
		return nil, err
	}
	var tables []string
	for _, g := range gets {
		if g.compiled, err = g.exprs.compile(); err != nil {
			return nil, err
		}
		tables = append(tables, g.table)
	}
	if err := c.admit(tables...); err != nil {
		return nil, conflicting(err, len(gets))
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	responses, err := c.getAll(gets)
	if err != nil {
		return nil, err
	}
	out := reply{"Responses": responses}
	if wanted(mode) {
		out["ConsumedCapacity"] = c.used.shown(mode, true)
	}
	return out, nil
}

// getAll reads all items at one moment, in their order; what is missing is an answer without an item.
func (c *call) getAll(gets []*get) ([]any, error) {
	places, err := c.placeGets(gets, twiceInTransaction, func(i int, err error) error { return cancelledBy(i, len(gets), err) })
	if err != nil {
		return nil, err
	}
	responses := make([]any, len(gets))
	bytes := 0
	for i, g := range gets {
		rec := places[i].table.items.get(places[i].key)
		c.used.of(places[i].table).reads("", 2*readUnits(sizeOf(rec), true))
		bytes += sizeOf(rec)
		one := reply{}
		if rec != nil {
			one["Item"] = g.compiled.projection.item(rec.attrs)
		}
		responses[i] = one
	}
	if bytes > maxTransactionBytes {
		return nil, invalid("Transaction payload size cannot exceed 4 MB: the aggregate size of the items in the transaction exceeded it")
	}
	return responses, nil
}
