package lambdart

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// The scheduling of events, with a clock that runs by itself and no process. A
// script says what each attempt does: a letter each, the last one for ever.
func TestQueue(t *testing.T) {
	for _, c := range []struct {
		name, script string
		retries      int
		age          time.Duration
		want         string // when what happened
	}{
		{"success", "d", 2, time.Hour, "0s d"},
		{"a minute, then two", "ffd", 2, time.Hour, "0s f, 1m0s f, 3m0s d"},
		{"exhausted", "f", 2, time.Hour, "0s f, 1m0s f, 3m0s f, 3m0s RetriesExhausted 3"},
		{"one retry", "f", 1, time.Hour, "0s f, 1m0s f, 1m0s RetriesExhausted 2"},
		{"no retry", "f", 0, time.Hour, "0s f, 0s RetriesExhausted 1"},
		{"too old for the next retry", "f", 2, 90 * time.Second, "0s f, 1m0s f, 1m30s EventAgeExceeded 2"},
		{"exactly too old", "f", 2, time.Minute, "0s f, 1m0s EventAgeExceeded 1"},
		{"throttled twice", "ttd", 2, time.Hour, "0s t, 1s t, 3s d"},
		{"throttled is no attempt", "tftffd", 2, time.Hour, "0s t, 1s f, 1m1s t, 1m3s f, 3m3s f, 3m3s RetriesExhausted 3"},
		{"throttled for ever", "t", 2, 20 * time.Minute,
			"0s t, 1s t, 3s t, 7s t, 15s t, 31s t, 1m3s t, 2m7s t, 4m15s t, 8m31s t, 13m31s t, 18m31s t, 20m0s EventAgeExceeded 0"},
		{"no concurrency at all", "z", 2, time.Hour, "0s z, 0s ZeroReservedConcurrency 0"},
		{"closing", "a", 2, time.Hour, "0s a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{letters: c.script, began: time.Now()}
				q := newQueue(time.Minute, s.try, s.drop)
				if !q.add(event{fn: &function{}, since: time.Now(), maxAge: c.age, maxRetries: c.retries}) {
					t.Fatal("not added")
				}
				if n := q.length(""); n != 1 {
					t.Errorf("length = %d", n)
				}
				q.events.Wait()
				if got := strings.Join(s.seen, ", "); got != c.want {
					t.Errorf("got  %s\nwant %s", got, c.want)
				}
				if n := q.length(""); n != 0 {
					t.Errorf("length at the end = %d", n)
				}
				q.close()
			})
		})
	}
}

// script is a fake executor.
type script struct {
	letters string
	began   time.Time

	mu   sync.Mutex
	seen []string
}

func (s *script) note(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, time.Since(s.began).String()+" "+what)
}

func (s *script) try(e *event) (verdict, outcome) {
	letter := s.letters[:1]
	if len(s.letters) > 1 {
		s.letters = s.letters[1:]
	}
	s.note(letter)
	v := map[string]verdict{"d": delivered, "f": failed, "t": throttled, "z": refusedForGood, "a": abandoned}[letter]
	return v, outcome{}
}

func (s *script) drop(e *event, condition string, _ outcome) {
	s.note(fmt.Sprintf("%s %d", condition, e.attempts))
}

func TestQueueClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{letters: "f", began: time.Now()}
		q := newQueue(time.Minute, s.try, s.drop)
		e := event{fn: &function{}, since: time.Now(), maxAge: time.Hour, maxRetries: 2}
		q.add(e)
		q.add(e)
		synctest.Wait() // both wait for their retry
		q.close()
		if want := []string{"0s f", "0s f"}; !slices.Equal(s.seen, want) {
			t.Errorf("seen = %v, want %v", s.seen, want)
		}
		if time.Since(s.began) != 0 {
			t.Error("close waits for the retry")
		}
		if q.add(e) {
			t.Error("a closed queue takes events")
		}
		q.close()
	})
}
