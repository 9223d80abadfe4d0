package notice_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kaiwa/pkg/notice"
	"kaiwa/pkg/wire"
)

var update = flag.Bool("update", false, "write the golden files anew")

// fallback is where events without a target go.
var fallback = notice.To{Topic: "alarms"}

// TestGolden reads real events: those of aws-lambda-go's test data (Apache-2.0)
// and those of AWS's, GitHub's and Prometheus's documentation.
func TestGolden(t *testing.T) {
	inputs, err := filepath.Glob("testdata/*.json")
	if err != nil || len(inputs) < 30 {
		t.Fatalf("%d inputs, %v", len(inputs), err)
	}
	for _, input := range inputs {
		t.Run(strings.TrimSuffix(filepath.Base(input), ".json"), func(t *testing.T) {
			raw, err := os.ReadFile(input)
			if err != nil {
				t.Fatal(err)
			}
			got := shown(t, notice.Read(raw, fallback))
			golden := strings.TrimSuffix(input, ".json") + ".golden"
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// shown is an event as a person reviews it: data by its size only.
func shown(t *testing.T, e notice.Event) []byte {
	t.Helper()
	type line struct {
		To, ID, Level, Title string   `json:",omitempty"`
		Text                 []string `json:",omitempty"`
		Data, TTL            int      `json:",omitempty"`
		Ask                  bool     `json:",omitempty"`
		At                   string   `json:",omitempty"`
		Message, Group       string   `json:",omitempty"`
		Failed, Err          string   `json:",omitempty"`
	}
	out := struct {
		Queue, FIFO bool `json:",omitempty"`
		Entries     []line
	}{Queue: e.Queue, FIFO: e.FIFO}
	for _, n := range e.Entries {
		l := line{To: n.To.String(), ID: n.ID, Level: n.Level, Title: n.Title, Data: len(n.Data), TTL: int(n.TTL / time.Second), Ask: n.Ask,
			Message: n.Message, Group: n.Group, Failed: string(n.Failed)}
		if n.Text != "" {
			l.Text = strings.Split(n.Text, "\n")
		}
		if !n.At.IsZero() {
			l.At = n.At.Format(time.RFC3339Nano)
		}
		if n.Err != nil {
			l.Err = n.Err.Error()
		}
		out.Entries = append(out.Entries, l)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(out); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Whatever comes, somebody can read it, or is told why not.
func FuzzRead(f *testing.F) {
	inputs, err := filepath.Glob("testdata/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, input := range inputs {
		raw, err := os.ReadFile(input)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	for _, s := range []string{"", "null", `"hello"`, "[]", "[1]", `[{}]`, "{}", `{"to":{}}`, `{"to":null,"text":"x"}`, "\xff", `{"Records":[]}`, `{"Records":[{}]}`,
		`{"a":"\ud800"}`, `{"text":"` + strings.Repeat("\\u0001", 9000) + `"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		e := notice.Read(raw, fallback)
		if len(e.Entries) == 0 {
			t.Fatal("nothing became of it")
		}
		for _, n := range e.Entries {
			if n.Failed != nil || n.Err != nil {
				if n.Err != nil && strings.Contains(n.Err.Error(), "\n") {
					t.Errorf("an error of more than one line: %q", n.Err)
				}
				continue
			}
			if err := n.To.Check(); err != nil {
				t.Errorf("%+v: %v", n, err)
			}
			frame := n.Frame()
			b := wire.EncodeFrame(frame)
			if len(b) > wire.MaxFrame {
				t.Errorf("a frame of %d bytes", len(b))
			}
			back, err := wire.DecodeFrame(b)
			if err != nil {
				t.Fatalf("%q: %v", b, err)
			}
			if got := back.(wire.Notification); strings.TrimSpace(got.Title+got.Text) == "" || len([]rune(got.ID)) > wire.MaxID {
				t.Errorf("says nothing: %q", b)
			}
			n.Prompt("What is it?")
		}
	})
}
