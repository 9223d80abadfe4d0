package converse_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/document"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"

	"kaiwa/pkg/emu/converse"
)

// TestInvalidRequests: those messages of Bedrock's that are known from its users are compared whole.
func TestInvalidRequests(t *testing.T) {
	endpoint, s := converse.Start(t, nil)
	const (
		hi      = `{"role":"user","content":[{"text":"hi"}]}`
		yes     = `{"role":"assistant","content":[{"text":"yes"}]}`
		ok      = `"messages":[` + hi + `]`
		start   = "A conversation must start with a user message. Try again with a conversation that starts with a user message."
		turns   = "A conversation must alternate between user and assistant roles. Make sure the conversation alternates between user and assistant roles and try again."
		nothere = " is part of the Converse API but not emulated here: leave it out, or use the real Bedrock."
		failed  = " failed to satisfy constraint: Member must "
		reform  = ", please reformat your input and try again."
	)
	for _, test := range []struct{ body, want string }{
		{``, start},
		{`null`, start},
		{`{"messages":[]}`, start},
		{`{"messages":[` + yes + `]}`, start},
		{`{"messages":[` + hi + `,` + hi + `]}`, turns},
		{`{"messages":[` + hi + `,` + yes + `,` + yes + `,` + hi + `]}`, turns},
		{`{"messages":[` + hi + `,` + yes + `]}`, "The model returned the following errors: This model does not support assistant message prefill. The conversation must end with a user message."},
		{`{"messages":[{"role":"user","content":[]}]}`, "The content field in the Message object at messages.0 is empty. Add a ContentBlock object to the content field and try again."},
		{`{"messages":[{"role":"user"}]}`, "The content field in the Message object at messages.0 is empty."},
		{`{"messages":[{"role":"user","content":[{"cachePoint":{"type":"default"}}]}]}`, "The content field in the Message object at messages.0 is empty."},
		{`{"messages":[` + hi + `,` + yes + `,{"role":"user","content":[{"text":"a"},{"text":" \n"}]}]}`, "The text field in the ContentBlock object at messages.2.content.1 is blank. Add text to the text field, and try again."},
		{`{"messages":[{"role":"system","content":[{"text":"a"}]}]}`, "1 validation error detected: Value 'system' at 'messages.0.role'" + failed + "satisfy enum value set: [user, assistant]"},
		{`{"messages":[{"content":[{"text":"a"}]}]}`, "1 validation error detected: Value 'null' at 'messages.0.role'" + failed + "not be null"},
		{`{"messages":[{"role":"user","content":[{"text":"a"}],"name":"x"}]}`, "Malformed input request: #/messages/0: extraneous key [name] is not permitted" + reform},
		{`{"messages":[{"role":"user","content":[{"Text":"a"}]}]}`, "Malformed input request: #/messages/0/content/0: extraneous key [Text] is not permitted" + reform},
		{`{"messages":[{"role":"user","content":[{"text":"a","cachePoint":{"type":"default"}}]}]}`, "Malformed input request: #/messages/0/content/0: a ContentBlock has exactly one member, not 2"},
		{`{"messages":[{"role":"user","content":[{}]}]}`, "Malformed input request: #/messages/0/content/0: a ContentBlock has exactly one member, not 0"},
		{`{"messages":[{"role":"user","content":[{"image":{}}]}]}`, "messages/0/content/0/image" + nothere},
		{`{"messages":[{"role":"user","content":[{"toolResult":{}}]}]}`, "messages/0/content/0/toolResult" + nothere},
		{`{"messages":[{"role":"user","content":"hi"}]}`, "Malformed input request: #/messages/0/content: expected type: JSONArray" + reform},
		{`{"messages":[{"role":"user","content":[{"text":5}]}]}`, "Malformed input request: #/messages/0/content/0/text: expected type: String" + reform},
		{`{"messages"`, "Malformed input request: #: expected type: JSONObject" + reform},
		{`[]`, "Malformed input request: #: expected type: JSONObject" + reform},
		{`{` + ok + `,"max_tokens":5}`, "Malformed input request: #: extraneous key [max_tokens] is not permitted" + reform},
		{`{` + ok + `,"toolConfig":{"tools":[]}}`, "toolConfig" + nothere},
		{`{` + ok + `,"promptVariables":{}}`, "promptVariables" + nothere},
		{`{` + ok + `,"outputConfig":{}}`, "outputConfig" + nothere},
		{`{` + ok + `,"serviceTier":{}}`, "serviceTier" + nothere},
		{`{` + ok + `,"additionalModelResponseFieldPaths":["/x"]}`, "additionalModelResponseFieldPaths" + nothere},
		{`{` + ok + `,"system":[{"guardContent":{}}]}`, "system/0/guardContent" + nothere},
		{`{` + ok + `,"system":[{"text":" "}]}`, "The text field in the SystemContentBlock object at system.0 is blank."},
		{`{` + ok + `,"system":[{"cachePoint":{}}]}`, "Value 'null' at 'system.0.cachePoint.type'" + failed + "not be null"},
		{`{` + ok + `,"system":[{"cachePoint":{"type":"default","ttl":"2h"}}]}`, "Value '2h' at 'system.0.cachePoint.ttl'" + failed + "satisfy enum value set: [5m, 1h]"},
		{`{` + ok + `,"inferenceConfig":{"maxTokens":0}}`, "Value '0' at 'inferenceConfig.maxTokens'" + failed + "have value greater than or equal to 1"},
		{`{` + ok + `,"inferenceConfig":{"maxTokens":1.5}}`, "#/inferenceConfig/maxTokens: expected type: Integer"},
		{`{` + ok + `,"inferenceConfig":{"temperature":1.5}}`, "Value '1.5' at 'inferenceConfig.temperature'" + failed + "have value less than or equal to 1"},
		{`{` + ok + `,"inferenceConfig":{"topP":-0.5}}`, "Value '-0.5' at 'inferenceConfig.topP'" + failed + "have value greater than or equal to 0"},
		{`{` + ok + `,"inferenceConfig":{"stopSequences":["a",""]}}`, "Value '' at 'inferenceConfig.stopSequences.1'" + failed + "have length greater than or equal to 1"},
		{`{` + ok + `,"inferenceConfig":{"stopSequences":["x"` + strings.Repeat(`,"x"`, 2500) + `]}}`, "Value '2501 strings' at 'inferenceConfig.stopSequences'" + failed},
		{`{` + ok + `,"inferenceConfig":{"topK":1}}`, "#/inferenceConfig: extraneous key [topK] is not permitted"},
		{`{` + ok + `,"performanceConfig":{"latency":"fast"}}`, "Value 'fast' at 'performanceConfig.latency'" + failed + "satisfy enum value set: [standard, optimized]"},
		{`{` + ok + `,"guardrailConfig":{"streamProcessingMode":"ASYNCHRONOUS"}}`, "Value 'ASYNCHRONOUS' at 'guardrailConfig.streamProcessingMode'" + failed + "satisfy enum value set: [sync, async]"},
		{`{` + ok + `,"additionalModelRequestFields":[1]}`, "#/additionalModelRequestFields: expected type: JSONObject"},
		{`{` + ok + `,"requestMetadata":{"a":1}}`, "#/requestMetadata: expected type: JSONObject of String"},
		{`{` + ok + `,"requestMetadata":{"k` + strings.Join(strings.Split("0123456789abcdefg", ""), `":"","k`) + `":""}}`, "Value '17 pairs' at 'requestMetadata'"},
	} {
		res, body := post(t, endpoint, "/model/m/converse-stream", signature, test.body)
		var answer struct{ Message string }
		if err := json.Unmarshal([]byte(body), &answer); err != nil {
			t.Fatalf("%.200s: %v", test.body, err)
		}
		if res.StatusCode != 400 || res.Header.Get("X-Amzn-ErrorType") != "ValidationException" || !strings.Contains(answer.Message, test.want) {
			t.Errorf("%.200s: %s %s %s\nwant %s", test.body, res.Status, res.Header.Get("X-Amzn-ErrorType"), body, test.want)
		}
	}
	if got := s.Stats(); got.Errors != got.Calls || len(s.Requests()) != 0 {
		t.Errorf("stats %+v, %d requests", got, len(s.Requests()))
	}
}

