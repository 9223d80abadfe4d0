package wire

// Code is the machine-readable reason of an Error frame. It is one of the
// constants below; a client treats an unknown one like CodeInternal.
type Code string

// The codes of DESIGN §2.
const (
	CodeBadRequest     Code = "bad_request"     // the message is not valid; sending it again will not help
	CodeTooLarge       Code = "too_large"       // over a limit of this package
	CodeNotFound       Code = "not_found"       // unknown, or somebody else's
	CodeBusy           Code = "busy"            // the conversation's last reply still runs
	CodeUnauthorized   Code = "unauthorized"    // not allowed
	CodeExpired        Code = "expired"         // the token ran out: send auth
	CodeRateLimited    Code = "rate_limited"    // a quota of the user: wait retryAfter
	CodeModelThrottled Code = "model_throttled" // Bedrock's quota
	CodeModelError     Code = "model_error"     // the model failed or refused
	CodeUnavailable    Code = "unavailable"     // a dependency failed; try again
	CodeInternal       Code = "internal"        // a defect; the log has the request id
)
