package session_test

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"kaiwa/client/internal/fake"
	"kaiwa/client/session"
	"kaiwa/pkg/wire"
)

// ask runs f with questions to a fake service, in virtual time.
func ask(t *testing.T, f func(t *testing.T, server *fake.Server, q *session.Query)) {
	synctest.Test(t, func(t *testing.T) {
		server := fake.NewServer(nil)
		client, stop := fake.Serve(server)
		defer stop()
		q := session.NewQuery("ws://kaiwa/dev", &session.Config{Client: client})
		defer q.Close()
		f(t, server, q)
	})
}

func TestQuery(t *testing.T) {
	ask(t, func(t *testing.T, server *fake.Server, q *session.Query) {
		for _, c := range []struct {
			ask  wire.Request
			want wire.Frame
		}{
			{wire.Rename{Conversation: "c1", Title: "t"}, wire.Renamed{Conversation: "c1", Title: "t"}},
			{wire.Delete{Conversation: "c1"}, wire.Deleted{Conversation: "c1"}},
			{wire.Delete{All: true}, wire.Deleted{All: true}},
			{wire.Unsubscribe{Topic: "t"}, wire.Unsubscribed{Topic: "t"}},
		} {
			if got, err := q.Ask(t.Context(), c.ask); err != nil || got != c.want {
				t.Errorf("%v: %v %v", c.ask, got, err)
			}
		}
	})
}

// Answers that are lost, connections that break and errors of the moment are
// nothing that the user sees.
func TestQueryAgain(t *testing.T) {
	ask(t, func(t *testing.T, server *fake.Server, q *session.Query) {
		n := 0
		server.Look(func(*fake.Chat) {
			server.Pass = func(post fake.Post) int { n++; return min(1, max(0, n-2)) } // the first two are lost
		})
		var notes int
		q.Note = func(wire.Notification) { notes++ }
		time.AfterFunc(5*time.Second, server.Cut)
		start := time.Now()
		if _, err := q.Ask(t.Context(), wire.Delete{Conversation: "c1"}); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); n != 3 || took < 15*time.Second || took > 25*time.Second {
			t.Errorf("%d answers in %v", n, took)
		}
	})
}

func TestQueryFails(t *testing.T) {
	ask(t, func(t *testing.T, server *fake.Server, q *session.Query) {
		_, err := q.Text(t.Context(), "r9", "c9")
		var e wire.Error
		if !errors.As(err, &e) || e.Code != wire.CodeNotFound {
			t.Errorf("an unknown reply: %v", err)
		}
		server.Look(func(*fake.Chat) { server.Pass = func(fake.Post) int { return 0 } })
		if _, err := q.Ask(t.Context(), wire.Delete{Conversation: "c"}); !errors.Is(err, session.ErrNoAnswer) {
			t.Errorf("no answer: %v", err)
		}
		server.Look(func(*fake.Chat) { server.Admit = func(*http.Request) int { return 403 } })
		var d *session.DialError
		if _, err := q.Ask(t.Context(), wire.Delete{Conversation: "c"}); !errors.As(err, &d) || d.Status != 403 {
			t.Errorf("not let in: %v", err)
		}
	})
}
