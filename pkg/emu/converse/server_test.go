package converse_test

import (
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"

	"kaiwa/pkg/emu/converse"
)

func TestConverse(t *testing.T) {
	c, s := start(t, nil)
	out, err := c.Converse(t.Context(), &bedrockruntime.ConverseInput{
		ModelId:  aws.String(modelID),
		Messages: user("@demo tokens=300 every=0s first=0s lang=ja"),
		System: []types.SystemContentBlock{&types.SystemContentBlockMemberText{Value: "12345678"},
			&types.SystemContentBlockMemberCachePoint{Value: types.CachePointBlock{Type: types.CachePointTypeDefault}}},
		InferenceConfig: &types.InferenceConfiguration{MaxTokens: aws.Int32(200)},
	})
	if err != nil {
		t.Fatal(err)
	}
	message := out.Output.(*types.ConverseOutputMemberMessage).Value
	text := message.Content[0].(*types.ContentBlockMemberText).Value
	if want := converse.Text(converse.Knobs{Tokens: 200, Seed: 1, Lang: "ja"}); text != want || message.Role != types.ConversationRoleAssistant {
		t.Errorf("%s said %q, want %q", message.Role, text, want)
	}
	u := out.Usage
	if out.StopReason != types.StopReasonMaxTokens || *u.OutputTokens != 200 || *u.CacheWriteInputTokens != 2 || *u.CacheReadInputTokens != 0 ||
		*u.TotalTokens != *u.InputTokens+202 || out.Metrics.LatencyMs == nil {
		t.Errorf("stop %s, usage %+v, metrics %+v", out.StopReason, u, out.Metrics)
	}
	if got, want := s.Stats(), (converse.Stats{Calls: 1, Completed: 1, Tokens: 200}); got != want {
		t.Errorf("stats %+v, want %+v", got, want)
	}

	for prompt, want := range map[string]string{
		"@demo tokens=9 every=0s first=0s error=throttling@3": "ThrottlingException",
		"@demo tokens=9 every=0s first=0s cut@3":              "ModelErrorException", // half an answer is none
	} {
		_, err := c.Converse(t.Context(), &bedrockruntime.ConverseInput{ModelId: aws.String(modelID), Messages: user(prompt)})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", prompt, err, want)
		}
	}
	guarded := &bedrockruntime.ConverseInput{ModelId: aws.String(modelID), Messages: user("@demo tokens=0 first=0s"),
		GuardrailConfig: &types.GuardrailConfiguration{GuardrailIdentifier: aws.String("g"), GuardrailVersion: aws.String("1")}}
	if out, err := c.Converse(t.Context(), guarded); err != nil || len(out.Output.(*types.ConverseOutputMemberMessage).Value.Content) != 0 {
		t.Errorf("an empty answer: %+v, %v", out, err)
	}
	endpoint, _ := converse.Start(t, nil)
	_, answer := post(t, endpoint, "/model/m/converse", signature,
		`{"messages":[{"role":"user","content":[{"text":"a"}]}],"guardrailConfig":{"streamProcessingMode":"sync"}}`)
	if !strings.Contains(answer, "extraneous key [streamProcessingMode]") {
		t.Errorf("a streaming member in Converse: %s", answer)
	}
}

// TestClientGone: generation stops when the client closes, whether the model is talking or silent.
func TestClientGone(t *testing.T) {
	for _, prompt := range []string{"@demo tokens=100000 every=1ms first=0s", "@demo first=0s stall=1h@3"} {
		logger, how := outcomes()
		c, s := start(t, &converse.Options{Logger: logger})
		out, err := c.ConverseStream(t.Context(), input(prompt))
		if err != nil {
			t.Fatal(err)
		}
		for range 4 { // messageStart and three tokens
			<-out.GetStream().Events()
		}
		out.GetStream().Close()
		if got := <-how; got != "cancelled" {
			t.Errorf("%s: %s", prompt, got)
		}
		if got := s.Stats(); got.Cancelled != 1 || got.Completed != 0 || got.Tokens < 3 || got.Tokens == 100000 {
			t.Errorf("%s: stats %+v", prompt, got)
		}
	}
}

func TestClientGoneBeforeTheFirstToken(t *testing.T) {
	logger, how := outcomes()
	asked := make(chan struct{})
	c, s := start(t, &converse.Options{Logger: logger, Faults: func() error { close(asked); return nil }})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	if _, err := c.ConverseStream(ctx, input("@demo first=1h")); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if got := <-how; got != "cancelled" || s.Stats().Cancelled != 1 {
		t.Errorf("%s, stats %+v", got, s.Stats())
	}
}