func TestPerimeter(t *testing.T) {
	endpoint, _ := converse.Start(t, nil)
	const body = `{"messages":[{"role":"user","content":[{"text":"@demo tokens=1 first=0s"}]}]}`
	for _, test := range []struct {
		path, authorization string
		status              int
		kind                string
	}{
		{"/model/m/converse", "", 403, "MissingAuthenticationTokenException"},
		{"/model/m/converse-stream", "Basic eDp5", 403, "MissingAuthenticationTokenException"},
		{"/model/m/converse", "Bearer ", 403, "MissingAuthenticationTokenException"},
		{"/model/m/converse", strings.Replace(signature, "/bedrock/", "/execute-api/", 1), 403, "InvalidSignatureException"},
		{"/model/m/invoke", signature, 404, "UnknownOperationException"},
		{"/guardrail/g/version/1/apply", signature, 404, "UnknownOperationException"},
		{"/model/no%20such%20model/converse", signature, 400, "ValidationException"},
		{"/model/" + strings.Repeat("m", 2049) + "/converse", signature, 400, "ValidationException"},
		{"/model/m/converse", signature, 200, ""},
		{"/model/m/converse", "Bearer key", 200, ""},
		{"/model/anthropic.claude-sonnet-4-5-20250929-v1:0/converse", signature, 200, ""},
	} {
		res, answer := post(t, endpoint, test.path, test.authorization, body)
		if res.StatusCode != test.status || res.Header.Get("X-Amzn-ErrorType") != test.kind {
			t.Errorf("%s: %s %q %s", test.path, res.Status, res.Header.Get("X-Amzn-ErrorType"), answer)
		}
	}
	res, answer := post(t, endpoint, "/model/m/converse", signature, `{"messages":"`+strings.Repeat("x", 20<<20)+`"}`)
	if res.StatusCode != 400 || !strings.Contains(answer, "too large") {
		t.Errorf("20 MB: %s %s", res.Status, answer)
	}
}

