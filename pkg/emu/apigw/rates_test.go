package apigw_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kaiwa/pkg/emu/apigw"
)

func TestConnectRate(t *testing.T) {
	o := &apigw.Options{ConnectRate: apigw.Throttle{Rate: 2, Burst: 2}}
	bubble(t, testAPI(), nil, o, func(r *rig) {
		r.dial("", nil)
		r.dial("", nil)
		if _, status := r.tryDial("", nil); status != 429 {
			t.Errorf("third connect: %d", status)
		}
		<-time.After(500 * time.Millisecond)
		r.dial("", nil)
	})
	bubble(t, testAPI(), nil, nil, func(r *rig) {
		for n := range 501 {
			ws, status := r.tryDial("", nil)
			if ok := n < 500; ok != (ws != nil) {
				t.Fatalf("connect %d: %d", n, status)
			}
		}
	})
}

func TestCallbackRate(t *testing.T) {
	o := &apigw.Options{AccountRate: apigw.Throttle{Rate: 1, Burst: 3}}
	bubble(t, testAPI(), nil, o, func(r *rig) {
		c := r.dial("", nil) // takes one
		go func() {
			for range 3 {
				c.recv()
			}
		}()
		for n, want := range []int{200, 200, 429} {
			if got := r.post(c.id, "x"); got != want {
				t.Errorf("post %d: %d, want %d", n, got, want)
			}
		}
		resp := r.do("GET", "/@connections/"+c.id, "")
		if resp.StatusCode != 429 || resp.Header.Get("X-Amzn-ErrorType") != "LimitExceededException" {
			t.Errorf("%d %s", resp.StatusCode, resp.Header.Get("X-Amzn-ErrorType"))
		}
		<-time.After(time.Second)
		if got := r.post(c.id, "x"); got != 200 {
			t.Errorf("after a second: %d", got)
		}
		synctest.Wait()
	})
}

func TestRouteThrottle(t *testing.T) {
	api := testAPI()
	api.Stage.Throttle = apigw.Throttle{Rate: 1, Burst: 2}
	api.Stage.RouteThrottle = map[string]apigw.Throttle{"echo": {Rate: 1, Burst: 1}}
	bubble(t, api, nil, nil, func(r *rig) {
		a := r.dial("", nil) // takes one of the stage's two
		a.send(`{"action":"echo"}`)
		if got := a.recv(); got != `{"action":"echo"}` {
			t.Error(got)
		}
		a.send(`{"action":"echo"}`)
		if got := a.recv(); !strings.HasPrefix(got, `{"message": "Internal server error", `) {
			t.Errorf("throttled message: %s", got)
		}
		r.dial("", nil)
		if _, status := r.tryDial("", nil); status != 429 {
			t.Errorf("throttled connect: %d", status)
		}
	})
}

func TestIntegrationTimeout(t *testing.T) {
	slow := map[string]func(context.Context, []byte) (any, error){}
	posted := make(chan int, 1)
	var r *rig
	slow["echo"] = func(_ context.Context, in []byte) (any, error) {
		<-time.After(40 * time.Second)
		posted <- r.post(decode(in).RequestContext.ConnectionID, "late")
		return response{StatusCode: 200, Body: "too late"}, nil
	}
	bubble(t, testAPI(), slow, nil, func(rr *rig) {
		r = rr
		c, began := r.dial("", nil), time.Now()
		c.send(`{"action":"echo"}`)
		got := c.recv()
		if took := time.Since(began); took != 29*time.Second {
			t.Errorf("told after %v", took)
		}
		if !strings.HasPrefix(got, `{"message": "Endpoint request timed out", "connectionId":"`+c.id+`", "requestId":"`) {
			t.Error(got)
		}
		// The function was not cancelled, can still post, and its answer is lost.
		if got := c.recv(); got != "late" || <-posted != 200 {
			t.Errorf("late post: %q", got)
		}
		c.send(`{"action":"none"}`)
		synctest.Wait()
		if got := r.g.Stats(); got.IntegrationTimeouts != 1 || got.Messages != 2 {
			t.Errorf("%+v", got)
		}
	})
}

func TestIntegrationOwnTimeout(t *testing.T) {
	api := testAPI()
	api.Routes["echo"].Integration.Timeout = 3 * time.Second
	hang := functions{"echo": func(ctx context.Context, _ []byte) (any, error) {
		<-time.After(time.Hour)
		return response{StatusCode: 200}, nil
	}}
	bubble(t, api, hang, &apigw.Options{IntegrationTimeout: 10 * time.Second}, func(r *rig) {
		c, began := r.dial("", nil), time.Now()
		c.send(`{"action":"echo"}`)
		c.recv()
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("told after %v", took)
		}
	})
}

func TestSlowReader(t *testing.T) {
	o := &apigw.Options{SendBuffer: 100 << 10}
	bubble(t, testAPI(), nil, o, func(r *rig) {
		c := r.dial("", nil)
		part := strings.Repeat("x", 40<<10)
		for n, want := range []int{200, 200, 429} {
			if got := r.post(c.id, part); got != want {
				t.Errorf("post %d: %d, want %d", n, got, want)
			}
		}
		for range 2 {
			if got := c.recv(); got != part {
				t.Errorf("%d bytes arrived", len(got))
			}
		}
		synctest.Wait()
		if got := r.post(c.id, "y"); got != 200 || c.recv() != "y" {
			t.Errorf("after reading: %d", got)
		}
		want := map[int]int64{200: 3, 429: 1}
		if got := r.g.Stats(); got.Posts[200] != want[200] || got.Posts[429] != want[429] || got.PostedBytes != 80<<10+1 {
			t.Errorf("%+v", got)
		}
	})
}
