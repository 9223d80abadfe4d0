package relay

import (
	"kaiwa/pkg/chat"
	"kaiwa/pkg/wire"
)

// codes is the one table of error kinds and wire codes.
var codes = map[chat.Kind]wire.Code{
	chat.Internal: wire.CodeInternal, chat.BadRequest: wire.CodeBadRequest, chat.TooLarge: wire.CodeTooLarge,
	chat.NotFound: wire.CodeNotFound, chat.Busy: wire.CodeBusy, chat.Unauthorized: wire.CodeUnauthorized,
	chat.Expired: wire.CodeExpired, chat.RateLimited: wire.CodeRateLimited, chat.ModelThrottled: wire.CodeModelThrottled,
	chat.ModelError: wire.CodeModelError, chat.Unavailable: wire.CodeUnavailable,
}

// ErrorFrame is what a client is told of an error: kind, message and when to
// come back, nothing else.
func ErrorFrame(err error) wire.Error {
	e := chat.AsError(err)
	return wire.Error{Code: codes[e.Kind], Message: e.Message, Retryable: e.Retryable(), RetryAfter: seconds(e.RetryAfter), Reply: e.Reply}
}
