package session_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"kaiwa/client/internal/fake"
	"kaiwa/client/session"
	"kaiwa/pkg/wire"
)

func TestMain(m *testing.M) { os.Exit(fake.Main(m)) }

// virtual runs f in virtual time, with a server and a session connected to it.
func virtual(t *testing.T, server *fake.Server, f func(t *testing.T, s *session.Session)) {
	client, stop := fake.Serve(server)
	defer stop()
	s, err := session.Dial(t.Context(), "ws://kaiwa/dev", &session.Config{
		Options: session.Options{Seed: 1}, Client: client,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := server.Await(t.Context(), func(_ []wire.Request, conns int) bool { return conns == 1 }); err != nil {
		t.Fatal(err)
	}
	f(t, s)
}

// transcript takes events until the reply to prompt id ended and was saved, or
// the prompt was refused.
type transcript struct {
	text  string
	ended session.Ended
	did   []string // all other events
}

func follow(t *testing.T, s *session.Session, id string) (r transcript) {
	t.Helper()
	for e := range s.Events() {
		switch e := e.(type) {
		case session.Text:
			r.text += e.Text
		case session.Ended:
			runes := []rune(r.text)
			r.text = string(runes[:len(runes)-e.Cut])
			if r.ended = e; e.ID == id && e.Saved {
				return r
			}
		default:
			r.did = append(r.did, showEvent(e))
			if x, ok := e.(session.Refused); ok && x.ID == id {
				return r
			}
		}
	}
	t.Fatalf("the session ended: %v", r.did)
	return r
}

func prompt(t *testing.T, s *session.Session, text string) (id string) {
	t.Helper()
	id, err := s.Prompt(text)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestSessionTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		virtual(t, fake.NewServer(nil), func(t *testing.T, s *session.Session) {
			for _, text := range []string{"日本語", "second", strings.Repeat("big ", 60_000)} {
				if r := follow(t, s, prompt(t, s, text)); r.text != "You said: "+text || r.ended.Stop != "end_turn" {
					t.Errorf("got %.100q, %s", r.text, r.ended.Stop)
				}
			}
			if err := s.List(); err != nil {
				t.Error(err)
			}
			if l, ok := (<-s.Events()).(session.Listed); !ok || len(l.Conversations) != 1 {
				t.Errorf("list: %+v", l)
			}
		})
	})
}

func TestSessionStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := fake.NewServer(func(string) fake.Script {
			return fake.Script{Text: strings.Repeat("word ", 1000), Piece: 5, Every: 50 * time.Millisecond}
		})
		virtual(t, server, func(t *testing.T, s *session.Session) {
			id := prompt(t, s, "hi")
			for e := range s.Events() {
				if _, ok := e.(session.Text); ok {
					break
				}
			}
			if !s.Stop() {
				t.Error("nothing to stop")
			}
			if r := follow(t, s, id); r.ended.Stop != "stopped" {
				t.Errorf("ended %s", r.ended.Stop)
			}
			if s.Stop() {
				t.Error("something to stop")
			}
		})
	})
}

// TestSessionHandover holds a reply through API Gateway's two hours: nobody sees
// that the connection was changed.
func TestSessionHandover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		text := strings.Repeat("日本語 ", 200)
		server := fake.NewServer(func(string) fake.Script {
			return fake.Script{Text: text, Piece: 1, Every: 10 * time.Second}
		})
		virtual(t, server, func(t *testing.T, s *session.Session) {
			r := follow(t, s, prompt(t, s, "hi"))
			if r.text != text {
				t.Errorf("got %q", r.text)
			}
			if got := strings.Join(r.did[1:], "; "); got != "waiting 0s" { // the answer to the resume
				t.Errorf("the user saw %s", got)
			}
			resumes := 0
			_ = server.Await(t.Context(), func(heard []wire.Request, _ int) bool {
				for _, q := range heard {
					if _, ok := q.(wire.Resume); ok {
						resumes++
					}
				}
				return true
			})
			if resumes != 1 {
				t.Errorf("the connection was changed %d times", resumes)
			}
		})
	})
}

