package ddb

// write is one thing to be done to one item: PutItem, UpdateItem, DeleteItem, or an action of a batch or transaction.
type write struct {
	action  string // Put, Update, Delete or ConditionCheck
	table   string
	item    item // of Put
	key     item // of the others
	exprs   expressions
	onFail  string // ReturnValuesOnConditionCheckFailure
	returns string // ReturnValues

	compiled *compiled
}

// members are the members of a write of this kind, those of single operations and of transactions alike.
func (w *write) members() []member {
	m := []member{
		must("TableName", tableName(&w.table)),
		may("ReturnValuesOnConditionCheckFailure", text(&w.onFail, oneOf("ALL_OLD", "NONE"))),
	}
	m = append(m, w.exprs.referring(true)...)
	switch w.action {
	case "Put":
		m = append(m, must("Item", attributes(&w.item)))
	default:
		m = append(m, must("Key", attributes(&w.key)))
	}
	if w.action == "Update" {
		m = append(m, may("UpdateExpression", given(&w.exprs.update)))
	}
	return append(m, may("ConditionExpression", given(&w.exprs.condition)))
}

// compile checks what can be checked without a table.
func (w *write) compile() error {
	if err := checkNesting(w.item); err != nil {
		return err
	}
	if itemSize(w.item) > maxItemSize {
		return invalid("Item size has exceeded the maximum allowed size")
	}
	var err error
	w.compiled, err = w.exprs.compile()
	return err
}

func checkNesting(it item) error {
	if it != nil && depth(it)-1 > maxNesting {
		return invalid("Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit")
	}
	return nil
}

// place checks the write against its table and returns which item it is about.
func (w *write) place(t *table) (string, error) {
	if w.action == "Put" {
		return t.placeOf(w.item)
	}
	key, err := t.keyOf(w.key)
	if err != nil {
		return "", err
	}
	return key, w.compiled.update.check(t)
}

// outcome is what a write does to what it found.
type outcome struct {
	change
	old *record // nil if there was none
}

// decide works out what the write does to the item at key, without doing it.
func (w *write) decide(t *table, key string) (outcome, error) {
	o := outcome{change: change{table: t, key: key}, old: t.items.get(key)}
	var found item
	if o.old != nil {
		found = o.old.attrs
	}
	if !w.compiled.condition.holds(found) {
		if w.onFail != "ALL_OLD" {
			found = nil
		}
		return o, conditionFailed(found)
	}
	switch w.action {
	case "Put":
		o.rec = newRecord(w.item)
	case "ConditionCheck":
		o.rec = o.old
	case "Update":
		rec, err := w.updated(o)
		o.rec = rec
		return o, err
	}
	return o, nil
}

// updated is the item after an update, nil if there was none and the update makes none.
func (w *write) updated(o outcome) (*record, error) {
	u := w.compiled.update
	if o.old == nil && !u.creates() {
		return nil, nil
	}
	before := w.key
	if o.old != nil {
		before = o.old.attrs
	}
	now, err := u.apply(before, o.old != nil)
	if err != nil {
		return nil, err
	}
	if err := o.table.checkUpdated(u, now); err != nil {
		return nil, err
	}
	if err := checkNesting(now); err != nil {
		return nil, err
	}
	rec := newRecord(now)
	if rec.size > maxItemSize {
		return nil, invalid("Item size to update has exceeded the maximum allowed size")
	}
	return rec, nil
}

// checkUpdated checks index keys an update has worked out; constants were checked before.
func (t *table) checkUpdated(u *update, now item) error {
	if len(t.indexes) == 0 || u == nil {
		return nil
	}
	for _, a := range u.actions {
		for _, x := range t.indexes {
			for i, k := range x.keys {
				v := now[a.path[0].name]
				if a.path[0].name != k.name || v == nil {
					continue
				}
				if v.kind() != k.kind {
					return invalid("The update expression attempted to update the secondary index key to unsupported type")
				}
				if empty := notEmpty(v); empty != "" {
					return emptyKey("One or more parameter values are not valid. The update expression attempted to update a secondary index key "+
						"to a value that is not supported. The AttributeValue for a key attribute cannot contain an empty %s value.", empty)
				}
				if err := checkKeyValue(k.name, i, v); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// units is what the write costs the table itself: by the greater of what was there and what is there now.
func (o *outcome) units() float64 { return writeUnits(max(sizeOf(o.old), sizeOf(o.rec))) }
