package conform

import (
	"context"
	"encoding/json"
	"fmt"

	"kaiwa/local/conform/probe"
)

// routes are the rows of aws-facts §3 about messages.
func routes() []Row {
	return []Row{
		{Section: "3", Fact: "$request.body.action picks the route, by its whole text", Sources: "DG", Confidence: "H", Probe: routeByAction},
		{Section: "3", Fact: "a number picks the route of its text", Sources: "DG", Confidence: "H", Probe: routeByNumber},
		{Section: "3", Fact: "${…} may be composed; what is missing is empty text", Sources: "DG", Confidence: "H", Probe: routeComposed},
		{Section: "3", Fact: "no match, no key or no JSON goes to $default", Sources: "DG", Confidence: "H", Probe: routeDefault},
		{Section: "3", Fact: "no match and no $default: Forbidden, byte for byte, and the socket stays open", Sources: "CAP1; FRB; chat-app#24", Confidence: "H", Probe: routeForbidden},
		{Section: "3", Fact: "the function throws: Internal server error, byte for byte, one-way and two-way, and the socket stays open", Sources: "CAP1; SOFF", Confidence: "H", Probe: functionThrows},
		{Section: "3", Fact: "301, 401 and 501 on a one-way route: nothing is sent", Sources: "CAP1; DG", Confidence: "H", Probe: oneWayStatus},
		{Section: "3", Fact: "without a route response the body is dropped", Sources: "DG", Confidence: "H", Probe: oneWayBody},
		{Section: "3", Fact: "with a route response the body is the whole frame", Sources: "DG", Confidence: "H", Probe: twoWayBody},
		{Section: "3", Fact: "a MOCK integration answers by its template, without a function", Sources: "DG", Confidence: "H", Probe: mockAnswers},
		{Section: "3", Fact: "messages of one client are processed concurrently", Sources: "DG; serverless-patterns#139", Confidence: "H", Probe: concurrent},
		{Section: "3", Fact: "pings are answered by API Gateway and never reach a function", Sources: "infra#2229; subscriptionless#3; agentmux#1953", Confidence: "M", Probe: pings},
		{Section: "3", Fact: "a message that its model refuses, or that has none: Bad request body, and no function", Sources: "DG", Confidence: "M", Probe: modelRefuses},
		{Section: "3", Fact: "an undeployed route is Forbidden", Sources: "a captured note", Confidence: "M",
			Cannot: "the probe stack is deployed as a whole"},
	}
}

func routeByAction(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	s.say(ctx, "twoway", probe.Command{Echo: true})
	c.same("routeKey", c.parse(s.next(ctx)).text("requestContext.routeKey"), "twoway")
	c.same("part of a key goes to", c.routed(ctx, s, `{"action":"two"}`), "$default")
	c.same("other case goes to", c.routed(ctx, s, `{"action":"TWOWAY"}`), "$default")
}

// routed sends a message to the function and tells which route it took.
func (c *Check) routed(ctx context.Context, s *socket, text string) string {
	id := s.id(ctx)
	before := len(c.find(ctx, id, "MESSAGE"))
	s.send(ctx, text)
	list := c.await(ctx, id, "MESSAGE", before+1)
	if len(list) == 0 {
		return ""
	}
	return c.decode(list[len(list)-1]).text("requestContext.routeKey")
}

func routeByNumber(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	s.send(ctx, `{"action":7,"do":{"echo":true}}`)
	c.same("routeKey", c.parse(s.next(ctx)).text("requestContext.routeKey"), "7")
}

func routeComposed(ctx context.Context, c *Check) {
	s := c.dial(ctx, "bare", nil)
	s.send(ctx, `{"service":"chat","verb":"send","do":{"echo":true}}`)
	c.same("routeKey", c.parse(s.next(ctx)).text("requestContext.routeKey"), "chat/send")
	s.send(ctx, `{"service":"chat","do":{"echo":true}}`)
	c.same("routeKey", c.parse(s.next(ctx)).text("requestContext.routeKey"), "chat/")
}

func routeDefault(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	for _, text := range []string{`{"action":"nobody"}`, `{"other":1}`, `{"action":null}`, "hello", `{"action":`} {
		c.same(text+" goes to", c.routed(ctx, s, text), "$default")
	}
}

