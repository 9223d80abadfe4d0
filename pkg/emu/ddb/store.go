package ddb

import (
	"maps"
	"slices"
	"time"
)

// store is all that is kept. Everything that changes it goes through create, drop, setTTL and commit, which write it into the
// journal first, if there is one. The server's lock guards it.
type store struct {
	tables map[string]*table
	tokens tokens
	folder *folder // nil: memory only
}

// change puts rec in the place of whatever is under key; a nil rec removes that.
type change struct {
	table *table
	key   string
	rec   *record
}

func (s *store) create(d definition, id string, now time.Time) (*table, error) {
	t := newTable(d, id, now)
	return t, s.keep(func() reply { return creation(t) }, func() { s.tables[d.name] = t })
}

func (s *store) drop(t *table) error {
	return s.keep(func() reply { return reply{"drop": t.name} }, func() { delete(s.tables, t.name) })
}

// setTTL sets the attribute of a table's time to live; empty is none.
func (s *store) setTTL(t *table, attribute string) error {
	return s.keep(func() reply { return timeToLive(t, attribute) }, func() { t.ttl = attribute })
}

// commit makes changes, all or none, and returns the write units that each of them cost in indexes. With the receipt of a
// transaction it remembers that too; the zero receipt is none.
func (s *store) commit(r receipt, changes ...change) ([]map[string]float64, error) {
	costs := make([]map[string]float64, len(changes))
	err := s.keep(func() reply { return changesOf(r, changes) }, func() {
		s.tokens.remember(r)
		for i, c := range changes {
			costs[i] = c.table.put(c.key, c.rec)
		}
	})
	return costs, err
}

// keep makes a change, after its record was written.
func (s *store) keep(record func() reply, change func()) error {
	if s.folder == nil {
		change()
		return nil
	}
	if err := s.folder.append(record()); err != nil {
		return err
	}
	change()
	s.folder.tidy(s)
	return nil
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
