package apigw

import (
	"net/http"
	"strconv"
)

// refusal is an HTTP answer other than success. SDKs tell errors apart by
// X-Amzn-ErrorType alone (aws-facts §4).
type refusal struct {
	status  int
	kind    string // X-Amzn-ErrorType; none if empty
	message string // no body if empty
}

func forbidden(message string) *refusal {
	return &refusal{http.StatusForbidden, "ForbiddenException", message}
}

func limitExceeded() *refusal {
	return &refusal{http.StatusTooManyRequests, "LimitExceededException", "Too Many Requests"}
}

func unavailable() *refusal {
	return &refusal{http.StatusServiceUnavailable, "ServiceUnavailableException", "Service Unavailable"}
}

// callbackRefusal is the @connections error of a status (aws-facts §4).
func callbackRefusal(status int) *refusal {
	switch status {
	case http.StatusForbidden:
		return forbidden("Forbidden")
	case http.StatusGone:
		return &refusal{status, "GoneException", ""}
	case http.StatusRequestEntityTooLarge:
		return &refusal{status, "PayloadTooLargeException", "Request Too Long"}
	case http.StatusTooManyRequests:
		return limitExceeded()
	case http.StatusInternalServerError:
		return &refusal{status, "InternalServerErrorException", "Internal server error"}
	}
	return &refusal{status, "", http.StatusText(status)}
}

func (r *refusal) write(w http.ResponseWriter) {
	h := w.Header()
	if r.kind != "" {
		h.Set("X-Amzn-ErrorType", r.kind)
	}
	body := ""
	if r.message != "" {
		h.Set("Content-Type", "application/json")
		body = toJSON(map[string]string{"message": r.message})
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(r.status)
	_, _ = w.Write([]byte(body)) // the client may be gone; nobody else to tell
}
