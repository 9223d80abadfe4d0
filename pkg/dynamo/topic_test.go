package dynamo_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/dynamo"
)

// listed is a topic's list over all shards, read in pages of limit: "user" for one
// who subscribed, "user/conn" for a connection.
func (w *world) listed(topic string, limit int) (all []string) {
	w.t.Helper()
	for shard := range dynamo.Shards {
		last := ""
		for behind, first := "", true; first || behind != ""; first = false {
			page, next, err := w.TopicPage(w.t.Context(), topic, shard, behind, limit)
			if err != nil || len(page) > limit {
				w.t.Fatalf("%d entries, %v", len(page), err)
			}
			for _, c := range page {
				name := c.User
				if c.ID != "" {
					name += "/" + c.ID
					if last != c.User && c.User != chat.Anonymous {
						w.t.Errorf("%s does not follow its user but %s", name, last)
					}
				}
				last = c.User
				all = append(all, name)
			}
			behind = next
		}
	}
	slices.Sort(all)
	return all
}

func (w *world) open(user string, conns ...string) {
	w.t.Helper()
	for _, c := range conns {
		if err := w.Open(w.t.Context(), chat.Connection{ID: c, User: user, Mode: chat.ModeJSON}); err != nil {
			w.t.Fatal(err)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestTopicLists: whoever subscribed is listed, followed by its open connections;
// whatever way a connection ends it leaves all its lists.
func TestTopicLists(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	// Names that sort between each other's connections, were they not kept apart.
	users := []string{"a", "a b", "a!", "ab", "ann", "ann#1", "お", "z"}
	for i, u := range users {
		must(t, w.Subscribe(ctx, u, "日本/builds"))
		must(t, w.Subscribe(ctx, u, "日本"))
		w.open(u, fmt.Sprintf("c%d", i), fmt.Sprintf("d%d", i))
		for _, c := range []string{"c", "d"} {
			must(t, w.Join(ctx, u, fmt.Sprint(c, i), []string{"日本/builds", "日本"}))
		}
	}
	want := []string{}
	for i, u := range users {
		want = append(want, u, fmt.Sprintf("%s/c%d", u, i), fmt.Sprintf("%s/d%d", u, i))
	}
	slices.Sort(want)
	for _, limit := range []int{1, 2, 5, 1000} {
		for _, topic := range []string{"日本/builds", "日本"} {
			if got := w.listed(topic, limit); !slices.Equal(got, want) {
				t.Fatalf("%s by %d: %q, want %q", topic, limit, got, want)
			}
		}
	}
	w.net.count()
	must(t, w.Close(ctx, "c0"))
	if got := w.net.count(); got["Query"]+got["BatchGetItem"]+got["GetItem"] > 0 {
		t.Errorf("a closed connection reads: %v", got)
	}
	must(t, w.Gone(ctx, "d0", ""))
	for _, c := range []string{"c1", "d1"} {
		must(t, w.Leave(ctx, "a b", c, "日本/builds"))
	}
	must(t, w.Unsubscribe(ctx, "a b", "日本/builds"))
	want = slices.DeleteFunc(want, func(s string) bool {
		return s == "a" || strings.HasPrefix(s, "a/") || s == "a b" || strings.HasPrefix(s, "a b/")
	})
	got := slices.DeleteFunc(w.listed("日本/builds", 3), func(s string) bool { return s == "a" })
	if !slices.Equal(got, want) {
		t.Errorf("after they left: %q, want %q", got, want)
	}
	if h, err := w.Home(ctx, "a b"); err != nil || !slices.Equal(h.Topics, []string{"日本"}) || h.Waiting || h.Stale {
		t.Errorf("a b's home is %+v, %v", h, err)
	}
	if h, err := w.Home(ctx, "nobody"); err != nil || !reflect.DeepEqual(h, chat.Home{}) {
		t.Errorf("nobody's home is %+v, %v", h, err)
	}
}

// TestTopicPageShowsTheConnection: what a delivery must know stands on the page,
// and what changed since it joined is seen.
func TestTopicPageShowsTheConnection(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	w.open("ann", "c1")
	must(t, w.Join(ctx, "ann", "c1", []string{"t"}))
	w.clock.advance(time.Second)
	c := chat.Connection{ID: "c1", User: "ann", Mode: chat.ModePlain, Topics: []string{"x"}, Expires: w.clock.Now().Add(time.Hour)}
	must(t, w.Update(ctx, c))
	c.At = w.clock.Now().Add(-time.Second)
	var all []chat.Connection
	for shard := range dynamo.Shards {
		page, _, err := w.TopicPage(ctx, "t", shard, "", 10)
		must(t, err)
		all = append(all, page...)
	}
	if len(all) != 1 || all[0].Mode != chat.ModePlain || !all[0].At.Equal(c.At) || all[0].User != "ann" {
		t.Errorf("got %+v", all)
	}
}

// TestStrayEntries: the entry of a connection nobody knows is left alone while the
// connection may be too new to be seen, and removed later.
func TestStrayEntries(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	w.open("ann", "c1")
	must(t, w.Join(ctx, "ann", "c1", []string{"t"}))
	before := len(w.everything())
	w.forget("C#c1", "C")
	if got := w.listed("t", 10); len(got) != 0 || len(w.everything()) != before-1 {
		t.Errorf("at once: %q, %q", got, w.everything())
	}
	w.clock.advance(2 * time.Minute)
	if got := w.listed("t", 10); len(got) != 0 || len(w.everything()) != before-2 {
		t.Errorf("later: %q, %q", got, w.everything())
	}
	// A connection that was closed while it joined leaves nothing.
	must(t, w.Join(ctx, "ann", "c9", []string{"t"}))
	if got := w.listed("t", 10); len(got) != 0 || len(w.everything()) != before-2 {
		t.Errorf("one that is closed joined: %q", w.everything())
	}
}

func TestAnonymousShareNothing(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	used := map[string]bool{}
	for i := range 40 {
		c := fmt.Sprintf("c%d", i)
		w.open(chat.Anonymous, c)
		must(t, w.Join(ctx, chat.Anonymous, c, []string{"t"}))
	}
	for shard := range dynamo.Shards {
		if page, _, err := w.TopicPage(ctx, "t", shard, "", 100); err == nil && len(page) > 0 {
			used[fmt.Sprint(shard)] = true
		}
	}
	if len(used) < dynamo.Shards/2 {
		t.Errorf("40 anonymous connections are in %d shards", len(used))
	}
	must(t, w.Close(ctx, "c7"))
	if got := w.listed("t", 100); len(got) != 39 {
		t.Errorf("%d left", len(got))
	}
}

// TestTopicsAreBounded: the bound holds whatever comes at the same time.
func TestTopicsAreBounded(t *testing.T) {
	w := newWorld(t, dynamo.Options{Topics: 5})
	ctx := t.Context()
	var all sync.WaitGroup
	refused := make(chan error, 20)
	for i := range 20 {
		all.Go(func() {
			if err := w.Subscribe(ctx, "ann", fmt.Sprintf("t%d", i)); err != nil {
				refused <- err
			}
		})
	}
	all.Wait()
	close(refused)
	n := 0
	for err := range refused {
		n++
		wantKind(t, err, chat.BadRequest)
	}
	h, err := w.Home(ctx, "ann")
	if err != nil || len(h.Topics) != 5 || n != 15 {
		t.Fatalf("%d topics, %d refused, %v", len(h.Topics), n, err)
	}
	must(t, w.Subscribe(ctx, "ann", h.Topics[0])) // again is no further one
	must(t, w.Unsubscribe(ctx, "ann", h.Topics[0]))
	must(t, w.Unsubscribe(ctx, "ann", h.Topics[0]))
	must(t, w.Subscribe(ctx, "ann", "another"))
	for _, topic := range h.Topics[1:] {
		must(t, w.Unsubscribe(ctx, "ann", topic))
	}
	must(t, w.Unsubscribe(ctx, "ann", "another"))
	if h, err := w.Home(ctx, "ann"); err != nil || len(h.Topics) != 0 {
		t.Errorf("%+v, %v", h, err)
	}
	must(t, w.Subscribe(ctx, "ann", "after all"))
}

// TestSubscriptionsExpire: a user who never comes back costs nothing for ever.
func TestSubscriptionsExpire(t *testing.T) {
	w := newWorld(t, dynamo.Options{Topics: 2})
	ctx := t.Context()
	must(t, w.Subscribe(ctx, "ann", "t"))
	must(t, w.Subscribe(ctx, "ann", "u"))
	w.clock.advance(40 * 24 * time.Hour)
	h, err := w.Home(ctx, "ann")
	if err != nil || !h.Stale || len(h.Topics) != 2 {
		t.Fatalf("after 40 days: %+v, %v", h, err)
	}
	for _, topic := range h.Topics {
		must(t, w.Subscribe(ctx, "ann", topic))
	}
	w.clock.advance(80 * 24 * time.Hour)
	if h, err := w.Home(ctx, "ann"); err != nil || len(h.Topics) != 2 || len(w.listed("t", 9)) != 1 {
		t.Errorf("renewed: %+v, %v", h, err)
	}
	w.clock.advance(11 * 24 * time.Hour)
	if h, err := w.Home(ctx, "ann"); err != nil || len(h.Topics) != 0 || len(w.listed("t", 9)) != 0 {
		t.Errorf("expired: %+v, %v", h, err)
	}
	// What expired and is not deleted yet does not come back.
	must(t, w.Subscribe(ctx, "ann", "v"))
	if h, err := w.Home(ctx, "ann"); err != nil || !slices.Equal(h.Topics, []string{"v"}) || h.Stale {
		t.Errorf("begun anew: %+v, %v", h, err)
	}
}

// What a life of a connection with topics costs: a change here is a change of the
// bill.
func TestCostOfTopics(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	topics := []string{"a", "b", "c", "d", "e"}
	for _, topic := range topics {
		must(t, w.Subscribe(ctx, "ann", topic))
	}
	w.net.count()
	reads, writes := w.spent()
	w.open("ann", "c1")
	h, err := w.Home(ctx, "ann")
	must(t, err)
	must(t, w.Join(ctx, "ann", "c1", h.Topics))
	must(t, w.Close(ctx, "c1"))
	if got := w.net.count(); got["UpdateItem"] != 3 || got["Query"] != 1 || got["BatchWriteItem"] != 2 || got["DeleteItem"] != 2 {
		t.Errorf("calls %v", got)
	}
	if w.units == nil {
		return
	}
	r, wr := w.spent()
	if r-reads > 1 || wr-writes > 17 {
		t.Errorf("%v read and %v write units, want at most 1 and 17", r-reads, wr-writes)
	}
	t.Logf("%v read and %v write units", r-reads, wr-writes)
}
