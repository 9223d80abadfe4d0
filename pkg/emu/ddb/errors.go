package ddb

import (
	"errors"
	"fmt"
	"strings"
)

// Fault is what Options.Faults and Options.FaultsAfter may return; any other error counts as Unavailable.
type Fault string

const (
	// Throttle refuses a call with ProvisionedThroughputExceededException (400), or, for a part of a batch,
	// hands that part back as unprocessed.
	Throttle Fault = "throttle"
	// Unavailable fails a call with InternalServerError (500).
	Unavailable Fault = "unavailable"
	// Conflict refuses a write, or a transaction, as if another transaction held the item: TransactionConflictException,
	// or TransactionCanceledException with the reason TransactionConflict. The emulator never has such conflicts by itself:
	// one lock orders everything.
	Conflict Fault = "conflict"
)

// Error is the fault's name.
func (f Fault) Error() string { return string(f) }

const (
	coralService  = "com.amazon.coral.service#"
	coralValidate = "com.amazon.coral.validate#"
	dynamoDB      = "com.amazonaws.dynamodb.v20120810#"
)

// apiError is an answer of DynamoDB that is an error: its type as on the wire, its message, its other members.
type apiError struct {
	status  int
	kind    string
	message string
	members map[string]any
	// throttled: counted as throttled, not as an error.
	throttled bool
	// early: found before a transaction begins, so that it refuses the request instead of cancelling that.
	early bool
}

func (e *apiError) Error() string {
	_, name, _ := strings.Cut(e.kind, "#")
	if e.message == "" {
		return name
	}
	return name + ": " + e.message
}

// body is the error as JSON. Some shapes of the API name their message "Message".
func (e *apiError) body() map[string]any {
	body := map[string]any{"__type": e.kind}
	name := "message"
	switch e.kind {
	case coralService + "SerializationException", dynamoDB + "TransactionCanceledException", dynamoDB + "IdempotentParameterMismatchException":
		name = "Message"
	}
	if e.message != "" {
		body[name] = e.message
	}
	for k, v := range e.members {
		body[k] = v
	}
	return body
}

func refusal(kind, message string) *apiError {
	return &apiError{status: 400, kind: kind, message: message}
}

// invalid is a ValidationException.
func invalid(format string, args ...any) error {
	return refusal(coralValidate+"ValidationException", fmt.Sprintf(format, args...))
}

// emptyKey is the refusal of a key that is an empty string or binary. It is told of a transaction as a whole, unlike any other
// mistake in a key (paritysuite/dynamodb-conformance, captured in four regions).
func emptyKey(format string, args ...any) error {
	e := refusal(coralValidate+"ValidationException", fmt.Sprintf(format, args...))
	e.early = true
	return e
}

// isEarly tells whether an error refuses a transaction as a whole.
func isEarly(err error) bool {
	var e *apiError
	return errors.As(err, &e) && e.early
}

// invalidValue is a ValidationException of the many that begin so.
func invalidValue(format string, args ...any) error {
	return invalid("One or more parameter values were invalid: "+format, args...)
}

// detected is a ValidationException found while a request is taken apart, which AWS counts aloud.
func detected(format string, args ...any) error {
	return invalid("1 validation error detected: "+format, args...)
}

func badSerialization(format string, args ...any) error {
	return refusal(coralService+"SerializationException", fmt.Sprintf(format, args...))
}

func notEmulated(what string) error {
	return invalid("%s is not emulated by kaiwa's DynamoDB", what)
}

func noTable() error {
	return refusal(dynamoDB+"ResourceNotFoundException", "Requested resource not found")
}

func noTableNamed(name string) error {
	return refusal(dynamoDB+"ResourceNotFoundException", "Requested resource not found: Table: "+name+" not found")
}

// conditionFailed carries the item that was found, if the caller asked for it.
func conditionFailed(found item) *apiError {
	e := refusal(dynamoDB+"ConditionalCheckFailedException", "The conditional request failed")
	if found != nil {
		e.members = map[string]any{"Item": found}
	}
	return e
}

func isConditionFailed(err error) bool {
	var e *apiError
	return errors.As(err, &e) && e.kind == dynamoDB+"ConditionalCheckFailedException"
}

func throttled() *apiError {
	e := refusal(dynamoDB+"ProvisionedThroughputExceededException",
		"The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the UpdateTable API.")
	e.throttled = true
	return e
}

func internal() *apiError {
	return &apiError{status: 500, kind: dynamoDB + "InternalServerError", message: "Internal server error"}
}
