package handler

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"kaiwa/pkg/relay"
)

// Env reads a function's configuration from its environment and remembers every
// fault, so that a broken deployment names them all at once.
type Env struct {
	getenv func(string) string
	faults []error
}

// NewEnv reads through getenv, usually os.Getenv.
func NewEnv(getenv func(string) string) *Env { return &Env{getenv: getenv} }

// Must returns a variable that has to be set.
func (e *Env) Must(name string) string {
	v := e.getenv(name)
	if v == "" {
		e.faults = append(e.faults, fmt.Errorf("%s is not set", name))
	}
	return v
}

// String returns a variable, or d when it is not set.
func (e *Env) String(name, d string) string {
	if v := e.getenv(name); v != "" {
		return v
	}
	return d
}

// List returns the elements of a comma-separated variable, without blanks.
func (e *Env) List(name string) []string {
	var list []string
	for v := range strings.SplitSeq(e.getenv(name), ",") {
		if v = strings.TrimSpace(v); v != "" {
			list = append(list, v)
		}
	}
	return list
}

// Int returns a whole number of at least 0, or d when it is not set.
func (e *Env) Int(name string, d int) int {
	v := e.getenv(name)
	if v == "" {
		return d
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 {
		e.faults = append(e.faults, fmt.Errorf("%s is %q; it must be a whole number, 0 or more", name, v))
	}
	return n
}

// Duration returns Int many units.
func (e *Env) Duration(name string, d int, unit time.Duration) time.Duration {
	return time.Duration(e.Int(name, d)) * unit
}

// Err is nil, or everything that is wrong.
func (e *Env) Err() error { return errors.Join(e.faults...) }

// NewLogger logs JSON with the request id, as Lambda's log format wants
// (publishing.md §5). No message text and no token is ever logged.
func NewLogger() *slog.Logger { return lambdacontext.NewLogger() }

// orDiscard makes a nil Logger one that discards.
func orDiscard(l *slog.Logger) *slog.Logger {
	if l == nil {
		return slog.New(slog.DiscardHandler)
	}
	return l
}

// relayOptions reads the knobs of a reply.
func relayOptions(e *Env) *relay.Options {
	return &relay.Options{
		Flush:         e.Duration("FLUSH_MILLISECONDS", 0, time.Millisecond),
		Piece:         e.Int("PIECE_BYTES", 0),
		Keepalive:     e.Duration("KEEPALIVE_SECONDS", 0, time.Second),
		Policy:        relay.Policy(e.String("DISCONNECT_POLICY", "")),
		HistoryTokens: e.Int("HISTORY_TOKENS", 0),
		Logger:        NewLogger(),
	}
}
