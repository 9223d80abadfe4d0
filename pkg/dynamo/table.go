package dynamo

import (
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Options of a Table. The zero value is the default.
type Options struct {
	// Now is the clock (time.Now).
	Now func() time.Time
	// Timeout is the deadline of one table call, the SDK's retries included (2 s,
	// DESIGN §3 R3).
	Timeout time.Duration
	// Topics is the most topics of a user (50).
	Topics int
	// Inbox is the most notifications that wait for a user (100); older ones give way.
	Inbox int
	// Retention is how long after its last prompt a conversation is kept; each
	// message expires that long after it was written. 0 keeps them for ever.
	Retention time.Duration
	// MaxPrompt is the most bytes of a prompt sent in parts (512 KB).
	MaxPrompt int
	// PartsWithin is how long the parts of one prompt may take (2 min).
	PartsWithin time.Duration
	// PartTTL is when unfinished parts expire (10 min). It must be longer than
	// PartsWithin.
	PartTTL time.Duration
}

// Table is the one table. It is safe for concurrent use and starts no goroutines.
type Table struct {
	client *dynamodb.Client
	name   string
	o      Options
	again  aws.Retryer // for calls that the SDK may repeat
}

// Times things live besides conversations.
const (
	// connectionLife: API Gateway closes a connection after two hours (aws-facts
	// §1); the rest is slack. See connectionTTL.
	connectionLife = 2*time.Hour + 10*time.Minute
	claimLife      = 24 * time.Hour
)

// New makes a Table of an existing DynamoDB table (see Schema).
func New(client *dynamodb.Client, table string, o *Options) *Table {
	t := &Table{client: client, name: table, again: retryer()}
	if o != nil {
		t.o = *o
	}
	if t.o.Now == nil {
		t.o.Now = time.Now
	}
	setDefault(&t.o.Timeout, 2*time.Second)
	setDefault(&t.o.Topics, 50)
	setDefault(&t.o.Inbox, 100)
	setDefault(&t.o.MaxPrompt, 512<<10)
	setDefault(&t.o.PartsWithin, 2*time.Minute)
	setDefault(&t.o.PartTTL, 10*time.Minute)
	return t
}

func setDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// retryer repeats twice, quickly: the whole call has to fit into its deadline.
// Besides what the SDK repeats by itself it repeats a single write that met a
// transaction on the same item, which DynamoDB refuses instead of queueing.
func retryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = 3
		o.Backoff = retry.BackoffDelayerFunc(func(attempt int, _ error) (time.Duration, error) {
			return backoff(attempt), nil
		})
		o.Retryables = append(o.Retryables, retry.RetryableErrorCode{
			Codes: map[string]struct{}{transactionConflict: {}},
		})
	})
}

// backoff is a jittered wait before attempt 1, 2, 3 …: at most 50, 100, 200 ms …
func backoff(attempt int) time.Duration {
	most := 25 * time.Millisecond << min(attempt, 4)
	return most/4 + rand.N(most*3/4)
}

// now is the clock in UTC and whole milliseconds, as times are stored.
func (t *Table) now() time.Time { return t.o.Now().UTC().Truncate(time.Millisecond) }

// live tells whether an item exists and is not past its ttl.
func (t *Table) live(it item) bool {
	if it == nil {
		return false
	}
	ttl := it.num("ttl")
	return ttl == 0 || ttl > t.now().Unix()
}

// expiry is the ttl of what belongs to a conversation and is written now. Only
// where Retention is set.
func (t *Table) expiry(slack time.Duration) types.AttributeValue {
	return seconds(t.now().Add(t.o.Retention + slack))
}

// keep sets an item's ttl where Retention is set.
func (t *Table) keep(it item, slack time.Duration) {
	if t.o.Retention > 0 {
		it["ttl"] = t.expiry(slack)
	}
}
