package apigw_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi/types"

	"kaiwa/pkg/emu/apigw"
)

func sdkPost(r *rig, id, data string) error {
	_, err := r.sdk("secret").PostToConnection(r.t.Context(), &sdk.PostToConnectionInput{
		ConnectionId: &id, Data: []byte(data)})
	return err
}

func TestDeleteCloses(t *testing.T) {
	r := start(t, testAPI(), nil, nil)
	c := r.dial("", nil)
	for n := range 50 {
		r.post(c.id, fmt.Sprint(n))
	}
	if _, err := r.sdk("secret").DeleteConnection(t.Context(), &sdk.DeleteConnectionInput{ConnectionId: &c.id}); err != nil {
		t.Fatal(err)
	}
	if got := r.post(c.id, "late"); got != 410 {
		t.Errorf("post after DELETE: %d", got)
	}
	for n := range 50 { // what was accepted before still arrives
		if got := c.recv(); got != fmt.Sprint(n) {
			t.Errorf("%s instead of %d", got, n)
		}
	}
	wantClose(t, r, c, 1000, "Connection Closed Normally", "Connection Closed Normally")
}

func TestEscapedPath(t *testing.T) {
	r := start(t, testAPI(), nil, nil)
	c := r.dial("", nil)
	escaped := strings.ReplaceAll(c.id, "=", "%3D")
	for _, path := range []string{"/@connections/" + c.id, "/@connections/" + escaped, "/%40connections/" + escaped} {
		if got := r.do("POST", path, path).StatusCode; got != 200 || c.recv() != path {
			t.Errorf("%s: %d", path, got)
		}
	}
}

func TestGone(t *testing.T) {
	r := start(t, testAPI(), nil, nil)
	c := r.dial("", nil)
	_ = c.Close(1000, "")
	r.disconnect()
	for _, id := range []string{c.id, "R1kmxc2VNjMCFIA=", "malformed", "a/b"} {
		var g *types.GoneException
		if err := sdkPost(r, id, "x"); !errors.As(err, &g) {
			t.Errorf("post to %s: %v", id, err)
		}
		_, err := r.sdk("secret").GetConnection(t.Context(), &sdk.GetConnectionInput{ConnectionId: &id})
		if !errors.As(err, &g) {
			t.Errorf("get %s: %v", id, err)
		}
		_, err = r.sdk("secret").DeleteConnection(t.Context(), &sdk.DeleteConnectionInput{ConnectionId: &id})
		if !errors.As(err, &g) {
			t.Errorf("delete %s: %v", id, err)
		}
	}
	if got := r.g.Stats().Posts[410]; got != 4 {
		t.Errorf("%d posts with 410", got)
	}
}

