package apigw

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// Stats counts what happened since New.
type Stats struct {
	// Posts counts POSTs to @connections by answered status, PostedBytes the
	// bytes of those answered 200.
	Posts       map[int]int64 `json:"posts"`
	PostedBytes int64         `json:"postedBytes"`
	// Messages counts inbound messages, Opens accepted connections, Closes ended
	// ones by close code.
	Messages int64         `json:"messages"`
	Opens    int64         `json:"opens"`
	Closes   map[int]int64 `json:"closes"`
	// IntegrationTimeouts counts calls that outlasted their integration timeout,
	// authorizers included.
	IntegrationTimeouts int64 `json:"integrationTimeouts"`
}

// Connection is one open connection.
type Connection struct {
	ID           string
	ConnectedAt  time.Time
	LastActiveAt time.Time
	SourceIP     string
	UserAgent    string
}

// Stats returns a copy of the counters.
func (g *Gateway) Stats() Stats {
	c := &g.counts
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.Stats
	s.Posts, s.Closes = maps.Clone(s.Posts), maps.Clone(s.Closes)
	return s
}

// Connections returns the open connections, oldest first.
func (g *Gateway) Connections() []Connection {
	var open []Connection
	for _, c := range g.open() {
		open = append(open, c.describe())
	}
	slices.SortFunc(open, func(a, b Connection) int { return a.ConnectedAt.Compare(b.ConnectedAt) })
	return open
}

func (c *conn) describe() Connection {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Connection{c.id, c.connectedAt, c.lastActive, c.identity.SourceIP, c.identity.UserAgent}
}

// counts guards Stats.
type counts struct {
	mu sync.Mutex
	Stats
}

func (c *counts) add(f func(*Stats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(&c.Stats)
}

func (c *counts) message() { c.add(func(s *Stats) { s.Messages++ }) }
func (c *counts) open()    { c.add(func(s *Stats) { s.Opens++ }) }
func (c *counts) timeout() { c.add(func(s *Stats) { s.IntegrationTimeouts++ }) }

func (c *counts) closed(code int) { c.add(func(s *Stats) { s.Closes[code]++ }) }

func (c *counts) post(status, bytes int) {
	c.add(func(s *Stats) {
		s.Posts[status]++
		if status == 200 {
			s.PostedBytes += int64(bytes)
		}
	})
}
