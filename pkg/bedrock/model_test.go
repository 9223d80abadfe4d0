package bedrock_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"kaiwa/pkg/bedrock"
	"kaiwa/pkg/chat"
	"kaiwa/pkg/emu/converse"
)

// TestConverse: text in order, one stop, the counts last.
func TestConverse(t *testing.T) {
	m, _ := start(t, bedrock.Options{}, &converse.Options{Model: scripted(func(_ context.Context, emit func(converse.Event) error) error {
		for _, s := range []string{"日本", "語 ", "<&>\u2028\n"} {
			if err := emit(converse.Delta{Text: s}); err != nil {
				return err
			}
		}
		return emit(converse.End{Reason: "max_tokens", Usage: converse.Usage{Input: 1, Output: 2, CacheRead: 3, CacheWrite: 4, Cached: true}})
	})})
	h := ask(t.Context(), m, user("hello"))
	want := []chat.Chunk{{Text: "日本"}, {Text: "語 "}, {Text: "<&>\u2028\n"}, {Stop: "max_tokens"},
		{Usage: &chat.Usage{Input: 1, Output: 2, CacheRead: 3, CacheWrite: 4}}}
	if h.err != nil || !reflect.DeepEqual(h.chunks, want) {
		t.Errorf("got %+v, %v; want %+v", h.chunks, h.err, want)
	}
}

// TestConverseWholeAnswer: what the demo model says arrives byte for byte, also
// when a delta is larger than any buffer.
func TestConverseWholeAnswer(t *testing.T) {
	for _, prompt := range []string{"@demo tokens=300 every=0s first=0s lang=ja", "@demo size=500000 escape=1 first=0s"} {
		k, err := converse.ParseKnobs(prompt)
		if err != nil {
			t.Fatal(err)
		}
		m, _ := start(t, bedrock.Options{MaxTokens: 1_000_000}, nil)
		h := ask(t.Context(), m, user(prompt))
		if h.err != nil || h.text() != strings.Join(converse.Tokens(k), "") || len(h.stops()) != 1 || h.stops()[0] != "end_turn" {
			t.Errorf("%s: %d bytes, stops %v, %v", prompt, len(h.text()), h.stops(), h.err)
		}
	}
}

