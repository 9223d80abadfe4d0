package session

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"kaiwa/pkg/wire"
)

// Config is how to reach a service; nil and zero values are the defaults.
type Config struct {
	Options
	// Header is added to every handshake.
	Header http.Header
	// Client makes the handshakes. nil: one that obeys the proxy variables.
	Client *http.Client
	// Sign, if set, adds to a handshake what lets the user in: headers, or
	// subprotocols, as values of Sec-WebSocket-Protocol. expires is when that runs
	// out, zero where nobody knows or it does not matter any more. It may block.
	Sign func(ctx context.Context, r *http.Request) (expires time.Time, err error)
	// Renew, if set, gets a token newer than the one that was used last, for Sign
	// and for a connection that is open. It may block, and may be called while Sign
	// is. nil: a token that ran out cannot be replaced.
	Renew func(ctx context.Context) (token string, expires time.Time, err error)
}

// Session is a conversation over WebSockets. It connects again by itself, and
// its events tell all there is to show. Its methods do not block; they may be
// called from any goroutine.
type Session struct {
	address string
	config  *Config
	talk    *Talk
	cancel  context.CancelFunc
	done    chan struct{} // closed when all has ended
	events  chan Event
	calls   chan func(now time.Time)

	// The loop's own.
	came       chan arrival
	dialled    chan dialled
	renewed    chan renewed
	socks      map[int]*socket
	live       int     // the newest socket
	pending    []Event // that wait to be taken
	over       bool    // Gone is among them
	unreadable bool    // said so once
	work       sync.WaitGroup
}

type dialled struct {
	n       int
	conn    *websocket.Conn
	expires time.Time
	err     error
}

type renewed struct {
	token   string
	expires time.Time
	err     error
}

// ErrClosed is what the methods of a Session that has ended return.
var ErrClosed = errors.New("the session has ended")

// Dial connects to the service at address, which ctx may call off, and starts a
// session, which lasts until Close or until Gone is said. The error is a
// *DialError or a *SignError.
func Dial(ctx context.Context, address string, config *Config) (*Session, error) {
	s := &Session{
		address: address,
		done:    make(chan struct{}),
		events:  make(chan Event),
		calls:   make(chan func(time.Time)),
		came:    make(chan arrival),
		dialled: make(chan dialled),
		renewed: make(chan renewed),
		socks:   map[int]*socket{},
		config:  config.filled(),
	}
	s.config.Renews = s.config.Renew != nil
	conn, expires, err := connect(ctx, address, s.config)
	if err != nil {
		s.config.Client.CloseIdleConnections()
		return nil, err
	}
	s.talk = NewTalk(time.Now(), &s.config.Options)
	first := s.talk.Take().Dial
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.cancel = cancel
	s.opened(life, dialled{n: first, conn: conn, expires: expires})
	go s.run(life)
	return s, nil
}

// Events is where to take what there is to show. It is closed at the end.
func (s *Session) Events() <-chan Event { return s.events }

// Close hangs up and waits until everything has ended: at most about a second.
func (s *Session) Close() {
	s.cancel()
	<-s.done
}

// Prompt sends text in the current conversation, after the prompts before it.
// The error is about the text, or ErrClosed.
func (s *Session) Prompt(text string) (id string, err error) {
	err = s.do(func(now time.Time) (err error) { id, err = s.talk.Prompt(now, text); return })
	return id, err
}

// Stop stops the running reply. It says whether there was anything to stop.
func (s *Session) Stop() (stopped bool) {
	_ = s.do(func(now time.Time) error { stopped = s.talk.Stop(now); return nil })
	return stopped
}

// Unqueue takes back the last prompt whose turn has not come.
func (s *Session) Unqueue() (text string, ok bool) {
	_ = s.do(func(time.Time) error { text, ok = s.talk.Unqueue(); return nil })
	return text, ok
}

// Pending tells what Close would leave undone: how many prompts the service has not
// accepted, and whether a reply of this conversation is on its way.
func (s *Session) Pending() (unsent int, running bool) {
	_ = s.do(func(time.Time) error { unsent, running = s.talk.Pending(); return nil })
	return unsent, running
}

// New makes the next prompt start a conversation.
func (s *Session) New() error { return s.do(func(time.Time) error { return s.talk.New() }) }

// Enter makes a conversation the current one, without a word of it.
func (s *Session) Enter(conversation string) error {
	return s.do(func(time.Time) error { return s.talk.Enter(conversation) })
}

// Open asks for a conversation, which is the current one when Showed answers.
// Prompts wait for that, and are Refused if it cannot be shown.
func (s *Session) Open(conversation string) error {
	return s.do(func(now time.Time) error { return s.talk.Open(now, conversation) })
}

// Rename gives the current conversation another title; Titled answers.
func (s *Session) Rename(title string) error {
	return s.do(func(now time.Time) error { return s.talk.Rename(now, title) })
}

// List asks for the user's conversations; Listed answers.
func (s *Session) List() error {
	return s.do(func(now time.Time) error { return s.talk.List(now) })
}