// bareID is the connection id where no $connect function tells it.
func (c *Check) bareID(ctx context.Context, s *socket) string {
	s.send(ctx, `{"service":"chat","verb":"send","do":{"echo":true}}`)
	return c.parse(s.next(ctx)).text("requestContext.connectionId")
}

func routeForbidden(ctx context.Context, c *Check) {
	s := c.dial(ctx, "bare", nil)
	id := c.bareID(ctx, s)
	for _, text := range []string{"hello", `{"service":"chat","verb":"nobody"}`} {
		s.send(ctx, text)
		c.gatewayFrame(s.next(ctx), "Forbidden", id)
	}
	c.same("the connection id afterwards", c.bareID(ctx, s), id)
	c.same("MESSAGE events", len(c.find(ctx, id, "MESSAGE")), 2)
}

func functionThrows(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	id := s.id(ctx)
	for _, route := range []string{"oneway", "twoway"} {
		s.say(ctx, route, probe.Command{Throw: "boom"})
		c.gatewayFrame(s.next(ctx), "Internal server error", id)
	}
	s.alive(ctx)
}

func oneWayStatus(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	for _, status := range []int{301, 401, 501} {
		s.say(ctx, "oneway", probe.Command{Answer: answer(status, "refused")})
	}
	c.await(ctx, s.id(ctx), "MESSAGE", 3)
	s.quiet(ctx, "statusCode 301, 401, 501")
	s.alive(ctx)
}

func oneWayBody(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	s.say(ctx, "oneway", probe.Command{Answer: body("dropped")})
	c.await(ctx, s.id(ctx), "MESSAGE", 1)
	s.quiet(ctx, "a one-way route")
}

func twoWayBody(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	for _, text := range []string{"plain text", `{"json": "é", "n":1}`} {
		s.say(ctx, "twoway", probe.Command{Answer: body(text)})
		m := s.receive(ctx)
		c.same("frame", m.text, text)
		c.same("binary", m.binary, false)
	}
}

func mockAnswers(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	id := s.id(ctx)
	s.send(ctx, `{"action":"mock"}`)
	c.same("frame", s.next(ctx), fmt.Sprintf(`{"mock":"%s","route":"mock"}`, id))
	c.same("MESSAGE events", len(c.find(ctx, id, "MESSAGE")), 0)
}

// concurrent: the first message would hold the second up if it could.
func concurrent(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	s.say(ctx, "twoway", probe.Command{Sleep: 4000, Answer: body("first")})
	c.await(ctx, s.id(ctx), "MESSAGE", 1)
	s.say(ctx, "twoway", probe.Command{Answer: body("second")})
	c.same("the quick one's answer, sent second, comes", s.next(ctx), "second")
	c.same("then", s.next(ctx), "first")
}

func pings(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	id := s.id(ctx)
	if s.useless() {
		return
	}
	soon, cancel := context.WithTimeout(ctx, c.Patience/2)
	defer cancel()
	if err := s.ws.Ping(soon); err != nil {
		c.holds(false, "ping: expected a pong, got %v", err)
	}
	s.quiet(ctx, "a ping")
	c.same("MESSAGE events", len(c.find(ctx, id, "MESSAGE")), 0)
}

// modelRefuses does not compare the spacing, which no capture shows.
func modelRefuses(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	id := s.id(ctx)
	for _, text := range []string{`{"action":"strict","kind":"counted","count":"one"}`, `{"action":"strict","kind":"counted"}`, `{"action":"strict","kind":"other","count":1}`} {
		s.send(ctx, text)
		frame := c.parse(s.next(ctx))
		c.same(text+": message", frame.text("message"), "Bad request body")
		c.same(text+": connectionId", frame.text("connectionId"), id)
	}
	c.same("MESSAGE events", len(c.find(ctx, id, "MESSAGE")), 0)
	s.send(ctx, `{"action":"strict","kind":"counted","count":1,"do":{"echo":true}}`)
	c.same("routeKey of a good message", c.parse(s.next(ctx)).text("requestContext.routeKey"), "strict")
}

// raw is JSON for an answer.
func raw(v any) json.RawMessage {
	out, err := json.Marshal(v)
	if err != nil {
		return nil // only maps, text and numbers come here
	}
	return out
}
