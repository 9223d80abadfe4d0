package conform

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/coder/websocket"

	"kaiwa/local/conform/probe"
)

// Target is a deployed probe stack and what is needed to ask it.
type Target struct {
	// URL is the socket address of its API open, ws:// or wss://.
	URL string
	// Credentials sign callbacks and connects. Without any, the rows that need them
	// cannot be asked.
	Credentials aws.CredentialsProvider
	// Dial opens connections. Default: a net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Quiet is how long to wait before saying that nothing comes. Default: 2 s.
	Quiet time.Duration
	// Patience is how long to wait for what should come. Default: 1 min.
	Patience time.Duration
}

// Stack is a probe stack that answers. Its methods may be called concurrently.
type Stack struct {
	Target
	about probe.Stack
	http  *http.Client
	// control holds the socket over which records are asked for, nil when there is
	// none. Whoever took it out owns it.
	control chan *websocket.Conn
}

// Open finds out about the stack behind t. Close it afterwards.
func Open(ctx context.Context, t Target) (*Stack, error) {
	if t.Dial == nil {
		t.Dial = (&net.Dialer{}).DialContext
	}
	if t.Quiet == 0 {
		t.Quiet = 2 * time.Second
	}
	if t.Patience == 0 {
		t.Patience = time.Minute
	}
	s := &Stack{Target: t, control: make(chan *websocket.Conn, 1)}
	s.http = &http.Client{
		Transport:     &http.Transport{DialContext: t.Dial, DisableCompression: true, MaxIdleConnsPerHost: 10},
		CheckRedirect: stay,
	}
	s.about.APIs = map[string]string{"open": t.URL}
	ws, text, err := s.askOnce(ctx, nil, messageOf("twoway", probe.Command{Describe: true}))
	s.control <- ws
	if err == nil {
		err = json.Unmarshal([]byte(text), &s.about)
	}
	if err == nil && s.about.APIs["few"] == "" {
		err = errors.New("it describes no stack")
	}
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("%s does not answer as the API open of a probe stack (local/conform/probe.yaml): %w", t.URL, err)
	}
	return s, nil
}

// Close gives up the connections that are kept.
func (s *Stack) Close() {
	s.http.CloseIdleConnections()
	if ws := <-s.control; ws != nil {
		_ = ws.CloseNow() // nobody minds
	}
	s.control <- nil
}

// tries bounds attempts to ask the function: a control connection that was idle
// for long is gone, and a Lambda function may be throttled.
const tries = 4

// ask has the function carry out a command that leaves no record, and returns its
// answer.
func (s *Stack) ask(ctx context.Context, c probe.Command) (answer string, err error) {
	message := messageOf("twoway", c)
	var ws *websocket.Conn
	select {
	case ws = <-s.control:
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	defer func() { s.control <- ws }()
	for try := range tries {
		if try > 1 && !pause(ctx, s.Quiet) {
			break
		}
		if ws, answer, err = s.askOnce(ctx, ws, message); err == nil {
			return answer, nil
		}
	}
	return "", err
}

// askOnce uses ws, or a new connection if it is nil. It returns the connection
// that may be used again.
func (s *Stack) askOnce(ctx context.Context, ws *websocket.Conn, message string) (*websocket.Conn, string, error) {
	if ws == nil {
		to, no, err := s.connect(ctx, s.about.APIs["open"], &dialing{})
		if err != nil {
			return nil, "", err
		}
		if no != nil {
			return nil, "", fmt.Errorf("the connect was refused with %d", no.status)
		}
		ws = to.ws
		ws.SetReadLimit(1 << 20)
	}
	err := ws.Write(ctx, websocket.MessageText, []byte(message))
	var answer []byte
	if err == nil {
		_, answer, err = ws.Read(ctx)
	}
	if err != nil {
		_ = ws.CloseNow() // it is of no use any more
		return nil, "", err
	}
	if strings.HasPrefix(string(answer), `{"message": `) {
		return ws, "", fmt.Errorf("the function did not answer: %s", answer)
	}
	return ws, string(answer), nil
}

// messageOf is a message that takes a route by its action.
func messageOf(action string, c probe.Command) string {
	text, err := json.Marshal(map[string]any{"action": action, "do": c})
	if err != nil {
		return "" // a Command is always JSON, unless its Answer is not
	}
	return string(text)
}

// pause reports whether d passed before ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
