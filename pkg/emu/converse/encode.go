package converse

import (
	"bytes"
	"encoding/json"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream/eventstreamapi"
)

// encoder writes event-stream messages: a prelude, headers, a JSON payload, checksums (aws-facts §8).
type encoder struct {
	w     io.Writer
	enc   *eventstream.Encoder
	json  bytes.Buffer
	wrote int // messages, which decides the padding of the next
}

func newEncoder(w io.Writer) *encoder {
	return &encoder{w: w, enc: eventstream.NewEncoder()}
}

func (e *encoder) event(name string, payload any) error {
	return e.message(eventstreamapi.EventMessageType, eventstreamapi.EventTypeHeader, name, payload)
}

func (e *encoder) exception(err *Error) error {
	payload := exceptionPayload{Message: err.Message}
	if err.OriginalStatus != 0 {
		payload.OriginalMessage, payload.OriginalStatusCode = err.Message, err.OriginalStatus
	}
	return e.message(eventstreamapi.ExceptionMessageType, eventstreamapi.ExceptionTypeHeader, formOf(err.Exception).member, payload)
}

func (e *encoder) message(kind, nameHeader, name string, payload any) error {
	e.json.Reset()
	j := json.NewEncoder(&e.json)
	j.SetEscapeHTML(false)
	if err := j.Encode(payload); err != nil {
		return err
	}
	e.wrote++
	return e.enc.Encode(e.w, eventstream.Message{
		Headers: eventstream.Headers{
			{Name: nameHeader, Value: eventstream.StringValue(name)},
			{Name: eventstreamapi.ContentTypeHeader, Value: eventstream.StringValue("application/json")},
			{Name: eventstreamapi.MessageTypeHeader, Value: eventstream.StringValue(kind)},
		},
		Payload: bytes.TrimSuffix(e.json.Bytes(), []byte("\n")),
	})
}

const paddingAlphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// padding is the member p that Bedrock adds to every event so that lengths do not betray the text. Its length is random
// there (captures show prefixes of this alphabet); here it varies with the number of the message.
func (e *encoder) padding() string {
	return paddingAlphabet[:1+e.wrote*29%len(paddingAlphabet)]
}

// The payloads have their members in alphabetical order, as Bedrock's have.

type startPayload struct {
	P    string `json:"p"`
	Role string `json:"role"`
}

type deltaPayload struct {
	Index int `json:"contentBlockIndex"`
	Delta struct {
		Text string `json:"text"`
	} `json:"delta"`
	P string `json:"p"`
}

type blockStopPayload struct {
	Index int    `json:"contentBlockIndex"`
	P     string `json:"p"`
}

type stopPayload struct {
	P          string `json:"p"`
	StopReason string `json:"stopReason"`
}

type metadataPayload struct {
	Metrics     metricsPayload  `json:"metrics"`
	P           string          `json:"p"`
	Performance *latencyPayload `json:"performanceConfig,omitempty"`
	Usage       usagePayload    `json:"usage"`
}

type metricsPayload struct {
	LatencyMs int64 `json:"latencyMs"`
}

type latencyPayload struct {
	Latency string `json:"latency"`
}

type usagePayload struct {
	CacheRead  *int `json:"cacheReadInputTokens,omitempty"`
	CacheWrite *int `json:"cacheWriteInputTokens,omitempty"`
	Input      int  `json:"inputTokens"`
	Output     int  `json:"outputTokens"`
	Total      int  `json:"totalTokens"`
}

type exceptionPayload struct {
	Message            string `json:"message"`
	OriginalMessage    string `json:"originalMessage,omitempty"`
	OriginalStatusCode int    `json:"originalStatusCode,omitempty"`
}

// newUsage: totalTokens includes the cached ones, which inputTokens does not.
func newUsage(u Usage) usagePayload {
	p := usagePayload{Input: u.Input, Output: u.Output, Total: u.Input + u.Output + u.CacheRead + u.CacheWrite}
	if u.Cached {
		p.CacheRead, p.CacheWrite = &u.CacheRead, &u.CacheWrite
	}
	return p
}

func newLatency(latency string) *latencyPayload {
	if latency == "" {
		return nil
	}
	return &latencyPayload{latency}
}
