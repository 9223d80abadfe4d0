package conform

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi/types"

	"kaiwa/local/conform/probe"
)

// callbacks are the rows of aws-facts §4.
func callbacks() []Row {
	return []Row{
		{Section: "4", Fact: "https://{domainName}/{stage} of the event is the endpoint, without a custom domain", Sources: "BC; chat-app#40", Confidence: "H", Probe: eventEndpoint},
		{Section: "4", Fact: "the path may be @connections or %40connections, the id's = may be %3D", Sources: "PROBE; DG", Confidence: "H", Probe: escapedPath},
		{Section: "4", Fact: "POST: 200 without a body, and a text frame for the client", Sources: "BC; DG", Confidence: "H", Probe: postSuccess},
		{Section: "4", Fact: "GET: 200 with connectedAt, identity, lastActiveAt, in lower camel case", Sources: "BC", Confidence: "H", Probe: getSuccess},
		{Section: "4", Fact: "DELETE: 204", Sources: "BC", Confidence: "H", Probe: deleteSuccess},
		{Section: "2", Fact: "DELETE closes with 1000 Connection Closed Normally", Sources: "boto3#3789; chalice#2060; aws-sdk-js#3636", Confidence: "H", Probe: deleteCloses},
		{Section: "4", Fact: "a closed connection: 410 GoneException for POST, GET and DELETE", Sources: "BC; KC410", Confidence: "H", Probe: goneClosed},
		{Section: "4", Fact: "an unknown id: 410 GoneException", Sources: "BC; KC410", Confidence: "H",
			Probe: func(ctx context.Context, c *Check) { c.gone(ctx, "R1kmxc2VNjMCFIA=") }},
		{Section: "4", Fact: "a malformed id: 410 GoneException", Sources: "BC; KC410", Confidence: "H",
			Probe: func(ctx context.Context, c *Check) { c.gone(ctx, "malformed") }},
		{Section: "4", Fact: "errors say their type in x-amzn-ErrorType", Sources: "PROBE; aws-sdk-js#2591", Confidence: "H", Probe: errorType},
		{Section: "4", Fact: "a reader that does not read: 429 LimitExceededException", Sources: "BC", Confidence: "H", Probe: slowReader},
		{Section: "4", Fact: "200 means taken, not delivered: a client that does not read", Sources: "chat-app#44", Confidence: "M", Probe: postUnread},
		{Section: "4", Fact: "unsigned: 403", Sources: "BC", Confidence: "H", Probe: unsigned},
		{Section: "4", Fact: "the path of another stage: 403 ForbiddenException", Sources: "BC; chat-app#40", Confidence: "H", Probe: otherStage},
		{Section: "4", Fact: "a POST of 100 KB arrives as one message", Sources: "Q; BC", Confidence: "M", Probe: postWhole},
		{Section: "4", Fact: "posts that wait for each other arrive in order", Sources: "dev.to/multigrid; BCHAT", Confidence: "H", Probe: postOrder},
		{Section: "4", Fact: "posts of several clients at once are not ordered", Sources: "dev.to/multigrid; BCHAT", Confidence: "H",
			Cannot: "any order is right"},
		{Section: "4", Fact: "a custom domain's path is the mapping, not the stage", Sources: "BC; chat-app#40; aws-sdk-net#1860", Confidence: "H",
			Cannot: "the probe stack has no custom domain"},
	}
}

// address is where a connection is posted to.
func (c *Check) address(collection, id string) string {
	return c.endpoint() + "/" + collection + "/" + strings.ReplaceAll(id, "=", "%3D")
}

func eventEndpoint(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	e := c.event(ctx, s.key, "CONNECT")
	u, err := url.Parse(c.endpoint())
	if err != nil {
		c.fail("%w", err)
		return
	}
	c.same("/{stage}", "/"+e.text("requestContext.stage"), u.Path)
	c.same("domainName", e.text("requestContext.domainName"), u.Host)
	s.say(ctx, "oneway", probe.Command{Post: "hello"})
	c.same("a post of the function's own", s.next(ctx), "hello")
}

func escapedPath(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	id := s.id(ctx)
	for _, collection := range []string{"@connections", "%40connections"} {
		if r := c.call(ctx, "POST", c.address(collection, id), collection, true); r != nil {
			c.same(collection+": status", r.status, 200)
		}
		c.same("message", s.next(ctx), collection)
	}
}

func postSuccess(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	r := c.call(ctx, "POST", c.address("@connections", s.id(ctx)), "hello", true)
	m := s.receive(ctx)
	if c.done() {
		return
	}
	c.same("status", r.status, 200)
	c.same("body", r.body, "")
	c.same("message", m.text, "hello")
	c.same("binary", m.binary, false)
}

