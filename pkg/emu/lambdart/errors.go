package lambdart

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// ErrClosed is what a Host answers after Close.
var ErrClosed = errors.New("lambdart: host closed")

// KilledError is what Close returns when it had to kill functions that somebody
// waited for.
type KilledError struct {
	// Functions are their logical ids, or names where they have none, sorted.
	Functions []string
}

// Error names the functions.
func (e *KilledError) Error() string {
	return "lambdart: close: killed at work: " + strings.Join(e.Functions, ", ")
}

// APIError is an error of the Invoke API: the invocation did not take place.
type APIError struct {
	// Code is the exception name as on AWS, like TooManyRequestsException.
	Code string
	// Status is the HTTP status.
	Status int
	// Message is one line; Reason is the throttle reason, else "".
	Message, Reason string
}

// Error returns code and message.
func (e *APIError) Error() string { return e.Code + ": " + e.Message }

func errNotFound(arn string) *APIError {
	return &APIError{Code: "ResourceNotFoundException", Status: http.StatusNotFound, Message: "Function not found: " + arn}
}

func errThrottled(reason, message string) *APIError {
	return &APIError{Code: "TooManyRequestsException", Status: http.StatusTooManyRequests, Message: message, Reason: reason}
}

func errTooLarge(limit int) *APIError {
	return &APIError{
		Code: "RequestTooLargeException", Status: http.StatusRequestEntityTooLarge,
		Message: fmt.Sprintf("Request must be smaller than %d bytes for the InvokeFunction operation", limit),
	}
}

func errBadRequest(code, format string, args ...any) *APIError {
	return &APIError{Code: code, Status: http.StatusBadRequest, Message: fmt.Sprintf(format, args...)}
}

// writeError answers an API request that failed. The SDKs type an error by
// X-Amzn-ErrorType alone (aws-facts §4).
func writeError(w http.ResponseWriter, requestID string, err error) {
	var e *APIError
	if !errors.As(err, &e) {
		e = &APIError{Code: "ServiceException", Status: http.StatusInternalServerError, Message: err.Error()}
	}
	body := map[string]string{"message": e.Message}
	if e.Status == http.StatusNotFound {
		body = map[string]string{"Message": e.Message} // so spelt in the service model for this one
	}
	switch {
	case e.Status == http.StatusForbidden:
	case e.Status >= http.StatusInternalServerError:
		body["Type"] = "Service"
	default:
		body["Type"] = "User"
	}
	if e.Reason != "" {
		body["Reason"] = e.Reason
	}
	w.Header().Set("X-Amzn-Errortype", e.Code)
	w.Header().Set("X-Amzn-Requestid", requestID)
	writeJSON(w, e.Status, body)
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	b, err := json.Marshal(body)
	if err != nil {
		b = []byte("{}")
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(b)
}
