package converse

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// shape is the members of an object of the Converse API: true for those emulated here, false for the others.
type shape map[string]bool

var (
	requestShape = shape{"messages": true, "system": true, "inferenceConfig": true, "guardrailConfig": true,
		"additionalModelRequestFields": true, "requestMetadata": true, "performanceConfig": true,
		"toolConfig": false, "promptVariables": false, "additionalModelResponseFieldPaths": false,
		"outputConfig": false, "serviceTier": false}
	messageShape   = shape{"role": true, "content": true}
	inferenceShape = shape{"maxTokens": true, "temperature": true, "topP": true, "stopSequences": true}
	latencyShape   = shape{"latency": true}
	guardrailShape = shape{"guardrailIdentifier": true, "guardrailVersion": true, "trace": true}
	streamingGuard = shape{"guardrailIdentifier": true, "guardrailVersion": true, "trace": true, "streamProcessingMode": true}
	cacheShape     = shape{"type": true, "ttl": true}
	systemShape    = shape{"text": true, "cachePoint": true, "guardContent": false}
	blockShape     = shape{"text": true, "cachePoint": true, "image": false, "document": false, "video": false,
		"audio": false, "toolUse": false, "toolResult": false, "guardContent": false, "reasoningContent": false,
		"citationsContent": false, "searchResult": false, "toolAddition": false, "toolRemoval": false}
)

// decoder turns JSON into a Request, noting the first thing that is wrong. encoding/json alone would not do: it matches
// names whatever their case and takes unknown ones in silence.
type decoder struct{ err *Error }

func (d *decoder) fail(err *Error) {
	if d.err == nil {
		d.err = err
	}
}

// object is the members of raw, those that are null left out.
func (d *decoder) object(path string, raw json.RawMessage, s shape) map[string]json.RawMessage {
	members := value[map[string]json.RawMessage](d, path, "JSONObject", raw)
	maps.DeleteFunc(members, func(_ string, v json.RawMessage) bool { return absent(v) })
	for _, name := range slices.Sorted(maps.Keys(members)) {
		emulated, known := s[name]
		switch {
		case !known:
			d.fail(malformed(path, "extraneous key ["+name+"] is not permitted"))
		case !emulated:
			d.fail(invalid("%s is part of the Converse API but not emulated here: leave it out, or use the real Bedrock.",
				strings.TrimPrefix(path+"/"+name, "#/")))
		}
	}
	return members
}

// value decodes one JSON value of a Go type; what is absent or null is its zero value.
func value[T any](d *decoder, path, kind string, raw json.RawMessage) (v T) {
	if absent(raw) {
		return v
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		var zero T
		d.fail(malformed(path, "expected type: "+kind))
		return zero
	}
	return v
}

func (d *decoder) list(path string, raw json.RawMessage) []json.RawMessage {
	return value[[]json.RawMessage](d, path, "JSONArray", raw)
}

func (d *decoder) text(path string, raw json.RawMessage) string {
	return value[string](d, path, "String", raw)
}

// choice is a string that must be one of some, if it is there at all.
func (d *decoder) choice(path string, raw json.RawMessage, of ...string) string {
	s := d.text(path, raw)
	if !absent(raw) && !slices.Contains(of, s) {
		d.constraint(s, path, "Member must satisfy enum value set: ["+strings.Join(of, ", ")+"]")
	}
	return s
}

// constraint refuses a value in the words Bedrock's front end uses for what its service model forbids.
func (d *decoder) constraint(value, path, rule string) {
	member := strings.ReplaceAll(strings.TrimPrefix(path, "#/"), "/", ".")
	d.fail(invalid("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: %s", clip(value, 60), member, rule))
}

func absent(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }
