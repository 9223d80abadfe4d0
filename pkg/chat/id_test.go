package chat_test

import (
	"regexp"
	"slices"
	"testing"
	"time"

	"kaiwa/pkg/chat"
)

func TestNewID(t *testing.T) {
	shape := regexp.MustCompile(`^[A-Za-z0-9_-]{22}$`)
	seen := map[string]bool{}
	for range 1000 {
		id := chat.NewID()
		if !shape.MatchString(id) || seen[id] {
			t.Fatalf("id %q", id)
		}
		seen[id] = true
	}
	// Random in every place but the last, which holds two bits only.
	for i := range 22 {
		kinds := map[byte]bool{}
		for id := range seen {
			kinds[id[i]] = true
		}
		if want := 60; i < 21 && len(kinds) < want || i == 21 && len(kinds) != 4 {
			t.Errorf("place %d has %d different characters", i, len(kinds))
		}
	}
}

func TestNewOrderedID(t *testing.T) {
	shape := regexp.MustCompile(`^[A-Za-z0-9_-]{30}$`)
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	var ids []string
	// Steps that carry into every place of the time.
	for _, step := range []time.Duration{1, 2, 15, 16, 17, 63, 64, 65, 255, 256, 4095, 4096, 65536, 1 << 24, 1 << 30, 1 << 36} {
		for range 3 {
			at = at.Add(step * time.Millisecond)
			ids = append(ids, chat.NewOrderedID(at))
		}
	}
	for _, id := range ids {
		if !shape.MatchString(id) {
			t.Errorf("id %q", id)
		}
	}
	if !slices.IsSorted(ids) {
		t.Errorf("ids do not sort by time: %q", ids)
	}
	if first := chat.NewOrderedID(time.UnixMilli(0)); first[:8] != "--------" || first > ids[0] {
		t.Errorf("the id of time 0 is %q", first)
	}
	a, b := chat.NewOrderedID(at), chat.NewOrderedID(at)
	if a[:8] != b[:8] || a[8:] == b[8:] {
		t.Errorf("two ids of one time: %q, %q", a, b)
	}
}
