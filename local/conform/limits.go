package conform

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi/types"

	"kaiwa/local/conform/probe"
)

const (
	frameLimit   = 32 << 10
	messageLimit = 128 << 10
	urlLimit     = 4096
)

// limits are the rows of aws-facts §1.
func limits() []Row {
	return []Row{
		{Section: "1", Fact: "a connection without messages is closed after 10 min, with 1001 Going away", Sources: "Q; CAP3", Confidence: "H",
			Takes: 11 * time.Minute, Probe: idleCloses},
		{Section: "1", Fact: "a message from the client starts the 10 min anew", Sources: "hotsock; subscriptionless#3", Confidence: "M-H",
			Takes: 20 * time.Minute, Probe: func(ctx context.Context, c *Check) {
				idleAfter(ctx, c, func(s *socket) { s.send(ctx, "still here") })
			}},
		{Section: "1", Fact: "a message from the server starts the 10 min anew", Sources: "hotsock", Confidence: "M-H",
			Takes: 20 * time.Minute, Probe: func(ctx context.Context, c *Check) {
				idleAfter(ctx, c, func(s *socket) { c.post(ctx, s, "still here") })
			}},
		{Section: "1", Fact: "any connection is closed after 2 h", Sources: "Q; hotsock; SOFF", Confidence: "H",
			Takes: 2*time.Hour + 5*time.Minute, Probe: lifeEnds},
		{Section: "1", Fact: "an integration has 29 s by default", Sources: "Q; BC; mangum#128; BCHAT", Confidence: "H",
			Takes: time.Minute, Probe: defaultTimeout},
		{Section: "1", Fact: "an integration that takes too long: Endpoint request timed out, the socket stays open, the function goes on and can post",
			Sources: "Q; BC; mangum#128; BCHAT", Confidence: "H", Probe: ownTimeout},
		{Section: "1", Fact: "a message of 128 KB is taken, one byte more closes with 1009", Sources: "Q; BC", Confidence: "H", Probe: messageSize},
		{Section: "1", Fact: "a frame of 32 KB is taken, one byte more closes with 1009", Sources: "Q; DG; react-use-websocket#134", Confidence: "H", Probe: frameSize},
		{Section: "1", Fact: "a POST of 128 KB is taken, one byte more is 413 PayloadTooLargeException", Sources: "Q; BC", Confidence: "H", Probe: postSize},
		{Section: "1", Fact: "a binary frame closes with 1003", Sources: "DG", Confidence: "H", Probe: binaryCloses},
		{Section: "1", Fact: "new connections over 500 a second are refused with 429", Sources: "Q; DG", Confidence: "H",
			Cannot: "it would throttle your whole account"},
		{Section: "1", Fact: "10,000 requests a second, burst 5,000, shared with callbacks", Sources: "QA; BC", Confidence: "H",
			Cannot: "it would throttle your whole account"},
		{Section: "1", Fact: "a $connect over its route's throttle is refused with 429", Sources: "DG; BC", Confidence: "H", Probe: connectThrottle},
		{Section: "1", Fact: "a URL has at most 4096 characters", Sources: "Q", Confidence: "H", Probe: urlLength},
	}
}

// closesAfter compares how long a connection lived. AWS was seen to be a few
// seconds late (CAP3: 603.9 s).
func (c *Check) closesAfter(s *socket, began time.Time, want time.Duration) {
	got := time.Since(began).Round(100 * time.Millisecond)
	c.holds(got >= want && got <= want+30*time.Second, "closed after: expected %v (and up to 30 s), got %v", want, got)
	c.observe("closed %v after the connect", got)
}

func idleCloses(ctx context.Context, c *Check) {
	s, began := c.dial(ctx, "open", nil), time.Now()
	id := s.id(ctx)
	end := s.closed(ctx)
	c.closesAfter(s, began, 10*time.Minute)
	c.same("close frame", end, ending{1001, "Going away"})
	c.disconnect(ctx, id, ending{1001, "Going away"})
}

// idleAfter has something happen at 9 min, and expects the end at 19.
func idleAfter(ctx context.Context, c *Check, act func(*socket)) {
	s, began := c.dial(ctx, "open", nil), time.Now()
	s.id(ctx)
	pause(ctx, 9*time.Minute-time.Since(began))
	act(s)
	s.closed(ctx)
	c.closesAfter(s, began, 19*time.Minute)
}

// outlive keeps a connection busy until its end.
func outlive(ctx context.Context, c *Check) (*socket, time.Time) {
	s, began := c.dial(ctx, "open", nil), time.Now()
	tick := time.NewTicker(7 * time.Minute) // never at 2 h itself
	defer tick.Stop()
	for !s.useless() {
		select {
		case <-tick.C:
			s.send(ctx, "still here")
		case <-s.ended:
			return s, began
		case <-ctx.Done():
			c.fail("the connection was not closed")
		}
	}
	return s, began
}

