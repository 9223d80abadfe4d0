package apigw

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Invoker calls Lambda functions by name, synchronously. functionError is the
// X-Amz-Function-Error of a function that failed ("" if it did not), out then
// its error object; err means it could not be called at all. lambdart.Host is
// one. Invoke is called concurrently; ctx ends only when Gateway.Close runs out
// of time, since API Gateway never cancels a function.
type Invoker interface {
	Invoke(ctx context.Context, function string, payload []byte) (out []byte, functionError string, err error)
}

var errTimeout = errors.New("integration timed out")

// functionError is a function's own failure: it threw, crashed or timed out.
type functionError struct {
	kind    string
	payload []byte
}

func (e *functionError) Error() string { return "function error " + e.kind }

// message is the errorMessage the function threw.
func (e *functionError) message() string {
	var thrown struct {
		ErrorMessage string `json:"errorMessage"`
	}
	if json.Unmarshal(e.payload, &thrown) != nil {
		return ""
	}
	return thrown.ErrorMessage
}

// invoke calls function and waits at most timeout (0: no bound). What runs
// longer goes on unobserved, as on AWS; Close waits for it.
func (g *Gateway) invoke(function string, timeout time.Duration, payload any) ([]byte, error) {
	in, err := json.Marshal(payload)
	if err != nil {
		return nil, fmt.Errorf("encode event: %w", err)
	}
	type result struct {
		out []byte
		err error
	}
	done := make(chan result, 1)
	g.wg.Go(func() {
		out, kind, err := g.fn.Invoke(g.life, function, in)
		if err == nil && kind != "" {
			err = &functionError{kind, out}
		}
		done <- result{out, err}
	})
	var expired <-chan time.Time
	if timeout > 0 {
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case r := <-done:
		return r.out, r.err
	case <-expired:
		g.counts.timeout()
		return nil, errTimeout
	}
}

// timeout is how long i may take under the gateway's own bound.
func (g *Gateway) timeout(i *Integration) time.Duration {
	bound := g.opt.IntegrationTimeout
	if i.Timeout > 0 && (bound == 0 || i.Timeout < bound) {
		return i.Timeout
	}
	return bound
}

// proxyResponse is what an AWS_PROXY function returns.
type proxyResponse struct {
	StatusCode        json.RawMessage     `json:"statusCode"`
	Headers           map[string]any      `json:"headers"`
	MultiValueHeaders map[string][]string `json:"multiValueHeaders"`
	Body              *string             `json:"body"`

	status int
}

func parseProxyResponse(out []byte) (r proxyResponse, err error) {
	if err := json.Unmarshal(out, &r); err != nil {
		return r, errors.New("malformed proxy response")
	}
	r.status, err = strconv.Atoi(strings.Trim(string(r.StatusCode), `"`))
	if err != nil || r.status < 100 || r.status > 599 {
		return r, errors.New("malformed proxy response: no valid statusCode")
	}
	return r, nil
}

// header finds a response header in any spelling.
func (r proxyResponse) header(name string) string {
	for k, v := range r.Headers {
		if strings.EqualFold(k, name) {
			return stringify(v)
		}
	}
	for k, v := range r.MultiValueHeaders {
		if strings.EqualFold(k, name) && len(v) > 0 {
			return v[0]
		}
	}
	return ""
}

// integrate calls what stands behind a route: a function or a MOCK. For MOCK the
// body is rendered only if the route sends one back.
func (g *Gateway) integrate(key string, route Route, e *event) (proxyResponse, error) {
	if route.Integration.Type != typeMock {
		out, err := g.invoke(route.Integration.Function, g.timeout(route.Integration), e)
		if err != nil {
			return proxyResponse{}, err
		}
		return parseProxyResponse(out)
	}
	m, s := g.mocks[key], g.scope(e)
	status, err := m.status(s)
	if err != nil {
		return proxyResponse{}, err
	}
	r := proxyResponse{status: status}
	if route.Response && key != connectRoute && key != disconnectRoute {
		var body string
		if body, err = m.answer(status, s); err == nil {
			r.Body = &body
		}
	}
	return r, err
}

// connectRefusal maps what $connect's integration answered to the handshake's
// status (aws-facts §3); nil accepts.
func connectRefusal(status int, err error) *refusal {
	switch {
	case errors.Is(err, errTimeout):
		return &refusal{http.StatusGatewayTimeout, "GatewayTimeoutException", "Endpoint request timed out"}
	case err != nil || status < 200:
		return &refusal{http.StatusBadGateway, "BadGatewayException", "Internal server error"}
	case status > 299:
		return &refusal{status: status}
	}
	return nil
}
