package stack

import (
	"runtime"

	"kaiwa/local/faults"
	"kaiwa/pkg/emu/converse"
	"kaiwa/pkg/emu/lambdart"
)

// Stats are the counters since Start, as GET /_local/stats shows them.
type Stats struct {
	// Posts to connections by answered status, and the bytes of those that were
	// accepted.
	Posts       map[int]int64 `json:"posts"`
	PostedBytes int64         `json:"postedBytes"`
	// Sockets.
	Connections         int           `json:"connections"` // open now
	Opened              int64         `json:"opened"`
	Closed              map[int]int64 `json:"closed"` // by close code
	Messages            int64         `json:"messages"`
	IntegrationTimeouts int64         `json:"integrationTimeouts"`
	// Functions by name.
	Functions map[string]lambdart.Stats `json:"functions"`
	// Table operations by name; nothing for a DynamoDB elsewhere.
	Table map[string]TableStats `json:"table"`
	// Model calls; nothing for Bedrock itself.
	Model converse.Stats `json:"model"`
	// Faults is the text in force and what it did so far.
	Faults      string                       `json:"faults"`
	FaultCounts map[faults.Name]faults.Count `json:"faultCounts"`
	// Goroutines of this process and the processes of the functions.
	Goroutines int `json:"goroutines"`
	Processes  int `json:"processes"`
}

// TableStats count one table operation, with the capacity units it would cost.
type TableStats struct {
	Calls      int     `json:"calls"`
	Throttled  int     `json:"throttled"`
	Errors     int     `json:"errors"` // failed conditions among them
	ReadUnits  float64 `json:"readUnits"`
	WriteUnits float64 `json:"writeUnits"`
}

// Stats gathers the counters of all emulators.
func (s *Stack) Stats() Stats {
	out := Stats{
		Posts: map[int]int64{}, Closed: map[int]int64{}, Table: map[string]TableStats{},
		Functions: s.host.Stats(), Faults: s.dice.String(), FaultCounts: s.dice.Counts(),
		Goroutines: runtime.NumGoroutine(),
	}
	for _, a := range s.apis {
		g := a.gateway.Stats()
		for status, n := range g.Posts {
			out.Posts[status] += n
		}
		for code, n := range g.Closes {
			out.Closed[code] += n
		}
		out.PostedBytes += g.PostedBytes
		out.Opened += g.Opens
		out.Messages += g.Messages
		out.IntegrationTimeouts += g.IntegrationTimeouts
		out.Connections += len(a.gateway.Connections())
	}
	for _, f := range out.Functions {
		out.Processes += f.Processes
	}
	if s.model != nil {
		out.Model = s.model.Stats()
	}
	if s.table != nil {
		for op, n := range s.table.Counts() {
			out.Table[op] = TableStats(n)
		}
	}
	return out
}