// TestRequest: what is sent with a prompt, and what is not unless switched on.
func TestRequest(t *testing.T) {
	talk := chat.Prompt{Messages: []chat.Message{
		{Role: chat.User, Text: "one"}, {Role: chat.Assistant, Text: "two"}, {Role: chat.User, Text: "three"}}}
	text := func(s string) converse.Block { return converse.Block{Text: s} }
	point := converse.Block{CachePoint: true}
	tests := map[string]struct {
		opt    bedrock.Options
		prompt chat.Prompt
		want   converse.Request
	}{
		"defaults": {
			prompt: talk,
			want: converse.Request{ModelID: modelID, MaxTokens: 2048, Messages: []converse.Message{
				{Role: "user", Content: []converse.Block{text("one")}}, {Role: "assistant", Content: []converse.Block{text("two")}},
				{Role: "user", Content: []converse.Block{text("three")}}}},
		},
		"an inference profile's ARN": {
			opt:    bedrock.Options{ModelID: "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us." + modelID, MaxTokens: 5},
			prompt: user("one"),
			want: converse.Request{ModelID: "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us." + modelID, MaxTokens: 5,
				Messages: []converse.Message{{Role: "user", Content: []converse.Block{text("one")}}}},
		},
		"system, guardrail and cache points": {
			opt:    bedrock.Options{System: "be kind", GuardrailID: "gr1", GuardrailVersion: "2", CachePoints: true},
			prompt: talk,
			want: converse.Request{ModelID: modelID, MaxTokens: 2048, System: []converse.Block{text("be kind"), point},
				Guardrail: &converse.Guardrail{Identifier: "gr1", Version: "2"}, Messages: []converse.Message{
					{Role: "user", Content: []converse.Block{text("one")}}, {Role: "assistant", Content: []converse.Block{text("two")}},
					{Role: "user", Content: []converse.Block{text("three"), point}}}},
		},
		"nothing to cache yet": {
			opt:    bedrock.Options{CachePoints: true},
			prompt: user("one"),
			want: converse.Request{ModelID: modelID, MaxTokens: 2048,
				Messages: []converse.Message{{Role: "user", Content: []converse.Block{text("one")}}}},
		},
		"a system prompt alone": {
			opt:    bedrock.Options{System: "be kind"},
			prompt: user("one"),
			want: converse.Request{ModelID: modelID, MaxTokens: 2048, System: []converse.Block{text("be kind")},
				Messages: []converse.Message{{Role: "user", Content: []converse.Block{text("one")}}}},
		},
		"half a guardrail is none": {
			opt:    bedrock.Options{GuardrailID: "gr1"},
			prompt: user("one"),
			want: converse.Request{ModelID: modelID, MaxTokens: 2048,
				Messages: []converse.Message{{Role: "user", Content: []converse.Block{text("one")}}}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			m, s := start(t, tt.opt, &converse.Options{Model: scripted(func(_ context.Context, emit func(converse.Event) error) error {
				return emit(converse.End{Reason: "end_turn"})
			})})
			if h := ask(t.Context(), m, tt.prompt); h.err != nil {
				t.Fatal(h.err)
			}
			if got := s.Requests(); len(got) != 1 || !reflect.DeepEqual(got[0], tt.want) {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

// TestCachedTokens: with cache points the second turn of a conversation reads
// what the first has written.
func TestCachedTokens(t *testing.T) {
	m, _ := start(t, bedrock.Options{System: strings.Repeat("be kind. ", 100), CachePoints: true}, nil)
	p := user("@demo tokens=3 every=0s first=0s")
	first := ask(t.Context(), m, p)
	p.Messages = append(p.Messages, chat.Message{Role: chat.Assistant, Text: first.text()}, p.Messages[0])
	second := ask(t.Context(), m, p)
	if first.err != nil || second.err != nil {
		t.Fatal(first.err, second.err)
	}
	wrote, read := first.chunks[len(first.chunks)-1].Usage, second.chunks[len(second.chunks)-1].Usage
	if wrote.CacheWrite == 0 || wrote.CacheRead != 0 || read.CacheRead < wrote.CacheWrite {
		t.Errorf("first %+v, second %+v", *wrote, *read)
	}
}

// TestCutStreamIsNoError: whoever takes a nil error for a complete answer loses
// text without noticing (aws-facts §8).
func TestCutStreamIsNoError(t *testing.T) {
	for prompt, chunks := range map[string]int{"@demo cut@3 every=0s first=0s": 3, "@demo cut@0 first=0s": 0} {
		m, s := start(t, bedrock.Options{}, nil)
		h := ask(t.Context(), m, user(prompt))
		if h.err != nil || len(h.chunks) != chunks || len(h.stops()) != 0 {
			t.Errorf("%s: %v, %v; want %d chunks, none of them a stop", prompt, h.chunks, h.err, chunks)
		}
		if n := s.Stats().Calls; n != 1 {
			t.Errorf("%s: %d calls", prompt, n)
		}
	}
}

// TestTornConnection: the same when the network breaks inside an event.
func TestTornConnection(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner := httptest.NewRecorder()
		converse.New(nil).ServeHTTP(inner, r)
		w.Header().Set("Content-Type", inner.Header().Get("Content-Type"))
		_, _ = w.Write(inner.Body.Bytes()[:inner.Body.Len()/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}))
	defer server.Close()
	m := bedrock.New(environment(t, server.URL), bedrock.Options{ModelID: modelID})
	h := ask(t.Context(), m, user("@demo tokens=20 every=0s first=0s"))
	if len(h.chunks) == 0 || len(h.chunks) >= 20 || len(h.stops()) != 0 {
		t.Errorf("%d chunks, stops %v, %v", len(h.chunks), h.stops(), h.err)
	}
}

// TestCancel: the model must stop when nobody wants its answer any more, and the
// error is ctx's own.
func TestCancel(t *testing.T) {
	log, outcome := outcomes()
	m, s := start(t, bedrock.Options{}, &converse.Options{Logger: log})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	err := m.Converse(ctx, user("@demo tokens=2000 every=5ms first=0s"), func(chat.Chunk) {
		if n++; n == 3 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if how := <-outcome; how != "cancelled" || s.Stats().Tokens > 1000 {
		t.Errorf("the call is %s after %d tokens", how, s.Stats().Tokens)
	}
}

func TestDeadlineBeforeTheStream(t *testing.T) {
	log, outcome := outcomes()
	m, s := start(t, bedrock.Options{}, &converse.Options{Logger: log})
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if h := ask(ctx, m, user("@demo first=1h")); h.err != context.DeadlineExceeded || len(h.chunks) != 0 {
		t.Errorf("got %v, %v; want context.DeadlineExceeded", h.chunks, h.err)
	}
	if s.Stats().Calls == 0 {
		t.Skip("this machine is too busy: the call did not reach the model within a second")
	}
	if how := <-outcome; how != "cancelled" {
		t.Errorf("the call is %s", how)
	}
}
