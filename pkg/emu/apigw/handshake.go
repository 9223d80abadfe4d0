package apigw

import (
	"encoding/base64"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxURL bounds path and query of an upgrade (aws-facts §1).
const maxURL = 4096

// handshake is one upgrade request on its way to a connection.
type handshake struct {
	session
	request *http.Request
	at      time.Time
	headers map[string][]string // by the client's spelling
	query   url.Values
	context requestContext // of the authorizer and of $connect alike
}

// upgradeRefusal is nil if r is a well-formed WebSocket upgrade. A plain GET is
// 426 (aws-facts §3); the rest is RFC 6455.
func upgradeRefusal(r *http.Request) *refusal {
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(r.Header.Get("Sec-WebSocket-Key")))
	switch {
	case r.Method != http.MethodGet:
		return forbidden("Forbidden")
	case r.ProtoMajor != 1 || r.ProtoMinor < 1 || !hasToken(r.Header, "Connection", "upgrade") || !hasToken(r.Header, "Upgrade", "websocket"):
		return &refusal{http.StatusUpgradeRequired, "UpgradeRequiredException", "Upgrade Required"}
	case r.Header.Get("Sec-WebSocket-Version") != "13" || len(r.Header.Values("Sec-WebSocket-Key")) != 1 ||
		err != nil || len(key) != 16:
		return &refusal{http.StatusBadRequest, "BadRequestException", "Bad Request"}
	case len(r.RequestURI) > maxURL:
		return &refusal{http.StatusRequestURITooLong, "RequestURITooLongException", "Request-URI Too Long"}
	}
	return nil
}

func hasToken(h http.Header, name, token string) bool {
	for _, line := range h.Values(name) {
		for t := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(t), token) {
				return true
			}
		}
	}
	return false
}

func (g *Gateway) newHandshake(r *http.Request) *handshake {
	now := g.opt.Now()
	ip, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		ip = r.RemoteAddr
	}
	h := &handshake{request: r, at: now, query: r.URL.Query()}
	h.tail = newTail(connectionKind)
	h.id = g.ids.next(now, h.tail)
	h.connectedAt = now
	h.identity = identity{SourceIP: ip, UserAgent: r.UserAgent()}
	h.headers = clientHeaders(r, ip, now)
	h.context = g.requestContext(&h.session, "CONNECT", connectRoute, now)
	return h
}

// clientHeaders are the client's headers as it spelled them, and what API
// Gateway adds.
func clientHeaders(r *http.Request, ip string, now time.Time) map[string][]string {
	spelling := spellings(r)
	h := map[string][]string{"Host": {r.Host}}
	for name, values := range r.Header {
		h[orElse(spelling[name], name)] = values
	}
	set := func(name, value string) {
		maps.DeleteFunc(h, func(k string, _ []string) bool { return strings.EqualFold(k, name) })
		h[name] = []string{value}
	}
	if before := r.Header.Get("X-Forwarded-For"); before != "" {
		ip = before + ", " + ip
	}
	set("X-Forwarded-For", ip)
	set("X-Forwarded-Port", "443")
	set("X-Forwarded-Proto", "https")
	set("X-Amzn-Trace-Id", newTraceID(now))
	return h
}

// connectEvent leaves Connection and Upgrade out: the authorizer sees them, the
// integration does not (aws-facts §2).
func (g *Gateway) connectEvent(h *handshake) event {
	headers := maps.Clone(h.headers)
	maps.DeleteFunc(headers, func(name string, _ []string) bool {
		return strings.EqualFold(name, "Connection") || strings.EqualFold(name, "Upgrade")
	})
	h.context.Authorizer, h.context.Identity = h.authorizer, h.identity
	return event{
		Headers:                         lastValues(headers),
		MultiValueHeaders:               headers,
		QueryStringParameters:           lastValues(h.query),
		MultiValueQueryStringParameters: h.query,
		StageVariables:                  g.api.Stage.Variables,
		RequestContext:                  h.context,
	}
}

func (g *Gateway) authorizerEvent(h *handshake) authorizerEvent {
	headers := maps.Clone(h.headers)
	headers["content-length"] = []string{"0"}
	variables := g.api.Stage.Variables
	if variables == nil {
		variables = map[string]string{}
	}
	return authorizerEvent{
		Type:                            "REQUEST",
		MethodARN:                       g.connectARN(),
		Headers:                         lastValues(headers),
		MultiValueHeaders:               headers,
		QueryStringParameters:           lastValues(h.query),
		MultiValueQueryStringParameters: h.query,
		StageVariables:                  variables,
		RequestContext:                  h.context,
	}
}

func lastValues(multi map[string][]string) map[string]string {
	single := make(map[string]string, len(multi))
	for name, values := range multi {
		if len(values) > 0 {
			single[name] = values[len(values)-1]
		}
	}
	return single
}

// header is the request header a name stands for, in any spelling.
func (h *handshake) header(name string) string {
	if strings.EqualFold(name, "Host") {
		return h.request.Host
	}
	return h.request.Header.Get(name)
}
