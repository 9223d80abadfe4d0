package converse

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// Limits of a request that the API reference states.
const (
	maxMetadata      = 16
	maxModelID       = 2048
	maxStopSequences = 2500
)

var modelIDForm = regexp.MustCompile(`^[a-zA-Z0-9_.:/-]+$`)

// decode reads and validates the body of a Converse (or, streaming, ConverseStream) request.
func decode(modelID string, body []byte, streaming bool) (Request, error) {
	d := &decoder{}
	if len(modelID) > maxModelID || !modelIDForm.MatchString(modelID) {
		d.fail(invalid("The provided model identifier is invalid."))
	}
	top := d.object("#", body, requestShape)
	req := Request{
		ModelID:    modelID,
		System:     d.blocks("#/system", top["system"], systemShape, "SystemContentBlock"),
		Messages:   d.messages("#/messages", top["messages"]),
		Metadata:   value[map[string]string](d, "#/requestMetadata", "JSONObject of String", top["requestMetadata"]),
		Additional: top["additionalModelRequestFields"],
	}
	value[map[string]json.RawMessage](d, "#/additionalModelRequestFields", "JSONObject", req.Additional)
	if len(req.Metadata) > maxMetadata {
		d.constraint(fmt.Sprint(len(req.Metadata), " pairs"), "#/requestMetadata",
			fmt.Sprintf("Map value must have length less than or equal to %d", maxMetadata))
	}
	d.inference(&req, top["inferenceConfig"])
	d.guardrail(&req, top["guardrailConfig"], streaming)
	performance := d.object("#/performanceConfig", top["performanceConfig"], latencyShape)
	req.Latency = d.choice("#/performanceConfig/latency", performance["latency"], "standard", "optimized")
	if d.err != nil {
		return Request{}, d.err
	}
	return req, nil
}

// messages must alternate, from the user's first to the user's last. Ending with the assistant's is a prefill, which
// current models refuse.
func (d *decoder) messages(path string, raw json.RawMessage) []Message {
	var out []Message
	for i, raw := range d.list(path, raw) {
		at := fmt.Sprintf("%s/%d", path, i)
		members := d.object(at, raw, messageShape)
		d.required(at+"/role", members["role"])
		m := Message{
			Role:    d.choice(at+"/role", members["role"], "user", "assistant"),
			Content: d.blocks(at+"/content", members["content"], blockShape, "ContentBlock"),
		}
		if joinBlocks(m.Content, "") == "" {
			d.fail(invalid("The content field in the Message object at messages.%d is empty. "+
				"Add a ContentBlock object to the content field and try again.", i))
		}
		out = append(out, m)
	}
	d.roles(out)
	return out
}

func (d *decoder) roles(messages []Message) {
	if len(messages) == 0 || messages[0].Role != "user" {
		d.fail(invalid("A conversation must start with a user message. Try again with a conversation that starts with a user message."))
		return
	}
	for i := 1; i < len(messages); i++ {
		if messages[i].Role == messages[i-1].Role {
			d.fail(invalid("A conversation must alternate between user and assistant roles. " +
				"Make sure the conversation alternates between user and assistant roles and try again."))
		}
	}
	if messages[len(messages)-1].Role != "user" {
		d.fail(invalid("The model returned the following errors: This model does not support assistant message prefill. " +
			"The conversation must end with a user message."))
	}
}

// blocks reads content blocks of the kind that Bedrock calls name in its messages. A text must not be blank.
func (d *decoder) blocks(path string, raw json.RawMessage, s shape, name string) []Block {
	var out []Block
	for i, raw := range d.list(path, raw) {
		at := fmt.Sprintf("%s/%d", path, i)
		members := d.object(at, raw, s)
		if len(members) != 1 {
			d.fail(malformed(at, fmt.Sprintf("a %s has exactly one member, not %d", name, len(members))))
		}
		if point, ok := members["cachePoint"]; ok {
			out = append(out, d.cachePoint(at+"/cachePoint", point))
			continue
		}
		b := Block{Text: d.text(at+"/text", members["text"])}
		if strings.TrimSpace(b.Text) == "" {
			d.fail(invalid("The text field in the %s object at %s is blank. Add text to the text field, and try again.",
				name, strings.ReplaceAll(strings.TrimPrefix(at, "#/"), "/", ".")))
		}
		out = append(out, b)
	}
	return out
}

func (d *decoder) cachePoint(path string, raw json.RawMessage) Block {
	members := d.object(path, raw, cacheShape)
	d.required(path+"/type", members["type"])
	d.choice(path+"/type", members["type"], "default")
	return Block{CachePoint: true, TTL: d.choice(path+"/ttl", members["ttl"], "5m", "1h")}
}

func (d *decoder) inference(req *Request, raw json.RawMessage) {
	const path = "#/inferenceConfig"
	members := d.object(path, raw, inferenceShape)
	req.MaxTokens = value[int](d, path+"/maxTokens", "Integer", members["maxTokens"])
	if !absent(members["maxTokens"]) && req.MaxTokens < 1 {
		d.constraint(fmt.Sprint(req.MaxTokens), path+"/maxTokens", "Member must have value greater than or equal to 1")
	}
	req.Temperature = d.fraction(path+"/temperature", members["temperature"])
	req.TopP = d.fraction(path+"/topP", members["topP"])
	req.StopSequences = value[[]string](d, path+"/stopSequences", "JSONArray of String", members["stopSequences"])
	if n := len(req.StopSequences); n > maxStopSequences {
		d.constraint(fmt.Sprint(n, " strings"), path+"/stopSequences",
			fmt.Sprintf("Member must have length less than or equal to %d", maxStopSequences))
	}
	for i, s := range req.StopSequences {
		if s == "" {
			d.constraint(s, fmt.Sprintf("%s/stopSequences/%d", path, i), "Member must have length greater than or equal to 1")
		}
	}
}

func (d *decoder) fraction(path string, raw json.RawMessage) *float64 {
	v := value[*float64](d, path, "Number", raw)
	switch {
	case v != nil && *v > 1:
		d.constraint(fmt.Sprint(*v), path, "Member must have value less than or equal to 1")
	case v != nil && *v < 0:
		d.constraint(fmt.Sprint(*v), path, "Member must have value greater than or equal to 0")
	}
	return v
}

// guardrail: streamProcessingMode exists in ConverseStream only, and its values are sync and async (aws-facts §8).
func (d *decoder) guardrail(req *Request, raw json.RawMessage, streaming bool) {
	if absent(raw) {
		return
	}
	const path = "#/guardrailConfig"
	members := guardrailShape
	if streaming {
		members = streamingGuard
	}
	m := d.object(path, raw, members)
	req.Guardrail = &Guardrail{
		Identifier: d.text(path+"/guardrailIdentifier", m["guardrailIdentifier"]),
		Version:    d.text(path+"/guardrailVersion", m["guardrailVersion"]),
		Trace:      d.choice(path+"/trace", m["trace"], "enabled", "disabled", "enabled_full"),
		Mode:       d.choice(path+"/streamProcessingMode", m["streamProcessingMode"], "sync", "async"),
	}
}

func (d *decoder) required(path string, raw json.RawMessage) {
	if absent(raw) {
		d.constraint("null", path, "Member must not be null")
	}
}
