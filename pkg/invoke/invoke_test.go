package invoke_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/emu/lambdart"
	"kaiwa/pkg/invoke"
)

// TestMain makes this program a Lambda function too: one that prints its events.
func TestMain(m *testing.M) {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" {
		lambda.Start(func(_ context.Context, event json.RawMessage) error {
			_, err := fmt.Printf("event %s\n", event)
			return err
		})
	}
	os.Exit(m.Run())
}

// function is made as the functions' mains make theirs: the environment alone
// says where Lambda is.
func function(t *testing.T, endpoint, name string) *invoke.Function {
	t.Helper()
	none := filepath.Join(t.TempDir(), "none")
	for k, v := range map[string]string{
		"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "",
		"AWS_CONFIG_FILE": none, "AWS_SHARED_CREDENTIALS_FILE": none, "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_ENDPOINT_URL_LAMBDA": endpoint,
	} {
		t.Setenv(k, v)
	}
	cfg, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return invoke.New(cfg, name)
}

// startLambda runs this program as function kaiwa-reply and gives what it prints.
func startLambda(t *testing.T) (endpoint string, host *lambdart.Host, printed <-chan string) {
	t.Helper()
	lines := make(chan string, 100)
	host = lambdart.New(&lambdart.Options{Logs: func(_, _ string, line []byte) { lines <- string(line) }})
	err := host.Add(lambdart.Function{Name: "kaiwa-reply", ARN: "arn:aws:lambda:us-east-1:123456789012:function:kaiwa-reply",
		Command: []string{os.Args[0]}, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(host)
	host.SetBaseURL(server.URL)
	t.Cleanup(func() {
		if err := host.Close(context.Background()); err != nil {
			t.Error(err)
		}
		server.Close()
	})
	return server.URL, host, lines
}

// TestInvoke: the event reaches a real process of the function, unchanged, and
// asynchronously.
func TestInvoke(t *testing.T) {
	endpoint, host, printed := startLambda(t)
	for _, name := range []string{"kaiwa-reply", "arn:aws:lambda:us-east-1:123456789012:function:kaiwa-reply"} {
		if err := function(t, endpoint, name).Invoke(t.Context(), []byte(`{"reply":"日本 <&>"}`)); err != nil {
			t.Fatal(err)
		}
		limit := time.After(time.Minute)
		for got := ""; got != `event {"reply":"日本 <&>"}`; {
			select {
			case got = <-printed:
			case <-limit:
				t.Fatalf("%s: the event did not arrive", name)
			}
		}
	}
	if s := host.Stats()["kaiwa-reply"]; s.Events != 2 || s.Invocations != 2 {
		t.Errorf("%d events, %d invocations; want 2 and 2", s.Events, s.Invocations)
	}
}

func TestInvokeRefused(t *testing.T) {
	endpoint, host, _ := startLambda(t)
	tests := map[string]struct {
		name, payload, cause string
	}{
		"unknown function": {"kaiwa-other", `{}`, "ResourceNotFoundException"},
		"no JSON":          {"kaiwa-reply", `{`, "InvalidRequestContentException"},
		"over 1 MB":        {"kaiwa-reply", `"` + strings.Repeat("x", 1<<20) + `"`, "RequestTooLargeException"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			mustBeUnavailable(t, function(t, endpoint, tt.name).Invoke(t.Context(), []byte(tt.payload)), tt.cause)
		})
	}
	if s := host.Stats()["kaiwa-reply"]; s.Events != 0 {
		t.Errorf("%d events were queued", s.Events)
	}
}

// mustBeUnavailable: there is one kind only, and the log can tell more.
func mustBeUnavailable(t *testing.T, err error, cause string) {
	t.Helper()
	e, ok := errors.AsType[*chat.Error](err)
	if !ok || e.Kind != chat.Unavailable || !strings.Contains(e.Message, "try again") {
		t.Fatalf("got %v, want Unavailable and what to do", err)
	}
	if strings.Contains(e.Message, cause) || !strings.Contains(err.Error(), cause) {
		t.Errorf("%q does not name the cause %s, or shows it to the client", err, cause)
	}
}

// TestInvokeIsRepeated: the function must bear a repeat anyway.
func TestInvokeIsRepeated(t *testing.T) {
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("X-Amz-Invocation-Type"); got != "Event" {
			t.Errorf("invocation type %q", got)
		}
		if requests.Add(1) == 1 {
			w.Header().Set("X-Amzn-ErrorType", "TooManyRequestsException")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	}))
	defer server.Close()
	if err := function(t, server.URL, "f").Invoke(t.Context(), []byte(`{}`)); err != nil || requests.Load() != 2 {
		t.Errorf("got %v after %d requests, want success after 2", err, requests.Load())
	}
}

func TestInvokeUnanswered(t *testing.T) {
	t.Run("slow", func(t *testing.T) {
		server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
		defer server.Close()
		f := function(t, server.URL, "f")
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		mustBeUnavailable(t, f.Invoke(ctx, nil), context.DeadlineExceeded.Error())
	})
	t.Run("refused", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_ = l.Close() // nobody listens there now
		mustBeUnavailable(t, function(t, "http://"+l.Addr().String(), "f").Invoke(t.Context(), nil), "refused")
	})
}
