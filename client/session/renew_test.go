package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kaiwa/client/internal/fake"
	"kaiwa/client/session"
	"kaiwa/pkg/wire"
)

var (
	expired    = wire.Error{Code: wire.CodeExpired, Message: "the token ran out: send auth", ID: "p1"}
	noneBetter = "the sign-in has run out, or was withdrawn; start again, with a new token if one is needed (token-command gets them by itself)"
)

func TestRenewal(t *testing.T) {
	for _, c := range []struct {
		name string
		run  func(t *testing.T)
	}{
		{"expired: a newer token, then the prompt again, on the same socket", func(t *testing.T) {
			r := online(t, &session.Options{Renews: true})
			r.prompt("hi")
			r.frame(expired)
			r.want(`asked p1; send p1 new "hi"; renew`)
			r.pass(20 * second) // the command takes its time
			r.renewed("new", time.Time{}, nil)
			r.want("auth new")
			r.frame(wire.Authorized{})
			r.want(`send p1 new "hi"`)
			r.frame(wire.Accepted{Ref: ref(1)})
			r.pass(20 * second)
			r.want("")
		}},
		{"no answer to auth: again", func(t *testing.T) {
			r := online(t, &session.Options{Renews: true})
			r.prompt("hi")
			r.frame(expired)
			r.renewed("new", time.Time{}, nil)
			r.pass(10 * second)
			r.frame(wire.Authorized{})
			r.frame(wire.Authorized{})
			r.want(`asked p1; send p1 new "hi"; renew; auth new; auth new; send p1 new "hi"`)
		}},
		{"nothing to renew with", func(t *testing.T) {
			r := online(t, nil)
			r.prompt("hi")
			r.frame(expired)
			r.frame(wire.Error{Code: wire.CodeExpired})
			r.frame(wire.Error{Code: wire.CodeExpired})
			r.want(`asked p1; send p1 new "hi"; refused p1: expired: ` + noneBetter + "; trouble expired: " + noneBetter)
		}},
		{"no newer token", func(t *testing.T) {
			r := online(t, &session.Options{Renews: true})
			r.prompt("hi")
			r.frame(expired)
			r.renewed("", time.Time{}, errors.New("exit status 1"))
			r.want(`asked p1; send p1 new "hi"; renew; refused p1: expired: the sign-in has run out, and there is no new token: exit status 1`)
		}},
		{"the newer token is refused", func(t *testing.T) {
			r := online(t, &session.Options{Renews: true})
			r.prompt("hi")
			r.frame(expired)
			r.renewed("new", time.Time{}, nil)
			r.frame(wire.Error{Code: wire.CodeUnauthorized, Message: "not valid"})
			r.want(`asked p1; send p1 new "hi"; renew; auth new; refused p1: expired: the sign-in has run out, and there is no new token: unauthorized: not valid`)
		}},
		{"refusals of what was sent before", func(t *testing.T) {
			r := online(t, &session.Options{Renews: true})
			r.prompt("hi")
			r.frame(expired)
			r.frame(wire.Error{Code: wire.CodeExpired})
			r.renewed("new", time.Time{}, nil)
			r.frame(expired)
			r.frame(wire.Error{Code: wire.CodeExpired})
			r.frame(wire.Authorized{})
			r.frame(expired)
			r.want(`asked p1; send p1 new "hi"; renew; auth new; send p1 new "hi"`)
			r.pass(10 * second)
			r.frame(expired) // of the last one
			r.want(`send p1 new "hi"; renew`)
		}},
		{"a service without auth gets a new connection", func(t *testing.T) {
			r := online(t, &session.Options{Renews: true})
			r.prompt("hi")
			r.frame(expired)
			r.renewed("new", time.Time{}, nil)
			r.frame(wire.Error{Code: wire.CodeBadRequest, Message: "auth is not offered by this deployment"})
			r.want(`asked p1; send p1 new "hi"; renew; auth new; dial 2`)
			r.open(2)
			r.want(`send p1 new "hi"; hangup 1`)
		}},
		{"a socket that breaks meanwhile", func(t *testing.T) {
			r := online(t, &session.Options{Renews: true})
			r.prompt("hi")
			r.frame(expired)
			r.lose()
			r.renewed("new", time.Time{}, nil) // the next handshake has it
			r.open(2)
			r.want(`asked p1; send p1 new "hi"; renew; lost try 1; dial 2; back; send p1 new "hi"`)
		}},
		{"a resume that is refused", func(t *testing.T) {
			r := running(t, &session.Options{Renews: true})
			r.pass(25 * second)
			r.frame(wire.Error{Code: wire.CodeExpired})
			r.renewed("new", time.Time{}, nil)
			r.frame(wire.Authorized{})
			r.want("resume r1 c1 @0; renew; auth new; resume r1 c1 @0")
			r.frame(end(1, 0))
			r.want("ended r1 end_turn 0")
		}},
		{"a stop that is refused", func(t *testing.T) {
			r := running(t, &session.Options{Renews: true})
			r.stop()
			r.frame(wire.Error{Code: wire.CodeExpired})
			r.renewed("new", time.Time{}, nil)
			r.frame(wire.Authorized{})
			r.want("stop r1; renew; auth new; stop r1")
		}},
		{"a stop while it waits for the token", func(t *testing.T) {
			r := online(t, &session.Options{Renews: true})
			r.prompt("hi")
			r.frame(expired)
			r.stop()
			r.renewed("new", time.Time{}, nil)
			r.want(`asked p1; send p1 new "hi"; renew; refused p1: stopped; auth new`)
		}},
		{"a stop while a copy that was sent before may be accepted", func(t *testing.T) {
			r := online(t, &session.Options{Renews: true})
			r.prompt("hi")
			r.pass(10 * second)
			r.frame(expired)
			r.stop()
			r.frame(delta(1, 0, "a"))
			r.want(`asked p1; send p1 new "hi"; send p1 new "hi"; renew; text "a"; stop r1`)
		}},
		{"before it runs out", func(t *testing.T) {
			r := online(t, &session.Options{Renews: true, Ping: -1})
			r.expires(r.now.Add(time.Hour))
			r.pass(59*time.Minute - 1)
			r.want("")
			r.pass(1)
			r.want("renew")
			r.renewed("new", r.now.Add(20*second), nil)
			r.frame(wire.Authorized{})
			r.want("auth new") // as soon again as before: its clock is not ours
			r.pass(18 * second)
			r.want("")
		}},
		{"before it runs out, and again", func(t *testing.T) {
			r := online(t, &session.Options{Renews: true, Ping: -1})
			r.expires(r.now.Add(100 * second))
			r.pass(90 * second)
			r.renewed("t2", r.now.Add(100*second), nil)
			r.frame(wire.Authorized{})
			r.pass(90 * second)
			r.want("renew; auth t2; renew")
		}},
		{"before it runs out, in vain", func(t *testing.T) {
			r := online(t, &session.Options{Renews: true, Ping: -1})
			r.expires(r.now.Add(time.Hour))
			r.pass(59 * time.Minute)
			r.renewed("", time.Time{}, errors.New("no"))
			r.want("renew; trouble the token runs out at " + time.Unix(3600, 0).Format(time.TimeOnly) + ", and there is no new one: no")
			for range 6 { // until it has run out
				r.pass(10*second - 1)
				r.want("")
				r.pass(1)
				r.want("renew")
				r.renewed("", time.Time{}, errors.New("still no"))
			}
			r.want("trouble expired: the sign-in has run out, and there is no new token: still no")
			r.pass(30 * time.Minute)
			r.want("")
		}},
		{"before it runs out, at the second try", func(t *testing.T) {
			r := online(t, &session.Options{Renews: true, Ping: -1})
			r.expires(r.now.Add(100 * second))
			r.pass(90 * second)
			r.renewed("", time.Time{}, errors.New("no"))
			r.pass(10*second - 1)
			r.frame(wire.Error{Code: wire.CodeExpired}) // its clock is before ours
			r.renewed("new", time.Time{}, nil)
			r.frame(wire.Authorized{})
			r.want("renew; trouble the token runs out at " + time.Unix(100, 0).Format(time.TimeOnly) + ", and there is no new one: no; renew; auth new")
		}},
		{"whoever only listens is told, and hears what was missed", func(t *testing.T) {
			r := running(t, &session.Options{Renews: true, Ping: -1})
			r.frame(end(1, 0))
			r.want("ended r1 end_turn 0")
			r.expires(r.now.Add(100 * second))
			r.pass(90 * second)
			r.renewed("", time.Time{}, errors.New("no"))
			r.pass(10 * second)
			r.pass(second) // the command takes its time
			r.renewed("new", time.Time{}, nil)
			r.frame(wire.Authorized{})
			r.want("renew; trouble the token runs out at " + time.Unix(100, 0).Format(time.TimeOnly) + ", and there is no new one: no; renew; auth new; resume r1 c1 @0")
		}},
		{"nothing to renew with, and nobody asks anything", func(t *testing.T) {
			r := running(t, &session.Options{Ping: -1})
			r.expires(r.now.Add(5 * second))
			r.pass(20 * second)
			r.frame(delta(1, 0, "a"))
			r.pass(20 * second)
			r.want(`text "a"`) // what was begun goes on
			r.frame(end(1, 1))
			r.pass(20 * second)
			r.want("ended r1 end_turn 1; trouble expired: " + noneBetter)
			r.pass(time.Hour)
			r.want("")
		}},
	} {
		t.Run(c.name, c.run)
	}
}

