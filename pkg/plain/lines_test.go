package plain_test

import (
	"strings"
	"testing"
	"time"

	"kaiwa/pkg/plain"
	"kaiwa/pkg/wire"
)

func TestWaiting(t *testing.T) {
	if got, want := plain.Waiting(20), "… waiting 20 s"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestError(t *testing.T) {
	for _, c := range []struct {
		e    wire.Error
		want string
	}{
		{wire.Error{Code: wire.CodeBadRequest, Message: "there is no /x"}, "! there is no /x"},
		{wire.Error{Code: wire.CodeRateLimited, Message: "slow down", RetryAfter: 30}, "! slow down (wait 30 s)"},
		{wire.Error{Code: wire.CodeRateLimited, Message: "enough for today", RetryAfter: 150}, "! enough for today (wait 3 min)"},
		{wire.Error{Code: wire.CodeRateLimited, Message: "enough for today", RetryAfter: 7201}, "! enough for today (wait 3 h)"},
		{wire.Error{Code: wire.CodeBusy, Message: "still answering"}, "! still answering (/stop ends it)"},
		{wire.Error{Code: wire.CodeBusy, Message: "still answering; /stop ends it"}, "! still answering; /stop ends it"},
		{wire.Error{Code: wire.CodeModelError, Message: "two\nlines \x1b[31mred\r\n"}, "! two lines red"},
		{wire.Error{Code: wire.CodeUnavailable, Message: "混雑しています。"}, "! 混雑しています。"},
		{wire.Error{Code: wire.CodeTooLarge}, "! this is too long; send less"},
		{wire.Error{Code: wire.CodeNotFound}, "! there is no such thing; /list shows your conversations"},
		{wire.Error{Code: wire.CodeBusy}, "! the last answer is not finished yet (/stop ends it)"},
		{wire.Error{Code: wire.CodeExpired}, "! you are not signed in any more; connect again"},
		{wire.Error{Code: wire.CodeUnauthorized}, "! you are not signed in any more; connect again"},
		{wire.Error{Code: wire.CodeBadRequest, Message: "\x07"}, "! this was not understood; /help shows what can be"},
		{wire.Error{Code: wire.CodeInternal}, "! this did not work; try again"},
		{wire.Error{}, "! this did not work; try again"},
	} {
		if got := plain.Error(c.e); got != c.want {
			t.Errorf("%+v: %q, want %q", c.e, got, c.want)
		}
	}
}

func TestEnd(t *testing.T) {
	for _, c := range []struct {
		stop   string
		length int
		want   string
	}{
		{"end_turn", 5, ""},
		{"stopped", 5, "! stopped"},
		{"interrupted", 5, "! interrupted; what came is kept, ask for the rest"},
		{"interrupted", 0, "! interrupted before it began; please send it again"},
		{"max_tokens", 5, "! cut short by the length limit; ask it to go on"},
		{"model_context_window_exceeded", 0, "! the conversation is too long for the model; /new starts another"},
		{"content_filtered", 0, "! ended by a content filter; put it differently"},
		{"guardrail_intervened", 9, "! ended by a content filter; put it differently"},
		{"stop_sequence", 9, "! ended: stop_sequence"},
		{"tool_use\x1b[2J\n", 9, "! ended: tool_use"},
		{"", 9, "! ended"},
	} {
		if got := plain.End(wire.End{Stop: c.stop, Length: c.length, Saved: true}); got != c.want {
			t.Errorf("%s: %q, want %q", c.stop, got, c.want)
		}
	}
}

func TestNotification(t *testing.T) {
	for _, c := range []struct {
		n    wire.Notification
		want string
	}{
		{wire.Notification{Text: "build 7 is out"}, "* build 7 is out"},
		{wire.Notification{Level: "warning", Title: "Deploy", Text: "slow"}, "* [warning] Deploy: slow"},
		{wire.Notification{Title: "配信", Text: "一行目\n\n二行目\tです"}, "* 配信: 一行目 二行目 です"},
		{wire.Notification{Level: "info", Title: "only a title"}, "* [info] only a title"},
		{wire.Notification{Text: "\x1b]0;PWNED\x07hi\u2028there\u202e"}, "* hi there"},
		{wire.Notification{}, "*"},
	} {
		if got := plain.Notification(c.n); got != c.want {
			t.Errorf("%+v: %q, want %q", c.n, got, c.want)
		}
	}
	long := plain.Notification(wire.Notification{Text: strings.Repeat("長い", wire.MaxFrame)})
	if len(long) > wire.MaxFrame || len(long) < wire.MaxFrame-3 {
		t.Errorf("a long one takes %d bytes", len(long))
	}
}

func TestList(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) time.Time { return now.Add(-d) }
	got := plain.ListText([]wire.ConversationInfo{
		{ID: "a", Title: "Kyoto in autumn", At: at(10 * time.Second)},
		{ID: "b", Title: "京都の\n紅葉\x1b[2J", At: at(5 * time.Minute)},
		{ID: "c", Title: "", At: at(3 * time.Hour)},
		{ID: "d", Title: strings.Repeat("長", 100), At: at(50 * time.Hour)},
		{ID: "e", Title: "old", At: time.Date(2026, 1, 2, 3, 0, 0, 0, time.FixedZone("JST", 9*3600))},
		{ID: "f", Title: "no time"},
		{ID: "g", Title: "ahead", At: at(-time.Minute)},
	}, now, "b")
	want := strings.Join([]string{
		"1  Kyoto in autumn, just now",
		"2  京都の 紅葉, 5 min ago (open)",
		"3  (no title), 3 h ago",
		"4  " + strings.Repeat("長", 59) + "…, 2 d ago",
		"5  old, 2026-01-01",
		"6  no time",
		"7  ahead, just now",
	}, "\n")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := plain.ListText(nil, now, ""); got != "no conversations yet; type something to begin one" {
		t.Errorf("an empty list is %q", got)
	}
}

