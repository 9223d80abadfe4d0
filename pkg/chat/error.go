package chat

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind sorts errors by what the person at the other end can do about them.
type Kind int

// The kinds. Each has one wire code (package handler keeps the table).
const (
	// Internal is every error that has no kind: a defect. The zero value.
	Internal Kind = iota
	BadRequest
	TooLarge
	NotFound
	Busy
	Unauthorized
	Expired
	RateLimited
	ModelThrottled
	ModelError
	Unavailable
)

var kindNames = [...]string{"internal", "bad request", "too large", "not found", "busy", "unauthorized", "expired",
	"rate limited", "model throttled", "model error", "unavailable"}

// String is the kind's name, for logs.
func (k Kind) String() string {
	if k < 0 || int(k) >= len(kindNames) {
		return fmt.Sprintf("kind %d", int(k))
	}
	return kindNames[k]
}

// Error is an error that may be shown: only Kind, Message, RetryAfter and Reply
// ever reach a client. The cause goes to the log.
type Error struct {
	Kind Kind
	// Message is one line that says what to do.
	Message string
	// RetryAfter is how long to wait before trying again, 0 where unknown.
	RetryAfter time.Duration
	// Reply is the reply the error is about, where one is known.
	Reply string
	// Again marks an error whose kind alone would not say that the same message may
	// succeed later.
	Again bool
	// Err is the cause; it is never shown.
	Err error
}

// E makes an Error with a formatted message and no cause.
func E(k Kind, format string, args ...any) *Error {
	return &Error{Kind: k, Message: fmt.Sprintf(format, args...)}
}

// Error gives kind, message and cause, for logs.
func (e *Error) Error() string {
	s := e.Kind.String() + ": " + e.Message
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Retryable tells whether the same message may succeed later.
func (e *Error) Retryable() bool {
	switch e.Kind {
	case Busy, RateLimited, ModelThrottled, Unavailable, Internal:
		return true
	}
	return e.Again
}

// AsError finds the Error in err's chain; anything else becomes Internal, and a
// deadline Unavailable, both without detail.
func AsError(err error) *Error {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{Kind: Unavailable, Message: "this took too long; try again", Err: err}
	}
	return &Error{Kind: Internal, Message: "something went wrong here; try again", Err: err}
}

// KindOf is AsError(err).Kind.
func KindOf(err error) Kind { return AsError(err).Kind }

// Sentinels that adapters and the relay speak to each other in.
var (
	// ErrGone: the connection is closed, unknown or not yet established.
	ErrGone = errors.New("connection is gone")
	// ErrLost: a conditional write found that somebody else owns or ended the
	// reply, whose image that came with it is the truth, or works on the delivery.
	ErrLost = errors.New("lost to another writer")
	// ErrDuplicate: the id was used before; a prompt's Claim that came with it
	// tells by which reply.
	ErrDuplicate = errors.New("id was used before")
	// ErrMoved: the conversation changed since it was read; read it again.
	ErrMoved = errors.New("conversation changed meanwhile")
	// ErrCut: the model's stream ended without saying that it is complete.
	ErrCut = errors.New("model stream ended without messageStop")
)

// Join is errors.Join on one line; a single error stays as it is.
func Join(errs ...error) error {
	var list together
	for _, err := range errs {
		if err != nil {
			list = append(list, err)
		}
	}
	switch len(list) {
	case 0:
		return nil
	case 1:
		return list[0]
	}
	return list
}

// together is more than one error.
type together []error

func (t together) Error() string {
	var texts []string
	for _, err := range t {
		texts = append(texts, err.Error())
	}
	return strings.Join(texts, "; ")
}

func (t together) Unwrap() []error { return t }