// tokens is a sign-in whose command counts: t1, t2, and so on.
type tokens struct {
	life time.Duration
	n    int
	err  error
}

func (s *tokens) config(client *http.Client) *session.Config {
	current := func() (string, time.Time) {
		expires := time.Time{}
		if s.life > 0 {
			expires = time.Now().Add(s.life)
		}
		return fmt.Sprint("t", s.n), expires
	}
	return &session.Config{
		Options: session.Options{Seed: 1}, Client: client,
		Sign: func(_ context.Context, r *http.Request) (time.Time, error) {
			token, expires := current()
			r.Header.Set("Authorization", "Bearer "+token)
			return expires, s.err
		},
		Renew: func(context.Context) (string, time.Time, error) {
			s.n++
			token, expires := current()
			return token, expires, s.err
		},
	}
}

// A token that runs out in the middle of a reply is replaced, and nobody sees it.
func TestSessionRenews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		text := strings.Repeat("日本語 ", 100)
		server := fake.NewServer(func(string) fake.Script {
			return fake.Script{Text: text, Piece: 5, Every: time.Second}
		})
		server.Chat.Token = "t0"
		client, stop := fake.Serve(server)
		defer stop()
		s, err := session.Dial(t.Context(), "ws://kaiwa/dev", (&tokens{}).config(client))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		for turn := range 3 {
			id := prompt(t, s, "hi")
			time.AfterFunc(5*time.Second, func() {
				server.Look(func(c *fake.Chat) { c.Token = fmt.Sprint("t", turn+1) })
			})
			if r := follow(t, s, id); r.text != text || len(r.did) != 1 {
				t.Errorf("turn %d: got %q, %v", turn, r.text, r.did)
			}
		}
		if err := server.Await(t.Context(), func(_ []wire.Request, conns int) bool { return conns == 1 }); err != nil {
			t.Error(err)
		}
	})
}

