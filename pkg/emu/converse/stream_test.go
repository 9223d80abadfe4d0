package converse_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"

	"kaiwa/pkg/emu/converse"
)

func TestStreamOrder(t *testing.T) {
	c, s := start(t, nil)
	h := listen(t, c, input("@demo tokens=3 every=0s first=0s"))
	want := []string{"MessageStart", "ContentBlockDelta", "ContentBlockDelta", "ContentBlockDelta", "ContentBlockStop", "MessageStop", "Metadata"}
	if !slices.Equal(h.events, want) || h.err != nil {
		t.Errorf("events %v, %v; want %v", h.events, h.err, want)
	}
	if h.stop != types.StopReasonEndTurn {
		t.Errorf("stop reason %q", h.stop)
	}
	if got := aws.ToInt32(h.meta.Usage.OutputTokens); got != 3 {
		t.Errorf("output tokens %d", got)
	}
	if want := converse.Tokens(converse.Knobs{Tokens: 3, Seed: 1}); !slices.Equal(h.deltas, want) {
		t.Errorf("deltas %q, want %q", h.deltas, want)
	}
	if got, want := s.Stats(), (converse.Stats{Calls: 1, Completed: 1, Tokens: 3}); got != want {
		t.Errorf("stats %+v, want %+v", got, want)
	}
}

func TestStreamEmpty(t *testing.T) {
	c, _ := start(t, nil)
	h := listen(t, c, input("@demo tokens=0 first=0s"))
	if want := []string{"MessageStart", "MessageStop", "Metadata"}; !slices.Equal(h.events, want) {
		t.Errorf("events %v, want %v", h.events, want)
	}
}

func TestStreamText(t *testing.T) {
	c, _ := start(t, nil)
	for _, prompt := range []string{
		"@demo tokens=500 every=0s first=0s seed=9",
		"@demo tokens=500 every=0s first=0s seed=9 lang=ja",
		"@demo tokens=500 every=0s first=0s seed=9 escape=1",
		"@demo size=500000 every=0s first=0s lang=ja",
		"@demo size=500000 every=0s first=0s escape=1",
	} {
		h := listen(t, c, input(prompt))
		k := knobs(t, prompt)
		if h.err != nil || h.text() != converse.Text(k) {
			t.Errorf("%s: %v, text differs from Text", prompt, h.err)
		}
		if k.Size > 0 && (len(h.deltas) != 1 || utf8.RuneCountInString(h.text()) != k.Size) {
			t.Errorf("%s: %d deltas, %d characters", prompt, len(h.deltas), utf8.RuneCountInString(h.text()))
		}
	}
}

// The order of headers, the padding and the unescaped text are what captures of Bedrock show.
func TestStreamBytes(t *testing.T) {
	endpoint, _ := converse.Start(t, nil)
	res, body := post(t, endpoint, "/model/m/converse-stream", signature,
		`{"messages":[{"role":"user","content":[{"text":"@demo tokens=1 escape=1 first=0s error=throttling@1 seed=3"}]}]}`)
	if got := res.Header.Get("Content-Type"); res.StatusCode != 200 || got != "application/vnd.amazon.eventstream" {
		t.Fatalf("%s, content type %q", res.Status, got)
	}
	if id := res.Header.Get("X-Amzn-Requestid"); len(id) != 36 {
		t.Errorf("request id %q", id)
	}
	var got []string
	for r := strings.NewReader(body); ; {
		m, err := eventstream.NewDecoder().Decode(r, nil)
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if !json.Valid(m.Payload) || bytes.HasSuffix(m.Payload, []byte("\n")) {
			t.Errorf("payload %q", m.Payload)
		}
		line := ""
		for _, h := range m.Headers {
			line += h.Name + "=" + h.Value.String() + " "
		}
		got = append(got, line+string(m.Payload))
	}
	want := []string{
		`:event-type=messageStart :content-type=application/json :message-type=event {"p":"a","role":"assistant"}`,
		`:event-type=contentBlockDelta :content-type=application/json :message-type=event {"contentBlockIndex":0,"delta":{"text":` +
			quoted(t, converse.Text(converse.Knobs{Tokens: 1, Escape: true, Seed: 3})) + `},"p":"abcdefghijklmnopqrstuvwxyzABCD"}`,
		`:exception-type=throttlingException :content-type=application/json :message-type=exception {"message":"Too many requests, please wait before trying again."}`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func quoted(t *testing.T, s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(b.String())
}

func TestModelIDs(t *testing.T) {
	c, s := start(t, nil)
	for _, id := range []string{
		modelID,
		"global.anthropic.claude-sonnet-4-5-20250929-v1:0",
		"arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
		"arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-haiku-20240307-v1:0",
	} {
		in := input("@demo tokens=1 first=0s")
		in.ModelId = aws.String(id)
		listen(t, c, in)
		requests := s.Requests()
		if got := requests[len(requests)-1].ModelID; got != id {
			t.Errorf("model id %q, want %q", got, id)
		}
	}
}

// A cut stream is silent: the SDK reports no error, there is just no messageStop (aws-facts §8).
func TestCut(t *testing.T) {
	c, s := start(t, nil)
	for _, test := range []struct {
		prompt string
		events int
	}{
		{"@demo tokens=100 every=0s first=0s cut@40", 41},
		{"@demo tokens=100 every=0s first=0s cut@100", 101},
		{"@demo tokens=100 every=0s first=0s cut@0", 1},
	} {
		h := listen(t, c, input(test.prompt))
		if h.err != nil || len(h.events) != test.events || h.stop != "" {
			t.Errorf("%s: %d events, stop %q, error %v", test.prompt, len(h.events), h.stop, h.err)
		}
		if !strings.HasPrefix(converse.Text(knobs(t, test.prompt)), h.text()) {
			t.Errorf("%s: not a prefix of the whole text", test.prompt)
		}
	}
	if got := s.Stats(); got.Cut != 3 || got.Completed != 0 {
		t.Errorf("stats %+v", got)
	}
	h := listen(t, c, input("@demo tokens=10 every=0s first=0s cut@11"))
	if h.stop != "end_turn" {
		t.Errorf("a cut after the end: stop %q", h.stop)
	}
}
