package ddb

import (
	"errors"
	"time"
)

// fiveYears is how long ago an item may have expired: times to live further back are ignored (aws-facts §9).
const fiveYears = 5 * 365 * 24 * time.Hour

// Items returns all items of a table as DynamoDB JSON would decode, {"pk":{"S":"a"}}, in the order of a Scan.
// It returns nil if there is no such table. The caller may change what it gets.
func (s *Server) Items(table string) []map[string]any {
	s.mu.RLock()
	defer s.mu.RUnlock()
	t := s.store.tables[table]
	if t == nil {
		return nil
	}
	all := make([]map[string]any, 0, t.items.n)
	t.items.ascend("", "", func(e entry) bool {
		all = append(all, plainItem(e.rec.attrs))
		return true
	})
	return all
}

// CreateTable makes a table from the JSON of a CreateTable request, without Faults and without being counted:
// for hosts that read their tables from a template. The error reads as "ResourceInUseException: Table already exists: chat".
func (s *Server) CreateTable(req []byte) error {
	body, err := parseBody(req)
	if err != nil {
		return errors.New("create table: " + err.Error())
	}
	d, err := define(body)
	if err != nil {
		return err
	}
	_, err = s.makeTable(d)
	return err
}

// Sweep deletes the items whose time to live has passed at now and returns how many they were. It is for the caller to say when:
// AWS deletes them within days, and until then reads still return them (aws-facts §9). Nothing is billed for it. They stay
// until the next time if their removal cannot be written into the folder of Open.
func (s *Server) Sweep(now time.Time) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	var expired []change
	for _, t := range s.store.tables {
		if t.ttl == "" {
			continue
		}
		t.items.ascend("", "", func(e entry) bool {
			if hasExpired(e.rec.attrs[t.ttl], now) {
				expired = append(expired, change{table: t, key: e.key})
			}
			return true
		})
	}
	if _, err := s.store.commit(receipt{}, expired...); err != nil {
		return 0
	}
	return len(expired)
}

// hasExpired takes seconds since 1970, as a number of any notation; anything else never expires.
func hasExpired(v value, now time.Time) bool {
	at, ok := v.(number)
	if !ok {
		return false
	}
	earliest := wholeNumber(int(now.Add(-fiveYears).Unix()))
	return at.compare(wholeNumber(int(now.Unix()))) <= 0 && at.compare(earliest) > 0
}
