package converse_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/document"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"

	"kaiwa/pkg/emu/converse"
)

// chatServer is an OpenAI-compatible server that answers everything with status and body, and shows what it was asked.
func chatServer(t *testing.T, status int, body string) (url string, hc *http.Client, asked *string) {
	t.Helper()
	asked = new(string)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		*asked = r.Method + " " + r.URL.Path + " " + string(b)
		w.Header().Set("Content-Type", "text/event-stream")
		w.WriteHeader(status)
		io.WriteString(w, body)
	}))
	t.Cleanup(srv.Close)
	return srv.URL, srv.Client(), asked
}

func chunk(content, finish string) string {
	return fmt.Sprintf(`data: {"id":"1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":%q},"finish_reason":%s}],"usage":null}`+"\n\n", content, finish)
}

const (
	opening = `data: {"choices":[{"index":0,"delta":{"role":"assistant","content":null},"finish_reason":null}]}` + "\n\n"
	count9  = `data: {"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":9,"prompt_tokens_details":{"cached_tokens":4}}}` + "\n\n"
	done    = "data: [DONE]\n\n"
)

func TestOpenAIRequest(t *testing.T) {
	url, hc, asked := chatServer(t, 200, opening+chunk("Hi", "null")+chunk("", `"stop"`)+done)
	c, _ := start(t, &converse.Options{Model: converse.OpenAI(url+"/v1/", "llama3", hc)})
	in := input("one")
	in.Messages[0].Content = append(in.Messages[0].Content, &types.ContentBlockMemberText{Value: " two"})
	in.Messages = append(in.Messages, types.Message{Role: types.ConversationRoleAssistant, Content: []types.ContentBlock{&types.ContentBlockMemberText{Value: "three"}}})
	in.Messages = append(in.Messages, user("four")...)
	in.System = []types.SystemContentBlock{&types.SystemContentBlockMemberText{Value: "be kind"},
		&types.SystemContentBlockMemberCachePoint{Value: types.CachePointBlock{Type: types.CachePointTypeDefault}},
		&types.SystemContentBlockMemberText{Value: "be brief"}}
	in.InferenceConfig = &types.InferenceConfiguration{MaxTokens: aws.Int32(7), Temperature: aws.Float32(0.5), TopP: aws.Float32(1), StopSequences: []string{"END"}}
	in.AdditionalModelRequestFields = document.NewLazyDocument(map[string]any{"top_k": 5, "model": "never this one"})
	if h := listen(t, c, in); h.text() != "Hi" || h.stop != "end_turn" || h.err != nil {
		t.Errorf("%+v", h)
	}
	const want = `POST /v1/chat/completions {"max_tokens":7,"messages":[{"role":"system","content":"be kind\n\nbe brief"},{"role":"user","content":"one two"},` +
		`{"role":"assistant","content":"three"},{"role":"user","content":"four"}],"model":"llama3","stop":["END"],"stream":true,` +
		`"stream_options":{"include_usage":true},"temperature":0.5,"top_k":5,"top_p":1}`
	if *asked != want {
		t.Errorf("asked\n%s\nwant\n%s", *asked, want)
	}
	listen(t, c, input("hello"))
	if want := `POST /v1/chat/completions {"messages":[{"role":"user","content":"hello"}],"model":"llama3","stream":true,"stream_options":{"include_usage":true}}`; *asked != want {
		t.Errorf("asked\n%s\nwant\n%s", *asked, want)
	}
}

