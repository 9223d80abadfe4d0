package wire_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"kaiwa/pkg/wire"
)

func ptr(n int) *int { return &n }

// requests are raw messages and what they mean. Those marked canonical are also
// what EncodeRequest makes of it.
var requests = []struct {
	raw       string
	want      wire.Request
	canonical bool
}{
	{`{"action":"sendMessage","text":"hi"}`, wire.SendMessage{Text: "hi"}, true},
	{`{"action":"sendMessage","text":"日本\n<&>","id":"p 1","conversation":"c1"}`, wire.SendMessage{Text: "日本\n<&>", ID: "p 1", Conversation: "c1"}, true},
	{`{"action":"sendMessage","text":"","id":"p1","part":0,"parts":2}`, wire.SendMessage{ID: "p1", Parts: ptr(2)}, true},
	{`{"action":"sendMessage","text":"b","id":"p1","part":31,"parts":32}`, wire.SendMessage{Text: "b", ID: "p1", Part: 31, Parts: ptr(32)}, true},
	{`{"action":"stop"}`, wire.Stop{}, true},
	{`{"action":"stop","reply":"r1"}`, wire.Stop{Reply: "r1"}, true},
	{`{"action":"resume","reply":"r1","offset":0}`, wire.Resume{Reply: "r1"}, true},
	{`{"action":"resume","conversation":"c1","offset":7}`, wire.Resume{Conversation: "c1", Offset: 7}, true},
	{`{"action":"history"}`, wire.History{}, true},
	{`{"action":"history","conversation":"c1","before":"m9","limit":20}`, wire.History{Conversation: "c1", Before: "m9", Limit: 20}, true},
	{`{"action":"conversations"}`, wire.Conversations{}, true},
	{`{"action":"conversations","before":"x","limit":5}`, wire.Conversations{Before: "x", Limit: 5}, true},
	{`{"action":"rename","conversation":"c1","title":"京都"}`, wire.Rename{Conversation: "c1", Title: "京都"}, true},
	{`{"action":"delete","conversation":"c1"}`, wire.Delete{Conversation: "c1"}, true},
	{`{"action":"delete","all":true}`, wire.Delete{All: true}, true},
	{`{"action":"subscribe","topic":"builds"}`, wire.Subscribe{Topic: "builds"}, true},
	{`{"action":"unsubscribe","topic":"builds"}`, wire.Unsubscribe{Topic: "builds"}, true},
	{`{"action":"auth","token":"a.b.c"}`, wire.Auth{Token: "a.b.c"}, true},
	{`{"action":"ping"}`, wire.Ping{}, true},

	// Without action, with null, with what this version does not know.
	{`{"text":"hi"}`, wire.SendMessage{Text: "hi"}, false},
	{` {"text":"hi"}` + "\n", wire.SendMessage{Text: "hi"}, false},
	{"\u3000" + `{"action":null,"text":"hi","id":null,"parts":null}`, wire.SendMessage{Text: "hi"}, false},
	{`{"text":"hi","colour":"blue","part":1}`, wire.SendMessage{Text: "hi", Part: 1}, false},
	{`{"action":"ping","id":5}`, wire.Ping{}, false},
	{`{"text":"\ud83d\ude00 \ud83d"}`, wire.SendMessage{Text: "😀 \ufffd"}, false},
	{"{\"text\":\"a\xffb\"}", wire.SendMessage{Text: "a\ufffdb"}, false},

	// Not JSON: somebody types.
	{"hello", wire.Text{Line: "hello"}, true},
	{"  hello \n", wire.Text{Line: "  hello \n"}, true},
	{"/open 2", wire.Text{Line: "/open 2"}, true},
	{`"quoted"`, wire.Text{Line: `"quoted"`}, true},
	{`[1]`, wire.Text{Line: `[1]`}, true},
	{"こんにちは{", wire.Text{Line: "こんにちは{"}, true},
	{"a\xff", wire.Text{Line: "a\ufffd"}, false},
	{"", wire.Empty{}, true},
	{" \r\n\t\u3000", wire.Empty{}, false},
}

func TestRequests(t *testing.T) {
	for _, c := range requests {
		got, err := wire.DecodeRequest(c.raw)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q means %#v, %v, want %#v", c.raw, got, err, c.want)
		}
		if c.canonical {
			if got := string(wire.EncodeRequest(c.want)); got != c.raw {
				t.Errorf("%#v encodes to %s, want %s", c.want, got, c.raw)
			}
		}
	}
}