func lifeEnds(ctx context.Context, c *Check) {
	s, began := outlive(ctx, c)
	c.closesAfter(s, began, 2*time.Hour)
}

// gatewayFrame is a frame of API Gateway itself, byte for byte.
func (c *Check) gatewayFrame(got, text, connection string) {
	id := ""
	if _, after, ok := strings.Cut(got, `"requestId":"`); ok {
		id, _, _ = strings.Cut(after, `"`)
	}
	c.same("frame", got, fmt.Sprintf(`{"message": "%s", "connectionId":"%s", "requestId":"%s"}`, text, connection, id))
	c.holds(isID(id), "frame: expected a requestId of 16 characters, got %q", id)
}

func defaultTimeout(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	id := s.id(ctx)
	began := time.Now()
	s.say(ctx, "twoway", probe.Command{Sleep: 35_000, Answer: body("too late")})
	c.gatewayFrame(s.next(ctx), "Endpoint request timed out", id)
	took := time.Since(began).Round(100 * time.Millisecond)
	c.holds(took >= 28900*time.Millisecond && took < 32*time.Second, "told after: expected 29 s, got %v", took)
}

func ownTimeout(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	id := s.id(ctx)
	s.say(ctx, "hasty", probe.Command{Sleep: 2500, Post: "posted late", Answer: body("too late")})
	c.gatewayFrame(s.next(ctx), "Endpoint request timed out", id)
	c.same("then the function's own post", s.next(ctx), "posted late")
	s.quiet(ctx, "the function's late answer")
	s.alive(ctx)
}

func messageSize(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	id := s.id(ctx)
	s.send(ctx, strings.Repeat("x", messageLimit), frameLimit, frameLimit, frameLimit, frameLimit)
	c.arrived(ctx, id, messageLimit)
	s.send(ctx, strings.Repeat("x", messageLimit+1), frameLimit, frameLimit, frameLimit, frameLimit)
	c.same("close code after 131,073", s.closed(ctx).code, 1009)
}

// arrived checks the length of the first message's body.
func (c *Check) arrived(ctx context.Context, id string, want int) {
	if list := c.await(ctx, id, "MESSAGE", 1); len(list) > 0 {
		c.same(fmt.Sprintf("bytes that arrived of %d", want), list[0].BodyBytes, want)
	}
}

func frameSize(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	s.send(ctx, strings.Repeat("x", frameLimit))
	c.arrived(ctx, s.id(ctx), frameLimit)
	s.send(ctx, strings.Repeat("x", frameLimit+1))
	c.same("close code after 32,769", s.closed(ctx).code, 1009)
	s = c.dial(ctx, "open", nil)
	s.send(ctx, strings.Repeat("x", 10+frameLimit+1), 10)
	c.same("close code after a later frame of 32,769", s.closed(ctx).code, 1009)
}

func postSize(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	c.post(ctx, s, strings.Repeat("x", messageLimit))
	c.same("bytes that arrived of 131,072", len(s.next(ctx)), messageLimit)
	err := c.postTo(ctx, s.id(ctx), strings.Repeat("x", messageLimit+1))
	var tooLarge *types.PayloadTooLargeException
	c.holds(errors.As(err, &tooLarge), "131,073 bytes: expected PayloadTooLargeException, got %v", err)
	c.same("status", statusOf(err), 413)
}

func binaryCloses(ctx context.Context, c *Check) {
	s := c.dial(ctx, "open", nil)
	s.binary(ctx, "hello")
	c.same("close code", s.closed(ctx).code, 1003)
}

// connectThrottle: the throttle is best effort, so many are tried.
func connectThrottle(ctx context.Context, c *Check) {
	got := map[int]int{}
	for range 30 {
		got[c.status(ctx, "few", nil)]++
	}
	c.holds(got[429] > 0, "30 connects at 1 a second: expected 429 among the answers, got %v", got)
	c.holds(got[101] > 0, "30 connects at 1 a second: expected 101 among the answers, got %v", got)
	c.holds(got[101]+got[429] == 30, "30 connects: expected nothing but 101 and 429, got %v", got)
}

// urlLength stays away from the limit itself: what is counted is not documented.
func urlLength(ctx context.Context, c *Check) {
	long := func(n int) *dialing { return &dialing{query: url.Values{"q": {strings.Repeat("x", n)}}} }
	c.same("status with about 3,800 characters", c.status(ctx, "open", long(urlLimit-300)), 101)
	status := c.status(ctx, "open", long(urlLimit+300))
	c.holds(status != 101, "about 4,400 characters: expected a refusal, got 101")
	c.observe("about 4,400 characters: %d", status)
}
