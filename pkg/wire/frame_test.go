package wire_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"kaiwa/pkg/wire"
)

var (
	ref  = wire.Ref{ID: "p1", Conversation: "c1", Reply: "r1"}
	noon = time.Date(2026, 11, 22, 12, 0, 0, 5_000_000, time.UTC)
)

const head = `"id":"p1","conversation":"c1","reply":"r1"`

// frames are frames and their bytes, both ways.
var frames = []struct {
	frame wire.Frame
	raw   string
}{
	{wire.Accepted{Ref: ref}, `{"type":"accepted",` + head + `}`},
	{wire.Delta{Ref: ref, Text: "日本\n\"<&>\"\u2028"}, `{"type":"delta",` + head + `,"offset":0,"text":"日本\n\"<&>\"` + "\u2028" + `"}`},
	{wire.Delta{Ref: ref, Offset: 1234}, `{"type":"delta",` + head + `,"offset":1234,"text":""}`},
	{wire.Keepalive{Ref: ref, Waited: 20}, `{"type":"keepalive",` + head + `,"waited":20}`},
	{wire.End{Ref: ref}, `{"type":"end",` + head + `,"length":0,"saved":false,"stop":""}`},
	{wire.End{Ref: ref, Length: 9, Saved: true, Stop: "end_turn", Usage: &wire.Usage{InputTokens: 1, OutputTokens: 2, CacheReadTokens: 3, CacheWriteTokens: 4}, Timing: &wire.Timing{FirstMs: 5, TotalMs: 6}},
		`{"type":"end",` + head + `,"length":9,"saved":true,"stop":"end_turn","usage":{"inputTokens":1,"outputTokens":2,"cacheReadTokens":3,"cacheWriteTokens":4},"timing":{"firstMs":5,"totalMs":6}}`},
	{wire.Error{Code: wire.CodeBadRequest, Message: "say <what>"}, `{"type":"error","code":"bad_request","message":"say <what>","retryable":false}`},
	{wire.Error{Code: wire.CodeRateLimited, Message: "wait", Retryable: true, RetryAfter: 30, ID: "p1", Reply: "r1"},
		`{"type":"error","code":"rate_limited","message":"wait","retryable":true,"retryAfter":30,"id":"p1","reply":"r1"}`},
	{wire.Notification{ID: "n1", Text: "out", At: noon}, `{"type":"notification","id":"n1","text":"out","at":"2026-11-22T12:00:00.005Z"}`},
	{wire.Notification{ID: "n1", Title: "Build", Text: "out", Level: "info", Topic: "builds", At: noon, Data: json.RawMessage(`{"n":[1,"<"]}`)},
		`{"type":"notification","id":"n1","title":"Build","text":"out","level":"info","topic":"builds","at":"2026-11-22T12:00:00.005Z","data":{"n":[1,"<"]}}`},
	{wire.Goaway{In: 600}, `{"type":"goaway","in":600}`},
	{wire.Pong{}, `{"type":"pong"}`},
	{wire.Pong{Connection: "L0SM9cOFvHcCIhw="}, `{"type":"pong","connection":"L0SM9cOFvHcCIhw="}`},
	{wire.HistoryPage{Conversation: "c1", Messages: []wire.Message{}}, `{"type":"history","conversation":"c1","messages":[]}`},
	{wire.HistoryPage{Conversation: "c1", Messages: []wire.Message{{ID: "m2", Role: "assistant", Text: "hi", At: noon, Reply: "r1", Stop: "end_turn", Length: 2}, {ID: "m1", Role: "user", At: noon}}, Before: "m1"},
		`{"type":"history","conversation":"c1","messages":[{"id":"m2","role":"assistant","text":"hi","at":"2026-11-22T12:00:00.005Z","reply":"r1","stop":"end_turn","length":2},{"id":"m1","role":"user","text":"","at":"2026-11-22T12:00:00.005Z","length":0}],"before":"m1"}`},
	{wire.ConversationsPage{Conversations: []wire.ConversationInfo{{ID: "c1", Title: "京都", At: noon}}, Before: "x"},
		`{"type":"conversations","conversations":[{"id":"c1","title":"京都","at":"2026-11-22T12:00:00.005Z"}],"before":"x"}`},
	{wire.Renamed{Conversation: "c1", Title: "t"}, `{"type":"renamed","conversation":"c1","title":"t"}`},
	{wire.Deleted{Conversation: "c1"}, `{"type":"deleted","conversation":"c1"}`},
	{wire.Deleted{All: true}, `{"type":"deleted","all":true}`},
	{wire.Subscribed{Topic: "t"}, `{"type":"subscribed","topic":"t"}`},
	{wire.Unsubscribed{Topic: "t"}, `{"type":"unsubscribed","topic":"t"}`},
	{wire.Authorized{}, `{"type":"authorized"}`},
	{wire.Gateway{Message: "Internal server error", ConnectionID: "L0=", RequestID: "q="}, `{"message":"Internal server error","connectionId":"L0=","requestId":"q="}`},
	{wire.Unknown{Name: "hologram"}, `{"type":"hologram"}`},
}

