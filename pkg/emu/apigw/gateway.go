package apigw

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Gateway is a running API: an http.Handler for the WebSocket front and
// @connections alike. Its methods may be called concurrently.
type Gateway struct {
	api      API
	fn       Invoker
	opt      Options // with defaults; limits that are off are 0
	log      *slog.Logger
	routeKey expression
	mocks    map[string]*mock  // by route key
	models   map[string]models // likewise
	ids      idSource
	frames   sync.Pool // *[]byte, one frame and one byte long

	connects, account, stage *bucket
	routes                   map[string]*bucket

	// life is what functions run in: longer than any request or connection,
	// until Close runs out of time.
	life context.Context
	stop context.CancelFunc

	counts counts
	wg     sync.WaitGroup // everything that runs
	mu     sync.Mutex
	conns  map[string]*conn
	closed bool
	// closing is closed with closed, for those who wait.
	closing chan struct{}
}

// RouteError is what is wrong with one route.
type RouteError struct {
	Key string
	Err error
}

// Error names the route.
func (e *RouteError) Error() string { return "route " + e.Key + ": " + e.Err.Error() }

// Unwrap returns what is wrong.
func (e *RouteError) Unwrap() error { return e.Err }

// New checks api and returns a Gateway for it. fn may be nil if nothing calls a
// function. What api asks for and the package does not emulate is an error that
// names it, a *RouteError where it is one route; the caller knows whose API it is.
func New(api API, fn Invoker, o *Options) (*Gateway, error) {
	opt := o.withDefaults(api)
	api = withDefaults(api)
	if err := check(api, fn, opt); err != nil {
		return nil, err
	}
	g := &Gateway{api: api, fn: fn, opt: opt, log: opt.Logger, closing: make(chan struct{})}
	if err := g.compile(); err != nil {
		return nil, err
	}
	g.connects, g.account = newBucket(opt.ConnectRate), newBucket(opt.AccountRate)
	g.stage, g.routes = newBucket(api.Stage.Throttle), map[string]*bucket{}
	for key, t := range api.Stage.RouteThrottle {
		g.routes[key] = newBucket(t)
	}
	size := opt.FrameSize
	if size == 0 {
		size = 32 << 10
	}
	g.frames.New = func() any { b := make([]byte, size+1); return &b }
	g.conns = map[string]*conn{}
	g.counts.Posts, g.counts.Closes = map[int]int64{}, map[int]int64{}
	g.life, g.stop = context.WithCancel(context.Background())
	return g, nil
}

// compile parses expressions and templates.
func (g *Gateway) compile() (err error) {
	if g.routeKey, err = parseExpression(g.api.RouteSelectionExpression, false); err != nil {
		return err
	}
	g.mocks = map[string]*mock{}
	g.models = map[string]models{}
	for _, key := range slices.Sorted(maps.Keys(g.api.Routes)) {
		if g.models[key], err = compileModels(g.api.Routes[key]); err != nil {
			return &RouteError{key, err}
		}
		i := g.api.Routes[key].Integration
		if i == nil || i.Type != typeMock {
			continue
		}
		switch g.mocks[key], err = compileMock(i); {
		case err != nil && g.opt.Partly:
			g.mocks[key], err = &mock{refused: err}, nil
		case err != nil:
			return &RouteError{key, err}
		}
	}
	return nil
}

// throttle is the bucket of a route: its own, else the stage's.
func (g *Gateway) throttle(routeKey string) *bucket {
	if b, ok := g.routes[routeKey]; ok {
		return b
	}
	return g.stage
}

// ServeHTTP serves /{stage} and /{stage}/@connections/{id}; any other path is
// 403, after Close all are 503.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !g.enter() {
		unavailable().write(w)
		return
	}
	defer g.wg.Done()
	rest, ok := strings.CutPrefix(r.URL.Path, "/"+g.api.Stage.Name)
	if ok && (rest == "" || rest == "/") {
		g.connect(w, r)
		return
	}
	if id, isCallback := strings.CutPrefix(rest, "/@connections/"); ok && isCallback {
		g.callback(w, r, id)
		return
	}
	forbidden("Forbidden").write(w)
}

// enter counts one request in, unless the gateway is closed.
func (g *Gateway) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		g.wg.Add(1)
	}
	return !g.closed
}

// remember makes c known to callbacks; false after Close.
func (g *Gateway) remember(c *conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		g.conns[c.id] = c
	}
	return !g.closed
}

// forget is called with c.mu held, so nobody may take a c.mu under g.mu.
func (g *Gateway) forget(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.conns, id)
}

func (g *Gateway) find(id string) *conn {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.conns[id]
}

func (g *Gateway) open() []*conn {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Collect(maps.Values(g.conns))
}

// CutSocket cuts a client's TCP connection without a close frame; the client
// sees 1006. It reports whether the connection was open.
func (g *Gateway) CutSocket(connectionID string) bool {
	c := g.find(connectionID)
	if c != nil {
		c.cut()
	}
	return c != nil
}

// Close refuses what is new, closes every connection with 1001, runs their
// $disconnect, and waits for all functions and goroutines. When ctx ends first
// it cancels the functions, cuts the sockets and returns ctx's error; another
// Close waits on.
func (g *Gateway) Close(ctx context.Context) error {
	g.mu.Lock()
	if !g.closed {
		g.closed = true
		close(g.closing)
	}
	conns := slices.Collect(maps.Values(g.conns))
	g.mu.Unlock()
	for _, c := range conns {
		c.finish(codeGoingAway, reasonGoingAway)
	}
	done := make(chan struct{})
	go func() {
		g.wg.Wait()
		close(done)
	}()
	select {
	case <-done:
		g.stop()
		return nil
	case <-ctx.Done():
		g.stop()
		for _, c := range conns {
			c.cut()
		}
		return fmt.Errorf("close gateway: %w", ctx.Err())
	}
}