// TestStartEnds: a stream that would last an hour does not outlive its test.
func TestStartEnds(t *testing.T) {
	tb := &fakeTB{T: t}
	endpoint, s := converse.Start(tb, nil)
	out, err := sdk(t, endpoint).ConverseStream(t.Context(), input("@demo first=0s stall=1h@1"))
	if err != nil {
		t.Fatal(err)
	}
	stream := out.GetStream()
	defer stream.Close()
	<-stream.Events()
	<-stream.Events()
	tb.cleanup()
	for range stream.Events() {
		t.Error("an event after the server went away")
	}
	var e *types.ServiceUnavailableException
	if !errors.As(stream.Err(), &e) || s.Stats().Cancelled != 1 {
		t.Errorf("%v, stats %+v", stream.Err(), s.Stats())
	}
}

type fakeTB struct {
	*testing.T
	cleanup func()
}

func (f *fakeTB) Cleanup(do func()) { f.cleanup = do }

// TestLatency: with the clock of a synctest bubble the times are exact, so nothing but the knobs makes an answer slow.
func TestLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := converse.New(nil)
		began := time.Now()
		serve := func(body string) string {
			w := httptest.NewRecorder()
			r := httptest.NewRequest("POST", "/model/m/converse-stream", strings.NewReader(body))
			r.Header.Set("Authorization", signature)
			s.ServeHTTP(w, r)
			answer, err := io.ReadAll(w.Result().Body)
			if err != nil {
				t.Fatal(err)
			}
			return string(answer)
		}
		answer := serve(`{"messages":[{"role":"user","content":[{"text":"@demo tokens=200 every=6ms first=35s tag=a"}]}]}`)
		if !strings.Contains(answer, `{"latencyMs":36194}`) || time.Since(began) != 36194*ms {
			t.Errorf("took %v: %q", time.Since(began), answer[len(answer)-200:])
		}
		serve(`{"requestMetadata":{"tag":"b"},"messages":[{"role":"user","content":[{"text":"@demo tokens=2 every=1s first=0s tag=c"}]}]}`)
		serve(`{"messages":[{"role":"user","content":[{"text":"@demo tokens=0 first=0s tag=d"}]}]}`)
		serve(`{"messages":[{"role":"user","content":[{"text":"@demo tokens=1 first=0s"}]}]}`)
		got := s.FirstTokens()
		if a := got["a"]; a.First.Sub(began) != 35*time.Second || a.Last.Sub(a.First) != 199*6*ms || a.Tokens != 200 {
			t.Errorf("a: %+v", a)
		}
		if b := got["b"]; b.Tokens != 2 || b.Last.Sub(b.First) != 990*ms { // no answer begins before 10 ms; its pace is absolute
			t.Errorf("b: %+v", b)
		}
		if d, ok := got["d"]; !ok || !d.First.IsZero() || len(got) != 3 {
			t.Errorf("named calls %+v", got)
		}
	})
}

// odd is a model that breaks the rules.
type odd func(emit func(converse.Event) error) error

func (o odd) Stream(_ context.Context, _ converse.Request, emit func(converse.Event) error) error {
	return o(emit)
}

func TestOddModels(t *testing.T) {
	delta, end := converse.Delta{Text: "a"}, converse.End{Reason: "end_turn"}
	for name, test := range map[string]struct {
		model  odd
		events int
		err    string
		how    string
	}{
		"talks after the end": {func(emit func(converse.Event) error) error {
			emit(delta)
			emit(end)
			return emit(delta)
		}, 5, "", "completed"},
		"an unknown error": {func(emit func(converse.Event) error) error {
			emit(delta)
			return errors.New("out of cheese")
		}, 2, "InternalServerException: out of cheese", "failed"},
		"its own timeout": {func(emit func(converse.Event) error) error {
			emit(delta)
			return context.DeadlineExceeded
		}, 2, "ModelStreamErrorException: The model took too long to answer.", "failed"},
	} {
		logger, how := outcomes()
		c, _ := start(t, &converse.Options{Model: test.model, Logger: logger})
		h := listen(t, c, input("hello"))
		text := ""
		if h.err != nil {
			text = h.err.Error()
		}
		if len(h.events) != test.events || text != test.err {
			t.Errorf("%s: %v, %q", name, h.events, text)
		}
		if got := <-how; got != test.how {
			t.Errorf("%s: %s, want %s", name, got, test.how)
		}
	}
}

func TestRequestsAreBounded(t *testing.T) {
	c, s := start(t, nil)
	for i := range 20 {
		in := input("@demo tokens=0 first=0s")
		in.InferenceConfig = &types.InferenceConfiguration{MaxTokens: aws.Int32(int32(i + 1))}
		listen(t, c, in)
	}
	got := s.Requests()
	if len(got) != 16 || got[0].MaxTokens != 5 || got[15].MaxTokens != 20 {
		t.Errorf("%d requests, from %d", len(got), got[0].MaxTokens)
	}
}