func TestOpenAIAnswers(t *testing.T) {
	const text = "Hello 世界"
	for name, test := range map[string]struct {
		body   string
		stop   types.StopReason
		output int32
		input  int32
		read   int32
	}{
		"usage":            {opening + chunk("Hello ", "null") + chunk("世界", "null") + chunk("", `"stop"`) + count9 + done, "end_turn", 9, 8, 4},
		"no usage":         {chunk(text, `"length"`) + done, "max_tokens", 4, 5, 0},
		"no done":          {chunk(text, `"content_filter"`), "content_filtered", 4, 5, 0},
		"no reason":        {chunk(text, "null") + done, "end_turn", 4, 5, 0},
		"tools":            {chunk(text, `"tool_calls"`) + done, "tool_use", 4, 5, 0},
		"unknown reason":   {chunk(text, `"eos"`) + done, "end_turn", 4, 5, 0},
		"other SSE syntax": {": ping\r\nevent: message\r\n" + strings.ReplaceAll(chunk(text, `"stop"`), "data: ", "data:") + "\r\n" + done, "end_turn", 4, 5, 0},
	} {
		url, hc, _ := chatServer(t, 200, test.body)
		c, _ := start(t, &converse.Options{Model: converse.OpenAI(url, "m", hc)})
		h := listen(t, c, input("hello")) // an estimate of 2 tokens and 3 for the message
		if h.err != nil || h.text() != text || h.stop != test.stop {
			t.Errorf("%s: %q, %s, %v", name, h.text(), h.stop, h.err)
			continue
		}
		u := h.meta.Usage
		if *u.InputTokens != test.input || *u.OutputTokens != test.output || aws.ToInt32(u.CacheReadInputTokens) != test.read {
			t.Errorf("%s: usage %d %d %d", name, *u.InputTokens, *u.OutputTokens, aws.ToInt32(u.CacheReadInputTokens))
		}
	}
}

func TestOpenAIRefusals(t *testing.T) {
	for status, want := range map[int]error{
		400: &types.ValidationException{}, 401: &types.AccessDeniedException{}, 403: &types.AccessDeniedException{},
		404: &types.ResourceNotFoundException{}, 408: &types.ModelTimeoutException{}, 413: &types.ValidationException{},
		418: &types.ModelErrorException{}, 422: &types.ValidationException{}, 429: &types.ThrottlingException{},
		500: &types.InternalServerException{}, 502: &types.ServiceUnavailableException{}, 503: &types.ServiceUnavailableException{},
		504: &types.ModelTimeoutException{},
	} {
		for body, message := range map[string]string{
			`{"error":{"message":"no such llama","type":"x"}}`: ": no such llama",
			`{"error":"no such llama"}`:                        ": no such llama",
			`<html>`:                                           "",
		} {
			url, hc, _ := chatServer(t, status, body)
			c, _ := start(t, &converse.Options{Model: converse.OpenAI(url, "m", hc)})
			_, err := c.ConverseStream(t.Context(), input("hello"))
			sameException(t, fmt.Sprint(status), err, want)
			if full := fmt.Sprintf("openai backend: %d %s%s", status, http.StatusText(status), message); err == nil || !strings.HasSuffix(err.Error(), full) {
				t.Errorf("%d: %v, want %s", status, err, full)
			}
		}
	}
	c, _ := start(t, &converse.Options{Model: converse.OpenAI("http://127.0.0.1:1", "m", &http.Client{Transport: &http.Transport{}})})
	_, err := c.ConverseStream(t.Context(), input("hello"))
	sameException(t, "nobody there", err, &types.ServiceUnavailableException{})
}

func TestOpenAIBrokenStreams(t *testing.T) {
	for body, want := range map[string]string{
		chunk("Hi", "null"): "the stream ended before the answer did",
		chunk("Hi", "null") + `data: {"error":{"message":"out of memory"}}` + "\n\n": "out of memory",
		chunk("Hi", "null") + "data: {oops\n\n":                                      "malformed event",
		chunk("Hi", "null") + "data: " + strings.Repeat("x", 5<<20):                  "token too long",
	} {
		url, hc, _ := chatServer(t, 200, body)
		c, _ := start(t, &converse.Options{Model: converse.OpenAI(url, "m", hc)})
		h := listen(t, c, input("hello"))
		var e *types.ModelStreamErrorException
		if !errors.As(h.err, &e) || !strings.Contains(e.ErrorMessage(), want) || h.text() != "Hi" {
			t.Errorf("%.80q: %q, %v; want %s", body, h.text(), h.err, want)
		}
	}
}

// TestOpenAIClientGone: the server behind is told, too.
func TestOpenAIClientGone(t *testing.T) {
	gone := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body json.RawMessage
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		io.WriteString(w, chunk("Hi", "null"))
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
		close(gone)
	}))
	defer srv.Close()
	logger, how := outcomes()
	c, _ := start(t, &converse.Options{Model: converse.OpenAI(srv.URL, "m", srv.Client()), Logger: logger})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, err := c.ConverseStream(ctx, input("hello"))
	if err != nil {
		t.Fatal(err)
	}
	<-out.GetStream().Events()
	<-out.GetStream().Events()
	out.GetStream().Close()
	if got := <-how; got != "cancelled" {
		t.Error(got)
	}
	<-gone
}
