package session_test

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"kaiwa/client/internal/fake"
	"kaiwa/client/session"
	"kaiwa/pkg/wire"
)

// TestSimulation lets a Talk and a service meet over a network that loses,
// doubles, delays and reorders in both directions, cuts connections and leaves
// some of them open but dead, while tokens run out and are not always replaced. What is shown of a reply must be the reply, and
// every prompt must end, once.
func TestSimulation(t *testing.T) {
	n := uint64(600)
	if testing.Short() {
		n = 60
	}
	for seed := range n {
		s := newSim(seed)
		s.run()
		if err := s.check(); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, strings.Join(s.log, "\n"))
		}
	}
}

const calm = 3 * time.Minute // when the faults end

type sim struct {
	rnd   *rand.Rand
	now   time.Time
	start time.Time
	talk  *session.Talk
	wake  time.Time
	chat  *fake.Chat
	todo  []job // in order of time
	socks map[int]*sock
	live  int
	log   []string

	loss, double, cut, dead float64
	shown                   map[string][]rune        // by reply
	ends                    map[string]session.Ended // the last one of a reply
	settled                 map[string]int           // by prompt
	asked                   []string
	tokenless               map[string]bool // prompts refused for want of a token, of which an earlier copy may be accepted
	late                    error
}

type job struct {
	at time.Time
	do func()
}

type sock struct{ open, dead bool }

func newSim(seed uint64) *sim {
	r := rand.New(rand.NewPCG(seed, 7))
	s := &sim{
		rnd: r, start: time.Unix(0, 0), now: time.Unix(0, 0),
		socks: map[int]*sock{}, shown: map[string][]rune{}, ends: map[string]session.Ended{}, settled: map[string]int{}, tokenless: map[string]bool{},
		loss: r.Float64() * 0.3, double: r.Float64() * 0.2, cut: r.Float64() * 0.1, dead: r.Float64() * 0.3,
	}
	s.chat = &fake.Chat{Answer: s.answer}
	id := 0
	s.talk = session.NewTalk(s.now, &session.Options{Seed: seed + 1, Tries: 1000, Renews: true, Overhear: seed%2 == 0, NewID: func() string {
		id++
		return fmt.Sprintf("p%d", id)
	}})
	return s
}

func (s *sim) answer(prompt string) fake.Script {
	r := s.rnd
	sc := fake.Script{
		Text:  strings.Repeat("日本語 text👩‍👩‍👧"+prompt+"\n", r.IntN(40)),
		Piece: 1 + r.IntN(40), Every: s.upTo(400 * time.Millisecond), First: s.upTo(2 * time.Second),
	}
	switch r.IntN(8) {
	case 0:
		sc.Fail = wire.Error{Code: wire.CodeModelError, Message: "m"}
	case 1:
		sc.Unsaved, sc.Lose = true, r.IntN(20)
	case 2:
		sc.First = 40 * time.Second
	case 3:
		if r.IntN(2) == 0 {
			sc.Refuse = wire.Error{Code: wire.CodeUnavailable, Message: "later", Retryable: true}
		}
	}
	return sc
}

func (s *sim) upTo(d time.Duration) time.Duration { return time.Duration(s.rnd.Int64N(int64(d) + 1)) }
func (s *sim) faulty() bool                       { return s.now.Sub(s.start) < calm }
func (s *sim) chance(p float64) bool              { return s.faulty() && s.rnd.Float64() < p }

func (s *sim) after(d time.Duration, do func()) {
	j := job{s.now.Add(d), do}
	i, _ := slices.BinarySearchFunc(s.todo, j, func(a, b job) int {
		return cmp.Or(a.at.Compare(b.at), -1) // after those of the same time
	})
	s.todo = slices.Insert(s.todo, i, j)
}

func (s *sim) note(format string, args ...any) {
	s.log = append(s.log, fmt.Sprintf("%8.3f ", s.now.Sub(s.start).Seconds())+fmt.Sprintf(format, args...))
}

// run plays a user's hour.
func (s *sim) run() {
	for range 2 + s.rnd.IntN(4) {
		s.after(s.upTo(calm), func() { _, _ = s.talk.Prompt(s.now, "q"); s.take() })
	}
	for range s.rnd.IntN(3) {
		s.after(s.upTo(calm), func() { s.talk.Stop(s.now); s.take() })
	}
	for n := range s.rnd.IntN(4) {
		s.after(s.upTo(calm), func() { s.chat.Token = fmt.Sprint("t", n) })
	}
	s.after(20*time.Minute, func() { s.late = s.ended() })
	s.after(21*time.Minute, func() { s.hang(s.live) }) // brings a durable end that got lost
	s.take()
	for s.now.Sub(s.start) < time.Hour {
		next, what := s.start.Add(time.Hour), 0
		if !s.wake.IsZero() && s.wake.Before(next) {
			next, what = s.wake, 1
		}
		if at := s.chat.Next(); !at.IsZero() && at.Before(next) {
			next, what = at, 2
		}
		if len(s.todo) > 0 && s.todo[0].at.Before(next) {
			next, what = s.todo[0].at, 3
		}
		if next.After(s.now) {
			s.now = next
		}
		switch what {
		case 0:
			return
		case 1:
			s.talk.Tick(s.now)
			s.take()
		case 2:
			s.post(s.chat.Tick(s.now))
		case 3:
			j := s.todo[0]
			s.todo = s.todo[1:]
			j.do()
		}
	}
}

