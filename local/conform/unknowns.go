package conform

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"kaiwa/local/conform/probe"
)

// unknowns are those of aws-facts §10, and others that were met on the way. They
// are asked, and nothing is compared.
func unknowns() []Row {
	list := []Row{
		{Section: "10.1", Fact: "does a ping start the 10 min anew?", Takes: 20 * time.Minute, Here: "closed 10m0s after the connect, with a ping at 9 min", Probe: pingAndIdle},
		{Section: "10.2", Fact: "how is a connection closed after 2 h?", Takes: 2*time.Hour + 5*time.Minute, Here: `1001 "Going away"`, Probe: closeAfterLife},
		{Section: "10.3", Fact: "$connect takes too long", Here: `504 {"message":"Endpoint request timed out"}`, Probe: connectTimesOut},
		{Section: "10.4", Fact: "a message over its route's throttle", Here: `{"message": "Internal server error", "connectionId":"…", "requestId":"…"}`, Probe: throttledMessage},
		{Section: "10.4", Fact: "a message whose function is throttled", Here: `{"message": "Internal server error", "connectionId":"…", "requestId":"…"}`, Probe: throttledFunction},
		{Section: "10.5", Fact: "in which frames does a POST of 100 KB arrive?", Here: "[32768 32768 32768 4096]", Probe: postFrames},
		{Section: "10.6", Fact: "a two-way route whose function returns statusCode 500 and a body", Here: "the body", Probe: twoWayStatus},
		{Section: "10.7", Fact: "a POST to the own connection during $connect", Here: "410 GoneException", Probe: postDuringConnect},
		{Section: "10.8", Fact: "is permessage-deflate accepted?", Here: `Sec-WebSocket-Extensions: ""`, Probe: deflate},
		{Section: "10.9", Fact: "how long may headers be?", Here: "4 KB: 101; 8 KB: 101; 16 KB: 101; 32 KB: 101; 64 KB: 101", Probe: headerSize},
		{Section: "10.10", Fact: `what does {"action":"$connect"} go to?`, Here: "$connect: $default; $disconnect: $default; $default: $default", Probe: reservedKeys},
		{Section: "10.11", Fact: "DISCONNECT after a binary frame", Here: `1003 ""`, Probe: func(ctx context.Context, c *Check) {
			disconnectAfter(ctx, c, func(s *socket) { s.binary(ctx, "hello") })
		}},
		{Section: "10.11", Fact: "DISCONNECT after a frame over 32 KB", Here: `1009 ""`, Probe: func(ctx context.Context, c *Check) {
			disconnectAfter(ctx, c, func(s *socket) { s.send(ctx, strings.Repeat("x", frameLimit+1)) })
		}},
		{Section: "10.11", Fact: "DISCONNECT after the TCP connection is lost", Here: `1006 ""`, Probe: func(ctx context.Context, c *Check) {
			disconnectAfter(ctx, c, func(s *socket) { s.cut() })
		}},
		{Section: "10.11", Fact: "DISCONNECT after the client's close 4001 mine", Here: `4001 "mine"`, Probe: func(ctx context.Context, c *Check) {
			disconnectAfter(ctx, c, func(s *socket) { s.close(4001, "mine") })
		}},
		{Section: "10.11", Fact: "a frame with a reserved opcode, and DISCONNECT after it", Here: `closed with 1002, 1006 ""`, Probe: protocolError},
		{Section: "10.12", Fact: "the body of a 410", Here: `410 "" ""`, Probe: body410},
		{Section: "10.12", Fact: "the body of a 413", Here: `413 application/json {"message":"Request Too Long"}`, Probe: body413},
		{Section: "10.12", Fact: "the body of a 429", Here: `429 application/json {"message":"Too Many Requests"}`, Probe: body429},
		{Section: "10.13", Fact: "an asynchronous integration (X-Amz-Invocation-Type Event)", Probe: asynchronous},
		{Section: "10.14", Fact: "which frames are billed?", Cannot: "only the bill tells"},
		{Section: "1", Fact: "an authorizer's result over 8 KB", Here: "500", Probe: bigResult},
		{Section: "3", Fact: "the body of a handshake that the $connect function refused with 403 and a body", Here: `403 "" ""`, Probe: connectBody},
		{Section: "3", Fact: "the body of a handshake whose $connect function threw", Here: `502 application/json {"message":"Internal server error"}`, Probe: throwBody},
		{Section: "3", Fact: "the body of a handshake that the authorizer denied", Here: `403 application/json {"message":"User is not authorized to access this resource"}`, Probe: denyBody},
		{Section: "3", Fact: "the function's answer to a message is not a proxy response", Here: `{"message": "Internal server error", "connectionId":"…", "requestId":"…"}`, Probe: garbage},
		{Section: "3", Fact: "a two-way route whose function returns no body", Here: "nothing", Probe: noBody},
		{Section: "3", Fact: "a two-way route whose function returns isBase64Encoded", Here: "aGVsbG8=", Probe: base64Body},
		{Section: "3", Fact: "a two-way route whose function returns more than 128 KB", Here: `{"message": "Internal server error", "connectionId":"…", "requestId":"…"}`, Probe: bigBody},
		{Section: "3", Fact: "the whole frame after a message that its model refuses", Here: `{"message" : "Bad request body", "connectionId": "…", "messageId": "…"}`, Probe: badBodyFrame},
		{Section: "3", Fact: "an empty message", Here: "$default with an empty body", Probe: emptyMessage},
		{Section: "3", Fact: "a text message that is not UTF-8 (RFC 6455: 1007)", Here: `$default with the body "a\ufffdb"`, Probe: notUTF8},
		{Section: "4", Fact: "an empty POST", Here: `200, then ""`, Probe: func(ctx context.Context, c *Check) { postBytes(ctx, c, "") }},
		{Section: "4", Fact: "a POST that is not UTF-8", Here: `200, then "a\xffb"`, Probe: func(ctx context.Context, c *Check) { postBytes(ctx, c, "a\xffb") }},
		{Section: "4", Fact: "an unsigned POST", Here: `403 application/json {"message":"Missing Authentication Token"}`, Probe: unsignedBody},
	}
	for i := range list {
		list[i].Confidence, list[i].Sources = "?", "not found"
	}
	return list
}

func pingAndIdle(ctx context.Context, c *Check) {
	s, began := c.dial(ctx, "open", nil), time.Now()
	pause(ctx, 9*time.Minute)
	if s.useless() {
		return
	}
	if err := s.ws.Ping(ctx); err != nil {
		c.fail("ping: %w", err)
	}
	s.closed(ctx)
	c.observe("closed %v after the connect, with a ping at 9 min", time.Since(began).Round(100*time.Millisecond))
}

func closeAfterLife(ctx context.Context, c *Check) {
	s, _ := outlive(ctx, c)
	end := s.closed(ctx)
	c.observe("%d %q", end.code, end.reason)
}

// observeResponse tells status, type and body; nil is 101.
func (c *Check) observeResponse(r *response) {
	if r == nil {
		r = &response{status: http.StatusSwitchingProtocols}
	}
	text := r.body
	if text == "" {
		text = `""`
	}
	kind := r.header.Get("Content-Type")
	if kind == "" {
		kind = `""`
	}
	c.observe("%d %s %s", r.status, kind, text)
}

func connectTimesOut(ctx context.Context, c *Check) {
	d := withKey(c.about.APIKey)
	d.do = &probe.Command{Sleep: 5000}
	_, no := c.knock(ctx, "keyed", d)
	if no == nil {
		no = &response{status: http.StatusSwitchingProtocols}
	}
	c.observe("%d %s", no.status, no.body)
}

// withoutIDs leaves out of a gateway's frame what differs each time.
func withoutIDs(frame string) string {
	var m map[string]any
	if json.Unmarshal([]byte(frame), &m) != nil {
		return frame
	}
	for _, name := range []string{"connectionId", "requestId", "messageId"} {
		if id, ok := m[name].(string); ok {
			frame = strings.ReplaceAll(frame, id, "…")
		}
	}
	return frame
}

func throttledMessage(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	const n = 10
	for range n {
		s.say(ctx, "scarce", probe.Command{Answer: body("let through")})
	}
	for range n {
		if m, ok := s.maybe(ctx); ok && m.text != "let through" {
			c.observe("%s", withoutIDs(m.text))
			return
		}
	}
	c.observe("nothing, or all were let through")
}

