package chat_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"kaiwa/pkg/chat"
)

func TestKinds(t *testing.T) {
	for _, c := range []struct {
		kind  chat.Kind
		name  string
		retry bool
	}{
		{chat.Internal, "internal", true},
		{chat.BadRequest, "bad request", false},
		{chat.TooLarge, "too large", false},
		{chat.NotFound, "not found", false},
		{chat.Busy, "busy", true},
		{chat.Unauthorized, "unauthorized", false},
		{chat.Expired, "expired", false},
		{chat.RateLimited, "rate limited", true},
		{chat.ModelThrottled, "model throttled", true},
		{chat.ModelError, "model error", false},
		{chat.Unavailable, "unavailable", true},
		{chat.Kind(99), "kind 99", false},
		{chat.Kind(-1), "kind -1", false},
	} {
		e := chat.E(c.kind, "message %d", 7)
		if c.kind.String() != c.name || e.Retryable() != c.retry || e.Error() != c.name+": message 7" {
			t.Errorf("%d: %q, retryable %v, %q", c.kind, c.kind, e.Retryable(), e.Error())
		}
	}
	var zero chat.Error
	if zero.Kind != chat.Internal {
		t.Errorf("the zero Error is %s", zero.Kind)
	}
}

func TestErrorChain(t *testing.T) {
	cause := errors.New("no route")
	e := &chat.Error{Kind: chat.Unavailable, Message: "try again", Err: cause}
	if got, want := e.Error(), "unavailable: try again: no route"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !errors.Is(fmt.Errorf("load: %w", e), cause) {
		t.Error("the cause is not in the chain")
	}
}

func TestAsError(t *testing.T) {
	known := chat.E(chat.Busy, "wait")
	secret := errors.New("password is hunter2")
	for _, c := range []struct {
		name    string
		err     error
		kind    chat.Kind
		message string
	}{
		{"itself", known, chat.Busy, "wait"},
		{"wrapped", fmt.Errorf("put turn: %w", known), chat.Busy, "wait"},
		{"joined", errors.Join(secret, known), chat.Busy, "wait"},
		{"deadline", fmt.Errorf("get item: %w", context.DeadlineExceeded), chat.Unavailable, "this took too long; try again"},
		{"a deadline that was judged", &chat.Error{Kind: chat.ModelError, Message: "m", Err: context.DeadlineExceeded}, chat.ModelError, "m"},
		{"cancelled", context.Canceled, chat.Internal, "something went wrong here; try again"},
		{"unknown", secret, chat.Internal, "something went wrong here; try again"},
	} {
		e := chat.AsError(c.err)
		if e.Kind != c.kind || e.Message != c.message || chat.KindOf(c.err) != c.kind {
			t.Errorf("%s: %s %q", c.name, e.Kind, e.Message)
		}
		if !errors.Is(e, c.err) && !errors.Is(c.err, e) {
			t.Errorf("%s: the log loses the cause", c.name)
		}
	}
}

func TestJoin(t *testing.T) {
	a, b := chat.E(chat.Busy, "wait"), errors.New("b")
	if chat.Join() != nil || chat.Join(nil, nil) != nil || chat.Join(nil, b) != b {
		t.Error("none or one is not itself")
	}
	err := chat.Join(b, nil, a)
	if err.Error() != "b; busy: wait" || !errors.Is(err, b) || chat.KindOf(err) != chat.Busy {
		t.Errorf("got %q, %v", err, chat.KindOf(err))
	}
}