func TestOpened(t *testing.T) {
	got := plain.Opened("Kyoto", []wire.Message{ // newest first
		{Role: "assistant", Text: "In November.\nBring a coat." + strings.Repeat("x", 300)},
		{Role: "user", Text: "When?\x07"},
		{Role: "assistant", Text: "\n"},
	})
	want := "opened: Kyoto\nyou: When?\nkaiwa: In November. Bring a coat." + strings.Repeat("x", 199-len("In November. Bring a coat.")) + "…"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := plain.Opened("", nil); got != "opened: (no title)" {
		t.Errorf("without anything: %q", got)
	}
	if got := plain.Opened(strings.Repeat("x", 58)+family+"xxx", nil); got != "opened: "+strings.Repeat("x", 58)+"…" {
		t.Errorf("a title cut inside a cluster: %q", got)
	}
}

// Whatever others put into them, texts are harmless, none is empty and none JSON.
func FuzzTexts(f *testing.F) {
	f.Add("plain", "two\nlines", 3)
	f.Add("\x1b]0;PWNED\x07", "\u202e\xff\u009b", -1)
	f.Fuzz(func(t *testing.T, a, b string, n int) {
		at := time.Unix(int64(n), 0)
		for what, s := range map[string]string{
			"Error":        plain.Error(wire.Error{Code: wire.Code(b), Message: a, RetryAfter: n}),
			"End":          plain.End(wire.End{Stop: "x" + a, Length: n}),
			"Notification": plain.Notification(wire.Notification{Title: a, Text: b, Level: a}),
			"Waiting":      plain.Waiting(n),
		} {
			checkSafe(t, what, s)
			if s == "" || strings.ContainsAny(s, "\n\t") || len(s) > wire.MaxFrame || s[0] == '{' {
				t.Fatalf("%s(%q, %q, %d) = %q", what, a, b, n, s)
			}
		}
		for what, s := range map[string]string{
			"HelpText": plain.HelpText(),
			"ListText": plain.ListText([]wire.ConversationInfo{{ID: a, Title: b, At: at}}, time.Unix(0, 0), a),
			"Opened":   plain.Opened(a, []wire.Message{{Role: a, Text: b}, {Role: "user", Text: a}}),
			"Created":  plain.Created(),
		} {
			checkSafe(t, what, s)
			if s == "" || s != plain.Line(s) || s[0] == '{' {
				t.Fatalf("%s(%q, %q, %d) = %q", what, a, b, n, s)
			}
		}
	})
}