func TestFrames(t *testing.T) {
	for _, c := range frames {
		if got := string(wire.EncodeFrame(c.frame)); got != c.raw {
			t.Errorf("%#v\nencodes to %s\n     want %s", c.frame, got, c.raw)
		}
		if got, err := wire.DecodeFrame([]byte(c.raw)); err != nil || !reflect.DeepEqual(got, c.frame) {
			t.Errorf("%s\nmeans %#v, %v\n want %#v", c.raw, got, err, c.frame)
		}
	}
}

func TestFrameTypes(t *testing.T) {
	for _, c := range frames {
		var raw struct{ Type string }
		if err := json.Unmarshal([]byte(c.raw), &raw); err != nil || raw.Type != c.frame.Type() {
			t.Errorf("the type of %#v is %q, want %q (%v)", c.frame, c.frame.Type(), raw.Type, err)
		}
	}
}

func TestDecodeFrameTolerates(t *testing.T) {
	for _, c := range []struct {
		raw  string
		want wire.Frame
	}{
		{`{"type":"delta",` + head + `,"offset":1,"text":"a","new":{"in":2}}`, wire.Delta{Ref: ref, Offset: 1, Text: "a"}},
		{`{"type":"hologram","x":1}`, wire.Unknown{Name: "hologram"}},
		{`{}`, wire.Unknown{}},
		{`{"type":"authorized","message":"x"}`, wire.Authorized{}},
		{`{"message": "Forbidden", "connectionId":"L0=", "requestId":"q="}`, wire.Gateway{Message: "Forbidden", ConnectionID: "L0=", RequestID: "q="}},
		{`{"type":"error","code":"teapot","message":"m"}`, wire.Error{Code: "teapot", Message: "m"}},
	} {
		if got, err := wire.DecodeFrame([]byte(c.raw)); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s means %#v, %v", c.raw, got, err)
		}
	}
}

func TestDecodeFrameErrors(t *testing.T) {
	for _, c := range []struct{ raw, want string }{
		{``, "decode frame: unexpected end of JSON input"},
		{`hello`, "decode frame: invalid character 'h' looking for beginning of value"},
		{`{"type":5}`, "decode frame: json: cannot unmarshal number into Go struct field .type of type string"},
		{`{"type":"delta","offset":"x"}`, "decode wire.Delta: json: cannot unmarshal string into Go struct field Delta.offset of type int"},
		{`{"message":5}`, "decode wire.Gateway: json: cannot unmarshal number into Go struct field Gateway.message of type string"},
	} {
		if f, err := wire.DecodeFrame([]byte(c.raw)); err == nil || err.Error() != c.want || f != nil {
			t.Errorf("%s means %#v, %v, want %s", c.raw, f, err, c.want)
		}
	}
}

