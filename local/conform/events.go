package conform

import (
	"context"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"kaiwa/local/conform/probe"
)

// golden has one event of each kind, with {…} for what differs each time; see match.
//
//go:embed golden
var golden embed.FS

// events are the rows of aws-facts §2.
func events() []Row {
	return []Row{
		{Section: "2", Fact: "the CONNECT event, field by field", Sources: "DGnew; CAP2; CAP3; EV; SOFF", Confidence: "H", Probe: connectEvent},
		{Section: "2", Fact: "the MESSAGE event, field by field", Sources: "DGnew; CAP2; EV", Confidence: "H", Probe: messageEvent},
		{Section: "2", Fact: "the DISCONNECT event, field by field", Sources: "DGnew; CAP2; CAP3; EV", Confidence: "H", Probe: disconnectEvent},
		{Section: "2", Fact: "the authorizer's REQUEST event, field by field", Sources: "DG; EV", Confidence: "H", Probe: authorizerEvent},
		{Section: "2", Fact: "rc.authorizer is on CONNECT and DISCONNECT, with the context as text", Sources: "boto3#3789; EV; SOFF", Confidence: "H",
			Probe: func(ctx context.Context, c *Check) { authorizerContext(ctx, c, "CONNECT", "DISCONNECT") }},
		{Section: "2", Fact: "rc.authorizer is on MESSAGE", Sources: "boto3#3789; EV; SOFF", Confidence: "M",
			Probe: func(ctx context.Context, c *Check) { authorizerContext(ctx, c, "MESSAGE") }},
		{Section: "2", Fact: "rc.authorizer has integrationLatency", Sources: "SOFF", Confidence: "M", Probe: authorizerLatency},
		{Section: "2", Fact: "without a query the parameters are absent", Sources: "SOFF; DG", Confidence: "H", Probe: noQuery},
		{Section: "2", Fact: "of a parameter given twice the last one counts, multiValue has both", Sources: "SOFF; DG", Confidence: "H", Probe: queryTwice},
		{Section: "2", Fact: "stageVariables only if the stage has some", Sources: "EV; DG", Confidence: "M", Probe: stageVariables},
		{Section: "2", Fact: "header names keep the client's spelling", Sources: "DGnew; CAP2", Confidence: "H", Probe: headerSpelling},
		{Section: "2", Fact: "identity.userAgent only if the client sent one", Sources: "CAP2; CAP3", Confidence: "H", Probe: noUserAgent},
		{Section: "2", Fact: "connectedAt is the CONNECT's requestTimeEpoch, within 2 ms, and stays", Sources: "CAP2; CAP3", Confidence: "H", Probe: connectedAt},
		{Section: "2", Fact: "requestTime is requestTimeEpoch in CLF", Sources: "all captures", Confidence: "H", Probe: requestTime},
		{Section: "2", Fact: "the body is the message as it came, JSON or not", Sources: "CAP2", Confidence: "H", Probe: rawBody},
		{Section: "2", Fact: "ids: 16 characters of URL-safe base64 with one =, all different", Sources: "CAP2; CAP3; EV; CAP4", Confidence: "H", Probe: idShape},
		{Section: "2", Fact: "ids: byte 8 tells the kind, a messageId ends like its connectionId, they rise with time", Sources: "CAP2; CAP3; EV; CAP4", Confidence: "M", Probe: idInside},
		{Section: "2", Fact: "the client closes without a status: 1005 Client-side close frame status not set", Sources: "DGnew; CAP2", Confidence: "H",
			Probe: func(ctx context.Context, c *Check) {
				clientCloses(ctx, c, ending{1005, ""}, ending{1005, "Client-side close frame status not set"})
			}},
		{Section: "2", Fact: "a browser's tab is closed: 1001 and no reason", Sources: "EV", Confidence: "M",
			Probe: func(ctx context.Context, c *Check) { clientCloses(ctx, c, ending{1001, ""}, ending{1001, ""}) }},
	}
}

// aConnect is what the golden connects say.
func aConnect() *dialing {
	return &dialing{
		query:  url.Values{"room": {"one", "two b"}},
		header: http.Header{"X-tRACE-me": {"yes"}, "X-Probe": {"here"}},
	}
}

// golden compares an event with a golden one. names has what stands for {…}.
func (c *Check) golden(kind string, e event, names map[string]string) {
	if c.done() {
		return
	}
	text, err := golden.ReadFile("golden/" + kind + ".json")
	var want any
	if err == nil {
		err = json.Unmarshal(text, &want)
	}
	if err != nil {
		c.fail("golden %s: %w", kind, err)
		return
	}
	c.differences = append(c.differences, match("", want, map[string]any(e), names)...)
}

// names are those of one connection.
func (c *Check) names(ctx context.Context, s *socket) map[string]string {
	m := map[string]string{"stage": s.api, "connectionId": s.id(ctx), "key": s.key}
	if u, err := url.Parse(c.about.APIs[s.api]); err == nil {
		m["host"] = u.Host
		m["apiId"], _, _ = strings.Cut(u.Host, ".")
	}
	if !strings.Contains(m["host"], ".execute-api.") { // a custom domain, or an emulator
		delete(m, "apiId")
	}
	return m
}

