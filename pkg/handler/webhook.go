package handler

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"kaiwa/pkg/herald"
	"kaiwa/pkg/notice"
)

// webhook serves a request to the function URL. It is public: without the secret
// nothing is read. A status of 5xx asks the sender to try again.
func (h *Notify) webhook(ctx context.Context, r notice.Request) events.LambdaFunctionURLResponse {
	switch {
	case !admitted(h.Secret, r):
		return httpAnswer(http.StatusForbidden, "the signature or bearer token is missing or wrong")
	case r.Err == nil && r.Method != http.MethodPost:
		return httpAnswer(http.StatusMethodNotAllowed, "send notifications by POST")
	}
	list, err := notice.Webhook(r, h.Default, time.Now())
	if err != nil {
		return httpAnswer(http.StatusBadRequest, err.Error())
	}
	var all herald.Tally
	for _, n := range list {
		t, err := h.entry(ctx, notice.Entry{Notice: n})
		if err != nil { // the repeat brings the others of an array once
			return httpAnswer(http.StatusServiceUnavailable, "not delivered; try again")
		}
		all.Add(t)
	}
	b, err := json.Marshal(all)
	if err != nil {
		return httpAnswer(http.StatusInternalServerError, "delivered")
	}
	return events.LambdaFunctionURLResponse{StatusCode: http.StatusOK, Headers: map[string]string{"Content-Type": "application/json"}, Body: string(b)}
}

// admitted checks GitHub's signature, an HMAC over the body, or the bearer token
// that Alertmanager and others can send. Both are compared in constant time.
func admitted(secret string, r notice.Request) bool {
	if secret == "" {
		return false
	}
	if signature, ok := strings.CutPrefix(r.Header.Get("X-Hub-Signature-256"), "sha256="); ok {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(r.Body)
		got, err := hex.DecodeString(signature)
		return err == nil && hmac.Equal(got, mac.Sum(nil))
	}
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	want, got := sha256.Sum256([]byte(secret)), sha256.Sum256([]byte(token))
	return ok && subtle.ConstantTimeCompare(want[:], got[:]) == 1
}

func httpAnswer(status int, message string) events.LambdaFunctionURLResponse {
	return events.LambdaFunctionURLResponse{StatusCode: status, Headers: map[string]string{"Content-Type": "text/plain; charset=utf-8"}, Body: message + "\n"}
}
