package handler_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/wire"
)

// pages asks for history until there is no more. Every frame is one that API
// Gateway bills as one.
func (d *desk) pages(conn, conversation string, limit int) []wire.HistoryPage {
	d.t.Helper()
	var pages []wire.HistoryPage
	for before := ""; ; {
		posts := d.raw(conn, string(wire.EncodeRequest(wire.History{Conversation: conversation, Before: before, Limit: limit})))
		p := only[wire.HistoryPage](d.t, decodeAll(d.t, posts))
		if len(posts[0]) > wire.MaxHistoryPage {
			d.t.Fatalf("a page of %d messages has %d bytes", len(p.Messages), len(posts[0]))
		}
		pages = append(pages, p)
		if before = p.Before; before == "" {
			return pages
		}
		if len(p.Messages) == 0 || len(pages) > 1000 {
			d.t.Fatalf("page %d has %d messages and is not the last", len(pages), len(p.Messages))
		}
	}
}

func TestHistory(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "alice", "")
	a := d.ask("c1", "p1", "", "one")
	d.answer(a.Reply, "はい", "max_tokens")
	b := d.ask("c1", "p2", "", "two")
	d.claim(b.Reply)
	for _, conversation := range []string{"", a.Conversation} {
		p := one[wire.HistoryPage](d, "c1", wire.History{Conversation: conversation})
		if p.Conversation != a.Conversation || p.Before != "" || len(p.Messages) != 4 {
			t.Fatalf("got %+v", p)
		}
		var got []string
		for _, m := range p.Messages {
			got = append(got, fmt.Sprint(m.Role, "|", m.Text, "|", m.Reply, "|", m.Stop, "|", m.Length))
			if m.ID == "" || time.Since(m.At) > time.Minute || m.At.Location() != time.UTC {
				t.Errorf("%+v", m)
			}
		}
		want := []string{
			"assistant||" + b.Reply + "||0", "user|two " + canary + "|" + b.Reply + "||11",
			"assistant|はい|" + a.Reply + "|max_tokens|2", "user|one " + canary + "|" + a.Reply + "||11",
		}
		if !slices.Equal(got, want) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}

