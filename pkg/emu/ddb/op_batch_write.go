package ddb

import (
	"maps"
	"slices"
	"strings"
)

// batchEntry is one write of a batch, and how it came, for what stays unprocessed.
type batchEntry struct {
	write
	raw any
}

func (c *call) batchWriteItem() (reply, error) {
	mode := ""
	inputs := map[string][]*batchEntry{}
	err := decode(c.body,
		capacityMember(&mode),
		collectionMetrics(),
		must("RequestItems", entries(func(table string) decoder { return batchWrites(inputs, table) })))
	if err != nil {
		return nil, err
	}
	all, err := compileBatch(inputs)
	if err != nil {
		return nil, err
	}
	refused, err := c.admitParts(len(all), func(i int) string { return all[i].table })
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	unprocessed, err := c.writeBatch(all, refused)
	if err != nil {
		return nil, err
	}
	out := reply{"UnprocessedItems": unprocessed}
	if wanted(mode) {
		out["ConsumedCapacity"] = c.used.shown(mode, false)
	}
	return out, nil
}

func batchWrites(inputs map[string][]*batchEntry, table string) decoder {
	return func(p *problems, at string, v any) error {
		at = strings.TrimSuffix(at, ".member")
		return elements(1, maxBatchWrites, func() decoder {
			e := &batchEntry{write: write{table: table}}
			inputs[table] = append(inputs[table], e)
			return e.decoder
		})(p, at, v)
	}
}

// decoder takes exactly one of PutRequest and DeleteRequest; AWS words the refusal as if it were about values.
func (e *batchEntry) decoder(p *problems, at string, v any) error {
	e.raw = v
	as := func(action string, inner member) decoder {
		return func(p *problems, at string, v any) error {
			if e.action != "" {
				p.also(invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"))
			}
			e.action = action
			return structure(action+"Request", inner)(p, at, v)
		}
	}
	err := structure("WriteRequest",
		may("PutRequest", as("Put", must("Item", attributes(&e.item)))),
		may("DeleteRequest", as("Delete", must("Key", attributes(&e.key)))))(p, at, v)
	if e.action == "" {
		p.also(invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"))
	}
	return err
}

// compileBatch checks all writes and puts them in one order.
func compileBatch(inputs map[string][]*batchEntry) ([]*batchEntry, error) {
	var all []*batchEntry
	bytes := 0
	for _, table := range slices.Sorted(maps.Keys(inputs)) {
		for _, e := range inputs[table] {
			if err := e.compile(); err != nil {
				return nil, err
			}
			bytes += itemSize(e.item)
			all = append(all, e)
		}
	}
	switch {
	case len(all) > maxBatchWrites:
		return nil, invalid("Too many items requested for the BatchWriteItem call")
	case bytes > maxBatchBytes:
		return nil, invalid("The batch is larger than 16 MB")
	}
	return all, nil
}

// writeBatch checks every write against its table before it does any, and returns those that were refused.
func (c *call) writeBatch(all []*batchEntry, refused []bool) (reply, error) {
	seen := map[change]bool{}
	for _, e := range all {
		t, err := c.store.table(e.table)
		if err != nil {
			return nil, err
		}
		if e.action == "Put" && t.mistyped(e.item) {
			// Not the words that PutItem has for it (paritysuite/dynamodb-conformance, captured in four regions).
			return nil, errSchema()
		}
		key, err := e.place(t)
		if err != nil {
			return nil, err
		}
		if seen[change{table: t, key: key}] {
			return nil, invalid("Provided list of item keys contains duplicates")
		}
		seen[change{table: t, key: key}] = true
	}
	unprocessed := reply{}
	for i, e := range all {
		if refused[i] {
			before, _ := unprocessed[e.table].([]any)
			unprocessed[e.table] = append(before, e.raw)
			continue
		}
		if _, err := c.perform(&e.write); err != nil {
			return nil, err
		}
	}
	return unprocessed, nil
}
