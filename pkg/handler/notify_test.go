package handler_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/emu/ddb"
	"kaiwa/pkg/handler"
	"kaiwa/pkg/wire"
)

func (d *desk) notify(event string) (handler.Delivered, error) {
	n := &handler.Notify{Store: d.table, Poster: d.posts, Logger: d.Logger}
	return n.Handle(d.t.Context(), json.RawMessage(event))
}

// TestNotifyUser: every open connection of the user hears it in its own mode, and
// nobody else.
func TestNotifyUser(t *testing.T) {
	d := newDesk(t)
	d.connect("json", "alice", wire.SubprotocolJSON)
	d.connect("text", "alice", wire.SubprotocolText)
	d.connect("unset", "alice", "")
	d.connect("used", "alice", "")
	d.raw("used", `{"action":"conversations"}`)
	d.connect("gone", "alice", "")
	d.posts.hangUp("gone")
	d.connect("bob", "bob", "")
	before := len(d.posts.to("used"))

	got, err := d.notify(`{"to":{"user":"alice"},"id":"n1","title":"ビルド","text":"done ` + canary + ` \u001b[31m","level":"info","data":{"a":[1]}}`)
	if err != nil || got != (handler.Delivered{Delivered: 4, Gone: 1}) {
		t.Fatalf("%+v, %v", got, err)
	}
	for _, conn := range []string{"json", "used"} {
		f := only[wire.Notification](t, decodeAll(t, d.posts.to(conn)[map[string]int{"used": before}[conn]:]))
		if f.ID != "n1" || f.Title != "ビルド" || f.Text != "done "+canary+" \x1b[31m" || f.Level != "info" || string(f.Data) != `{"a":[1]}` || time.Since(f.At) > time.Minute {
			t.Errorf("%s got %+v", conn, f)
		}
	}
	for _, conn := range []string{"text", "unset"} {
		if got := d.posts.to(conn); len(got) != 1 || got[0] != "* [info] ビルド: done "+canary {
			t.Errorf("%s got %q", conn, got)
		}
	}
	if len(d.posts.to("bob")) != 0 || !d.connection("gone").Gone {
		t.Errorf("bob got %q, the gone connection is %+v", d.posts.to("bob"), d.connection("gone"))
	}
	// Who is gone is not tried again.
	if got, err := d.notify(`{"to":{"user":"alice"},"title":"only a title"}`); err != nil || got != (handler.Delivered{Delivered: 4}) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestNotifyConnection(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "alice", wire.SubprotocolJSON)
	d.connect("c2", "alice", "")
	if got, err := d.notify(`{"to":{"connection":"c1"},"text":"hello"}`); err != nil || got.Delivered != 1 || len(d.posts.to("c2")) != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	if f := only[wire.Notification](t, decodeAll(t, d.posts.to("c1"))); len(f.ID) != 22 || f.Text != "hello" {
		t.Errorf("got %+v", f)
	}
	for _, nobody := range []string{`{"to":{"connection":"c9"},"text":"hello"}`, `{"to":{"user":"nobody"},"text":"hello"}`} {
		if got, err := d.notify(nobody); err != nil || got != (handler.Delivered{}) {
			t.Errorf("%s: %+v, %v", nobody, got, err)
		}
	}
}

func TestNotifyRefused(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "alice", "")
	for event, says := range map[string]string{
		`nonsense`:                  `decode notification`,
		`{"to":"alice","text":"x"}`: `send {"to":{"user":"alice"},"text":"hello"}`,
		`{"to":{"user":"alice"}}`:   `the notification has no text`,
		`{"text":"x"}`:              `the notification has no target`,
		`{"to":{},"text":"x"}`:      `the notification has no target`,
		`{"to":{"user":"alice","connection":"c1"},"text":"x"}`:                                 `names both user and connection`,
		`{"to":{"user":"alice"},"text":"` + strings.Repeat("x", wire.MaxMessage) + `"}`:        `at most 131072 fit`,
		`{"to":{"user":"alice"},"text":"` + strings.Repeat(`\u0001`, wire.MaxMessage/6) + `"}`: `at most 131072 fit`,
	} {
		got, err := d.notify(event)
		if err == nil || !strings.Contains(err.Error(), says) || got != (handler.Delivered{}) {
			t.Errorf("%.60s: %+v, %v; want an error that says %q", event, got, err, says)
		}
	}
	if got := d.posts.to("c1"); len(got) != 0 {
		t.Errorf("posted %q", got)
	}
}

// TestNotifyFails: what could not be delivered is an error, what could be counts.
func TestNotifyFails(t *testing.T) {
	bubble(t, func(d *desk) {
		d.connect("c1", "alice", "")
		d.posts.fail = chat.E(chat.Unavailable, "gateway")
		if got, err := d.notify(`{"to":{"user":"alice"},"text":"hello"}`); err == nil || got.Delivered != 0 {
			d.t.Errorf("a gateway that is down: %+v, %v", got, err)
		}
		d.posts.fail = nil
		for _, event := range []string{`{"to":{"user":"alice"},"text":"hello"}`, `{"to":{"connection":"c1"},"text":"hello"}`} {
			for _, op := range []string{"Query", "GetItem", "BatchGetItem"} {
				d.fault.set(op, ddb.Throttle)
				before := len(d.posts.to("c1"))
				if got, err := d.notify(event); (err == nil) != (len(d.posts.to("c1")) == before+1) || got.Delivered != len(d.posts.to("c1"))-before {
					d.t.Errorf("%s without %s: %+v, %v", event, op, got, err)
				}
			}
		}
	})
}