func TestActions(t *testing.T) {
	for _, c := range requests {
		var head struct{ Action string }
		if c.canonical && strings.HasPrefix(c.raw, "{") {
			if err := json.Unmarshal([]byte(c.raw), &head); err != nil {
				t.Fatal(err)
			}
		}
		if got := c.want.Action(); c.canonical && got != head.Action {
			t.Errorf("the action of %#v is %q, want %q", c.want, got, head.Action)
		}
	}
}

func TestBadRequests(t *testing.T) {
	const (
		notJSON  = `this is not valid JSON; send {"action":"sendMessage","text":"hello"} or a plain line that does not start with {`
		actions  = "; use sendMessage, stop, resume, history, conversations, rename, delete, subscribe, unsubscribe, auth or ping"
		long     = "0123456789012345678901234567890123456789012345678901234567890123" // MaxID
		noText   = "sendMessage needs text"
		noResume = "resume needs reply or conversation"
		noRename = "rename needs conversation and title"
	)
	for _, c := range []struct{ raw, message, id string }{
		{`{`, notJSON, ""},
		{`{hello}`, notJSON, ""},
		{`  {"text":"a"} trailing`, notJSON, ""},
		{`{"text":"a",}`, notJSON, ""},
		{`{"action":"dance","id":"p1"}`, `there is no action "dance"` + actions, "p1"},
		{`{"action":"SENDMESSAGE","text":"a"}`, `there is no action "SENDMESSAGE"` + actions, ""},
		{`{"action":"","text":"a"}`, `there is no action ""` + actions, ""},
		{`{"action":"a\n` + strings.Repeat("b", 90) + `"}`, `there is no action "a\n` + strings.Repeat("b", 30) + `"` + actions, ""},
		{`{"action":5,"id":"p1"}`, "action must be a string", "p1"},
		{`{"action":{},"text":"a"}`, "action must be a string", ""},
		{`{}`, noText, ""},
		{`{"text":"","id":"p1"}`, noText, "p1"},
		{`{"text":" \n\u3000"}`, noText, ""},
		{`{"text":null}`, noText, ""},
		{`{"text":5}`, "text must be a string", ""},
		{`{"text":["a"],"id":"p1"}`, "text must be a string", "p1"},
		{`{"text":"a","id":5}`, "id must be a string", ""},
		{`{"text":"a","conversation":false}`, "conversation must be a string", ""},
		{`{"text":"a","id":"` + long + `x"}`, "id must be at most 64 characters", long},
		{`{"text":"a","parts":2}`, "a part needs id, the same for all parts", ""},
		{`{"text":"a","id":"p","parts":0}`, "parts must be 1 to 32", "p"},
		{`{"text":"a","id":"p","parts":33}`, "parts must be 1 to 32", "p"},
		{`{"text":"a","id":"p","part":-1,"parts":2}`, "part must be 0 to 1", "p"},
		{`{"text":"a","id":"p","part":2,"parts":2}`, "part must be 0 to 1", "p"},
		{`{"text":"a","id":"p","part":"0","parts":2}`, "part must be a whole number", "p"},
		{`{"text":"a","id":"p","part":0,"parts":1.5}`, "parts must be a whole number", "p"},
		{`{"action":"stop","reply":1}`, "reply must be a string", ""},
		{`{"action":"resume"}`, noResume, ""},
		{`{"action":"resume","offset":4}`, noResume, ""},
		{`{"action":"resume","reply":"r","offset":-1}`, "offset must be 0 or more", ""},
		{`{"action":"resume","reply":"r","offset":1e99}`, "offset must be a whole number", ""},
		{`{"action":"history","limit":-1}`, "limit must be 1 or more", ""},
		{`{"action":"history","limit":"all"}`, "limit must be a whole number", ""},
		{`{"action":"conversations","limit":-2}`, "limit must be 1 or more", ""},
		{`{"action":"rename","conversation":"c"}`, noRename, ""},
		{`{"action":"rename","title":"t"}`, noRename, ""},
		{`{"action":"rename","conversation":"c","title":" "}`, noRename, ""},
		{`{"action":"rename","conversation":"c","title":"` + strings.Repeat("長", 201) + `"}`, "title must be at most 200 characters", ""},
		{`{"action":"delete"}`, "delete needs conversation, or all, which is everything there is of you", ""},
		{`{"action":"delete","all":false}`, "delete needs conversation, or all, which is everything there is of you", ""},
		{`{"action":"delete","all":true,"conversation":"c1"}`, "delete needs conversation, or all, which is everything there is of you", ""},
		{`{"action":"delete","all":"yes"}`, "all must be true or false", ""},
		{`{"action":"subscribe"}`, "topic is missing", ""},
		{`{"action":"unsubscribe","topic":""}`, "topic is missing", ""},
		{`{"action":"subscribe","topic":"` + strings.Repeat("t", 129) + `"}`, "topic must be at most 128 characters", ""},
		{`{"action":"auth"}`, "auth needs token", ""},
	} {
		r, err := wire.DecodeRequest(c.raw)
		var bad *wire.BadRequest
		if !errors.As(err, &bad) || r != nil {
			t.Errorf("%s means %#v, %v", c.raw, r, err)
			continue
		}
		if bad.Message != c.message || bad.ID != c.id || err.Error() != c.message {
			t.Errorf("%s\n got %q for %q\nwant %q for %q", c.raw, bad.Message, bad.ID, c.message, c.id)
		}
	}
}

