package converse

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// OpenAI is a model behind an OpenAI-compatible server (Ollama, llama.cpp, vLLM, ...): each request becomes a streamed
// POST to baseURL + /v1/chat/completions, where baseURL may already end in /v1. model is the name to ask for; the
// request's own ModelID is Bedrock's and is not sent. hc does the calls (nil: http.DefaultClient); a server that wants a
// key gets it from hc's Transport.
//
// System prompt, messages, maxTokens, temperature, topP and stopSequences are translated, additionalModelRequestFields
// are added to the body as they are, and cache points have no counterpart. Its errors become the exceptions a client of
// Bedrock would expect, a stream that breaks off a ModelStreamError, and a server that cannot be reached
// ServiceUnavailable. Usage is the server's, or else an estimate.
func OpenAI(baseURL, model string, hc *http.Client) Model {
	if hc == nil {
		hc = http.DefaultClient
	}
	base := strings.TrimSuffix(strings.TrimSuffix(baseURL, "/"), "/v1")
	return &openAI{url: base + "/v1/chat/completions", model: model, hc: hc}
}

type openAI struct {
	url, model string
	hc         *http.Client
}

func (o *openAI) Stream(ctx context.Context, req Request, emit func(Event) error) error {
	body, err := o.body(req)
	if err != nil {
		return err
	}
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, o.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("openai backend: %w", err)
	}
	post.Header.Set("Content-Type", "application/json")
	post.Header.Set("Accept", "text/event-stream")
	res, err := o.hc.Do(post)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return &Error{Exception: ServiceUnavailable, Message: fmt.Sprintf("openai backend: %v", err)}
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return backendRefusal(res)
	}
	if err := (&completion{emit: emit, req: req}).read(res.Body); ctx.Err() == nil {
		return err
	}
	return ctx.Err()
}

type chatMessage struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

func (o *openAI) body(req Request) ([]byte, error) {
	body := map[string]any{}
	if req.Additional != nil {
		if err := json.Unmarshal(req.Additional, &body); err != nil {
			return nil, invalid("additionalModelRequestFields: %v", err)
		}
	}
	var messages []chatMessage
	if system := joinBlocks(req.System, "\n\n"); system != "" {
		messages = append(messages, chatMessage{"system", system})
	}
	for _, m := range req.Messages {
		messages = append(messages, chatMessage{m.Role, m.Text()})
	}
	body["model"], body["messages"] = o.model, messages
	body["stream"], body["stream_options"] = true, map[string]bool{"include_usage": true}
	if req.MaxTokens > 0 {
		body["max_tokens"] = req.MaxTokens
	}
	if req.Temperature != nil {
		body["temperature"] = *req.Temperature
	}
	if req.TopP != nil {
		body["top_p"] = *req.TopP
	}
	if len(req.StopSequences) > 0 {
		body["stop"] = req.StopSequences
	}
	return json.Marshal(body)
}

// refusals maps the statuses of OpenAI-compatible servers to what Bedrock calls the same thing.
var refusals = map[int]Exception{
	400: Validation, 413: Validation, 422: Validation, 401: AccessDenied, 403: AccessDenied, 404: ResourceNotFound,
	408: ModelTimeout, 504: ModelTimeout, 429: Throttling, 500: InternalServer, 502: ServiceUnavailable, 503: ServiceUnavailable,
}

func backendRefusal(res *http.Response) *Error {
	e := &Error{Exception: refusals[res.StatusCode], Message: "openai backend: " + res.Status}
	if e.Exception == "" {
		e.Exception, e.OriginalStatus = ModelError, res.StatusCode
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err != nil {
		return e
	}
	var answer struct {
		Error backendError `json:"error"`
	}
	if json.Unmarshal(body, &answer) == nil && answer.Error != "" {
		e.Message += ": " + string(answer.Error)
	}
	return e
}

// backendError is an error as {"message": "..."}, as OpenAI has it, or as a bare string, as some servers do.
type backendError string

func (e *backendError) UnmarshalJSON(data []byte) error {
	var object struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(data, &object) == nil {
		*e = backendError(object.Message)
		return nil
	}
	return json.Unmarshal(data, (*string)(e))
}
