package ddb

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"kaiwa/pkg/emu/ddb/journal"
)

// snapshotItems is how many items stand in one record of a rewritten log.
const snapshotItems = 100

// folder is where a store is kept: a journal of what changed, in JSON. The records are
//
//	{"create": request of CreateTable, "id": …, "at": ms}
//	{"drop": table}
//	{"ttl": table, "attribute": name or ""}
//	{"changes": [{"table": …, "put": item}, {"table": …, "delete": key}, …], "token": …, "of": sum, "at": ms, "reads": {table: units}}
//
// the last without token and what follows it, unless it is a transaction's.
type folder struct {
	journal *journal.Journal
	logger  *slog.Logger
}

// Open is New with tables that are kept in a folder, which is made if need be, and that has what earlier processes left there.
// What was answered is written before the answer is given: the process may be killed at any moment, and a transaction is there
// whole or not at all. A power cut may take the last seconds. No two processes can use one folder; the other errors of Open
// tell of a log that is damaged, or of another version. Close must be called.
func Open(dir string, o *Options) (*Server, error) {
	s := New(o)
	j, err := journal.Open(dir, s.store.replay)
	if err != nil {
		return nil, fmt.Errorf("tables in %s: %w", dir, err)
	}
	if n := j.Cut(); n > 0 {
		s.options.Logger.Warn("a write that was not finished, nor answered, was cut off", "folder", dir, "bytes", n)
	}
	s.store.folder = &folder{j, s.options.Logger}
	s.store.folder.tidy(&s.store)
	return s, nil
}

// Close gives the folder of Open back, after waiting for the disk. Writes that come later are refused. Without a folder it does
// nothing.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.store.folder == nil {
		return nil
	}
	return s.store.folder.journal.Close()
}

// append writes a record; nothing has changed if it fails. An empty one need not be written.
func (f *folder) append(record reply) error {
	if len(record) == 0 {
		return nil
	}
	err := f.journal.Append(appendJSON(nil, record))
	if err != nil {
		f.logger.Error("a write is refused: it could not be kept", "error", err)
		return internal()
	}
	return nil
}

// tidy rewrites the log if it has grown a lot. If that fails it just goes on growing.
func (f *folder) tidy(s *store) {
	if !f.journal.Due() {
		return
	}
	err := f.journal.Rewrite(func(yield func([]byte) bool) {
		for record := range s.snapshot {
			if !yield(appendJSON(nil, record)) {
				return
			}
		}
	})
	if err != nil {
		f.logger.Warn("the log of the tables could not be rewritten", "error", err)
	}
}

// snapshot are records that make what there is.
func (s *store) snapshot(yield func(reply) bool) {
	for _, name := range s.names() {
		t := s.tables[name]
		if !yield(creation(t)) || t.ttl != "" && !yield(timeToLive(t, t.ttl)) {
			return
		}
		var some []change
		going := true
		flush := func() bool {
			going = len(some) == 0 || yield(changesOf(receipt{}, some))
			some = some[:0]
			return going
		}
		t.items.ascend("", "", func(e entry) bool {
			some = append(some, change{t, e.key, e.rec})
			return len(some) < snapshotItems || flush()
		})
		if !going || !flush() {
			return
		}
	}
	for _, token := range s.tokens.order {
		if !yield(changesOf(receipt{token, s.tokens.known[token]}, nil)) {
			return
		}
	}
}

func creation(t *table) reply {
	return reply{"create": t.request, "id": t.id, "at": int(t.created.UnixMilli())}
}

func timeToLive(t *table, attribute string) reply {
	return reply{"ttl": t.name, "attribute": attribute}
}

// changesOf is empty if there is nothing to be done, as for a failed DeleteItem.
func changesOf(r receipt, changes []change) reply {
	var all []any
	for _, c := range changes {
		switch old := c.table.items.get(c.key); {
		case c.rec != nil:
			all = append(all, reply{"table": c.table.name, "put": c.rec.attrs})
		case old != nil:
			key := item{}
			for _, k := range c.table.keys {
				key[k.name] = old.attrs[k.name]
			}
			all = append(all, reply{"table": c.table.name, "delete": key})
		}
	}
	record := reply{}
	if len(all) > 0 || r.token != "" {
		record["changes"] = all
	}
	if r.token == "" {
		return record
	}
	reads := reply{}
	for table, units := range r.reads {
		reads[table] = units
	}
	record["token"], record["of"] = r.token, base64.StdEncoding.EncodeToString(r.fingerprint[:])
	record["at"], record["reads"] = int(r.at.UnixMilli()), reads
	return record
}

// kept is a record as it is read.
type kept struct {
	Create    json.RawMessage
	ID        string
	At        int64
	Drop, TTL *string
	Attribute string
	Changes   []keptChange
	Token     string
	Of        []byte
	Reads     map[string]float64
}

type keptChange struct {
	Table       string
	Put, Delete any
}

// replay does again what a record says.
func (s *store) replay(record []byte) error {
	var k kept
	d := json.NewDecoder(bytes.NewReader(record))
	d.DisallowUnknownFields()
	if err := d.Decode(&k); err != nil {
		return err
	}
	switch {
	case k.Create != nil:
		return s.recreate(k)
	case k.Drop != nil:
		delete(s.tables, *k.Drop)
		return nil
	case k.TTL != nil:
		t, err := s.named(*k.TTL)
		if err == nil {
			t.ttl = k.Attribute
		}
		return err
	}
	for _, c := range k.Changes {
		if err := c.redo(s); err != nil {
			return err
		}
	}
	r := receipt{k.Token, remembered{at: time.UnixMilli(k.At), reads: k.Reads}}
	copy(r.fingerprint[:], k.Of)
	s.tokens.remember(r)
	s.tokens.forget(r.at)
	return nil
}

func (s *store) recreate(k kept) error {
	body, err := parseBody(k.Create)
	if err != nil {
		return err
	}
	d, err := define(body)
	if err != nil {
		return err
	}
	s.tables[d.name] = newTable(d, k.ID, time.UnixMilli(k.At))
	return nil
}

func (c keptChange) redo(s *store) error {
	t, err := s.named(c.Table)
	if err != nil {
		return err
	}
	var it item
	v, place := c.Put, t.placeOf
	if v == nil {
		v, place = c.Delete, t.keyOf
	}
	p := &problems{}
	if err := errors.Join(attributes(&it)(p, "", v), p.err()); err != nil {
		return err
	}
	key, err := place(it)
	if err != nil {
		return err
	}
	if c.Put == nil {
		t.put(key, nil)
	} else {
		t.put(key, newRecord(it))
	}
	return nil
}
