package converse_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"unicode"

	"kaiwa/pkg/emu/converse"
)

// talk asks the demo model, the turns before being the user's and its own in turn.
func talk(t *testing.T, turns ...string) string {
	var req converse.Request
	for i, turn := range turns {
		role := []string{"user", "assistant"}[i%2]
		req.Messages = append(req.Messages, converse.Message{Role: role, Content: []converse.Block{{Text: turn}}})
	}
	var text strings.Builder
	synctest.Test(t, func(t *testing.T) {
		events, at, err := demoAt(t.Context(), req)
		if err != nil || len(events) < 10 || at[0] != 200*ms || at[1] != 220*ms {
			t.Errorf("%q: %d events at %v, %v", turns, len(events), at[:2], err)
		}
		for _, e := range events[:len(events)-1] {
			text.WriteString(e.(converse.Delta).Text)
		}
	})
	return text.String()
}

func TestAnswers(t *testing.T) {
	for _, test := range []struct {
		turns []string
		want  []string
	}{
		{[]string{"hello there"}, []string{"“hello there”", "demo model", "first message"}},
		{[]string{"こんにちは"}, []string{"「こんにちは」", "デモモデル", "最初のメッセージ"}},
		{[]string{"漢字"}, []string{"デモモデル"}},
		{[]string{"hello", "hi", "how are you?"}, []string{"“how are you?”", "2 earlier messages", "“hello”", "demo model"}},
		{[]string{"やあ", "はい", "元気？"}, []string{"「元気？」", "2件", "「やあ」", "デモモデル"}},
		{[]string{"I like tea", "ok", "what did I say before?"}, []string{"Just before this you said: “I like tea”", "2 earlier messages"}},
		{[]string{"お茶が好き", "はい", "前に何と言った？"}, []string{"直前には「お茶が好き」と言いました", "2件"}},
		{[]string{"お茶が好き", "はい", "さっき私は何を言いましたか"}, []string{"「お茶が好き」"}},
		{[]string{"what did I say before?"}, []string{"first message"}},
		{[]string{"My name is Taro."}, []string{"Nice to meet you, Taro!"}},
		{[]string{"私の名前は太郎です。"}, []string{"はじめまして、太郎さん"}},
		{[]string{"はじめまして。私は花子と申します。"}, []string{"はじめまして、花子さん"}},
		{[]string{"my name is Taro", "hi", "nice weather", "yes", "What is my name?"}, []string{"Your name is Taro"}},
		{[]string{"my name is Taro", "hi", "no, call me Jiro", "ok", "what's my name"}, []string{"Your name is Jiro"}},
		{[]string{"私の名前は太郎です", "はい", "私の名前は何ですか？"}, []string{"お名前は太郎さん"}},
		{[]string{"my name is Taro", "ok", "私の名前を覚えていますか"}, []string{"Taroさん"}},
		{[]string{"what is my name?"}, []string{"have not told me"}},
		{[]string{"私の名前は何？"}, []string{"まだお名前を聞いていません"}},
		{[]string{"私の名前は何ですか？", "いいえ", "私の名前は？"}, []string{"まだお名前を聞いていません"}},
		{[]string{"first\nline", "ok", strings.Repeat("long ", 100)}, []string{"“first line”", "…”"}},
	} {
		got := talk(t, test.turns...)
		for _, want := range test.want {
			if !strings.Contains(got, want) {
				t.Errorf("%q: %s\nlacks %q", test.turns, got, want)
			}
		}
		if strings.ContainsFunc(got, unicode.IsControl) || len(got) > 2000 {
			t.Errorf("%q: %q is not a short line", test.turns, got)
		}
	}
}
