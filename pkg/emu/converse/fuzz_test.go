package converse_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"kaiwa/pkg/emu/converse"
)

// briefly is a model that answers at once.
type briefly struct{}

func (briefly) Stream(_ context.Context, _ converse.Request, emit func(converse.Event) error) error {
	return emit(converse.End{Reason: "end_turn"})
}

// FuzzRequest: whatever a program sends, it gets an answer of the API.
func FuzzRequest(f *testing.F) {
	for _, body := range []string{
		`{"messages":[{"role":"user","content":[{"text":"hi"}]}]}`,
		`{"messages":[{"role":"user","content":[{"text":"hi"},{"cachePoint":{"type":"default"}}]}],"system":[{"text":"s"}],"inferenceConfig":{"maxTokens":1,"temperature":0.5,"topP":1,"stopSequences":["x"]}}`,
		`{"messages":[{"role":"user","content":[{"text":"hi"}]}],"guardrailConfig":{"guardrailIdentifier":"g","guardrailVersion":"1","streamProcessingMode":"async"},"requestMetadata":{"a":"b"}}`,
		`{"messages":[{"role":"user","content":[{"text":"@demo tokens=-1 every=9999h"}]}],"additionalModelRequestFields":{"x":1}}`,
		`{}`, `[]`, `{"messages":7}`, `{"messages":[null]}`, "", "\x00",
	} {
		f.Add("amazon.nova-lite-v1:0", []byte(body), true)
		f.Add("m", []byte(body), false)
	}
	s := converse.New(&converse.Options{Model: briefly{}})
	f.Fuzz(func(t *testing.T, model string, body []byte, streaming bool) {
		path := "/model/x/converse"
		if streaming {
			path += "-stream"
		}
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(string(body)))
		r.SetPathValue("modelId", model)
		r.URL.Path = "/model/" + model + strings.TrimPrefix(path, "/model/x")
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=0")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != http.StatusOK && w.Header().Get("X-Amzn-Errortype") == "" && w.Code/100 != 3 {
			t.Errorf("%d without an error type: %s", w.Code, w.Body)
		}
	})
}

// FuzzOpenAI: whatever a backend streams, the answer ends or fails, and its counts
// are none below zero.
func FuzzOpenAI(f *testing.F) {
	for _, body := range []string{
		"data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\ndata: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":1,\"prompt_tokens_details\":{\"cached_tokens\":9}}}\n\ndata: [DONE]\n\n",
		"data: {\"error\":{\"message\":\"no\"}}\n", "data: {\"error\":\"no\"}\n", "data: [DONE]", ": comment\n\n", "data:", "data: {", "\x00",
		"data: {\"choices\":[{\"finish_reason\":\"length\"}]}\n",
	} {
		f.Add(body, 200)
		f.Add(body, 400)
	}
	f.Fuzz(func(t *testing.T, body string, status int) {
		client := &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Status: http.StatusText(status), Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: io.NopCloser(strings.NewReader(body))}, nil
		})}
		m := converse.OpenAI("http://backend.test", "m", client)
		ends := 0
		err := m.Stream(t.Context(), converse.Request{Messages: []converse.Message{{Role: "user", Content: []converse.Block{{Text: "hi"}}}}}, func(e converse.Event) error {
			if end, ok := e.(converse.End); ok {
				ends++
				if u := end.Usage; u.Input < 0 || u.Output < 0 || u.CacheRead < 0 || u.CacheWrite < 0 {
					t.Errorf("usage %+v", u)
				}
			}
			return nil
		})
		if (err == nil) != (ends == 1) || ends > 1 {
			t.Errorf("%d ends, %v", ends, err)
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