func TestEncodeFrameKeepsPromises(t *testing.T) {
	jst := noon.In(time.FixedZone("JST", 9*60*60))
	page := wire.HistoryPage{Messages: []wire.Message{{At: jst}}}
	for _, c := range []struct {
		name  string
		frame wire.Frame
		want  string
	}{
		{"times are UTC", wire.Notification{At: jst}, `{"type":"notification","id":"","text":"","at":"2026-11-22T12:00:00.005Z"}`},
		{"in a history too", page, `{"type":"history","conversation":"","messages":[{"id":"","role":"","text":"","at":"2026-11-22T12:00:00.005Z","length":0}]}`},
		{"in conversations too", wire.ConversationsPage{Conversations: []wire.ConversationInfo{{At: jst}}}, `{"type":"conversations","conversations":[{"id":"","title":"","at":"2026-11-22T12:00:00.005Z"}]}`},
		{"no list is an empty list", wire.HistoryPage{}, `{"type":"history","conversation":"","messages":[]}`},
		{"for conversations too", wire.ConversationsPage{}, `{"type":"conversations","conversations":[]}`},
		{"broken data is dropped", wire.Notification{Text: "t", At: noon, Data: json.RawMessage(`{`)}, `{"type":"notification","id":"","text":"t","at":"2026-11-22T12:00:00.005Z"}`},
		{"data is compact", wire.Notification{At: noon, Data: json.RawMessage("{ \"a\":\n1 }")}, `{"type":"notification","id":"","text":"","at":"2026-11-22T12:00:00.005Z","data":{"a":1}}`},
		{"an impossible year is no time", wire.Notification{At: time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC)}, `{"type":"notification","id":"","text":"","at":"0001-01-01T00:00:00Z"}`},
		{"invalid UTF-8", wire.Delta{Text: "a\xffb"}, `{"type":"delta","id":"","conversation":"","reply":"","offset":0,"text":"a` + "\ufffd" + `b"}`},
	} {
		if got := string(wire.EncodeFrame(c.frame)); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
	if page.Messages[0].At != jst {
		t.Error("EncodeFrame changed its argument")
	}
}

// Whatever a peer may send, decoding it and encoding what was understood is
// stable.
func FuzzDecodeFrame(f *testing.F) {
	for _, c := range frames {
		f.Add([]byte(c.raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		frame, err := wire.DecodeFrame(raw)
		if err != nil {
			return
		}
		once := wire.EncodeFrame(frame)
		again, err := wire.DecodeFrame(once)
		if err != nil || !json.Valid(once) || reflect.TypeOf(again) != reflect.TypeOf(frame) {
			t.Fatalf("%q means %#v, encodes to %q, means %#v, %v", raw, frame, once, again, err)
		}
		if twice := wire.EncodeFrame(again); !bytes.Equal(once, twice) {
			t.Fatalf("%q, then %q", once, twice)
		}
	})
}

func FuzzEncodeFrame(f *testing.F) {
	f.Add("text", "id", 1, true, int64(0))
	f.Add("\x00\"\\\u2028", "</script>", -1, false, int64(1e9))
	f.Fuzz(func(t *testing.T, a, b string, n int, yes bool, sec int64) {
		a, b = string([]rune(a)), string([]rune(b))
		at := time.Unix(sec%1e10, 0).UTC()
		ref := wire.Ref{ID: a, Conversation: b, Reply: a}
		for _, frame := range []wire.Frame{
			wire.Accepted{Ref: ref}, wire.Delta{Ref: ref, Offset: n, Text: b}, wire.Keepalive{Ref: ref, Waited: n},
			wire.End{Ref: ref, Length: n, Saved: yes, Stop: a, Usage: &wire.Usage{OutputTokens: n}, Timing: &wire.Timing{TotalMs: n}},
			wire.Error{Code: wire.Code(a), Message: b, Retryable: yes, RetryAfter: n, ID: a, Reply: b},
			wire.Notification{ID: a, Title: b, Text: a, Level: b, Topic: a, At: at}, wire.Goaway{In: n}, wire.Pong{Connection: a},
			wire.HistoryPage{Conversation: a, Messages: []wire.Message{{ID: b, Role: a, Text: b, At: at, Reply: a, Stop: b, Length: n}}, Before: b},
			wire.ConversationsPage{Conversations: []wire.ConversationInfo{{ID: a, Title: b, At: at}}, Before: a},
			wire.Renamed{Conversation: a, Title: b}, wire.Deleted{Conversation: a}, wire.Subscribed{Topic: a}, wire.Unsubscribed{Topic: b},
			wire.Authorized{}, wire.Gateway{Message: a, ConnectionID: b, RequestID: a},
		} {
			raw := wire.EncodeFrame(frame)
			if got, err := wire.DecodeFrame(raw); err != nil || !reflect.DeepEqual(got, frame) {
				t.Fatalf("%#v became %q became %#v, %v", frame, raw, got, err)
			}
		}
	})
}

func TestErrorIsAnError(t *testing.T) {
	var err error = wire.Error{Code: wire.CodeBusy, Message: "wait"}
	if got := err.Error(); got != "busy: wait" {
		t.Errorf("got %q", got)
	}
}
