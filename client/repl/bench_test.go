package repl_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kaiwa/client/internal/fake"
	"kaiwa/client/repl"
	"kaiwa/client/session"
)

// echo is a terminal that tells when a text is drawn.
type echo struct {
	mu   sync.Mutex
	want []byte
	seen chan struct{}
}

func (e *echo) Write(b []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.want != nil && bytes.Contains(b, e.want) {
		e.want = nil
		e.seen <- struct{}{}
	}
	return len(b), nil
}

func (e *echo) expect(text string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.want = []byte(text)
}

// The time from a key to its echo while a reply streams in, after conversations
// of several lengths: the median is reported.
func BenchmarkKeyEcho(b *testing.B) {
	for _, lines := range []int{0, 1000, 100_000} {
		b.Run(fmt.Sprintf("after %d lines", lines), func(b *testing.B) { keyEcho(b, lines, strings.Repeat("日本語の word ", 200_000)) })
	}
	b.Run("while code streams", func(b *testing.B) {
		keyEcho(b, 0, "word\n```go\n"+strings.Repeat("\tfor i := range n { // 日本語 word\n\t\tf(i, \"word\")\n\t}\n", 20_000))
	})
}

func keyEcho(b *testing.B, lines int, reply string) {
	server := fake.NewServer(func(prompt string) fake.Script {
		if prompt == "long" {
			return fake.Script{Text: strings.Repeat("a line of **the** conversation, 日本語の行\n", lines) + "x"}
		}
		return fake.Script{Text: reply, Piece: 3, Every: 5 * time.Millisecond}
	})
	client, stop := fake.Serve(server)
	defer stop()
	s, err := session.Dial(b.Context(), "ws://kaiwa/dev", &session.Config{Client: client})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	e := &echo{seen: make(chan struct{})}
	in := make(chan []byte)
	ctx, cancel := context.WithCancel(b.Context())
	left := make(chan error)
	go func() {
		left <- repl.Run(ctx, s, repl.Terminal{In: in, Out: e, Size: func() (int, int) { return 100, 40 }, Color: true}, nil)
	}()
	shows := func(keys, text string) {
		e.expect(text)
		in <- []byte(keys)
		<-e.seen
	}
	shows("long\r", "x\r\n\r\n") // the reply's last line, finished
	shows("go\r", "word")
	var took []time.Duration
	typed := ""
	for b.Loop() {
		if typed += string(rune('a' + len(typed)%26)); len(typed) > 60 {
			in <- []byte("\x15")
			typed = "a"
		}
		start := time.Now()
		shows(typed[len(typed)-1:], "> "+typed+"\x1b7")
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "µs/p50")
	b.ReportMetric(float64(took[len(took)*95/100].Microseconds()), "µs/p95")
	cancel()
	<-left
}
