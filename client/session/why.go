package session

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"kaiwa/client/jwt"
	"kaiwa/pkg/plain"
	"kaiwa/pkg/wire"
)

// explain says why the handshake sent, which got resp or none, failed.
func explain(ctx context.Context, client *http.Client, sent *http.Request, resp *http.Response, err error) *DialError {
	e := &DialError{Err: err}
	switch {
	case resp == nil:
		e.Reason = netReason(sent.URL, err)
	case resp.StatusCode == http.StatusSwitchingProtocols:
		e.Reason = fmt.Sprintf("%s does not speak WebSocket as it must: %v", sent.URL.Host, innermost(err))
	default:
		r := newRefusal(ctx, client, sent, resp)
		e.Status, e.Nowhere, e.Reason = r.status, r.nowhere(), r.reason()
	}
	return e
}

// refusal is a handshake that was answered with something else than 101.
type refusal struct {
	sent   *http.Request
	status int
	said   string    // the answer's own words
	now    time.Time // by the service's clock, or else ours
	ahead  time.Duration
	// get is what API Gateway answers to a plain GET, where that tells more: 426 on
	// the path of a stage, 403 elsewhere (aws-facts §3). 0: not asked, not AWS.
	get int
}

func newRefusal(ctx context.Context, client *http.Client, sent *http.Request, resp *http.Response) *refusal {
	r := &refusal{sent: sent, status: resp.StatusCode, said: words(resp), now: time.Now()}
	if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		r.ahead, r.now = at.Sub(r.now), at
	}
	if r.status == http.StatusForbidden && (r.said == gatewayForbidden || r.said == "") && fromAWS(resp) {
		r.get = getStatus(ctx, client, sent)
	}
	return r
}

func fromAWS(resp *http.Response) bool {
	for name := range resp.Header {
		if strings.HasPrefix(name, "X-Amz") {
			return true
		}
	}
	return false
}

// words are what an answer says: the message of AWS's JSON, or a short text.
func words(resp *http.Response) string {
	const most = 300
	b, _ := io.ReadAll(io.LimitReader(resp.Body, 1024)) // a part is better than nothing
	var aws struct{ Message string }                    // "message" and "Message" both
	text := string(b)
	switch {
	case json.Unmarshal(b, &aws) == nil:
		text = aws.Message
	case strings.Contains(text, "<"): // a page
		return ""
	}
	text = plain.Cut(strings.Join(strings.Fields(plain.Safe(text)), " "), most)
	if strings.EqualFold(text, http.StatusText(resp.StatusCode)) && text != gatewayForbidden {
		return ""
	}
	return text
}

// getStatus is what a plain GET to the same place is answered with, 0 if nothing.
func getStatus(ctx context.Context, client *http.Client, sent *http.Request) int {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, sent.URL.String(), nil)
	if err != nil {
		return 0
	}
	r.Host = sent.Host
	resp, err := client.Do(r)
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// reason is the refusal in one line, with what to do (aws-facts §3 and §5).
func (r *refusal) reason() string {
	line := fmt.Sprintf("%d %s", r.status, http.StatusText(r.status))
	switch hint := r.hint(); {
	case hint != "":
		return line + ": " + hint
	case r.said != "":
		return line + ": the service says: " + r.said
	}
	return line + ": the service refused the connection"
}

func (r *refusal) hint() string {
	switch s := r.status; {
	case s == http.StatusUnauthorized:
		return r.unauthorized()
	case s == http.StatusForbidden:
		return r.forbidden()
	case s == http.StatusNotFound:
		return "there is no service at this path; does the URL end with the stage, as in /dev?"
	case s == http.StatusProxyAuthRequired:
		return "the proxy wants a name and a password: http://NAME:PASSWORD@HOST:PORT"
	case s == http.StatusTooManyRequests:
		return "too many connections; try again in a moment"
	case s == http.StatusUpgradeRequired:
		return "something on the way, a proxy perhaps, does not pass WebSockets on"
	case s == http.StatusInternalServerError:
		return "the service's authorizer failed; its log says why"
	case s == http.StatusGatewayTimeout:
		return "the service's $connect took too long; its log says why"
	case s > http.StatusInternalServerError:
		return "the service's $connect failed; its log says why"
	case s < http.StatusMultipleChoices:
		return "this is a web page, not a WebSocket"
	}
	return ""
}

