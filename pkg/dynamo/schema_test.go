package dynamo_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/dynamo"
)

// The index of all connections holds what a broadcast needs, in every shard.
func TestConnectionsInTheIndex(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	var conns []string
	until := w.clock.Now().Add(time.Hour)
	for i := range 8 * dynamo.Shards {
		c := fmt.Sprintf("c%03d", i)
		conns = append(conns, c)
		if err := w.Open(ctx, chat.Connection{ID: c, User: "ann", Mode: chat.ModeJSON, Expires: until}); err != nil {
			t.Fatal(err)
		}
	}
	var all []string
	for shard := range dynamo.Shards {
		n := 0
		for behind, first := "", true; first || behind != ""; first = false {
			page, next, err := w.AllPage(ctx, shard, behind, 3)
			if err != nil || len(page) > 3 {
				t.Fatalf("%d connections, %v", len(page), err)
			}
			for _, c := range page {
				if want := (chat.Connection{ID: c.ID, User: "ann", Mode: chat.ModeJSON, At: w.clock.Now(), Expires: until}); !reflect.DeepEqual(c, want) {
					t.Errorf("got %+v, want %+v", c, want)
				}
				all = append(all, c.ID)
				n++
			}
			behind = next
		}
		if n == 0 {
			t.Errorf("shard %d is empty", shard)
		}
	}
	if slices.Sort(all); !slices.Equal(all, conns) {
		t.Errorf("all: %v", all)
	}
	w.clock.advance(4 * time.Hour)
	for shard := range dynamo.Shards {
		if page, _, err := w.AllPage(ctx, shard, "", 100); err != nil || len(page) > 0 {
			t.Errorf("hours later: %v, %v", page, err)
		}
	}
}
