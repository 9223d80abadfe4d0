package main

import (
	"context"
	"errors"
	"net/http"

	"kaiwa/client/raw"
	"kaiwa/client/repl"
	"kaiwa/client/session"
	"kaiwa/pkg/frame"
	"kaiwa/pkg/wire"
)

// The exit codes, for scripts.
const (
	exitOK           = 0   // the reply is complete
	exitService      = 1   // the service reported an error
	exitUsage        = 2   // the command line is wrong, or the prompt too large
	exitUnauthorized = 3   // the service does not let this user in
	exitConnect      = 4   // there was no connection to begin with
	exitLost         = 5   // the connection or --timeout's time was lost before the reply ended
	exitRefused      = 6   // busy, a rate limit, a policy
	exitInterrupted  = 130 // ^C, or told to end
)

// exitCode is the code for an error, other if nothing better is known.
func exitCode(err error, other int) int {
	var (
		service wire.Error
		dial    *session.DialError
	)
	var usage usageError
	var closed *raw.Closed
	var sign *session.SignError
	switch {
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &closed):
		return exitLost
	case errors.Is(err, raw.ErrInterrupted), errors.Is(err, repl.ErrInterrupted), errors.Is(err, session.ErrStopped), errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.Is(err, frame.ErrTooLarge):
		return exitUsage
	case errors.Is(err, session.ErrNoAnswer), errors.Is(err, errLate):
		return exitLost
	case errors.As(err, &sign):
		return exitUnauthorized
	case errors.As(err, &service):
		return serviceCode(service.Code)
	case errors.As(err, &dial) && dial.Nowhere:
		return other
	case errors.As(err, &dial):
		return dialCode(dial.Status, other)
	}
	return other
}

func serviceCode(c wire.Code) int {
	switch c {
	case wire.CodeTooLarge:
		return exitUsage
	case wire.CodeUnauthorized, wire.CodeExpired:
		return exitUnauthorized
	case wire.CodeBusy, wire.CodeRateLimited, wire.CodeModelThrottled:
		return exitRefused
	}
	return exitService
}

func dialCode(status, other int) int {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return exitUnauthorized
	case http.StatusTooManyRequests:
		return exitRefused
	}
	return other
}

// endCode is the code for how a reply ended (aws-facts §8 has the model's own
// reasons).
func endCode(e session.Ended) int {
	switch {
	case e.Err != nil:
		return exitCode(e.Err, exitService)
	case e.Stop == wire.StopInterrupted, e.Stop == wire.StopStopped:
		return exitService
	case e.Stop == "guardrail_intervened", e.Stop == "content_filtered":
		return exitRefused
	}
	return exitOK
}
