package apigw

import (
	"errors"
	"fmt"
	"strings"
)

// message handles one inbound message, concurrently with all others of its
// connection (aws-facts §3) where a function answers. A MOCK integration answers
// at once.
func (g *Gateway) message(c *conn, body string) {
	g.counts.message()
	key, route, found := g.route(body)
	e := g.messageEvent(&c.session, key, body)
	switch {
	case !found:
		c.reply(c.ownFrame("Forbidden", e.RequestContext.RequestID))
	case route.Integration != nil && route.Integration.Type == typeMock:
		if reply := g.integrateMessage(c, key, route, &e); reply != nil {
			c.reply(reply)
		}
	default:
		g.wg.Go(func() {
			if reply := g.integrateMessage(c, key, route, &e); reply != nil {
				c.post(reply)
			}
		})
	}
}

// integrateMessage returns what goes back to the client, nil for nothing.
func (g *Gateway) integrateMessage(c *conn, key string, route Route, e *event) []byte {
	reply, err := g.answer(key, route, e)
	if errors.Is(err, errBadBody) {
		g.log.Info("message refused", "route", key, "connectionId", c.id,
			"requestId", e.RequestContext.RequestID, "error", err)
		return badBodyFrame(c.id, e.RequestContext.MessageID)
	}
	if err != nil {
		g.log.Warn("message failed", "route", key, "connectionId", c.id,
			"requestId", e.RequestContext.RequestID, "error", err)
		text := "Internal server error"
		if errors.Is(err, errTimeout) {
			text = "Endpoint request timed out"
		}
		return c.ownFrame(text, e.RequestContext.RequestID)
	}
	if reply == "" {
		return nil
	}
	return []byte(reply)
}

// route finds the route of a message. Keys with $ are reserved: such a message,
// like one that matches nothing, goes to $default if there is one.
func (g *Gateway) route(body string) (key string, r Route, found bool) {
	key = g.routeKey.eval(body, "")
	if r, found = g.api.Routes[key]; found && !strings.HasPrefix(key, "$") {
		return key, r, true
	}
	r, found = g.api.Routes[defaultKey]
	return defaultKey, r, found
}

// answer integrates one message; reply is what goes back on a two-way route.
func (g *Gateway) answer(key string, route Route, e *event) (reply string, err error) {
	if !g.account.take() || !g.throttle(key).take() {
		return "", errors.New("throttled")
	}
	if err := g.models[key].check(*e.Body); err != nil {
		return "", err
	}
	r, err := g.integrate(key, route, e)
	if err != nil || !route.Response || r.Body == nil {
		return "", err
	}
	if most := g.opt.MessageSize; most > 0 && len(*r.Body) > most {
		return "", fmt.Errorf("response of %d bytes is over %d", len(*r.Body), most)
	}
	return *r.Body, nil
}

// ownFrame is a frame of the gateway's own, spaced exactly as AWS does
// (aws-facts §3).
func (c *conn) ownFrame(text, requestID string) []byte {
	return fmt.Appendf(nil, `{"message": "%s", "connectionId":"%s", "requestId":"%s"}`, text, c.id, requestID)
}

// badBodyFrame is spaced as the documentation shows it, unlike the others, and has
// the messageId (aws-facts §3).
func badBodyFrame(connectionID, messageID string) []byte {
	return fmt.Appendf(nil, `{"message" : "Bad request body", "connectionId": "%s", "messageId": "%s"}`, connectionID, messageID)
}
