package ddb

// get is one item to be read: GetItem, or a part of a batch or transaction.
type get struct {
	table      string
	key        item
	exprs      expressions
	consistent bool

	compiled *compiled
}

// members are those a get has in a transaction as well.
func (g *get) members() []member {
	return append(g.exprs.referring(false),
		must("TableName", tableName(&g.table)),
		must("Key", attributes(&g.key)),
		may("ProjectionExpression", given(&g.exprs.projection)))
}

func (c *call) getItem() (reply, error) {
	var g get
	mode := ""
	err := decode(c.body, append(g.members(), may("ConsistentRead", flag(&g.consistent)), capacityMember(&mode))...)
	if err != nil {
		return nil, err
	}
	if g.compiled, err = g.exprs.compile(); err != nil {
		return nil, err
	}
	if err := c.admit(g.table); err != nil {
		return nil, err
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	t, err := c.store.table(g.table)
	if err != nil {
		return nil, err
	}
	key, err := g.place(t)
	if err != nil {
		return nil, err
	}
	rec := t.items.get(key)
	used := c.used.of(t)
	used.reads("", readUnits(sizeOf(rec), g.consistent))
	out := reply{}
	if rec != nil {
		out["Item"] = g.compiled.projection.item(rec.attrs)
	}
	if wanted(mode) {
		out["ConsumedCapacity"] = used.shown(mode, false)
	}
	return out, nil
}

// place checks the get against its table and returns where the item stands in it.
func (g *get) place(t *table) (string, error) {
	key, err := t.keyOf(g.key)
	if err != nil {
		return "", err
	}
	return key, t.checkKeyPaths(g.compiled.projectedPaths)
}
