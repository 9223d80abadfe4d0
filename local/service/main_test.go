// Package service_test runs kaiwa itself, from its own template and binaries, on
// the emulators, and talks to it over real sockets.
package service_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"kaiwa/local/build"
	"kaiwa/local/faults"
	"kaiwa/local/stack"
	"kaiwa/pkg/emu/converse"
	"kaiwa/pkg/emu/lambdart"
	"kaiwa/pkg/emu/sam"
	"kaiwa/pkg/frame"
	"kaiwa/pkg/wire"
)

var binaries = filepath.Join(os.TempDir(), fmt.Sprintf("kaiwa-service-test-%d", os.Getpid()))

func TestMain(m *testing.M) {
	code := m.Run()
	os.RemoveAll(binaries)
	os.Exit(code)
}

func load(t *testing.T, params map[string]string) *sam.Template {
	t.Helper()
	all := map[string]string{"Auth": "none", "ThrottleRate": "10000", "ThrottleBurst": "5000", "MessagesPerSecond": "1000",
		"UserReplies": "1000", "UserPromptsPerMinute": "100000", "UserTokensPerDay": "1000000000", "UserConversations": "100000", "UserConnections": "1000"}
	for k, v := range params {
		all[k] = v
	}
	template, err := sam.Load("../../template.yaml", &sam.Options{Region: "us-east-1", Parameters: all})
	if err != nil {
		t.Fatal(err)
	}
	return template
}

// programs are built once for all tests.
var programs = sync.OnceValues(func() (map[string]string, error) {
	dirs, err := filepath.Glob("../../functions/*")
	if err != nil {
		return nil, err
	}
	return build.Binaries(context.Background(), binaries, dirs)
})

// service runs kaiwa's own template.
func service(t *testing.T, params map[string]string, o *stack.Options) *stack.Stack {
	t.Helper()
	return runTemplate(t, load(t, params), o)
}

func runTemplate(t *testing.T, template *sam.Template, o *stack.Options) *stack.Stack {
	t.Helper()
	return runWith(t, template, o, func(*sam.Function) {})
}

// runWith runs a template some of whose functions are changed.
func runWith(t *testing.T, template *sam.Template, o *stack.Options, change func(*sam.Function)) *stack.Stack {
	t.Helper()
	files, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var functions []lambdart.Function
	for _, f := range template.Functions() {
		f.Command = []string{files[f.Dir]}
		change(&f)
		functions = append(functions, f.Function)
	}
	s, err := stack.Start(t.Context(), l, template, functions, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return s
}

func use(t *testing.T, s *stack.Stack, text string) {
	t.Helper()
	plan, err := faults.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	s.UseFaults(plan)
}

// said is the demo model's whole text for a prompt.
func said(t *testing.T, prompt string) string {
	t.Helper()
	k, err := converse.ParseKnobs(prompt)
	if err != nil {
		t.Fatal(err)
	}
	return converse.Text(k)
}

// peer is one socket.
type peer struct {
	t   *testing.T
	ctx context.Context
	ws  *websocket.Conn
	// held is a frame that was read too early.
	held []wire.Frame
}

func dial(t *testing.T, s *stack.Stack, query string) *peer {
	t.Helper()
	return dialURL(t, s.URL()+query, nil)
}

func dialURL(t *testing.T, url string, headers http.Header) *peer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	ws, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPHeader: headers})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ws.CloseNow() })
	ws.SetReadLimit(2 * wire.MaxMessage)
	return &peer{t: t, ctx: ctx, ws: ws}
}

// send writes one message, in frames the gateway takes.
func (p *peer) send(r wire.Request) {
	p.t.Helper()
	w, err := p.ws.Writer(p.ctx, websocket.MessageText)
	if err != nil {
		p.t.Fatal(err)
	}
	for data := wire.EncodeRequest(r); len(data) > 0; {
		n := min(len(data), wire.MaxFrame-14)
		if _, err := w.Write(data[:n]); err != nil {
			p.t.Fatal(err)
		}
		data = data[n:]
	}
	if err := w.Close(); err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) next() wire.Frame {
	p.t.Helper()
	if len(p.held) > 0 {
		f := p.held[0]
		p.held = p.held[1:]
		return f
	}
	_, data, err := p.ws.Read(p.ctx)
	if err != nil {
		p.t.Fatal(err)
	}
	if len(data) > wire.MaxFrame {
		p.t.Errorf("a message of %d bytes", len(data))
	}
	f, err := wire.DecodeFrame(data)
	if err != nil {
		p.t.Fatalf("%q: %v", data, err)
	}
	return f
}

// until reads frames up to the first one of type F.
func until[F wire.Frame](p *peer) F {
	p.t.Helper()
	for {
		f := p.next()
		if f, ok := f.(F); ok {
			return f
		}
		if e, ok := f.(wire.Error); ok {
			p.t.Fatalf("got %+v", e)
		}
	}
}

// ask sends a prompt and tells which reply it got. Whatever frame says so first:
// nothing promises that accepted comes before the rest.
func (p *peer) ask(m wire.SendMessage) wire.Ref {
	p.t.Helper()
	p.send(m)
	return p.ref()
}

func (p *peer) ref() wire.Ref {
	p.t.Helper()
	for {
		f := p.next()
		var r wire.Ref
		switch f := f.(type) {
		case wire.Accepted:
			return f.Ref
		case wire.Delta:
			r = f.Ref
		case wire.End:
			r = f.Ref
		case wire.Error:
			r = wire.Ref{ID: f.ID, Reply: f.Reply}
		}
		if r.Reply != "" {
			p.held = append(p.held, f)
			return r
		}
	}
}

// rest reads a reply to its end, resuming where a frame was lost, as a client does.
func (p *peer) rest(reply string, j *frame.Join) wire.End {
	p.t.Helper()
	for {
		switch f := p.next().(type) {
		case wire.Delta:
			if f.Reply != reply {
				continue
			}
			if _, gap := j.Delta(f.Offset, f.Text); gap {
				p.send(wire.Resume{Reply: reply, Offset: j.Held()})
			}
		case wire.End:
			if f.Reply != reply {
				continue
			}
			if j.End(f.Length, f.Saved) && f.Saved {
				return f
			}
			p.send(wire.Resume{Reply: reply, Offset: j.Held()})
		case wire.Gateway:
			p.t.Errorf("the gateway says %q", f.Message)
		}
	}
}

// sendText writes a line as somebody types it.
func (p *peer) sendText(line string) {
	p.t.Helper()
	if err := p.ws.Write(p.ctx, websocket.MessageText, []byte(line)); err != nil {
		p.t.Fatal(err)
	}
}

// nextText reads one message as it is.
func (p *peer) nextText() string {
	p.t.Helper()
	_, data, err := p.ws.Read(p.ctx)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(data)
}

// eventually waits until something holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick, limit := time.NewTicker(10*time.Millisecond), time.After(30*time.Second)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("%s: never", what)
		}
	}
}
