package converse_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"

	"kaiwa/pkg/emu/converse"
)

func TestMain(m *testing.M) {
	before := runtime.NumGoroutine()
	code := m.Run()
	if flag.Lookup("test.fuzz").Value.String() != "" {
		os.Exit(code) // the fuzzer leaves goroutines of its own
	}
	tick, limit := time.NewTicker(5*time.Millisecond), time.After(5*time.Second)
	for code == 0 && runtime.NumGoroutine() > before {
		select {
		case <-tick.C:
		case <-limit:
			fmt.Fprintln(os.Stderr, "goroutines leaked:")
			pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
			code = 1
		}
	}
	os.Exit(code)
}

const modelID = "anthropic.claude-sonnet-4-5-20250929-v1:0"

// sdk is the real client for an endpoint, without retries.
func sdk(t testing.TB, endpoint string) *bedrockruntime.Client {
	t.Helper()
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return bedrockruntime.New(bedrockruntime.Options{
		Region:           "us-east-1",
		BaseEndpoint:     aws.String(endpoint),
		Credentials:      credentials.NewStaticCredentialsProvider("AKID", "SECRET", ""),
		HTTPClient:       &http.Client{Transport: unhurried{tr}},
		RetryMaxAttempts: 1,
	})
}

// unhurried hides from net/http that the SDK's request body can WriteTo, which fails once a quick answer has begun (see
// breath in server.go). Without it these tests would rely on timing.
type unhurried struct{ http.RoundTripper }

func (u unhurried) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Body = struct{ io.ReadCloser }{r.Body}
	return u.RoundTripper.RoundTrip(r)
}

func start(t testing.TB, o *converse.Options) (*bedrockruntime.Client, *converse.Server) {
	t.Helper()
	endpoint, s := converse.Start(t, o)
	return sdk(t, endpoint), s
}

func user(text string) []types.Message {
	return []types.Message{{Role: types.ConversationRoleUser, Content: []types.ContentBlock{&types.ContentBlockMemberText{Value: text}}}}
}

func input(prompt string) *bedrockruntime.ConverseStreamInput {
	return &bedrockruntime.ConverseStreamInput{ModelId: aws.String(modelID), Messages: user(prompt)}
}

// heard is what a client got of one stream.
type heard struct {
	events []string // kinds, in order
	deltas []string
	stop   types.StopReason
	meta   types.ConverseStreamMetadataEvent
	err    error
}

func (h heard) text() string { return strings.Join(h.deltas, "") }

func listen(t testing.TB, c *bedrockruntime.Client, in *bedrockruntime.ConverseStreamInput) heard {
	t.Helper()
	out, err := c.ConverseStream(t.Context(), in)
	if err != nil {
		t.Fatalf("ConverseStream: %v", err)
	}
	stream := out.GetStream()
	defer stream.Close()
	var h heard
	for e := range stream.Events() {
		h.events = append(h.events, strings.TrimPrefix(fmt.Sprintf("%T", e), "*types.ConverseStreamOutputMember"))
		switch e := e.(type) {
		case *types.ConverseStreamOutputMemberContentBlockDelta:
			h.deltas = append(h.deltas, e.Value.Delta.(*types.ContentBlockDeltaMemberText).Value)
		case *types.ConverseStreamOutputMemberMessageStop:
			h.stop = e.Value.StopReason
		case *types.ConverseStreamOutputMemberMetadata:
			h.meta = e.Value
		}
	}
	h.err = stream.Err()
	return h
}

// post sends a raw body with a signature's looks.
func post(t testing.TB, endpoint, path, authorization, body string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	tr := &http.Transport{DisableKeepAlives: true}
	res, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(bytes.TrimSpace(answer))
}

const signature = "AWS4-HMAC-SHA256 Credential=AKID/20261122/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=00"

// demoAt runs the demo model alone and says what it emitted and how long after the start.
func demoAt(ctx context.Context, req converse.Request) (events []converse.Event, at []time.Duration, err error) {
	began := time.Now()
	err = converse.Demo().Stream(ctx, req, func(e converse.Event) error {
		events, at = append(events, e), append(at, time.Since(began))
		return nil
	})
	return events, at, err
}

func request(prompt string) converse.Request {
	return converse.Request{Messages: []converse.Message{{Role: "user", Content: []converse.Block{{Text: prompt}}}}}
}

func knobs(t testing.TB, prompt string) converse.Knobs {
	t.Helper()
	k, err := converse.ParseKnobs(prompt)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// outcomes is a logger that tells how each call ended, after it was counted.
func outcomes() (*slog.Logger, <-chan string) {
	ch := make(chan string, 100)
	return slog.New(outcomeHandler(ch)), ch
}

type outcomeHandler chan string

func (h outcomeHandler) Enabled(context.Context, slog.Level) bool { return true }
func (h outcomeHandler) WithAttrs([]slog.Attr) slog.Handler       { return h }
func (h outcomeHandler) WithGroup(string) slog.Handler            { return h }
func (h outcomeHandler) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "outcome" {
			h <- a.Value.String()
		}
		return true
	})
	return nil
}