// Over hours, a token that says when it runs out never does.
func TestSessionRenewsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := fake.NewServer(nil)
		client, stop := fake.Serve(server)
		defer stop()
		sign := &tokens{life: 10 * time.Minute}
		s, err := session.Dial(t.Context(), "ws://kaiwa/dev", sign.config(client))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		time.Sleep(time.Hour)
		synctest.Wait()
		if sign.n != 6 {
			t.Errorf("%d tokens in an hour", sign.n)
		}
	})
}

// A handshake that is refused is made once more, with a newer token.
func TestSessionRenewsAtTheDoor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := fake.NewServer(nil)
		want := "Bearer t1"
		server.Admit = func(r *http.Request) int {
			if r.Header.Get("Authorization") != want {
				return http.StatusUnauthorized
			}
			return 0
		}
		client, stop := fake.Serve(server)
		defer stop()
		sign := &tokens{}
		s, err := session.Dial(t.Context(), "ws://kaiwa/dev", sign.config(client))
		if err != nil {
			t.Fatal(err)
		}
		if err := server.Await(t.Context(), func(_ []wire.Request, conns int) bool { return conns == 1 }); err != nil {
			t.Fatal(err)
		}
		server.Look(func(*fake.Chat) { want = "Bearer t2" })
		server.Cut()
		if r := follow(t, s, prompt(t, s, "hi")); r.text != "You said: hi" {
			t.Errorf("got %+v", r)
		}
		s.Close()

		server.Look(func(*fake.Chat) { want = "nothing" })
		if _, err = session.Dial(t.Context(), "ws://kaiwa/dev", sign.config(client)); err == nil || !strings.Contains(err.Error(), "401") || sign.n != 3 {
			t.Errorf("%d tokens, %v", sign.n, err)
		}
		sign.err = errors.New("no token")
		_, err = session.Dial(t.Context(), "ws://kaiwa/dev", sign.config(client))
		if no, ok := errors.AsType[*session.SignError](err); !ok || no.Error() != "no token" {
			t.Errorf("got %v", err)
		}
	})
}

func TestQueryRenews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := fake.NewServer(nil)
		server.Chat.Token = "t1"
		client, stop := fake.Serve(server)
		defer stop()
		sign := &tokens{}
		q := session.NewQuery("ws://kaiwa/dev", sign.config(client))
		defer q.Close()
		if _, err := q.Ask(t.Context(), wire.Delete{Conversation: "c1"}); err != nil || sign.n != 1 {
			t.Errorf("%d tokens, %v", sign.n, err)
		}
		server.Look(func(c *fake.Chat) { c.Token = "t9" })
		_, err := q.Ask(t.Context(), wire.Delete{Conversation: "c1"})
		if no, ok := errors.AsType[wire.Error](err); !ok || no.Code != wire.CodeExpired || no.Message != noneBetter {
			t.Errorf("got %v", err)
		}
	})
}
