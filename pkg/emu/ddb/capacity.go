package ddb

import (
	"maps"
	"slices"
)

// Capacity as AWS bills it (DynamoDB developer guide, "Read and write consumption"; aws-facts §7): a write unit is 1 KB,
// a read unit 4 KB; an eventually consistent read costs half, transactions twice. Nothing is refused for want of capacity.

func units(size, unit int) float64 { return float64(max(1, (size+unit-1)/unit)) }

func writeUnits(size int) float64 { return units(size, 1<<10) }

func readUnits(size int, consistent bool) float64 {
	if consistent {
		return units(size, 4<<10)
	}
	return units(size, 4<<10) / 2
}

// usage is what a call consumed of one table and its indexes.
type usage struct {
	table       *table
	read, write float64 // of everything
	own         float64 // of the table itself
	indexes     map[string]float64
}

// consumption is what a call consumed, by table.
type consumption map[string]*usage

func (c consumption) of(t *table) *usage {
	if c[t.name] == nil {
		c[t.name] = &usage{table: t, indexes: map[string]float64{}}
	}
	return c[t.name]
}

func (u *usage) reads(index string, units float64) {
	u.read += units
	u.spend(index, units)
}

func (u *usage) writes(index string, units float64) {
	u.write += units
	u.spend(index, units)
}

func (u *usage) spend(index string, units float64) {
	if index == "" {
		u.own += units
	} else {
		u.indexes[index] += units
	}
}

// capacityMember decodes ReturnConsumedCapacity.
func capacityMember(mode *string) member {
	return may("ReturnConsumedCapacity", text(mode, oneOf("INDEXES", "TOTAL", "NONE")))
}

// collectionMetrics decodes ReturnItemCollectionMetrics, of which only NONE is emulated.
func collectionMetrics() member {
	return may("ReturnItemCollectionMetrics", func(p *problems, at string, v any) error {
		var of string
		if err := text(&of, oneOf("SIZE", "NONE"))(p, at, v); err != nil || of != "SIZE" {
			return err
		}
		return notEmulated("ReturnItemCollectionMetrics SIZE")
	})
}

func wanted(mode string) bool { return mode == "TOTAL" || mode == "INDEXES" }

// shown is the ConsumedCapacity of one table. Transactions name reads and writes apart, nothing else does.
func (u *usage) shown(mode string, transaction bool) reply {
	label := func(units float64) reply {
		r := reply{"CapacityUnits": units}
		if transaction && u.read > 0 {
			r["ReadCapacityUnits"] = units
		} else if transaction {
			r["WriteCapacityUnits"] = units
		}
		return r
	}
	r := label(u.read + u.write)
	r["TableName"] = u.table.name
	if mode != "INDEXES" {
		return r
	}
	r["Table"] = label(u.own)
	for name, units := range u.indexes {
		member := "GlobalSecondaryIndexes"
		if u.table.index(name).local {
			member = "LocalSecondaryIndexes"
		}
		if r[member] == nil {
			r[member] = reply{}
		}
		r[member].(reply)[name] = label(units)
	}
	return r
}

// shown is the list of what all tables of a call consumed.
func (c consumption) shown(mode string, transaction bool) []any {
	var all []any
	for _, name := range slices.Sorted(maps.Keys(c)) {
		all = append(all, c[name].shown(mode, transaction))
	}
	return all
}
