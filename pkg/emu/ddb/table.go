package ddb

import (
	"slices"
	"time"
)

// Limits of an item (DynamoDB developer guide, "Quotas"; aws-facts §9).
const (
	maxItemSize     = 400 << 10
	maxPartitionKey = 2048
	maxSortKey      = 1024
	maxNesting      = 31 // lists and maps within an item, which itself is the 32nd level
)

// table is a table and its indexes. Its server's lock guards it.
type table struct {
	definition
	id      string
	created time.Time
	ttl     string // the attribute of UpdateTimeToLive; empty if disabled
	items   ordered
	indexes []*index
}

// index is a secondary index: a copy of the items that have all its keys, each cut down to what is projected.
type index struct {
	indexDefinition
	tableKeys []keyAttr
	items     ordered
}

func newTable(d definition, id string, created time.Time) *table {
	t := &table{definition: d, id: id, created: created}
	for _, x := range d.indexes {
		t.indexes = append(t.indexes, &index{indexDefinition: x, tableKeys: d.keys})
	}
	return t
}

// index returns the index of this name, nil if there is none.
func (t *table) index(name string) *index {
	for _, x := range t.indexes {
		if x.name == name {
			return x
		}
	}
	return nil
}

// put stores rec under key, or removes what is there if rec is nil, and brings the indexes after it.
// It returns what that costs each index it touched.
func (t *table) put(key string, rec *record) map[string]float64 {
	old := t.items.get(key)
	t.items.put(key, rec)
	var cost map[string]float64
	for _, x := range t.indexes {
		if units := x.follow(old, rec); units > 0 {
			if cost == nil {
				cost = map[string]float64{}
			}
			cost[x.name] = units
		}
	}
	return cost
}

// follow replaces old by rec in the index and returns the write units: none if nothing projected changed, two writes if the key did.
func (x *index) follow(old, rec *record) float64 {
	oldKey, before := x.project(old)
	newKey, now := x.project(rec)
	switch {
	case before == nil && now == nil:
		return 0
	case before != nil && now != nil && oldKey == newKey:
		if equal(before.attrs, now.attrs) {
			return 0
		}
		x.items.put(newKey, now)
		return writeUnits(max(before.size, now.size))
	}
	cost := 0.0
	if before != nil {
		x.items.put(oldKey, nil)
		cost += writeUnits(before.size)
	}
	if now != nil {
		x.items.put(newKey, now)
		cost += writeUnits(now.size)
	}
	return cost
}

// project returns the entry an item has in the index, nil if it lacks one of the keys.
func (x *index) project(rec *record) (key string, entry *record) {
	if rec == nil {
		return "", nil
	}
	for _, k := range x.keys {
		if rec.attrs[k.name] == nil {
			return "", nil
		}
	}
	key = storageKey(rec.attrs, x.keys, x.tableKeys...)
	if x.projection == "ALL" {
		return key, rec
	}
	cut := item{}
	for name, v := range rec.attrs {
		if x.projects(name) {
			cut[name] = v
		}
	}
	return key, newRecord(cut)
}

// projects tells whether the index holds an attribute.
func (x *index) projects(name string) bool {
	if x.projection == "ALL" {
		return true
	}
	for _, keys := range [][]keyAttr{x.keys, x.tableKeys} {
		for _, k := range keys {
			if k.name == name {
				return true
			}
		}
	}
	for _, n := range x.include {
		if n == name {
			return true
		}
	}
	return false
}

// keyOf checks that key is a key of this table, no more and no less, and returns its place.
func (t *table) keyOf(key item) (string, error) {
	if len(key) != len(t.keys) {
		return "", errSchema()
	}
	for i, attr := range t.keys {
		v := key[attr.name]
		if v == nil || v.kind() != attr.kind {
			return "", errSchema()
		}
		if err := checkKeyValue(attr.name, i, v); err != nil {
			return "", err
		}
	}
	return storageKey(key, t.keys), nil
}

// mistyped tells whether a key attribute of the table has another type in an item.
func (t *table) mistyped(it item) bool {
	return slices.ContainsFunc(t.keys, func(k keyAttr) bool { return it[k.name] != nil && it[k.name].kind() != k.kind })
}

func errSchema() error { return invalid("The provided key element does not match the schema") }

// placeOf checks a whole item that is to be stored and returns its place.
func (t *table) placeOf(it item) (string, error) {
	for i, attr := range t.keys {
		v := it[attr.name]
		if v == nil {
			return "", invalidValue("Missing the key %s in the item", attr.name)
		}
		if v.kind() != attr.kind {
			return "", invalidValue("Type mismatch for key %s expected: %s actual: %s", attr.name, attr.kind, v.kind())
		}
		if err := checkKeyValue(attr.name, i, v); err != nil {
			return "", err
		}
	}
	if err := t.checkIndexKeys(it); err != nil {
		return "", err
	}
	return storageKey(it, t.keys), nil
}

// checkKeyValue checks the size of a key attribute: of the partition key if i is 0, else of the sort key.
func checkKeyValue(name string, i int, v value) error {
	if err := notEmpty(v); err != "" {
		return emptyKey("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s", err, name)
	}
	if _, isNumber := v.(number); isNumber {
		return nil
	}
	switch n := size(v); {
	case i == 0 && n > maxPartitionKey:
		return invalidValue("Size of hashkey has exceeded the maximum size limit of2048 bytes")
	case i > 0 && n > maxSortKey:
		return invalidValue("Aggregated size of all range keys has exceeded the size limit of 1024 bytes")
	}
	return nil
}

// notEmpty names the kind of an empty string or binary.
func notEmpty(v value) string {
	switch v {
	case str(""):
		return "string"
	case bin(""):
		return "binary"
	}
	return ""
}

// checkIndexKeys checks the attributes of an item that are keys of an index.
func (t *table) checkIndexKeys(it item) error {
	for _, x := range t.indexes {
		for i, attr := range x.keys {
			v := it[attr.name]
			if v == nil {
				continue
			}
			if v.kind() != attr.kind {
				return invalidValue("Type mismatch for Index Key %s Expected: %s Actual: %s IndexName: %s", attr.name, attr.kind, v.kind(), x.name)
			}
			if empty := notEmpty(v); empty != "" {
				return emptyKey("One or more parameter values are not valid. A value specified for a secondary index key is not supported. "+
					"The AttributeValue for a key attribute cannot contain an empty %s value. IndexName: %s, IndexKey: %s", empty, x.name, attr.name)
			}
			if err := checkKeyValue(attr.name, i, v); err != nil {
				return err
			}
		}
	}
	return nil
}
