package ddb

import (
	"maps"
	"slices"
	"time"
)

// store is all that is kept. Everything that changes it goes through create, drop, setTTL and commit,
// so that a journal can stand there. The server's lock guards it.
type store struct {
	tables map[string]*table
}

// change puts rec in the place of whatever is under key; a nil rec removes that.
type change struct {
	table *table
	key   string
	rec   *record
}

func (s *store) create(d definition, id string, now time.Time) *table {
	t := newTable(d, id, now)
	s.tables[d.name] = t
	return t
}

func (s *store) drop(t *table) { delete(s.tables, t.name) }

// setTTL sets the attribute of a table's time to live; empty is none.
func (s *store) setTTL(t *table, attribute string) { t.ttl = attribute }

// commit makes changes, all or none, and returns the write units that each of them cost in indexes.
func (s *store) commit(changes ...change) []map[string]float64 {
	costs := make([]map[string]float64, len(changes))
	for i, c := range changes {
		costs[i] = c.table.put(c.key, c.rec)
	}
	return costs
}

// table returns the table an item operation names.
func (s *store) table(name string) (*table, error) {
	if t := s.tables[name]; t != nil {
		return t, nil
	}
	return nil, noTable()
}

// named returns the table a table operation names; the error repeats the name, as AWS does here alone.
func (s *store) named(name string) (*table, error) {
	if t := s.tables[name]; t != nil {
		return t, nil
	}
	return nil, noTableNamed(name)
}

func (s *store) names() []string { return slices.Sorted(maps.Keys(s.tables)) }
