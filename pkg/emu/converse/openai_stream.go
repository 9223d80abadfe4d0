package converse

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// maxLine is how long one server-sent event may be.
const maxLine = 4 << 20

// completion is one answer of an OpenAI-compatible server, read as server-sent events.
type completion struct {
	emit   func(Event) error
	req    Request
	text   strings.Builder
	reason string
	usage  *chatUsage
}

type chatChunk struct {
	Choices []struct {
		Delta struct {
			Content string `json:"content"`
		} `json:"delta"`
		FinishReason string `json:"finish_reason"`
	} `json:"choices"`
	Usage *chatUsage   `json:"usage"`
	Error backendError `json:"error"`
}

type chatUsage struct {
	Prompt     int `json:"prompt_tokens"`
	Completion int `json:"completion_tokens"`
	Details    struct {
		Cached int `json:"cached_tokens"`
	} `json:"prompt_tokens_details"`
}

// read emits the whole answer. The stream is over at [DONE], or at its end if a finish_reason came.
func (c *completion) read(body io.Reader) error {
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data:")
		if !ok {
			continue // comments, event names, blank lines
		}
		data = strings.TrimSpace(data)
		if data == "[DONE]" {
			return c.end()
		}
		if err := c.chunk(data); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return streamError(fmt.Sprintf("read stream: %v", err))
	}
	if c.reason == "" {
		return streamError("the stream ended before the answer did")
	}
	return c.end()
}

func (c *completion) chunk(data string) error {
	var chunk chatChunk
	if err := json.Unmarshal([]byte(data), &chunk); err != nil {
		return streamError(fmt.Sprintf("malformed event: %v", err))
	}
	if chunk.Error != "" {
		return streamError(string(chunk.Error))
	}
	if chunk.Usage != nil {
		c.usage = chunk.Usage
	}
	for _, choice := range chunk.Choices {
		if choice.FinishReason != "" {
			c.reason = choice.FinishReason
		}
		if choice.Delta.Content == "" {
			continue
		}
		c.text.WriteString(choice.Delta.Content)
		if err := c.emit(Delta{Text: choice.Delta.Content}); err != nil {
			return err
		}
	}
	return nil
}

// stops maps finish_reason to stopReason. A stop sequence is reported as a plain stop there, so as end_turn here.
var stops = map[string]string{"stop": "end_turn", "length": "max_tokens", "content_filter": "content_filtered",
	"tool_calls": "tool_use", "function_call": "tool_use"}

func (c *completion) end() error {
	reason := stops[c.reason]
	if reason == "" {
		reason = "end_turn"
	}
	return c.emit(End{Reason: reason, Usage: c.counted()})
}

func (c *completion) counted() Usage {
	if c.usage == nil {
		u := estimate(c.req, []string{c.text.String()})
		return Usage{Input: u.Input + u.CacheRead + u.CacheWrite, Output: u.Output}
	}
	// A backend may count wrongly: no count is below zero.
	prompt := max(0, c.usage.Prompt)
	cached := min(max(0, c.usage.Details.Cached), prompt)
	return Usage{Input: prompt - cached, Output: max(0, c.usage.Completion), CacheRead: cached, Cached: cached > 0}
}

func streamError(problem string) *Error {
	return &Error{Exception: ModelStreamError, Message: "openai backend: " + problem}
}
