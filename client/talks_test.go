package main_test

import (
	"bytes"
	"encoding/json"
	"io"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"kaiwa/client/internal/fake"
	"kaiwa/pkg/wire"
)

// withTalks is a service with three conversations, c1 to c3.
func withTalks(t *testing.T) (*fake.Server, string) {
	t.Helper()
	server, url := service(t)
	for _, text := range []string{"one", "two", "three"} {
		if got := kaiwa(t, "", "-p", text, url); got.code != 0 {
			t.Fatal(got)
		}
	}
	return server, url
}

func TestConversations(t *testing.T) {
	at := regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\dZ| UTC)?`)
	for _, c := range []struct {
		name string
		args []string
		want result
	}{
		{"list", []string{"ls"}, result{out: "c3  AT  about three\nc2  AT  about two\nc1  AT  about one\n"}},
		{"list for programs", []string{"ls", "--json"}, result{out: `{"id":"c3","title":"about three","at":"AT"}
{"id":"c2","title":"about two","at":"AT"}
{"id":"c1","title":"about one","at":"AT"}
`}},
		{"continue", []string{"-c", "-p", "more"}, result{out: "You said: more\n"}},
		{"resume by id", []string{"-p", "more", "-r", "c2"}, result{out: "You said: more\n"}},
		{"resume what is not there", []string{"-p", "more", "-r", "c9"}, result{"", "kaiwa: there is no conversation \"c9\"; kaiwa ls shows them\n", 2}},
		{"resume what is not clear", []string{"-p", "more", "-r", "ABOUT"}, result{"", "kaiwa: \"ABOUT\" is in the titles of 3 conversations, \"about three\" and \"about two\" among them\n", 2}},
		{"show", []string{"show", "c2"}, result{out: "> two\n\nYou said: two\n"}},
		{"show a part of a title", []string{"show", "TWO"}, result{out: "> two\n\nYou said: two\n"}},
		{"export", []string{"export", "about one"}, result{out: "# about one\n\nAT, c1\n\n## user\n\none\n\n## assistant\n\nYou said: one\n"}},
		{"export two ways", []string{"export", "c1", "--md", "--json"}, result{"", "kaiwa: --md and --json are two formats; choose one\n", 2}},
		{"rename", []string{"rename", "c1", "ein", "Titel"}, result{}},
		{"remove", []string{"rm", "c1", "about two"}, result{}},
		{"remove is exact", []string{"rm", "about"}, result{"", "kaiwa: there is no conversation \"about\"; kaiwa ls shows them\n", 2}},
		{"remove an empty name", []string{"rm", ""}, result{"", "kaiwa: say which conversation, by its id or its title\n", 2}},
		{"show an empty name", []string{"show", ""}, result{"", "kaiwa: say which conversation, by its id or its title\n", 2}},
		{"remove everything", []string{"rm", "--all", "--yes"}, result{}},
		{"remove everything?", []string{"rm", "--all"}, result{"", "kaiwa: that is every conversation of yours, every topic and every missed notification, for good; if you mean it say --yes as well\n", 2}},
		{"remove nothing", []string{"rm"}, result{"", "kaiwa: it goes like this: kaiwa rm ID..., or kaiwa rm --all\n", 2}},
		{"too few words", []string{"rename", "c1"}, result{"", "kaiwa: it goes like this: kaiwa rename ID TITLE; to ask this as a question, put it in quotes\n", 2}},
		{"too many", []string{"show", "me", "a haiku"}, result{"", "kaiwa: it goes like this: kaiwa show ID|TITLE; to ask this as a question, put it in quotes\n", 2}},
		{"a question in quotes", []string{"show me a haiku"}, result{out: "You said: show me a haiku\n"}},
		{"a question after --", []string{"--", "ls"}, result{out: "You said: ls\n"}},
		{"both", []string{"-c", "-r", "c1"}, result{"", "kaiwa: -c and -r are two conversations; choose one\n", 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			server, url := withTalks(t)
			got := kaiwa(t, "", append([]string{"--url", url}, c.args...)...)
			if got.out = at.ReplaceAllString(strings.ReplaceAll(got.out, "0001-01-01T00:00:00Z", "AT"), "AT"); got != c.want {
				t.Errorf("got %+v\nwant %+v", got, c.want)
			}
			server.Look(func(chat *fake.Chat) {
				after := map[string]string{"continue": "c1 c2 c3 c3", "resume by id": "c1 c2 c3 c2", "remove": "c3", "remove everything": "", "a question in quotes": "c1 c2 c3 c4", "a question after --": "c1 c2 c3 c4"}
				var ids []string
				for _, r := range chat.Replies() {
					ids = append(ids, r.Conversation)
				}
				want, ok := after[c.name]
				if !ok {
					want = "c1 c2 c3"
				}
				if got := strings.Join(ids, " "); got != want {
					t.Errorf("the service has replies in %s, want %s", got, want)
				}
			})
		})
	}
}

// Deleting takes no guess: of several conversations of one title none is deleted.
func TestRemoveOneOfMany(t *testing.T) {
	server, url := withTalks(t)
	for _, id := range []string{"c1", "c3"} {
		kaiwa(t, "", "rename", id, "same", url)
	}
	if got := kaiwa(t, "", "rm", "same", url); got != (result{"", "kaiwa: 2 conversations are called \"same\", c3 and c1 among them: say which by its id\n", 2}) {
		t.Errorf("%+v", got)
	}
	if got := kaiwa(t, "", "show", "same", url); !strings.HasPrefix(got.out, "> three") {
		t.Errorf("the newest is shown: %+v", got)
	}
	if got := kaiwa(t, "", "rm", "c1", "same", url); got != (result{}) {
		t.Errorf("when there is one only: %+v", got)
	}
	server.Look(func(c *fake.Chat) {
		if left := c.Replies(); len(left) != 1 || left[0].Conversation != "c2" {
			t.Errorf("left: %+v", left)
		}
	})
}

// Two turns, as they looked in the chat.
func TestShowTurns(t *testing.T) {
	_, url := service(t)
	if got := kaiwa(t, "one\ntwo\n", url); got.code != 0 {
		t.Fatal(got)
	}
	if got := kaiwa(t, "", "show", "c1", url); got.out != "> one\n\nYou said: one\n\n> two\n\nYou said: two\n" {
		t.Errorf("%q", got.out)
	}
}

func TestRenamed(t *testing.T) {
	_, url := withTalks(t)
	kaiwa(t, "", "rename", "c1", "ein", "Titel", url)
	if got := kaiwa(t, "", "ls", url); !strings.Contains(got.out, "ein Titel\n") {
		t.Errorf("%+v", got)
	}
}

// -c without any conversation begins one and says so.
func TestNothingToContinue(t *testing.T) {
	_, url := service(t)
	want := result{"You said: x\n", "kaiwa: there is no conversation to continue: this begins one\n", 0}
	if got := kaiwa(t, "", "-c", "-p", "x", url); got != want {
		t.Errorf("%+v", got)
	}
}

// An export is whole though the history cuts long texts, and says what it cannot
// get.
func TestExportWhole(t *testing.T) {
	_, url := service(t)
	long := strings.Repeat("日本語", 20_000)
	if got := kaiwa(t, long, "-p", "-", url); got.code != 0 {
		t.Fatal(got.code, got.err)
	}
	got := kaiwa(t, "", "export", "--json", "c1", url)
	var talk struct {
		ID       string
		Messages []wire.Message
	}
	if err := json.Unmarshal([]byte(got.out), &talk); err != nil || talk.ID != "c1" || len(talk.Messages) != 2 {
		t.Fatalf("%v, %d messages, %s", err, len(talk.Messages), got.err)
	}
	if talk.Messages[0].Text != long || talk.Messages[1].Text != "You said: "+long {
		t.Errorf("%.50s and %.50s", talk.Messages[0].Text, talk.Messages[1].Text)
	}
}

func TestWatch(t *testing.T) {
	red := wire.Notification{ID: "n1", Title: "build", Text: "red\x1b[2J", Level: "warn", Topic: "ci", At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	other := wire.Notification{ID: "n3", Text: "other"}
	green := wire.Notification{ID: "n4", Text: "green", Topic: "ci", At: red.At}
	for _, c := range []struct {
		args        []string
		first, then string // after the connection has broken
		err         string
	}{
		{nil, "* other\n* [warn] build: red\n", "* green\n", ""},
		{
			[]string{"--json", "--topic", "ci"},
			`{"type":"notification","id":"n1","title":"build","text":"red\u001b[2J","level":"warn","topic":"ci","at":"2026-01-02T03:04:05Z"}` + "\n",
			`{"type":"notification","id":"n4","text":"green","topic":"ci","at":"2026-01-02T03:04:05Z"}` + "\n", "kaiwa: * other\n",
		},
	} {
		server, url := service(t)
		cmd := command(t, append([]string{"watch", url}, c.args...)...)
		var errs bytes.Buffer
		cmd.Stderr = &errs
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// Said again and again, as nobody tells when it listens: it prints them once.
		prints := func(want string, ns ...wire.Notification) {
			heard, said := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(said)
				tick := time.NewTicker(20 * time.Millisecond)
				defer tick.Stop()
				for {
					for _, n := range ns {
						server.Send(n)
					}
					select {
					case <-tick.C:
					case <-heard:
						return
					}
				}
			}()
			got := make([]byte, len(want))
			_, err := io.ReadFull(out, got)
			close(heard)
			<-said
			if string(got) != want {
				t.Errorf("%v: got %q %v, want %q", c.args, got, err, want)
			}
		}
		prints(c.first, other, red)
		server.Cut()
		prints(c.then, red, other, green)
		_ = cmd.Process.Signal(syscall.SIGINT)
		rest, _ := io.ReadAll(out)
		_ = cmd.Wait()
		subscribed := 0
		_ = server.Await(t.Context(), func(heard []wire.Request, _ int) bool {
			for _, q := range heard {
				if q == (wire.Subscribe{Topic: "ci"}) {
					subscribed++
				}
			}
			return true
		})
		if c.args != nil && subscribed < 2 { // once on each connection
			t.Errorf("it subscribed %d times", subscribed)
		}
		if code := cmd.ProcessState.ExitCode(); len(rest) > 0 || code != 130 || errs.String() != c.err {
			t.Errorf("%v: %d %q %q", c.args, code, rest, errs.String())
		}
	}
}

func TestWatchRefused(t *testing.T) {
	server, url := service(t)
	server.Look(func(c *fake.Chat) { c.Topics = []string{"ci"} })
	if got := kaiwa(t, "", "watch", "--topic", "ci", "--topic", "secret", url); got != (result{"", "kaiwa: secret: you may not subscribe to this topic\n", 3}) {
		t.Errorf("%+v", got)
	}
}

func TestUnwatch(t *testing.T) {
	server, url := service(t)
	if got := kaiwa(t, "", "unwatch", "ci", "ops", url); got != (result{}) {
		t.Errorf("%+v", got)
	}
	_ = server.Await(t.Context(), func(heard []wire.Request, _ int) bool {
		if want := []wire.Request{wire.Unsubscribe{Topic: "ci"}, wire.Unsubscribe{Topic: "ops"}}; !slices.Equal(heard, want) {
			t.Errorf("the service heard %v", heard)
		}
		return true
	})
}
