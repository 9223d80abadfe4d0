package conform

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"kaiwa/local/conform/probe"
)

// handshakes are the rows of aws-facts §3 about $connect.
func handshakes() []Row {
	return []Row{
		{Section: "3", Fact: "$connect is optional", Sources: "DG", Confidence: "H", Probe: func(ctx context.Context, c *Check) { c.dial(ctx, "bare", nil) }},
		{Section: "3", Fact: "$connect returns 200 or 201: connected", Sources: "CAP1", Confidence: "H",
			Probe: func(ctx context.Context, c *Check) { connectStatus(ctx, c, map[int]int{200: 101, 201: 101}) }},
		{Section: "3", Fact: "$connect returns 301, 400, 401 or 501: the handshake fails with that status", Sources: "CAP1; DG", Confidence: "H",
			Probe: func(ctx context.Context, c *Check) {
				connectStatus(ctx, c, map[int]int{301: 301, 400: 400, 401: 401, 501: 501})
			}},
		{Section: "3", Fact: "the $connect function throws: 502", Sources: "CAP1", Confidence: "H", Probe: connectThrows},
		{Section: "3", Fact: "a plain GET is 426", Sources: "SOFF e2e", Confidence: "M", Probe: plainGet},
		{Section: "3", Fact: "the subprotocol is what the function returns; it sees the offer as one list", Sources: "DG", Confidence: "H", Probe: subprotocol},
		{Section: "3", Fact: "no subprotocol is returned: none is picked", Sources: "DG", Confidence: "H", Probe: noSubprotocol},
		{Section: "3", Fact: "the upgrade waits for $connect", Sources: "DG", Confidence: "H", Probe: upgradeWaits},
		{Section: "3", Fact: "a refused $connect has no $disconnect", Sources: "inferred", Confidence: "M", Probe: refusedStaysAlone},
		{Section: "3", Fact: "$disconnect's answer is ignored", Sources: "DG; chat-app#44", Confidence: "H",
			Cannot: "there is nobody left to see a difference"},
		{Section: "3", Fact: "permessage-deflate, offered, is seen by the function", Sources: "CAP2", Confidence: "H", Probe: deflateSeen},
		{Section: "3", Fact: "custom domains: TLS 1.2, not shared with REST", Sources: "DG", Confidence: "M",
			Cannot: "the probe stack has no custom domain"},
	}
}

// answering has the $connect function return something.
func answering(v any) *dialing { return &dialing{do: &probe.Command{Answer: raw(v)}} }

func connectStatus(ctx context.Context, c *Check, want map[int]int) {
	for returned, status := range want {
		c.same(fmt.Sprintf("status when it returns %d", returned), c.status(ctx, "open", answering(map[string]any{"statusCode": returned})), status)
	}
}

func connectThrows(ctx context.Context, c *Check) {
	c.same("status", c.status(ctx, "open", &dialing{do: &probe.Command{Throw: "boom"}}), 502)
}

func plainGet(ctx context.Context, c *Check) {
	if r := c.call(ctx, "GET", c.endpoint(), "", false); r != nil {
		c.same("status", r.status, http.StatusUpgradeRequired)
	}
}

func subprotocol(ctx context.Context, c *Check) {
	d := answering(map[string]any{"statusCode": 200, "headers": map[string]string{"Sec-WebSocket-Protocol": "two"}})
	d.protocols = []string{"one.v1", "two"}
	s := c.dial(ctx, "open", d)
	if s.useless() {
		return
	}
	c.same("picked", s.ws.Subprotocol(), "two")
	offered := strings.ReplaceAll(c.event(ctx, s.key, "CONNECT").header("Sec-WebSocket-Protocol"), " ", "")
	c.same("the function sees", offered, "one.v1,two")
}

func noSubprotocol(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", &dialing{protocols: []string{"one.v1", "two"}})
	if !s.useless() {
		c.same("picked", s.ws.Subprotocol(), "")
	}
}

func upgradeWaits(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", &dialing{do: &probe.Command{Sleep: 3000}})
	c.holds(s.took >= 3*time.Second, "101 came: expected after 3 s, got %v", s.took)
}

func refusedStaysAlone(ctx context.Context, c *Check) {
	d := answering(map[string]any{"statusCode": 403})
	d.key = freshKey()
	c.same("status", c.status(ctx, "open", d), 403)
	id := c.event(ctx, d.key, "CONNECT").text("requestContext.connectionId")
	pause(ctx, c.Quiet)
	c.same("DISCONNECT events", len(c.find(ctx, id, "DISCONNECT")), 0)
}

func deflateSeen(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", &dialing{deflate: true})
	got := c.event(ctx, s.key, "CONNECT").header("Sec-WebSocket-Extensions")
	c.holds(strings.HasPrefix(got, "permessage-deflate"), "Sec-WebSocket-Extensions: expected permessage-deflate, got %q", got)
}
