package apigw

import (
	"net/http"
)

// connect handles an upgrade. The request stays pending until the $connect
// integration has answered (aws-facts §3).
func (g *Gateway) connect(w http.ResponseWriter, r *http.Request) {
	if no := upgradeRefusal(r); no != nil {
		g.refuse(w, no)
		return
	}
	if !g.connects.take() || !g.account.take() {
		g.refuse(w, limitExceeded())
		return
	}
	h := g.newHandshake(r)
	subprotocol, no := g.admit(h)
	if no != nil {
		g.refuse(w, no)
		return
	}
	c := newConn(g, h.session)
	// Known before the client hears of it: it may be posted to at once.
	if !g.remember(c) {
		g.refuse(w, unavailable())
		return
	}
	g.counts.open()
	if ws, raw, err := upgrade(w, r, subprotocol); err != nil {
		c.finish(codeAbnormal, "")
	} else {
		c.attach(ws, raw)
		stopSpelling(r)
		c.serve(ws)
	}
	g.disconnected(c)
}

func (g *Gateway) refuse(w http.ResponseWriter, no *refusal) {
	g.log.Info("connection refused", "status", no.status, "reason", no.message)
	if no.status == http.StatusUpgradeRequired {
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "websocket")
	}
	no.write(w)
}

// admit runs authorization, the API key, throttles and the integration of
// $connect, and returns the subprotocol its function chose.
func (g *Gateway) admit(h *handshake) (subprotocol string, no *refusal) {
	route, ok := g.api.Routes[connectRoute]
	if !ok {
		return "", nil
	}
	if no := g.checkCaller(route, h); no != nil {
		return "", no
	}
	if !g.throttle(connectRoute).take() {
		return "", limitExceeded()
	}
	if route.Integration == nil {
		return "", nil
	}
	e := g.connectEvent(h)
	r, err := g.integrate(connectRoute, route, &e)
	if err != nil {
		g.log.Warn("$connect failed", "connectionId", h.id, "requestId", h.context.RequestID, "error", err)
	}
	return r.header("Sec-WebSocket-Protocol"), connectRefusal(r.status, err)
}

// checkCaller authorizes h and checks its API key.
func (g *Gateway) checkCaller(route Route, h *handshake) (no *refusal) {
	var usageKey string
	switch route.Authorization {
	case authCustom:
		usageKey, no = g.authorize(route.Authorizer, h)
	case authIAM:
		var who Identity
		if who, no = g.verify(h.request, nil); no == nil {
			who.fill(&h.identity)
		}
	}
	if no != nil || !route.APIKeyRequired {
		return no
	}
	key := usageKey
	if g.api.APIKeySelectionExpression != usageKeyExpression {
		key = h.header("x-api-key")
	}
	id, known := g.opt.APIKeys[key]
	if !known {
		return forbidden("Forbidden")
	}
	h.identity.APIKey, h.identity.APIKeyID = key, id
	return nil
}

// disconnected runs $disconnect; what it answers is ignored.
func (g *Gateway) disconnected(c *conn) {
	e := c.ending()
	g.counts.closed(e.code)
	route, ok := g.api.Routes[disconnectRoute]
	if !ok || route.Integration == nil {
		return
	}
	ev := g.disconnectEvent(&c.session, e.code, e.reason)
	if _, err := g.integrate(disconnectRoute, route, &ev); err != nil {
		g.log.Warn("$disconnect failed", "connectionId", c.id,
			"requestId", ev.RequestContext.RequestID, "error", err)
	}
}
