package chat_test

import (
	"reflect"
	"strings"
	"testing"

	"kaiwa/pkg/chat"
)

func TestEstimateTokens(t *testing.T) {
	for _, c := range []struct {
		text string
		want int
	}{
		{"", 0},
		{"a", 1},
		{"abc", 1},
		{"abcd", 2},
		{strings.Repeat("x", 300), 100},
		{"日本語", 3},
		{"日本語 ok", 4},
		{"😀", 1},
		{"\xff", 1},
	} {
		if got := chat.EstimateTokens(c.text); got != c.want {
			t.Errorf("EstimateTokens(%q) = %d, want %d", c.text, got, c.want)
		}
	}
}

// TestCautiousTokens: what can be made dear on purpose counts at least what models
// are known to make of it, a token for each digit and sign; prose not much more.
func TestCautiousTokens(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, "a": 1, "ab": 1, "Zz ok": 3, "0123456789": 10, "{}[]@`": 6, "\t\n": 2, "0xdeadbeef": 6, "é": 1, "日本語": 6, "😀": 3, "\xff": 2,
		"The quick brown fox jumps over the lazy dog.": 23,
	} {
		if got := chat.CautiousTokens(text); got != want || got < chat.EstimateTokens(text) {
			t.Errorf("CautiousTokens(%q) = %d, want %d", text, got, want)
		}
	}
}

func TestBudget(t *testing.T) {
	var none chat.Budget
	if none.Take("") {
		t.Error("the zero Budget takes something")
	}
	b := chat.Budget{Tokens: 20}
	for _, c := range []struct {
		text string
		take bool
		left int
	}{
		{"日本語", true, 13}, // 3 and 4 for the message
		{strings.Repeat("あ", 10), false, 13},
		{strings.Repeat("あ", 9), true, 0},
		{"", false, 0},
	} {
		if got := b.Take(c.text); got != c.take || b.Tokens != c.left {
			t.Errorf("Take(%q) = %v with %d left, want %v with %d", c.text, got, b.Tokens, c.take, c.left)
		}
	}
}

// Messages are written oldest first, as "u text" or "a text".
func TestArrange(t *testing.T) {
	for _, c := range []struct {
		name     string
		messages []string
		want     []string
	}{
		{"nothing", nil, nil},
		{"one", []string{"u hi"}, []string{"u hi"}},
		{"alternating", []string{"u a", "a b", "u c"}, []string{"u a", "a b", "u c"}},
		{"begins with the assistant", []string{"a cut off", "u a"}, []string{"u a"}},
		{"ends with the assistant", []string{"u a", "a b", "u c", "a d", "a e"}, []string{"u a", "a b", "u c"}},
		{"only the assistant", []string{"a x", "a y"}, nil},
		{"neighbours", []string{"u a", "u b", "a c", "a d", "u e"}, []string{"u a\n\nb", "a c\n\nd", "u e"}},
		{"an empty reply joins its prompts", []string{"u a", "a ", "u b"}, []string{"u a\n\nb"}},
		{"a blank one too", []string{"u a", "a \n\u3000", "u b"}, []string{"u a\n\nb"}},
		{"blank prompt", []string{"u  ", "a b", "u c"}, []string{"u c"}},
	} {
		var newestFirst []chat.Message
		for _, m := range c.messages {
			newestFirst = append([]chat.Message{message(m)}, newestFirst...)
		}
		var got []string
		for _, m := range chat.Arrange(newestFirst).Messages {
			got = append(got, string(m.Role[:1])+" "+m.Text)
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func message(s string) chat.Message {
	role, text, _ := strings.Cut(s, " ")
	return chat.Message{Role: map[string]chat.Role{"u": chat.User, "a": chat.Assistant}[role], Text: text}
}

// Whatever the history, the roles of a prompt alternate from user to user and no
// text is blank.
func FuzzArrange(f *testing.F) {
	f.Add("uau", "x y")
	f.Add("aauu.a", " ")
	f.Fuzz(func(t *testing.T, roles, text string) {
		var in []chat.Message
		for _, r := range roles {
			m := chat.Message{Role: chat.User, Text: text}
			if r%2 == 0 {
				m.Role = chat.Assistant
			}
			if r%3 == 0 {
				m.Text = " "
			}
			in = append(in, m)
		}
		ms := chat.Arrange(in).Messages
		for i, m := range ms {
			if (m.Role == chat.User) != (i%2 == 0) || strings.TrimSpace(m.Text) == "" {
				t.Fatalf("message %d of %d is %s %q", i, len(ms), m.Role, m.Text)
			}
		}
		if len(ms)%2 == 0 && len(ms) > 0 {
			t.Fatalf("%d messages do not end with the user", len(ms))
		}
	})
}