// TestSessionFaults cuts, loses and doubles at random in virtual time, over real
// WebSockets.
func TestSessionFaults(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) { faults(t, seed) })
	}
}

func faults(t *testing.T, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 3))
	text := strings.Repeat("日本語 text\n", 60)
	server := fake.NewServer(func(string) fake.Script {
		return fake.Script{Text: text, Piece: 7, Every: 300 * time.Millisecond, Unsaved: rnd.IntN(3) == 0}
	})
	frames, cut := 0, 5+rnd.IntN(30)
	server.Pass = func(fake.Post) int {
		if frames++; frames%cut == 0 {
			go server.Cut()
		}
		return []int{0, 1, 1, 1, 1, 1, 2}[rnd.IntN(7)]
	}
	virtual(t, server, func(t *testing.T, s *session.Session) {
		for range 4 {
			if r := follow(t, s, prompt(t, s, "q")); r.text != text {
				t.Errorf("seed %d: got %q", seed, r.text)
			}
		}
	})
}

func TestSessionIsRefusedLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := fake.NewServer(nil)
		in := true
		server.Admit = func(*http.Request) int {
			if in {
				in = false
				return 0
			}
			return http.StatusForbidden
		}
		virtual(t, server, func(t *testing.T, s *session.Session) {
			server.Hangup(websocket.StatusGoingAway, "Going away")
			var did []string
			var last session.Event
			for e := range s.Events() {
				did, last = append(did, showEvent(e)), e
			}
			gone, ok := last.(session.Gone)
			var refused *session.DialError
			if !ok || !errors.As(gone.Err, &refused) || refused.Status != http.StatusForbidden {
				t.Errorf("got %v", did)
			}
			if _, err := s.Prompt("x"); !errors.Is(err, session.ErrClosed) {
				t.Errorf("a prompt after the end: %v", err)
			}
			if s.Stop() {
				t.Error("stopped something after the end")
			}
		})
	})
}

// Whoever takes no events holds nothing up, and finds all of them later.
func TestSessionSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		text := strings.Repeat("word ", 2000)
		server := fake.NewServer(func(string) fake.Script {
			return fake.Script{Text: text, Piece: 5, Every: 10 * time.Millisecond}
		})
		virtual(t, server, func(t *testing.T, s *session.Session) {
			id := prompt(t, s, "hi")
			time.AfterFunc(5*time.Minute, func() { server.Send(wire.Notification{ID: "late"}) })
			_ = server.Await(t.Context(), func(heard []wire.Request, _ int) bool { return len(heard) > 5 }) // pings
			if r := follow(t, s, id); r.text != text {
				t.Errorf("got %d bytes", len(r.text))
			}
		})
	})
}

func TestSessionUnreadable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, stop := echo()
		defer stop()
		s, err := session.Dial(t.Context(), "ws://kaiwa/dev", &session.Config{Client: client})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		_ = prompt(t, s, "hi")
		var did []string
		for e := range s.Events() {
			if did = append(did, showEvent(e)); len(did) == 3 {
				break
			}
		}
		if got := strings.Join(did, "; "); strings.Count(got, "trouble the service sent something") != 1 || !strings.Contains(got, "refused") {
			t.Errorf("got %s", got)
		}
	})
}

// echo is a service that is none: it sends plain lines and half a frame.
func echo() (*http.Client, func()) {
	p := fake.NewPipe()
	h := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		for {
			typ, _, err := c.Read(context.Background())
			if err != nil {
				return
			}
			_ = c.Write(context.Background(), typ, []byte("hello"))
			_ = c.Write(context.Background(), typ, []byte("{"))
		}
	})}
	done := make(chan struct{})
	go func() { defer close(done); _ = h.Serve(p) }()
	return p.Client(), func() { _ = h.Close(); <-done }
}
