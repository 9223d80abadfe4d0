package ddb

import (
	"cmp"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
)

// Options are the options of New. A nil *Options, and every zero field, is the default.
type Options struct {
	// Region and AccountID stand in ARNs, and nowhere else. Default: us-east-1 and 000000000000.
	Region, AccountID string
	// Clock tells the time, for creation dates, idempotency tokens and nothing else. Default: time.Now.
	Clock func() time.Time
	// Logger gets one record for each call, at debug level, without any attribute value. Default: none.
	Logger *slog.Logger
	// Faults is asked before a call is carried out, once for each table it names (sorted; "" if it names none), and for
	// BatchWriteItem and BatchGetItem once for each item instead. An error keeps the call from happening, as if the request
	// had been lost: Throttle, Unavailable or Conflict; any other error is taken for Unavailable. A throttled item of a
	// batch is returned as unprocessed, as long as another one is not. It may be called concurrently. Default: none.
	Faults func(op, table string) error
	// FaultsAfter is asked after a call was carried out, once for each table it named. With an error the caller gets
	// InternalServerError although everything has happened, as if the response had been lost. Default: none.
	FaultsAfter func(op, table string) error
}

// Server is an in-memory DynamoDB, an http.Handler. It is safe for concurrent use. Make it with New.
type Server struct {
	options Options

	mu    sync.RWMutex // guards store
	store store

	countsMu sync.Mutex
	counts   map[string]OpCount
}

// New makes an empty DynamoDB. Nil options are the defaults.
func New(o *Options) *Server {
	s := &Server{store: store{tables: map[string]*table{}}, counts: map[string]OpCount{}}
	if o != nil {
		s.options = *o
	}
	s.options.Region = cmp.Or(s.options.Region, "us-east-1")
	s.options.AccountID = cmp.Or(s.options.AccountID, "000000000000")
	if s.options.Clock == nil {
		s.options.Clock = time.Now
	}
	if s.options.Logger == nil {
		s.options.Logger = slog.New(slog.DiscardHandler)
	}
	none := func(string, string) error { return nil }
	if s.options.Faults == nil {
		s.options.Faults = none
	}
	if s.options.FaultsAfter == nil {
		s.options.FaultsAfter = none
	}
	return s
}

// call is one call of an operation.
type call struct {
	*Server
	op     string
	body   any
	tables []string // those it names, once it was admitted
	used   consumption
}

// operations are those emulated. All others are refused by name.
var operations = map[string]func(*call) (reply, error){
	"CreateTable":        (*call).createTable,
	"DescribeTable":      (*call).describeTable,
	"ListTables":         (*call).listTables,
	"DeleteTable":        (*call).deleteTable,
	"UpdateTimeToLive":   (*call).updateTimeToLive,
	"DescribeTimeToLive": (*call).describeTimeToLive,
	"GetItem":            (*call).getItem,
	"PutItem":            (*call).putItem,
	"UpdateItem":         (*call).updateItem,
	"DeleteItem":         (*call).deleteItem,
	"Query":              (*call).query,
	"Scan":               (*call).scan,
	"BatchGetItem":       (*call).batchGetItem,
	"BatchWriteItem":     (*call).batchWriteItem,
	"TransactGetItems":   (*call).transactGetItems,
	"TransactWriteItems": (*call).transactWriteItems,
}

// do carries out an operation and counts it. The error is always an *apiError.
func (s *Server) do(op string, body any) (reply, *apiError) {
	run := operations[op]
	if run == nil {
		return nil, refusal(coralService+"UnknownOperationException", op+" is not emulated by kaiwa's DynamoDB")
	}
	c := &call{Server: s, op: op, body: body, used: consumption{}}
	out, err := run(c)
	if err == nil {
		err = c.lost()
	}
	refused := asAPIError(err)
	s.count(c, refused)
	s.options.Logger.Debug("dynamodb call", "op", op, "tables", c.tables, "failed", refused != nil)
	return out, refused
}

func asAPIError(err error) *apiError {
	if err == nil {
		return nil
	}
	var e *apiError
	if !errors.As(err, &e) {
		return internal()
	}
	return e
}

// admit lets Faults refuse the call. Operations call it once they know their tables.
func (c *call) admit(tables ...string) error {
	c.tables = slices.Compact(slices.Sorted(slices.Values(tables)))
	for _, t := range c.tables {
		if err := c.options.Faults(c.op, t); err != nil {
			return faultError(c.op, err)
		}
	}
	return nil
}

func faultError(op string, err error) error {
	switch {
	case errors.Is(err, Throttle):
		return throttled()
	case errors.Is(err, Conflict) && (op == "PutItem" || op == "UpdateItem" || op == "DeleteItem"):
		return refusal(dynamoDB+"TransactionConflictException", "Transaction is ongoing for the item")
	case errors.Is(err, Conflict) && (op == "TransactWriteItems" || op == "TransactGetItems"):
		return err // the operation knows how many reasons to give
	}
	return internal()
}

// lost lets FaultsAfter swallow the answer.
func (c *call) lost() error {
	for _, t := range c.tables {
		if err := c.options.FaultsAfter(c.op, t); err != nil {
			return internal()
		}
	}
	return nil
}

// OpCount is how often an operation was called, and what it consumed.
type OpCount struct {
	Calls      int     // all of them
	Throttled  int     // refused by Faults with Throttle
	Errors     int     // answered with any other error, failed conditions among them
	ReadUnits  float64 // read capacity units, failed calls included
	WriteUnits float64 // write capacity units, those of indexes and of failed conditions included
}

// Counts returns what was called since New, by operation. Operations that were never called are missing.
func (s *Server) Counts() map[string]OpCount {
	s.countsMu.Lock()
	defer s.countsMu.Unlock()
	return maps.Clone(s.counts)
}

func (s *Server) count(c *call, refused *apiError) {
	s.countsMu.Lock()
	defer s.countsMu.Unlock()
	n := s.counts[c.op]
	n.Calls++
	switch {
	case refused == nil:
	case refused.throttled:
		n.Throttled++
	default:
		n.Errors++
	}
	for _, u := range c.used {
		n.ReadUnits += u.read
		n.WriteUnits += u.write
	}
	s.counts[c.op] = n
}
