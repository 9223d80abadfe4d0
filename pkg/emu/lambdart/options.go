package lambdart

import (
	"log/slog"
	"time"
)

// Options are a Host's settings. The zero value, and nil, are the defaults.
type Options struct {
	// Region stands in AWS_REGION and in ARNs. Default us-east-1.
	Region string
	// AccountID stands in the ARN of a function that has none. Default 123456789012.
	AccountID string
	// AccountConcurrency bounds the invocations under way at once. What functions
	// reserve is taken from it. Default 1000 (aws-facts §6).
	AccountConcurrency int
	// MaxProcesses bounds the processes of all functions together, so that a
	// flood cannot take the machine down. At the bound the longest idle process
	// makes room; if none is idle for ProcessWait the invocation is throttled.
	// Default 256.
	MaxProcesses int
	// ProcessWait is how long an invocation waits at that bound, which is this
	// machine's and none of Lambda's. Default 5 s.
	ProcessWait time.Duration
	// IdleTimeout is how long a process without work is kept. Default 5 min.
	IdleTimeout time.Duration
	// AsyncRetry is the wait before the first retry of a failed event; the second
	// waits twice as long. Default 60 s, as on Lambda.
	AsyncRetry time.Duration
	// Grace is the time between SIGTERM and SIGKILL. Default 500 ms, as on Lambda.
	Grace time.Duration
	// Env is given to every process and wins over the function's own Env, for
	// endpoints: AWS_ENDPOINT_URL_DYNAMODB and the like.
	Env map[string]string
	// Logs receives every line a process writes to stdout or stderr, without its
	// newline, and what Lambda itself would log of a timeout or a crash. requestID
	// is the invocation under way, the last one between two, "" before the first.
	// The line is only valid during the call. Calls come from many goroutines, and
	// one that blocks holds up its process.
	// Default: discarded.
	Logs func(function, requestID string, line []byte)
	// Report receives the end of every attempt of an invocation, after the last of its
	// lines. Calls come from many goroutines. Default: nobody.
	Report func(Report)
	// Logger tells of processes started, ended and killed. Default: discarded.
	Logger *slog.Logger
	// Fault is asked before every attempt of an invocation. Default: no faults.
	Fault func(function string, async bool) Fault
}

// Credentials are static AWS credentials.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string
}

// withDefaults returns a copy of o, which may be nil, with every default filled in.
func (o *Options) withDefaults() Options {
	var d Options
	if o != nil {
		d = *o
	}
	d.Region = or(d.Region, "us-east-1")
	d.AccountID = or(d.AccountID, "123456789012")
	d.AccountConcurrency = or(d.AccountConcurrency, 1000)
	d.MaxProcesses = or(d.MaxProcesses, 256)
	d.ProcessWait = or(d.ProcessWait, 5*time.Second)
	d.IdleTimeout = or(d.IdleTimeout, 5*time.Minute)
	d.AsyncRetry = or(d.AsyncRetry, time.Minute)
	d.Grace = or(d.Grace, 500*time.Millisecond)
	d.Logger = or(d.Logger, slog.New(slog.DiscardHandler))
	if d.Logs == nil {
		d.Logs = func(string, string, []byte) {}
	}
	if d.Fault == nil {
		d.Fault = func(string, bool) Fault { return Fault{} }
	}
	return d
}

func or[T comparable](v, fallback T) T {
	var zero T
	if v == zero {
		return fallback
	}
	return v
}