// take does what the talk wants done.
func (s *sim) take() {
	out := s.talk.Take()
	s.wake = out.Wake
	for _, e := range out.Events {
		s.event(e)
	}
	if n := out.Dial; n != 0 {
		s.after(s.upTo(time.Second), func() { s.dialled(n) })
	}
	if out.Renew {
		s.after(s.upTo(2*time.Second), s.renew)
	}
	for _, q := range out.Send {
		s.request(s.live, q)
	}
	if n := out.Hangup; n != 0 {
		s.after(2*time.Second, func() { s.socks[n].open = false; s.chat.Closed(n) })
	}
}

func (s *sim) dialled(n int) {
	if s.chance(0.4) {
		s.note("dial %d fails", n)
		s.talk.Failed(s.now, n, errors.New("no"), false)
		s.take()
		return
	}
	s.socks[n] = &sock{open: true, dead: s.chance(s.dead)}
	s.live = n
	s.note("socket %d opens, dead %v", n, s.socks[n].dead)
	s.chat.Opened(n, s.token())
	s.talk.Opened(s.now, n)
	s.take()
}

// token is the one that is valid now, or, for a handshake that took its time, was
// a moment ago.
func (s *sim) token() string {
	if s.chance(0.3) {
		return "old"
	}
	return s.chat.Token
}

func (s *sim) renew() {
	var err error
	if s.chance(0.2) {
		err = errors.New("no token")
	}
	s.note("renewed %s, %v", s.chat.Token, err)
	s.talk.Renewed(s.now, s.chat.Token, s.now.Add(s.upTo(5*time.Minute)), err)
	s.take()
}

// hang cuts a connection.
func (s *sim) hang(n int) {
	if c := s.socks[n]; c != nil && c.open && !c.dead {
		s.note("socket %d is cut", n)
		c.open = false
		s.after(s.upTo(5*time.Second), func() { s.chat.Closed(n) })
		s.talk.Lost(s.now, n, errors.New("cut"))
		s.take()
	}
}

func (s *sim) request(n int, q wire.Request) {
	for range s.copies() {
		s.after(s.upTo(300*time.Millisecond), func() {
			if c := s.socks[n]; !c.open || c.dead {
				return
			}
			s.note("> %d %s", n, showRequest(q))
			s.post(s.chat.Handle(s.now, n, q))
		})
	}
}

func (s *sim) post(posts []fake.Post) {
	for _, p := range posts {
		for range s.copies() {
			s.after(s.upTo(300*time.Millisecond), func() {
				if c := s.socks[p.Conn]; !c.open || c.dead {
					return
				}
				s.note("< %.100s", p)
				s.talk.Frame(s.now, p.Conn, p.Frame)
				s.take()
				if s.chance(s.cut) {
					s.hang(p.Conn)
				}
			})
		}
	}
}

// copies is how often a message arrives.
func (s *sim) copies() int {
	switch {
	case s.chance(s.loss):
		return 0
	case s.chance(s.double):
		return 2
	}
	return 1
}

func (s *sim) event(e session.Event) {
	s.note("* %.100s", showEvent(e))
	switch e := e.(type) {
	case session.Asked:
		s.asked = append(s.asked, e.ID)
	case session.Refused:
		s.settled[e.ID]++
		if no, ok := errors.AsType[wire.Error](e.Err); ok && no.Code == wire.CodeExpired {
			s.tokenless[e.ID] = true
		}
	case session.Text:
		s.shown[e.Reply] = append(s.shown[e.Reply], []rune(e.Text)...)
	case session.Ended:
		s.shown[e.Reply] = s.shown[e.Reply][:len(s.shown[e.Reply])-e.Cut]
		if last, again := s.ends[e.Reply]; !again || last.Saved {
			s.settled[e.ID]++
		}
		s.ends[e.Reply] = e
	}
}

// ended says whether every prompt has ended, once.
func (s *sim) ended() error {
	for _, id := range s.asked {
		if n := s.settled[id]; n != 1 && (n != 2 || !s.tokenless[id]) {
			return fmt.Errorf("prompt %s ended %d times", id, s.settled[id])
		}
	}
	if s.talk.Queued() != 0 || len(s.asked) < 2 {
		return fmt.Errorf("%d prompts were never asked", s.talk.Queued())
	}
	return nil
}

func (s *sim) check() error {
	if err := cmp.Or(s.late, s.ended()); err != nil {
		return err
	}
	replies := s.chat.Replies()
	for i, r := range replies {
		e, ok := s.ends[r.Reply]
		if !ok {
			continue // it was stopped before it had a name
		}
		got, want := string(s.shown[r.Reply]), r.Text()
		if !e.Saved && i < len(replies)-1 && strings.HasPrefix(got, want) {
			continue // its durable end was lost, and nobody asks again
		}
		if got != want || e.Stop != r.End.Stop || e.Length != r.End.Length {
			return fmt.Errorf("%s shows %q, %s; the service has %q, %s", r.Reply, got, e.Stop, want, r.End.Stop)
		}
	}
	return nil
}