func getSuccess(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	id := s.id(ctx)
	client := c.sdk()
	if c.done() {
		return
	}
	got, err := client.GetConnection(ctx, &sdk.GetConnectionInput{ConnectionId: &id})
	if err != nil {
		c.fail("%w", err)
		return
	}
	at := c.event(ctx, s.key, "CONNECT")
	connected := time.UnixMilli(int64(at.number("requestContext.connectedAt")))
	c.holds(aws.ToTime(got.ConnectedAt).Sub(connected).Abs() <= time.Second, "connectedAt: expected about %v, got %v", connected, got.ConnectedAt)
	c.holds(!aws.ToTime(got.LastActiveAt).Before(aws.ToTime(got.ConnectedAt)), "lastActiveAt: expected after connectedAt, got %v", got.LastActiveAt)
	if got.Identity == nil {
		got.Identity = &types.Identity{}
	}
	c.same("identity.sourceIp", aws.ToString(got.Identity.SourceIp), at.text("requestContext.identity.sourceIp"))
	c.same("identity.userAgent", aws.ToString(got.Identity.UserAgent), "conform/1")
	if r := c.call(ctx, "GET", c.address("@connections", id), "", true); r != nil {
		e := c.parse(r.body)
		for _, name := range []string{"connectedAt", "lastActiveAt"} {
			_, err := time.Parse(time.RFC3339, e.text(name))
			c.holds(err == nil, "%s: expected ISO 8601, got %q", name, e.text(name))
		}
	}
}

func deleteSuccess(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	if r := c.call(ctx, "DELETE", c.address("@connections", s.id(ctx)), "", true); r != nil {
		c.same("status", r.status, 204)
		c.same("body", r.body, "")
	}
}

func deleteCloses(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	id := s.id(ctx)
	client := c.sdk()
	if c.done() {
		return
	}
	if _, err := client.DeleteConnection(ctx, &sdk.DeleteConnectionInput{ConnectionId: &id}); err != nil {
		c.fail("%w", err)
	}
	c.same("close frame", s.closed(ctx), ending{1000, "Connection Closed Normally"})
	c.disconnect(ctx, id, ending{1000, "Connection Closed Normally"})
}

// gone expects every operation to say so.
func (c *Check) gone(ctx context.Context, id string) {
	client := c.sdk()
	if c.done() {
		return
	}
	_, get := client.GetConnection(ctx, &sdk.GetConnectionInput{ConnectionId: &id})
	_, drop := client.DeleteConnection(ctx, &sdk.DeleteConnectionInput{ConnectionId: &id})
	for name, err := range map[string]error{"POST": c.postTo(ctx, id, "x"), "GET": get, "DELETE": drop} {
		var gone *types.GoneException
		c.holds(errors.As(err, &gone), "%s: expected GoneException, got %v", name, err)
		c.same(name+": status", statusOf(err), 410)
	}
}

func goneClosed(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	id := s.id(ctx)
	s.close(1000, "")
	c.event(ctx, id, "DISCONNECT")
	c.gone(ctx, id)
}

func errorType(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	for _, tt := range []struct {
		id, text, want string
	}{
		{"R1kmxc2VNjMCFIA=", "x", "GoneException"},
		{s.id(ctx), strings.Repeat("x", messageLimit+1), "PayloadTooLargeException"},
	} {
		if r := c.call(ctx, "POST", c.address("@connections", tt.id), tt.text, true); r != nil {
			kind, _, _ := strings.Cut(r.header.Get("X-Amzn-ErrorType"), ":")
			c.same(fmt.Sprintf("x-amzn-ErrorType of %d", r.status), kind, tt.want)
		}
	}
}

// flood posts to a client that does not read, until a POST is refused; nil if
// none was.
func flood(ctx context.Context, c *Check) (posted int, refused *response) {
	s := c.dial(ctx, "open", &dialing{deaf: true})
	address, piece := c.address("@connections", s.id(ctx)), strings.Repeat("x", messageLimit)
	for posted < floodLimit {
		r := c.call(ctx, "POST", address, piece, true)
		if r == nil || r.status != 200 {
			return posted, r
		}
		posted += len(piece)
	}
	return posted, nil
}

// floodLimit is more than sockets and proxies are expected to hold.
const floodLimit = 64 << 20

func slowReader(ctx context.Context, c *Check) {
	posted, r := flood(ctx, c)
	if r == nil {
		c.giveUp(fmt.Sprintf("%d MB were taken for a client that does not read", posted>>20))
		return
	}
	kind, _, _ := strings.Cut(r.header.Get("X-Amzn-ErrorType"), ":")
	c.same("status", r.status, 429)
	c.same("x-amzn-ErrorType", kind, "LimitExceededException")
	c.observe("after %d KB", posted>>10)
}

func postUnread(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", &dialing{deaf: true})
	if err := c.postTo(ctx, s.id(ctx), "hello"); err != nil {
		c.fail("%w", err)
	}
}

func unsigned(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	if r := c.call(ctx, "POST", c.address("@connections", s.id(ctx)), "x", false); r != nil {
		c.same("status", r.status, 403)
	}
	s.quiet(ctx, "an unsigned POST")
}

func otherStage(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	address := strings.Replace(c.address("@connections", s.id(ctx)), "/open/", "/nosuchstage/", 1)
	if r := c.call(ctx, "POST", address, "x", true); r != nil {
		kind, _, _ := strings.Cut(r.header.Get("X-Amzn-ErrorType"), ":")
		c.same("status", r.status, 403)
		c.same("x-amzn-ErrorType", kind, "ForbiddenException")
	}
	s.quiet(ctx, "a POST to another stage")
}

func postWhole(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	text := strings.Repeat("0123456789", 10<<10)
	c.post(ctx, s, text)
	c.same("message", s.next(ctx) == text, true)
}

func postOrder(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	for n := range 30 {
		c.post(ctx, s, fmt.Sprint(n))
	}
	for n := range 30 {
		c.same(fmt.Sprintf("message %d", n), s.next(ctx), fmt.Sprint(n))
	}
}