// TestHistoryPages walks through conversations of every kind of text: nothing is
// left out or told twice, only a text that no page could hold is cut, and no page
// is over 32 KB as it is posted.
func TestHistoryPages(t *testing.T) {
	texts := map[string]string{
		"short":      "ok",
		"ASCII":      strings.Repeat("All work and no play. ", 100),
		"Japanese":   strings.Repeat("吾輩は猫である。", 400),
		"emoji":      strings.Repeat("👩‍👧‍👦", 200),
		"quotes":     strings.Repeat(`"\`, 2000),
		"controls":   strings.Repeat("\x01\x1b\x00", 700),
		"line ends":  strings.Repeat("\n\r\t\u2028\u2029", 900),
		"one long":   strings.Repeat("x", 100_000),
		"one wide":   strings.Repeat("語", 60_000),
		"one escape": strings.Repeat("\x1b", 50_000),
	}
	d := newDesk(t)
	d.connect("c1", "alice", "")
	for name, text := range texts {
		turns := 7
		if strings.HasPrefix(name, "one") {
			turns = 2
		}
		var want []string // newest first
		conversation := wire.NewConversation
		for n := range turns {
			prompt := fmt.Sprint(n, " ", text)
			a := one[wire.Accepted](d, "c1", wire.SendMessage{ID: fmt.Sprint(name, n), Text: prompt, Conversation: conversation})
			conversation = a.Conversation
			d.answer(a.Reply, text+fmt.Sprint(" ", n), wire.StopEndTurn)
			want = append([]string{text + fmt.Sprint(" ", n), prompt}, want...)
		}
		for _, limit := range []int{0, 3, 1_000_000} {
			t.Run(fmt.Sprint(name, ", limit ", limit), func(t *testing.T) { checkPages(t, d.pages("c1", conversation, limit), want, limit) })
		}
	}
}

func checkPages(t *testing.T, pages []wire.HistoryPage, want []string, limit int) {
	t.Helper()
	var got []wire.Message
	for _, p := range pages {
		got = append(got, p.Messages...)
		if limit > 0 && len(p.Messages) > limit {
			t.Errorf("a page of %d messages", len(p.Messages))
		}
		for _, m := range p.Messages {
			if cut := m.Length > utf8.RuneCountInString(m.Text); cut && (len(p.Messages) > 1 || wire.EncodedLen(m.Text) < wire.MaxHistoryPage-500) {
				t.Errorf("a text is cut to %d of %d, though its page has %d messages and %d bytes",
					utf8.RuneCountInString(m.Text), m.Length, len(p.Messages), len(wire.EncodeFrame(p)))
			}
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d messages on %d pages, want %d", len(got), len(pages), len(want))
	}
	for i, m := range got {
		if m.Length != utf8.RuneCountInString(want[i]) || !strings.HasPrefix(want[i], m.Text) || m.Text == "" {
			t.Errorf("message %d: %.20q of length %d, want %.20q", i, m.Text, m.Length, want[i])
		}
	}
}

// TestTextThatJustFits: how many messages are asked for must not decide whether a
// text is cut.
func TestTextThatJustFits(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "alice", "")
	text := strings.Repeat("x", 32_000)
	a := one[wire.Accepted](d, "c1", wire.SendMessage{Text: text})
	for _, limit := range []int{0, 1, 100} {
		pages := d.pages("c1", a.Conversation, limit)
		if last := pages[len(pages)-1].Messages; last[len(last)-1].Text != text {
			t.Errorf("limit %d: cut to %d bytes", limit, len(last[len(last)-1].Text))
		}
	}
}

func TestHistoryRefused(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "alice", "")
	e := d.refuses("c1", wire.History{}, wire.CodeNotFound)
	if e.Message != "nothing was said on this connection yet; name a conversation" {
		t.Errorf("%+v", e)
	}
	d.refuses("c1", wire.History{Conversation: "nowhere"}, wire.CodeNotFound)
	a := d.ask("c1", "", "", "one")
	for _, before := range []string{"=", "nonsense", "\x00", strings.Repeat("x", 5000)} {
		if p := one[wire.HistoryPage](d, "c1", wire.History{Conversation: a.Conversation, Before: before}); len(p.Messages) > 2 {
			t.Errorf("before %.20q: %+v", before, p)
		}
	}
}

// titles walks through the list of conversations.
func (d *desk) titles(conn string, limit int) (titles []string, pages int) {
	d.t.Helper()
	for before := ""; ; {
		posts := d.raw(conn, string(wire.EncodeRequest(wire.Conversations{Before: before, Limit: limit})))
		if len(posts[0]) > wire.MaxFrame {
			d.t.Errorf("a page has %d bytes", len(posts[0]))
		}
		p := only[wire.ConversationsPage](d.t, decodeAll(d.t, posts))
		for _, c := range p.Conversations {
			titles = append(titles, c.Title)
		}
		pages++
		if before = p.Before; before == "" || pages > 1000 {
			return titles, pages
		}
	}
}

func TestConversations(t *testing.T) {
	bubble(t, func(d *desk) {
		d.connect("c1", "alice", "")
		if got, pages := d.titles("c1", 0); len(got) != 0 || pages != 1 {
			t.Errorf("before the first: %q", got)
		}
		if raw := d.raw("c1", `{"action":"conversations"}`); raw[0] != `{"type":"conversations","conversations":[]}` {
			t.Errorf("before the first: %s", raw)
		}
		var want []string
		for n := range 45 {
			d.ask("c1", "", wire.NewConversation, fmt.Sprintf("title %d\n more", n))
			want = append([]string{fmt.Sprint("title ", n)}, want...)
			time.Sleep(time.Second) // virtual
		}
		for limit, pages := range map[int]int{0: 3, 1: 45, 7: 7, 100: 1, 5000: 1} {
			if got, n := d.titles("c1", limit); !slices.Equal(got, want) || n != pages {
				t.Errorf("limit %d: %d on %d pages, want %d on %d", limit, len(got), n, len(want), pages)
			}
		}
		p := one[wire.ConversationsPage](d, "c1", wire.Conversations{Limit: 1})
		if c := p.Conversations[0]; c.ID != d.connection("c1").Conversation || time.Since(c.At) != time.Second {
			t.Errorf("got %+v at %v", c, time.Now())
		}
	})
}

// TestConversationsWithLongTitles: a page shrinks rather than outgrow a frame.
func TestConversationsWithLongTitles(t *testing.T) {
	for _, title := range []string{strings.Repeat("語", wire.MaxTitle), strings.Repeat("\x1b", wire.MaxTitle), strings.Repeat("👩", wire.MaxTitle)} {
		d := newDesk(t)
		d.connect("c1", "alice", "")
		for range 100 {
			a := d.ask("c1", "", wire.NewConversation, "x")
			one[wire.Renamed](d, "c1", wire.Rename{Conversation: a.Conversation, Title: title})
		}
		if got, pages := d.titles("c1", 100); len(got) != 100 || pages < 2 || got[0] != title {
			t.Errorf("%d titles on %d pages", len(got), pages)
		}
	}
}

func TestRename(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "alice", "")
	a := d.ask("c1", "", "", "one")
	if got := one[wire.Renamed](d, "c1", wire.Rename{Conversation: a.Conversation, Title: "猫 & <dog>"}); got.Title != "猫 & <dog>" || got.Conversation != a.Conversation {
		t.Errorf("got %+v", got)
	}
	if got, _ := d.titles("c1", 0); !slices.Equal(got, []string{"猫 & <dog>"}) {
		t.Errorf("titles %q", got)
	}
	d.refuses("c1", wire.Rename{Conversation: "nowhere", Title: "x"}, wire.CodeNotFound)
}

func TestDelete(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "alice", "")
	kept := d.ask("c1", "", "", "kept")
	d.answer(kept.Reply, "yes", wire.StopEndTurn)
	items := d.items()
	a := d.ask("c1", "", wire.NewConversation, "one")
	d.answer(a.Reply, strings.Repeat("語", 500_000), wire.StopEndTurn)
	if got := one[wire.Deleted](d, "c1", wire.Delete{Conversation: a.Conversation}); got.Conversation != a.Conversation {
		t.Errorf("got %+v", got)
	}
	if d.items() != items+1 { // the claim of the prompt's id goes by its TTL
		t.Errorf("%d items were %d", d.items(), items)
	}
	d.refuses("c1", wire.Delete{Conversation: a.Conversation}, wire.CodeNotFound)
	d.refuses("c1", wire.History{Conversation: a.Conversation}, wire.CodeNotFound)
	d.refuses("c1", wire.Resume{Reply: a.Reply}, wire.CodeNotFound)
	if got, _ := d.titles("c1", 0); len(got) != 1 {
		t.Errorf("titles %q", got)
	}
	// What was deleted does not come back with the next prompt.
	if b := d.ask("c1", "", "", "two"); b.Conversation == a.Conversation || b.Conversation == kept.Conversation {
		t.Errorf("the next prompt went to %s", b.Conversation)
	}
}

// TestDeleteEndsTheReply: whoever waits for a reply of the conversation is told.
func TestDeleteEndsTheReply(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "alice", "")
	d.connect("c2", "alice", "")
	a := d.ask("c1", "", "", "one")
	one[wire.Deleted](d, "c2", wire.Delete{Conversation: a.Conversation})
	frames := decodeAll(t, d.posts.to("c1"))
	if end, _ := frames[len(frames)-1].(wire.End); end.Ref != a.Ref || end.Stop != wire.StopStopped || !end.Saved {
		t.Errorf("the prompt's own connection got %+v", frames)
	}
	if _, err := d.table.ClaimReply(t.Context(), a.Reply, "owner"); err == nil {
		t.Error("the reply can still be claimed")
	}

	b := d.ask("c1", "", "", "two")
	d.claim(b.Reply)
	one[wire.Deleted](d, "c2", wire.Delete{Conversation: b.Conversation})
	if _, err := d.table.Tick(t.Context(), chat.Progress{Reply: b.Reply, Owner: "owner", Seq: 2, Lease: time.Now()}); err == nil {
		t.Error("the owner was not told")
	}
}

// TestDeleteIsRepeated: a delete that failed half-way can be finished.
func TestDeleteIsRepeated(t *testing.T) {
	bubble(t, func(d *desk) {
		d.connect("c1", "alice", "")
		a := d.ask("c1", "", "", "one")
		d.answer(a.Reply, "yes", wire.StopEndTurn)
		before := d.items()
		d.fault.set("BatchWriteItem", errDead)
		d.refuses("c1", wire.Delete{Conversation: a.Conversation}, wire.CodeUnavailable)
		d.fault.set("", nil)
		d.refuses("c1", wire.History{Conversation: a.Conversation}, wire.CodeNotFound)
		one[wire.Deleted](d, "c1", wire.Delete{Conversation: a.Conversation})
		if d.items() > before-3 {
			t.Errorf("%d items were %d", d.items(), before)
		}
	})
}