// TestRecorded: what changes no answer is at least seen.
func TestRecorded(t *testing.T) {
	c, s := start(t, nil)
	in := input("@demo tokens=1 first=0s")
	in.System = []types.SystemContentBlock{&types.SystemContentBlockMemberText{Value: "be kind"},
		&types.SystemContentBlockMemberCachePoint{Value: types.CachePointBlock{Type: types.CachePointTypeDefault, Ttl: types.CacheTTLOneHour}}}
	in.InferenceConfig = &types.InferenceConfiguration{MaxTokens: aws.Int32(7), Temperature: aws.Float32(0.5), TopP: aws.Float32(1), StopSequences: []string{"END"}}
	in.GuardrailConfig = &types.GuardrailStreamConfiguration{GuardrailIdentifier: aws.String("g"), GuardrailVersion: aws.String("1"),
		Trace: types.GuardrailTraceEnabled, StreamProcessingMode: types.GuardrailStreamProcessingModeAsync}
	in.PerformanceConfig = &types.PerformanceConfiguration{Latency: types.PerformanceConfigLatencyOptimized}
	in.RequestMetadata = map[string]string{"tenant": "t1"}
	in.AdditionalModelRequestFields = document.NewLazyDocument(map[string]any{"top_k": 5})
	h := listen(t, c, in)
	if h.meta.PerformanceConfig == nil || h.meta.PerformanceConfig.Latency != types.PerformanceConfigLatencyOptimized {
		t.Errorf("performance config %+v", h.meta.PerformanceConfig)
	}
	got, err := json.Marshal(s.Requests())
	if err != nil {
		t.Fatal(err)
	}
	const want = `[{"ModelID":"anthropic.claude-sonnet-4-5-20250929-v1:0","System":[{"Text":"be kind","CachePoint":false,"TTL":""},{"Text":"","CachePoint":true,"TTL":"1h"}],` +
		`"Messages":[{"Role":"user","Content":[{"Text":"@demo tokens=1 first=0s","CachePoint":false,"TTL":""}]}],"MaxTokens":7,"Temperature":0.5,"TopP":1,"StopSequences":["END"],` +
		`"Guardrail":{"Identifier":"g","Version":"1","Trace":"enabled","Mode":"async"},"Latency":"optimized","Metadata":{"tenant":"t1"},"Additional":{"top_k":5}}]`
	if string(got) != want {
		t.Errorf("recorded\n%s\nwant\n%s", got, want)
	}
}