// maybe receives a message if one comes soon. It waits longer than where nothing
// is expected.
func (s *socket) maybe(ctx context.Context) (m message, ok bool) {
	return s.maybeIn(ctx, 3*s.c.Quiet)
}

func (s *socket) maybeIn(ctx context.Context, d time.Duration) (m message, ok bool) {
	if s.useless() {
		return m, false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case m = <-s.inbox:
		return m, true
	case <-timer.C:
	case <-ctx.Done():
	case <-s.ended:
	}
	return m, false
}

// whatComes observes the next frame.
func (c *Check) whatComes(ctx context.Context, s *socket) {
	if m, ok := s.maybe(ctx); ok {
		c.observe("%s", withoutIDs(m.text))
		return
	}
	c.observe("nothing")
}

func throttledFunction(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	s.say(ctx, "starved", probe.Command{})
	c.whatComes(ctx, s)
}

func postFrames(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	c.post(ctx, s, strings.Repeat("x", 100<<10))
	c.observe("%v", s.receive(ctx).frames)
}

func twoWayStatus(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	s.say(ctx, "twoway", probe.Command{Answer: answer(500, "the body")})
	c.whatComes(ctx, s)
}

func postDuringConnect(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", &dialing{do: &probe.Command{Post: "too early"}})
	for _, r := range c.await(ctx, s.key, "POST", 1) {
		c.observe("%s", r.Outcome)
	}
}

func deflate(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", &dialing{deflate: true})
	if !s.useless() {
		c.observe("Sec-WebSocket-Extensions: %q", s.header.Get("Sec-WebSocket-Extensions"))
	}
}

func headerSize(ctx context.Context, c *Check) {
	var seen []string
	for _, kb := range []int{4, 8, 16, 32, 64} {
		d := &dialing{header: http.Header{"X-Long": {strings.Repeat("x", kb<<10)}}}
		seen = append(seen, fmt.Sprintf("%d KB: %d", kb, c.status(ctx, "open", d)))
	}
	c.observe("%s", strings.Join(seen, "; "))
}

func reservedKeys(ctx context.Context, c *Check) {
	var seen []string
	for _, key := range []string{"$connect", "$disconnect", "$default"} {
		s := c.dial(ctx, "open", nil)
		s.send(ctx, fmt.Sprintf(`{"action":%q}`, key))
		e, frame := c.fate(ctx, s)
		seen = append(seen, key+": "+e.text("requestContext.routeKey")+frame)
	}
	c.observe("%s", strings.Join(seen, "; "))
}

// fate of the one message that was sent: the event it became, or else the frame
// that came back, or "nothing".
func (c *Check) fate(ctx context.Context, s *socket) (e event, frame string) {
	id, began := s.id(ctx), time.Now()
	for look := firstLook; !c.done() && time.Since(began) < 3*c.Quiet; look = min(2*look, lastLook) {
		if found := c.find(ctx, id, "MESSAGE"); len(found) > 0 {
			return c.decode(found[0]), ""
		}
		if m, ok := s.maybeIn(ctx, look); ok {
			return nil, withoutIDs(m.text)
		}
	}
	return nil, "nothing"
}

func disconnectAfter(ctx context.Context, c *Check, act func(*socket)) {
	s := c.dial(ctx, "open", nil)
	id := s.id(ctx)
	act(s)
	e := c.event(ctx, id, "DISCONNECT")
	c.observe("%v %q", e.number("requestContext.disconnectStatusCode"), e.text("requestContext.disconnectReason"))
}

func protocolError(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	id := s.id(ctx)
	s.breakProtocol()
	end := s.closed(ctx)
	e := c.event(ctx, id, "DISCONNECT")
	c.observe("closed with %d, %v %q", end.code, e.number("requestContext.disconnectStatusCode"), e.text("requestContext.disconnectReason"))
}

func body410(ctx context.Context, c *Check) {
	if r := c.call(ctx, "POST", c.address("@connections", "R1kmxc2VNjMCFIA="), "x", true); r != nil {
		c.observeResponse(r)
	}
}

func body413(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	if r := c.call(ctx, "POST", c.address("@connections", s.id(ctx)), strings.Repeat("x", messageLimit+1), true); r != nil {
		c.observeResponse(r)
	}
}

func body429(ctx context.Context, c *Check) {
	_, r := flood(ctx, c)
	if r == nil {
		c.giveUp("no POST was refused")
		return
	}
	c.observeResponse(r)
}

func unsignedBody(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	if r := c.call(ctx, "POST", c.address("@connections", s.id(ctx)), "x", false); r != nil {
		c.observeResponse(r)
	}
}

func asynchronous(ctx context.Context, c *Check) {
	if !c.about.Async {
		c.giveUp("the stack was deployed without Async=true, which our emulator refuses")
		return
	}
	s := c.dial(ctx, "open", nil)
	s.send(ctx, `{"action":"async"}`)
	m, ok := s.maybe(ctx)
	c.observe("frame %t %s; MESSAGE events %d", ok, withoutIDs(m.text), len(c.find(ctx, s.id(ctx), "MESSAGE")))
}

func bigResult(ctx context.Context, c *Check) {
	answer := policyOf(map[string]any{"fill": "$fill"}, statement("Allow", "$methodArn"))
	c.observe("%d", c.status(ctx, "custom", custom(probe.Command{Answer: answer, Fill: 9 << 10})))
}

func connectBody(ctx context.Context, c *Check) {
	_, no := c.knock(ctx, "open", &dialing{do: &probe.Command{Answer: answer(403, "the function's body")}})
	c.observeResponse(no)
}

func throwBody(ctx context.Context, c *Check) {
	_, no := c.knock(ctx, "open", &dialing{do: &probe.Command{Throw: "boom"}})
	c.observeResponse(no)
}

func denyBody(ctx context.Context, c *Check) {
	_, no := c.knock(ctx, "custom", custom(probe.Command{Answer: policyOf(nil, statement("Deny", "$methodArn"))}))
	c.observeResponse(no)
}

func garbage(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	s.say(ctx, "twoway", probe.Command{Answer: raw("not a proxy response")})
	c.whatComes(ctx, s)
}

func noBody(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	s.say(ctx, "twoway", probe.Command{})
	c.whatComes(ctx, s)
}

func base64Body(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	s.say(ctx, "twoway", probe.Command{Answer: raw(map[string]any{"statusCode": 200, "body": "aGVsbG8=", "isBase64Encoded": true})})
	c.whatComes(ctx, s)
}

func bigBody(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	s.say(ctx, "twoway", probe.Command{Answer: body("$fill"), Fill: messageLimit + 1})
	c.whatComes(ctx, s)
}

func badBodyFrame(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	s.send(ctx, `{"action":"strict","kind":"counted"}`)
	c.whatComes(ctx, s)
}

func emptyMessage(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	s.send(ctx, "")
	e, frame := c.fate(ctx, s)
	if e == nil {
		c.observe("%s", frame)
		return
	}
	had := "without a body"
	if _, ok := e["body"]; ok {
		had = fmt.Sprintf("with the body %q", e["body"])
	}
	if e["body"] == "" {
		had = "with an empty body"
	}
	c.observe("%s %s", e.text("requestContext.routeKey"), had)
}

func notUTF8(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	s.id(ctx)
	s.send(ctx, "a\xffb")
	e, frame := c.fate(ctx, s)
	if e != nil {
		c.observe("%s with the body %+q", e.text("requestContext.routeKey"), e["body"])
		return
	}
	select {
	case <-s.ended:
		c.observe("closed with %d %q", s.end.code, s.end.reason)
	default:
		c.observe("%s", frame)
	}
}

func postBytes(ctx context.Context, c *Check, text string) {
	s := c.dial(ctx, "open", nil)
	r := c.call(ctx, "POST", c.address("@connections", s.id(ctx)), text, true)
	m, ok := s.maybe(ctx)
	if c.done() {
		return
	}
	then := "nothing"
	if ok {
		then = fmt.Sprintf("%q", m.text)
	}
	c.observe("%d, then %s", r.status, then)
}