func connectEvent(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", aConnect())
	c.golden("connect", c.event(ctx, s.key, "CONNECT"), c.names(ctx, s))
}

func messageEvent(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	s.send(ctx, "hello")
	c.golden("message", c.event(ctx, s.id(ctx), "MESSAGE"), c.names(ctx, s))
}

func disconnectEvent(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	names := c.names(ctx, s)
	s.close(1005, "")
	c.golden("disconnect", c.event(ctx, s.id(ctx), "DISCONNECT"), names)
}

func authorizerEvent(ctx context.Context, c *Check) {
	s := c.dial(ctx, "custom", aConnect())
	names := c.names(ctx, s)
	e := c.event(ctx, s.key, "REQUEST")
	names["methodArn"] = fmt.Sprintf("arn:aws:execute-api:%s:%s:%s/custom/$connect", c.about.Region, c.about.Account, e.text("requestContext.apiId"))
	c.golden("authorizer", e, names)
}

// withContext is an authorizer's answer that allows and has a context.
func withContext(context map[string]any) *probe.Command {
	return &probe.Command{Answer: policyOf(context, statement("Allow", "$methodArn"))}
}

// authorizerContext looks for the context in events of some kinds. Its numbers
// and booleans may come as such or as text.
func authorizerContext(ctx context.Context, c *Check, kinds ...string) {
	d := aConnect()
	d.authorize = withContext(map[string]any{"tier": "gold", "seats": 3, "trial": false})
	s := c.dial(ctx, "custom", d)
	id := s.id(ctx)
	s.send(ctx, "hello")
	c.event(ctx, id, "MESSAGE")
	s.close(1000, "")
	want := map[string]string{"principalId": "probe", "tier": "gold", "seats": "3", "trial": "false"}
	for _, kind := range kinds {
		e := c.event(ctx, id, kind)
		for _, name := range slices.Sorted(maps.Keys(want)) {
			c.same(kind+": authorizer."+name, fmt.Sprint(e.at("requestContext.authorizer."+name)), want[name])
		}
		got, _ := e.at("requestContext.authorizer").(map[string]any)
		for name := range got {
			c.holds(want[name] != "" || name == "integrationLatency", "%s: authorizer.%s: expected nothing, got %v", kind, name, got[name])
		}
	}
}

func authorizerLatency(ctx context.Context, c *Check) {
	s := c.dial(ctx, "custom", aConnect())
	e := c.event(ctx, s.key, "CONNECT")
	_, isNumber := e.at("requestContext.authorizer.integrationLatency").(float64)
	c.holds(isNumber, "authorizer.integrationLatency: expected a number, got %v", e.at("requestContext.authorizer.integrationLatency"))
}

// noQuery finds the event by the connection, for there is no key in the query.
func noQuery(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", &dialing{plain: true})
	s.say(ctx, "twoway", probe.Command{Echo: true})
	id := c.parse(s.next(ctx)).text("requestContext.connectionId")
	e := c.event(ctx, id, "CONNECT")
	for _, name := range []string{"queryStringParameters", "multiValueQueryStringParameters"} {
		_, there := e[name]
		c.holds(!there, "%s: expected nothing, got %v", name, e[name])
	}
}

// parse decodes an echoed event.
func (c *Check) parse(text string) event { return c.decode(probe.Record{Event: json.RawMessage(text)}) }

func queryTwice(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", &dialing{query: url.Values{"a": {"1", "2"}, "b": {"é b"}}})
	e := c.event(ctx, s.key, "CONNECT")
	c.same("a", e.text("queryStringParameters.a"), "2")
	c.same("all of a", fmt.Sprint(e.at("multiValueQueryStringParameters.a")), "[1 2]")
	c.same("b", e.text("queryStringParameters.b"), "é b")
}

func stageVariables(ctx context.Context, c *Check) {
	s := c.dial(ctx, "custom", aConnect())
	s.send(ctx, "hello")
	id := s.id(ctx)
	c.event(ctx, id, "MESSAGE")
	s.close(1000, "")
	for _, kind := range []string{"CONNECT", "MESSAGE", "DISCONNECT"} {
		c.same(kind+": stageVariables", fmt.Sprint(c.event(ctx, id, kind).at("stageVariables")), "map[colour:green]")
	}
}

func headerSpelling(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", &dialing{header: http.Header{"x-LOWER-upper": {"1"}, "x-forwarded-for": {"192.0.2.9"}}})
	e := c.event(ctx, s.key, "CONNECT")
	headers, _ := e.at("headers").(map[string]any)
	c.same("x-LOWER-upper", fmt.Sprint(headers["x-LOWER-upper"]), "1")
	_, canonical := headers["X-Lower-Upper"]
	c.holds(!canonical, "X-Lower-Upper: expected nothing, got %v", headers["X-Lower-Upper"])
	c.same("X-Forwarded-For ends with the peer", lastOf(e.header("X-Forwarded-For")), e.text("requestContext.identity.sourceIp"))
}

func lastOf(list string) string {
	items := strings.Split(list, ",")
	return strings.TrimSpace(items[len(items)-1])
}