func TestRequestLimitsAreInclusive(t *testing.T) {
	for _, raw := range []string{
		fmt.Sprintf(`{"text":"a","id":"%s"}`, strings.Repeat("識", wire.MaxID)),
		fmt.Sprintf(`{"text":"","id":"p","part":%d,"parts":%d}`, wire.MaxParts-1, wire.MaxParts),
		fmt.Sprintf(`{"action":"rename","conversation":"c","title":"%s"}`, strings.Repeat("長", wire.MaxTitle)),
		fmt.Sprintf(`{"action":"subscribe","topic":"%s"}`, strings.Repeat("題", wire.MaxTopic)),
	} {
		if _, err := wire.DecodeRequest(raw); err != nil {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

// What any bytes mean, they mean again when encoded; else one line says why.
func FuzzDecodeRequest(f *testing.F) {
	for _, c := range requests {
		f.Add(c.raw)
	}
	f.Add(`{"action":"dance\n"}`)
	f.Fuzz(func(t *testing.T, raw string) {
		r, err := wire.DecodeRequest(raw)
		if err != nil {
			var bad *wire.BadRequest
			if !errors.As(err, &bad) || bad.Message == "" || strings.ContainsAny(bad.Message, "\n\r") || !utf8.ValidString(bad.Message) {
				t.Fatalf("%q: %#v", raw, err)
			}
			return
		}
		if s, ok := r.(wire.SendMessage); ok && s.Parts == nil {
			s.Part = 0 // means nothing
			r = s
		}
		checkRequest(t, r)
	})
}

// FuzzEncodeRequest comes from the other side: fields that a client may set.
func FuzzEncodeRequest(f *testing.F) {
	f.Add("text", "id", "c1", 1, 2)
	f.Add("\x00\"\\\u2028", "</script>", "\U0001F600", 7, 0)
	f.Fuzz(func(t *testing.T, a, b, c string, n, m int) {
		a, b, c = string([]rune(a)), string([]rune(b)), string([]rune(c))
		for _, r := range []wire.Request{
			wire.SendMessage{Text: a, ID: b, Conversation: c}, wire.SendMessage{Text: a, ID: b, Part: n, Parts: &m},
			wire.Stop{Reply: a}, wire.Resume{Reply: a, Conversation: b, Offset: n}, wire.History{Conversation: a, Before: b, Limit: n},
			wire.Conversations{Before: a, Limit: n}, wire.Rename{Conversation: a, Title: b}, wire.Delete{Conversation: a},
			wire.Subscribe{Topic: a}, wire.Unsubscribe{Topic: a}, wire.Auth{Token: a}, wire.Ping{},
		} {
			if b := wire.EncodeRequest(r); !json.Valid(b) {
				t.Fatalf("%#v encodes to %q", r, b)
			}
			if _, err := wire.DecodeRequest(string(wire.EncodeRequest(r))); err == nil {
				checkRequest(t, r)
			}
		}
	})
}

func checkRequest(t *testing.T, r wire.Request) {
	t.Helper()
	b := wire.EncodeRequest(r)
	got, err := wire.DecodeRequest(string(b))
	if err != nil || !reflect.DeepEqual(got, r) {
		t.Fatalf("%#v became %q became %#v, %v", r, b, got, err)
	}
}
