package ddb

import (
	"errors"
	"maps"
	"slices"
)

// Limits of batches (DynamoDB API reference, BatchGetItem and BatchWriteItem).
const (
	maxBatchGets   = 100
	maxBatchWrites = 25
	maxBatchBytes  = 16 << 20
)

// keysInput is what BatchGetItem wants of one table.
type keysInput struct {
	keys       []item
	exprs      expressions
	consistent bool
	raw        map[string]any // as it came, for what stays unprocessed
}

func (in *keysInput) decoder(p *problems, at string, v any) error {
	in.raw, _ = v.(map[string]any)
	members := append(in.exprs.referring(false),
		must("Keys", elements(1, maxBatchGets, func() decoder {
			in.keys = append(in.keys, nil)
			return attributes(&in.keys[len(in.keys)-1])
		})),
		may("ConsistentRead", flag(&in.consistent)),
		may("ProjectionExpression", given(&in.exprs.projection)))
	return structure("KeysAndAttributes", members...)(p, at, v)
}

func (c *call) batchGetItem() (reply, error) {
	mode := ""
	inputs := map[string]*keysInput{}
	err := decode(c.body, capacityMember(&mode), must("RequestItems", entries(func(table string) decoder {
		inputs[table] = &keysInput{}
		return inputs[table].decoder
	})))
	if err != nil {
		return nil, err
	}
	gets, err := batchGets(inputs)
	if err != nil {
		return nil, err
	}
	refused, err := c.admitParts(len(gets), func(i int) string { return gets[i].table })
	if err != nil {
		return nil, err
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	out, err := c.getBatch(inputs, gets, refused)
	if err == nil && wanted(mode) {
		out["ConsumedCapacity"] = c.used.shown(mode, false)
	}
	return out, err
}

// batchGets are the single reads of a batch, by table.
func batchGets(inputs map[string]*keysInput) ([]*get, error) {
	var gets []*get
	for _, table := range slices.Sorted(maps.Keys(inputs)) {
		in := inputs[table]
		compiled, err := in.exprs.compile()
		if err != nil {
			return nil, err
		}
		for _, key := range in.keys {
			gets = append(gets, &get{table: table, key: key, consistent: in.consistent, compiled: compiled})
		}
	}
	if len(gets) > maxBatchGets {
		return nil, invalid("Too many items requested for the BatchGetItem call")
	}
	return gets, nil
}

// getBatch reads what was not refused, up to 16 MB.
func (c *call) getBatch(inputs map[string]*keysInput, gets []*get, refused []bool) (reply, error) {
	asItIs := func(_ int, err error) error { return err }
	places, err := c.placeGets(gets, "Provided list of item keys contains duplicates", asItIs)
	if err != nil {
		return nil, err
	}
	responses, unprocessed := reply{}, reply{}
	bytes := 0
	for i, g := range gets {
		found, _ := responses[g.table].([]item)
		rec := places[i].table.items.get(places[i].key)
		bytes += sizeOf(rec)
		if refused[i] || bytes > maxBatchBytes {
			unprocessed[g.table] = inputs[g.table].without(unprocessed[g.table], g.key)
			continue
		}
		c.used.of(places[i].table).reads("", readUnits(sizeOf(rec), g.consistent))
		if rec != nil {
			found = append(found, g.compiled.projection.item(rec.attrs))
		}
		if found == nil {
			found = []item{}
		}
		responses[g.table] = found
	}
	return reply{"Responses": responses, "UnprocessedKeys": unprocessed}, nil
}

// without adds a key to the unprocessed ones of a table, which repeat the rest of the request.
func (in *keysInput) without(before any, key item) any {
	entry, _ := before.(reply)
	if entry == nil {
		entry = reply{}
		for name, v := range in.raw {
			if name != "Keys" {
				entry[name] = v
			}
		}
	}
	keys, _ := entry["Keys"].([]item)
	entry["Keys"] = append(keys, key)
	return entry
}

// placeGets finds all items to be read. None may come twice, which is refused with the message twice; failed makes of a key that
// does not suit its table the error to return.
func (c *call) placeGets(gets []*get, twice string, failed func(i int, err error) error) ([]change, error) {
	places := make([]change, len(gets))
	seen := map[change]bool{}
	for i, g := range gets {
		t, err := c.store.table(g.table)
		if err != nil {
			return nil, err
		}
		key, err := g.place(t)
		if err != nil {
			return nil, failed(i, err)
		}
		places[i] = change{table: t, key: key}
		if seen[places[i]] {
			return nil, invalid("%s", twice)
		}
		seen[places[i]] = true
	}
	return places, nil
}

// admitParts lets Faults refuse single parts of a batch; with all of them throttled the call as a whole is refused.
func (c *call) admitParts(n int, table func(i int) string) (refused []bool, err error) {
	refused = make([]bool, n)
	count := 0
	var tables []string
	for i := range n {
		tables = append(tables, table(i))
		err := c.options.Faults(c.op, table(i))
		switch {
		case err == nil:
		case errors.Is(err, Throttle):
			refused[i] = true
			count++
		default:
			return nil, faultError(c.op, err)
		}
	}
	c.tables = slices.Compact(slices.Sorted(slices.Values(tables)))
	if count == n {
		return nil, throttled()
	}
	return refused, nil
}