func noUserAgent(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", &dialing{header: http.Header{"User-Agent": {""}}}) // Go then sends none
	identity, _ := c.event(ctx, s.key, "CONNECT").at("requestContext.identity").(map[string]any)
	_, there := identity["userAgent"]
	c.holds(!there, "identity.userAgent: expected nothing, got %v", identity["userAgent"])
	s = c.dial(ctx, "open", nil)
	c.same("identity.userAgent", c.event(ctx, s.key, "CONNECT").text("requestContext.identity.userAgent"), "conform/1")
}

// all three events of one connection.
func (c *Check) three(ctx context.Context) []event {
	s := c.dial(ctx, "open", nil)
	id := s.id(ctx)
	s.send(ctx, "hello")
	c.event(ctx, id, "MESSAGE")
	s.close(1000, "")
	c.event(ctx, id, "DISCONNECT")
	var list []event
	for _, kind := range []string{"CONNECT", "MESSAGE", "DISCONNECT"} {
		list = append(list, c.event(ctx, id, kind))
	}
	return list
}

func connectedAt(ctx context.Context, c *Check) {
	list := c.three(ctx)
	at := list[0].number("requestContext.connectedAt")
	late := list[0].number("requestContext.requestTimeEpoch") - at
	c.holds(late >= -2 && late <= 2, "requestTimeEpoch - connectedAt: expected -2 to 2, got %v", late)
	for _, e := range list[1:] {
		c.same(e.text("requestContext.eventType")+": connectedAt", e.number("requestContext.connectedAt"), at)
	}
}

func requestTime(ctx context.Context, c *Check) {
	for _, e := range c.three(ctx) {
		at := time.UnixMilli(int64(e.number("requestContext.requestTimeEpoch"))).UTC()
		c.same(e.text("requestContext.eventType")+": requestTime", e.text("requestContext.requestTime"), at.Format("02/Jan/2006:15:04:05 +0000"))
	}
}

func rawBody(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	id := s.id(ctx)
	texts := []string{"hello", `{"a":1,  "b" : "é" }`, "[1,2]", "7"}
	for n, text := range texts {
		s.send(ctx, text)
		c.await(ctx, id, "MESSAGE", n+1) // or they might come in another order
	}
	var got []string
	for _, r := range c.find(ctx, id, "MESSAGE") {
		got = append(got, c.decode(r).text("body"))
	}
	c.same("bodies", fmt.Sprintf("%q", got), fmt.Sprintf("%q", texts))
}

// isID tells whether an id has the shape of AWS's.
func isID(id string) bool {
	b, err := base64.URLEncoding.DecodeString(id)
	return err == nil && len(b) == 11 && len(id) == 16
}

func idShape(ctx context.Context, c *Check) {
	seen := map[string]bool{}
	list := c.three(ctx)
	for _, e := range list {
		kind := e.text("requestContext.eventType")
		for _, name := range []string{"connectionId", "requestId", "messageId"} {
			id := e.text("requestContext." + name)
			if name == "messageId" && kind != "MESSAGE" {
				continue
			}
			c.holds(isID(id), "%s: expected a %s of 16 characters, got %q", kind, name, id)
			c.holds(name == "connectionId" || !seen[id], "%s: %s %s came before", kind, name, id)
			seen[id] = true
		}
		c.same(kind+": extendedRequestId", e.text("requestContext.extendedRequestId"), e.text("requestContext.requestId"))
	}
}

func idInside(ctx context.Context, c *Check) {
	first := c.three(ctx)[1]
	later := c.three(ctx)[1]
	for name, kind := range map[string]byte{"connectionId": 2, "messageId": 2, "requestId": 5} {
		b, err := base64.URLEncoding.DecodeString(first.text("requestContext." + name))
		c.holds(err == nil && len(b) > 8 && b[8] == kind, "byte 8 of a %s: expected %d, got %v", name, kind, b)
		a, z := first.text("requestContext."+name), later.text("requestContext."+name)
		c.holds(decoded(a) < decoded(z), "%s: expected one that is after %s, got %s", name, a, z)
	}
	connection, message := decoded(first.text("requestContext.connectionId")), decoded(first.text("requestContext.messageId"))
	c.holds(len(message) == 11 && message[8:] == connection[8:], "messageId: expected the end of %q, got %q", connection, message)
}

// decoded orders ids as their bytes do; the alphabet of base64 has another order.
func decoded(id string) string {
	b, _ := base64.URLEncoding.DecodeString(id) // "" is before all
	return string(b)
}

// disconnect compares the DISCONNECT event of a connection.
func (c *Check) disconnect(ctx context.Context, id string, want ending) {
	e := c.event(ctx, id, "DISCONNECT")
	c.same("DISCONNECT", ending{int(e.number("requestContext.disconnectStatusCode")), e.text("requestContext.disconnectReason")}, want)
}

func clientCloses(ctx context.Context, c *Check, with, want ending) {
	s := c.dial(ctx, "open", nil)
	id := s.id(ctx)
	s.close(with.code, with.reason)
	c.disconnect(ctx, id, want)
}
