package ddb

import (
	"math"
	"slices"
	"strings"
)

// maxPage is how much a page of Query or Scan reads, before any filter: it ends with the item that reaches this size.
const maxPage = 1 << 20

// read is what Query and Scan have in common.
type read struct {
	table      string
	indexName  string
	exprs      expressions
	consistent bool
	limit      int
	start      item // ExclusiveStartKey
	hasStart   bool
	selected   string // Select
	mode       string // ReturnConsumedCapacity
	backwards  bool

	compiled *compiled
	t        *table
	index    *index // nil: the table itself
}

func (r *read) members() []member {
	r.limit = math.MaxInt32
	return append(r.exprs.referring(true),
		must("TableName", tableName(&r.table)),
		may("IndexName", newName(&r.indexName)),
		may("FilterExpression", given(&r.exprs.filter)),
		may("ProjectionExpression", given(&r.exprs.projection)),
		may("ConsistentRead", flag(&r.consistent)),
		may("Limit", integer(&r.limit, 1, math.MaxInt32)),
		may("ExclusiveStartKey", r.decodeStart),
		may("Select", text(&r.selected, oneOf("SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"))),
		capacityMember(&r.mode))
}

func (r *read) decodeStart(p *problems, at string, v any) error {
	r.hasStart = true
	return attributes(&r.start)(p, at, v)
}