func TestCallbackForbidden(t *testing.T) {
	r := start(t, testAPI(), nil, nil)
	c := r.dial("", nil)
	base := strings.Replace(r.url, "ws://", "http://", 1)
	resp, err := r.http.Post(base+"/@connections/"+c.id, "text/plain", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if resp.StatusCode != 403 || string(b) != `{"message":"Missing Authentication Token"}` ||
		resp.Header.Get("X-Amzn-ErrorType") != "ForbiddenException" {
		t.Errorf("unsigned: %d %s %v", resp.StatusCode, b, resp.Header)
	}
	wrong := *r
	wrong.url = strings.Replace(r.url, "/dev", "/prod", 1)
	var no *types.ForbiddenException
	if err := sdkPost(&wrong, c.id, "x"); !errors.As(err, &no) {
		t.Errorf("wrong stage: %v", err)
	}
	if resp := r.do("PUT", "/@connections/"+c.id, "x"); resp.StatusCode != 403 {
		t.Errorf("PUT: %d", resp.StatusCode)
	}
}

func TestVerifySignatures(t *testing.T) {
	o := iamOptions()
	o.VerifySignatures = true
	r := start(t, testAPI(), nil, o)
	c := r.dial("", nil)
	if err := sdkPost(r, c.id, "signed"); err != nil || c.recv() != "signed" {
		t.Errorf("post: %v", err)
	}
	if _, err := r.sdk("secret").GetConnection(t.Context(), &sdk.GetConnectionInput{ConnectionId: &c.id}); err != nil {
		t.Errorf("get: %v", err)
	}
	_, err := r.sdk("guess").PostToConnection(t.Context(), &sdk.PostToConnectionInput{ConnectionId: &c.id, Data: []byte("x")})
	var no *types.ForbiddenException
	if !errors.As(err, &no) {
		t.Errorf("wrong secret: %v", err)
	}
	if got := r.post(c.id, "half signed"); got != 403 {
		t.Errorf("half signed: %d", got)
	}
}

func TestPostOrder(t *testing.T) {
	r := start(t, testAPI(), nil, nil)
	c := r.dial("", nil)
	posted := make(chan struct{})
	go func() {
		defer close(posted)
		for n := range 500 {
			r.post(c.id, fmt.Sprint(n))
		}
	}()
	for n := range 500 {
		if got := c.recv(); got != fmt.Sprint(n) {
			t.Errorf("%s instead of %d", got, n)
		}
	}
	<-posted
}

func TestPostFaults(t *testing.T) {
	var fault apigw.Fault
	var mu sync.Mutex
	var posts []apigw.Post
	o := &apigw.Options{
		PostFault: func(string) apigw.Fault { return fault },
		Posted: func(p apigw.Post) {
			mu.Lock()
			defer mu.Unlock()
			posts = append(posts, p)
		},
	}
	r := start(t, testAPI(), nil, o)
	c := r.dial("", nil)
	for status, is := range map[int]func(error) bool{
		410: func(err error) bool { var e *types.GoneException; return errors.As(err, &e) },
		413: func(err error) bool { var e *types.PayloadTooLargeException; return errors.As(err, &e) },
		429: func(err error) bool { var e *types.LimitExceededException; return errors.As(err, &e) },
		403: func(err error) bool { var e *types.ForbiddenException; return errors.As(err, &e) },
		500: func(err error) bool { return err != nil && strings.Contains(err.Error(), "StatusCode: 500") },
		503: func(err error) bool { return err != nil && strings.Contains(err.Error(), "StatusCode: 503") },
	} {
		fault = apigw.Fault{Status: status}
		if err := sdkPost(r, c.id, "lost"); !is(err) {
			t.Errorf("%d: %v", status, err)
		}
	}
	fault = apigw.Fault{Status: 410, DeliverAnyway: true}
	if err := sdkPost(r, c.id, "delivered"); err == nil || c.recv() != "delivered" {
		t.Errorf("spurious 410: %v", err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(posts) != 7 || posts[6].Status != 410 || posts[6].Bytes != 9 || posts[6].ConnectionID != c.id {
		t.Errorf("%+v", posts)
	}
}

// A delay holds up the answer, not the delivery, and ends with the caller.
func TestPostDelay(t *testing.T) {
	o := &apigw.Options{PostFault: func(string) apigw.Fault { return apigw.Fault{Delay: time.Hour} }}
	bubble(t, testAPI(), nil, o, func(r *rig) {
		c, began := r.dial("", nil), time.Now()
		done := make(chan int)
		go func() { done <- r.post(c.id, "x") }()
		if got := c.recv(); got != "x" || time.Since(began) != 0 {
			t.Errorf("%s after %v", got, time.Since(began))
		}
		if got := <-done; got != 200 || time.Since(began) != time.Hour {
			t.Errorf("answered %d after %v", got, time.Since(began))
		}
	})
	r := start(t, testAPI(), nil, o)
	c := r.dial("", nil)
	req, _ := http.NewRequest("POST", strings.Replace(r.url, "ws", "http", 1)+"/@connections/"+c.id, strings.NewReader("x"))
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 x")
	client := *r.http
	client.Timeout = 50 * time.Millisecond
	if _, err := client.Do(req); err == nil || c.recv() != "x" {
		t.Errorf("a post that timed out but delivered: %v", err)
	}
}