// unauthorized explains a 401: an authorizer that found no token, or a bad one.
func (r *refusal) unauthorized() string {
	token := r.token()
	if token == "" {
		return "the service wants a token: --token, KAIWA_TOKEN, or token-command in the config"
	}
	return r.validity(token, "the service does not take this token: another issuer or audience, or a bad signature")
}

// validity says whether a token is out of its time, and otherwise what else says.
func (r *refusal) validity(token, otherwise string) string {
	from, until := jwt.Validity(token)
	switch {
	case !until.IsZero() && r.now.After(until):
		return fmt.Sprintf("the token ran out %s ago; get a new one", roughly(r.now.Sub(until)))
	case !from.IsZero() && r.now.Before(from):
		return fmt.Sprintf("the token is not valid before %s; is the clock right of whoever made it?", from.Local().Format(time.DateTime))
	}
	return otherwise
}

// forbidden explains a 403: an authorizer or IAM that says no, a key, a signature,
// or a path without a stage.
func (r *refusal) forbidden() string {
	switch said, signed := r.said, r.signed(); {
	case strings.Contains(said, "Missing Authentication Token"):
		return "the service wants requests signed with AWS credentials: --sigv4"
	case strings.HasPrefix(said, "Signature expired"), strings.HasPrefix(said, "Signature not yet current"):
		return r.skewed(said)
	case strings.Contains(said, "signature we calculated does not match"):
		return "the AWS secret access key is wrong, or something on the way changed the request"
	case strings.Contains(said, "security token included in the request is expired"):
		return "the AWS session has expired; sign in to AWS again"
	case strings.Contains(said, "security token included in the request is invalid"):
		return "AWS does not know these credentials; is AWS_PROFILE, or AWS_ACCESS_KEY_ID, the right one?"
	case strings.Contains(said, "Credential should be scoped to a valid region"):
		return "the request was signed for another region than the API's; say which with --region"
	case strings.Contains(said, "is not authorized to perform"):
		return "these AWS credentials may not connect; their policy has to allow execute-api:Invoke: " + said
	case r.nowhere():
		return r.noStage()
	case signed && r.isSkewed():
		return r.skewed(said)
	case r.sent.Header.Get("X-Api-Key") != "":
		return "the service does not take this API key"
	case r.token() != "":
		return r.validity(r.token(), "the service does not let this token's user in")
	case r.sent.Header.Get("Origin") != "":
		return "this origin is not allowed in, or the service wants a key (--api-key) or a token (--token)"
	case !signed:
		return "the service wants a key (--api-key), a token (--token) or AWS credentials (--sigv4)"
	}
	return ""
}

func (r *refusal) nowhere() bool {
	return r.status == http.StatusNotFound || r.get == http.StatusForbidden
}

// noStage explains a path that is none of a stage.
func (r *refusal) noStage() string {
	path := r.sent.URL.Path
	if strings.Trim(path, "/") == "" {
		return "the URL lacks the stage, as in " + wsURL(r.sent.URL) + "/dev"
	}
	return fmt.Sprintf("there is no stage at %s; is it spelled right and deployed?", path)
}

// clockSkew is how far the clocks of a signature's maker and its reader may be
// apart.
const clockSkew = 5 * time.Minute

func (r *refusal) isSkewed() bool { return r.ahead.Abs() > clockSkew }

func (r *refusal) skewed(said string) string {
	if !r.isSkewed() {
		return "the signature is out of date: " + said
	}
	way := "behind"
	if r.ahead < 0 {
		way = "ahead of"
	}
	return fmt.Sprintf("this machine's clock is %s %s the service's; set it right", roughly(r.ahead.Abs()), way)
}

// signed says whether the handshake has a SigV4 signature.
func (r *refusal) signed() bool {
	return strings.HasPrefix(r.sent.Header.Get("Authorization"), "AWS4-") || r.sent.URL.Query().Has("X-Amz-Signature")
}

// token is the bearer token that was sent, "" if none.
func (r *refusal) token() string {
	if token, ok := strings.CutPrefix(r.sent.Header.Get("Authorization"), "Bearer "); ok {
		return token
	}
	for _, p := range r.sent.Header.Values("Sec-Websocket-Protocol") {
		if token, ok := strings.CutPrefix(p, wire.SubprotocolBearer); ok {
			return token
		}
	}
	return ""
}

// roughly is a time as one says it.
func roughly(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

// wsURL is a URL as a WebSocket has it, without path and query.
func wsURL(u *url.URL) string { return "ws" + strings.TrimPrefix(u.Scheme, "http") + "://" + u.Host }