// compile checks what can be checked without a table. verb is what the operation does, in AWS's words.
func (r *read) compile(verb string) error {
	projected := r.exprs.projection != nil
	switch {
	case r.selected == "ALL_PROJECTED_ATTRIBUTES" && r.indexName == "":
		return invalid("ALL_PROJECTED_ATTRIBUTES can be used only when %s using an IndexName", verb)
	case r.selected == "SPECIFIC_ATTRIBUTES" && !projected:
		return detected("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
	case r.selected == "COUNT" && projected:
		return invalid("Cannot specify the ProjectionExpression when choosing to get only the Count")
	case r.selected != "" && r.selected != "SPECIFIC_ATTRIBUTES" && projected:
		return invalid("Cannot specify the ProjectionExpression when choosing to get %s", r.selected)
	}
	var err error
	r.compiled, err = r.exprs.compile()
	return err
}

// open finds the table and index and checks the request against them.
func (r *read) open(s *store) error {
	var err error
	if r.t, err = s.table(r.table); err != nil {
		return err
	}
	if r.indexName != "" {
		if r.index = r.t.index(r.indexName); r.index == nil {
			return invalid("The table does not have the specified index: %s", r.indexName)
		}
		if err := r.checkIndex(); err != nil {
			return err
		}
	}
	return r.t.checkKeyPaths(slices.Concat(r.compiled.filterPaths, r.compiled.projectedPaths))
}

// checkIndex refuses what a global index cannot do: consistent reads, and attributes that are not projected.
func (r *read) checkIndex() error {
	x := r.index
	if x.local {
		return nil
	}
	if r.consistent {
		return invalid("Consistent reads are not supported on global secondary indexes")
	}
	if r.selected == "ALL_ATTRIBUTES" && x.projection != "ALL" {
		return invalidValue("Select type ALL_ATTRIBUTES is not supported for global secondary index %s because its projection type is not ALL", x.name)
	}
	if missing := x.missing(r.compiled.projectedPaths); len(missing) > 0 {
		return invalidValue("Global secondary index %s does not project [%s]", x.name, strings.Join(missing, ", "))
	}
	if missing := x.missing(r.compiled.filterPaths); len(missing) > 0 {
		return invalidValue("Secondary index %s does not project one or more filter attributes: [%s]", x.name, strings.Join(missing, ", "))
	}
	return nil
}

// missing are the attributes of paths that the index does not hold.
func (x *index) missing(paths []path) []string {
	var names []string
	for _, p := range paths {
		if !x.projects(p[0].name) && !slices.Contains(names, p[0].name) {
			names = append(names, p[0].name)
		}
	}
	return names
}

// keys are the key attributes what is read is ordered by, further those that make the order complete in an index.
func (r *read) keys() (keys, further []keyAttr) {
	if r.index == nil {
		return r.t.keys, nil
	}
	return r.index.keys, r.t.keys
}

// startKey checks ExclusiveStartKey and returns the storage key to go on after; empty if there is none.
func (r *read) startKey() (string, error) {
	if !r.hasStart {
		return "", nil
	}
	keys, further := r.keys()
	names := map[string]bool{}
	for _, k := range slices.Concat(keys, further) {
		names[k.name] = true
	}
	if len(names) != len(r.start) {
		if r.exprs.key == nil && r.index == nil { // a Scan of the table alone has more to say
			return "", errStart(": The provided key element does not match the schema")
		}
		return "", errStart("")
	}
	for _, schema := range [][]keyAttr{keys, further} {
		for i, k := range schema {
			v := r.start[k.name]
			if v == nil {
				return "", errStart("")
			}
			if v.kind() != k.kind {
				return "", errStart(": The provided key element does not match the schema")
			}
			if err := checkKeyValue(k.name, i, v); err != nil {
				return "", err
			}
		}
	}
	return storageKey(r.start, keys, further...), nil
}

func errStart(why string) error { return invalid("The provided starting key is invalid%s", why) }

// page is a page that was read.
type page struct {
	scanned []*record // what was looked at
	last    *record   // where to go on after, nil at the end
	size    int
}

// read reads a page between b, after the start key if it is not empty.
func (r *read) read(b bounds, start string) page {
	items := &r.t.items
	if r.index != nil {
		items = &r.index.items
	}
	var pg page
	visit := func(e entry) bool {
		pg.scanned = append(pg.scanned, e.rec)
		pg.size += e.rec.size
		if len(pg.scanned) < r.limit && pg.size < maxPage {
			return true
		}
		pg.last = e.rec
		return false
	}
	if r.backwards {
		if start != "" {
			b.hi = start
		}
		items.descend(b.lo, b.hi, visit)
		return pg
	}
	if start != "" {
		b.lo = start + "\x00"
	}
	items.ascend(b.lo, b.hi, visit)
	return pg
}

// answer filters and projects a page.
func (r *read) answer(c *call, pg page) reply {
	used := c.used.of(r.t)
	used.reads(r.indexName, readUnits(pg.size, r.consistent))
	whole := r.wholeItems()
	found := []item{}
	for _, rec := range pg.scanned {
		it, seen := rec.attrs, rec.attrs
		if whole {
			full := r.t.items.get(storageKey(it, r.t.keys))
			used.reads("", readUnits(full.size, r.consistent))
			seen = full.attrs
		}
		if r.selected == "ALL_ATTRIBUTES" || r.compiled.projection != nil {
			it = seen // else what the index holds, even if the filter had to see more
		}
		if r.compiled.filter.holds(seen) {
			found = append(found, r.compiled.projection.item(it))
		}
	}
	out := reply{"Count": len(found), "ScannedCount": len(pg.scanned)}
	if r.selected != "COUNT" {
		out["Items"] = found
	}
	if pg.last != nil {
		out["LastEvaluatedKey"] = r.lastKey(pg.last)
	}
	if wanted(r.mode) {
		out["ConsumedCapacity"] = used.shown(r.mode, false)
	}
	return out
}

// wholeItems tells whether a local index must fetch its items from the table, because attributes are wanted that it does not hold.
func (r *read) wholeItems() bool {
	if r.index == nil || !r.index.local || r.index.projection == "ALL" {
		return false
	}
	return r.selected == "ALL_ATTRIBUTES" ||
		len(r.index.missing(r.compiled.projectedPaths))+len(r.index.missing(r.compiled.filterPaths)) > 0
}

// lastKey has the keys of the index and those of the table.
func (r *read) lastKey(rec *record) item {
	keys, further := r.keys()
	last := item{}
	for _, k := range slices.Concat(keys, further) {
		last[k.name] = rec.attrs[k.name]
	}
	return last
}
