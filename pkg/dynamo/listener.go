package dynamo

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"kaiwa/pkg/chat"
)

// listeners reads the maps ln, lo and lm. Only the newest chat.MaxListeners
// count; the rest has not been swept yet.
func (it item) listeners() map[string]chat.Listener {
	n, offset, mode := it.dict("ln"), it.dict("lo"), it.dict("lm")
	all := map[string]chat.Listener{}
	for conn := range n {
		all[conn] = chat.Listener{N: n.num(conn), Offset: offset.int(conn), Mode: chat.Mode(mode.str(conn))}
	}
	for _, conn := range oldest(all, len(all)-chat.MaxListeners) {
		delete(all, conn)
	}
	return all
}

// oldest gives the count connections with the lowest registrations.
func oldest(all map[string]chat.Listener, count int) []string {
	if count <= 0 {
		return nil
	}
	return inOrder(all)[:count]
}

// inOrder sorts connections by registration.
func inOrder(all map[string]chat.Listener) []string {
	return slices.SortedFunc(maps.Keys(all), func(a, b string) int {
		return cmp.Or(cmp.Compare(all[a].N, all[b].N), strings.Compare(a, b))
	})
}

// listenerMaps makes ln, lo and lm.
func listenerMaps(all map[string]chat.Listener) (n, offset, mode types.AttributeValue) {
	ns, offsets, modes := item{}, item{}, item{}
	for conn, l := range all {
		ns[conn], offsets[conn], modes[conn] = num(l.N), num(l.Offset), str(string(l.Mode))
	}
	return dict(ns), dict(offsets), dict(modes)
}

// sweep removes the connections beyond chat.MaxListeners from the maps of an item
// just written, unless one of them has registered again meanwhile: then the next
// registration sweeps. Without it an item would grow with every connection that
// ever listened. No units in the usual case, a write when there are too many.
func (t *Table) sweep(ctx context.Context, op string, k key, img item, maps ...string) error {
	all := map[string]chat.Listener{}
	for conn := range img.dict("ln") {
		all[conn] = chat.Listener{N: img.dict("ln").num(conn)}
	}
	extra := oldest(all, len(all)-chat.MaxListeners)
	if len(extra) == 0 {
		return nil
	}
	c := change{key: k, names: map[string]string{}, values: item{}}
	var paths, same []string
	for i, conn := range extra {
		c.names[fmt.Sprintf("#c%d", i)] = conn
		c.values[fmt.Sprintf(":n%d", i)] = num(all[conn].N)
		same = append(same, fmt.Sprintf("#ln.#c%d = :n%d", i, i))
		for _, m := range maps {
			paths = append(paths, fmt.Sprintf("#%s.#c%d", m, i))
		}
	}
	c.update = "REMOVE " + strings.Join(paths, ", ")
	c.cond = strings.Join(same, " AND ")
	_, _, err := t.change(ctx, op, c)
	return err
}
