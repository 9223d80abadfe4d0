package ddb

func (c *call) putItem() (reply, error) {
	return c.writeItem(&write{action: "Put"}, "ReturnValues can only be ALL_OLD or NONE")
}

func (c *call) deleteItem() (reply, error) {
	return c.writeItem(&write{action: "Delete"}, "ReturnValues can only be ALL_OLD or NONE")
}

func (c *call) updateItem() (reply, error) {
	return c.writeItem(&write{action: "Update"}, "")
}

// writeItem is PutItem, UpdateItem and DeleteItem. onlyOld is the message for the return values that only an update has.
func (c *call) writeItem(w *write, onlyOld string) (reply, error) {
	mode := ""
	members := append(w.members(),
		capacityMember(&mode),
		collectionMetrics(),
		may("ReturnValues", text(&w.returns, oneOf("ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"))))
	if err := decode(c.body, members...); err != nil {
		return nil, err
	}
	if onlyOld != "" && w.returns != "" && w.returns != "ALL_OLD" && w.returns != "NONE" {
		return nil, detected("%s", onlyOld)
	}
	if err := w.compile(); err != nil {
		return nil, err
	}
	if err := c.admit(w.table); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	o, err := c.perform(w)
	if err != nil {
		return nil, err
	}
	out := reply{}
	if attributes := w.returned(o); len(attributes) > 0 {
		out["Attributes"] = attributes
	}
	if wanted(mode) {
		out["ConsumedCapacity"] = c.used.of(o.table).shown(mode, false)
	}
	return out, nil
}

// perform does a write, alone. A failed condition costs as much as the item that was looked at (DynamoDB developer guide, "Condition expressions").
func (c *call) perform(w *write) (outcome, error) {
	t, err := c.store.table(w.table)
	if err != nil {
		return outcome{}, err
	}
	key, err := w.place(t)
	if err != nil {
		return outcome{}, err
	}
	o, err := w.decide(t, key)
	if err == nil || isConditionFailed(err) {
		c.used.of(t).writes("", o.units())
	}
	if err == nil {
		err = c.commit(receipt{}, o.change)
	}
	return o, err
}

// commit makes the changes and notes what they cost in indexes.
func (c *call) commit(r receipt, changes ...change) error {
	costs, err := c.store.commit(r, changes...)
	for i, cost := range costs {
		for index, units := range cost {
			c.used.of(changes[i].table).writes(index, units)
		}
	}
	return err
}

// returned is what ReturnValues asks for, empty if it asks for nothing.
func (w *write) returned(o outcome) item {
	image := o.rec
	if w.returns == "ALL_OLD" || w.returns == "UPDATED_OLD" {
		image = o.old
	}
	switch {
	case image == nil || w.returns == "" || w.returns == "NONE":
		return nil
	case w.returns == "ALL_OLD" || w.returns == "ALL_NEW":
		return image.attrs
	case w.compiled.update == nil:
		return nil
	}
	return newProjection(w.compiled.update.paths()).item(image.attrs)
}
