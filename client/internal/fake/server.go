package fake

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"kaiwa/pkg/wire"
)

// Server is a Chat behind WebSockets. It runs until Close.
type Server struct {
	Chat Chat // set up before the first connection
	// Admit, if set, looks at a handshake; anything but 0 is the status it is
	// refused with. It is called under a lock, and may be changed in Look.
	Admit func(r *http.Request) int
	// Pass, if set, says how often a frame is posted: 0 loses it. It is called
	// under a lock, one frame after another.
	Pass func(p Post) int

	mu      sync.Mutex
	conns   map[int]*conn
	last    int
	heard   []wire.Request
	changed chan struct{} // closed and replaced whenever something was heard or a connection came or went
	closed  bool
	wake    chan struct{}
	work    sync.WaitGroup
}

type conn struct {
	ws     *websocket.Conn
	cancel context.CancelFunc
	out    chan []byte
}

// NewServer starts the clock of a server that answers as answer says; see
// Chat.Answer.
func NewServer(answer func(prompt string) Script) *Server {
	s := &Server{Chat: Chat{Answer: answer}, conns: map[int]*conn{}, changed: make(chan struct{}), wake: make(chan struct{}, 1)}
	s.work.Go(s.clock)
	return s
}

// ServeHTTP is one connection from its handshake to its end.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if status := s.admit(r); status != 0 {
		http.Error(w, http.StatusText(status), status)
		return
	}
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{wire.SubprotocolJSON}})
	if err != nil {
		return
	}
	ws.SetReadLimit(wire.MaxMessage)
	ctx, cancel := context.WithCancel(context.Background())
	c := &conn{ws: ws, cancel: cancel, out: make(chan []byte, 10000)}
	n, ok := s.join(c, bearer(r))
	if !ok {
		_ = ws.CloseNow()
		cancel()
		return
	}
	defer s.work.Done()
	var writer sync.WaitGroup
	writer.Go(func() { c.write(ctx) })
	for {
		_, b, err := ws.Read(ctx)
		if err != nil {
			break
		}
		if q, err := wire.DecodeRequest(string(b)); err == nil {
			s.handle(n, q)
		}
	}
	s.leave(n)
	cancel()
	writer.Wait()
	_ = ws.CloseNow()
}

func (s *Server) admit(r *http.Request) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Admit == nil {
		return 0
	}
	return s.Admit(r)
}

func (c *conn) write(ctx context.Context) {
	for {
		select {
		case b := <-c.out:
			if c.ws.Write(ctx, websocket.MessageText, b) != nil {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

func (s *Server) join(c *conn, token string) (n int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, false
	}
	s.work.Add(1)
	s.last++
	s.conns[s.last] = c
	s.Chat.Opened(s.last, token)
	s.change()
	return s.last, true
}

func (s *Server) leave(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, n)
	s.Chat.Closed(n)
	s.change()
}

func (s *Server) handle(n int, q wire.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard = append(s.heard, q)
	s.change()
	s.post(s.Chat.Handle(time.Now(), n, q))
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *Server) change() {
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *Server) post(posts []Post) {
	for _, p := range posts {
		times := 1
		if s.Pass != nil {
			times = s.Pass(p)
		}
		for range times {
			if c := s.conns[p.Conn]; c != nil {
				c.out <- wire.EncodeFrame(p.Frame)
			}
		}
	}
}

// clock lets the chat's time pass.
func (s *Server) clock() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		s.mu.Lock()
		closed, next := s.closed, s.Chat.Next()
		s.mu.Unlock()
		if closed {
			return
		}
		wait := time.Hour
		if !next.IsZero() {
			wait = max(0, time.Until(next))
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
			s.mu.Lock()
			s.post(s.Chat.Tick(time.Now()))
			s.mu.Unlock()
		case <-s.wake:
		}
	}
}

// Send posts a frame on all connections.
func (s *Server) Send(f wire.Frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for n := range s.conns {
		s.post([]Post{{n, f}})
	}
}

// Cut breaks all connections without a goodbye.
func (s *Server) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		c.cancel()
	}
}

// Hangup closes all connections with a code.
func (s *Server) Hangup(code websocket.StatusCode, reason string) {
	s.mu.Lock()
	var all []*conn
	for _, c := range s.conns {
		all = append(all, c)
	}
	s.mu.Unlock()
	for _, c := range all {
		_ = c.ws.Close(code, reason)
	}
}

// Await waits until ok says so of what was heard, in order, and of the number of
// connections, or ctx ends.
func (s *Server) Await(ctx context.Context, ok func(heard []wire.Request, conns int) bool) error {
	for {
		s.mu.Lock()
		done, changed := ok(s.heard, len(s.conns)), s.changed
		s.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Look calls f with the chat, while nothing else touches it.
func (s *Server) Look(f func(c *Chat)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.Chat)
}

// Close breaks all connections and waits for their ends.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	for _, c := range s.conns {
		c.cancel()
	}
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
	s.work.Wait()
}