// do lets the loop call f.
func (s *Session) do(f func(now time.Time) error) (err error) {
	called := make(chan struct{})
	select {
	case s.calls <- func(now time.Time) { err = f(now); close(called) }:
		<-called
		return err
	case <-s.done:
		return ErrClosed
	}
}

// run is the loop: everything the session has is touched here alone.
func (s *Session) run(life context.Context) {
	defer close(s.done)
	defer s.end(life)
	wake := time.NewTimer(0)
	defer wake.Stop()
	for last := time.Now(); ; {
		now := time.Now()
		if slept(last, now) {
			s.talk.Woke(now)
		}
		last = now
		s.apply(life, s.talk.Take(), wake)
		if s.over && len(s.pending) == 0 {
			return
		}
		events, event := s.nextEvent()
		out, message := s.nextMessage()
		select {
		case <-life.Done():
			return
		case events <- event:
			s.pending = s.pending[1:]
		case out <- message:
			q := s.socks[s.live]
			q.queue = q.queue[1:]
		case call := <-s.calls:
			call(time.Now())
		case a := <-s.came:
			s.arrived(life, a)
		case d := <-s.dialled:
			if d.err != nil {
				s.talk.Failed(time.Now(), d.n, d.err, refusesUser(d.err))
				break
			}
			s.opened(life, d)
		case r := <-s.renewed:
			s.talk.Renewed(time.Now(), r.token, r.expires, r.err)
		case <-wake.C:
			s.talk.Tick(time.Now())
		}
	}
}

// slept says whether the machine was suspended in between: the clock on the wall
// went on then, the one that timers go by did not.
func slept(last, now time.Time) bool {
	const atLeast = 10 * time.Second
	return now.Round(0).Sub(last.Round(0))-now.Sub(last) > atLeast
}

// nextEvent is what to offer to the reader of the events; a nil channel if there
// is nothing.
func (s *Session) nextEvent() (chan<- Event, Event) {
	if len(s.pending) == 0 {
		return nil, nil
	}
	return s.events, s.pending[0]
}

// nextMessage is what to offer to the live socket's writer.
func (s *Session) nextMessage() (chan<- []byte, []byte) {
	q := s.socks[s.live]
	if q == nil || len(q.queue) == 0 {
		return nil, nil
	}
	return q.out, q.queue[0]
}

// apply does what the talk wants done.
func (s *Session) apply(life context.Context, out Output, wake *time.Timer) {
	if out.Dial != 0 {
		s.work.Go(func() { s.dial(life, out.Dial) })
	}
	if out.Renew {
		s.work.Go(func() { s.renew(life) })
	}
	if q := s.socks[s.live]; q != nil {
		for _, r := range out.Send {
			q.queue = append(q.queue, wire.EncodeRequest(r))
		}
	}
	if out.Hangup != 0 {
		s.hangup(life, out.Hangup, linger)
	}
	for _, e := range out.Events {
		s.pending = append(s.pending, e)
		if _, gone := e.(Gone); gone {
			s.over = true
		}
	}
	wake.Stop()
	if !out.Wake.IsZero() {
		wake.Reset(time.Until(out.Wake))
	}
}

func (s *Session) dial(life context.Context, n int) {
	conn, expires, err := connect(life, s.address, s.config)
	select {
	case s.dialled <- dialled{n, conn, expires, err}:
	case <-life.Done():
		if conn != nil {
			_ = conn.CloseNow()
		}
	}
}

func (s *Session) renew(life context.Context) {
	token, expires, err := s.config.Renew(life)
	select {
	case s.renewed <- renewed{token, expires, err}:
	case <-life.Done():
	}
}

func (s *Session) opened(life context.Context, d dialled) {
	s.socks[d.n] = newSocket(life, d.n, d.conn, s.came)
	s.live = d.n
	s.talk.Opened(time.Now(), d.n)
	s.talk.Expires(time.Now(), d.expires)
}

// arrived takes what a socket reports. One that was hung up is still heard.
func (s *Session) arrived(life context.Context, a arrival) {
	switch {
	case a.err != nil:
		s.hangup(life, a.n, 0)
		s.talk.Lost(time.Now(), a.n, a.err)
	case a.bad != nil:
		if !s.unreadable {
			s.unreadable = true
			s.pending = append(s.pending, Trouble{errors.New("the service sent something that is no kaiwa frame; is this the right URL?")})
		}
	default:
		s.talk.Frame(time.Now(), a.n, a.frame)
	}
}

// hangup forgets a socket, and closes it after a while.
func (s *Session) hangup(life context.Context, n int, after time.Duration) {
	if q := s.socks[n]; q != nil {
		delete(s.socks, n)
		s.work.Go(func() { q.close(life, after) })
	}
}

// end ends everything. It is called when life is over, or Gone has been said.
func (s *Session) end(life context.Context) {
	s.cancel()
	for n := range s.socks {
		s.hangup(life, n, 0)
	}
	s.work.Wait()
	s.config.Client.CloseIdleConnections()
	close(s.events)
}
