package converse

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// What the small talk understands: a name told, and questions about the name and about what was said.
var (
	nameTold = []*regexp.Regexp{
		regexp.MustCompile(`(?i)\b(?:my name is|call me|i am called)\s+([\pL\pM][\pL\pM'-]*)`),
		regexp.MustCompile(`(?:私|わたし|僕|ぼく|俺)の名前は、?\s*([^\s、。！？!?]+?)\s*(?:です|だよ|だ|といいます|と言います|と申します)?(?:[\s、。！!]|$)`),
		regexp.MustCompile(`(?:^|[\s、。])(?:私は|わたしは|僕は|ぼくは)?([^\s、。！？!?は]+?)と申します`),
	}
	nameAsked = regexp.MustCompile(`(?i)\b(?:what(?:'s|’s| is) my name|who am i|(?:remember|know) my name)\b|名前[^。]*(?:何|なに|なん|覚えて|おぼえて|知って|\?|？)|私は誰`)
	saidAsked = regexp.MustCompile(`(?i)\b(?:what did i (?:just )?(?:say|write|ask|tell)|what i (?:said|wrote|asked))\b|(?:前|さっき|先ほど|さきほど)[^。]*(?:何|なん|なに)[^。]*(?:言|いっ|書|聞|話)`)
)

// answer is the demo model's small talk: what it is, what was asked, and what it can see of the conversation.
func answer(messages []Message) string {
	var said []string // by the user, newest first
	for i := len(messages) - 1; i >= 0; i-- {
		if messages[i].Role == "user" {
			said = append(said, strings.Join(strings.Fields(messages[i].Text()), " "))
		}
	}
	if len(said) == 0 {
		return ""
	}
	t := talk{prompt: said[0], earlier: said[1:], seen: len(messages) - 1}
	if strings.ContainsFunc(t.prompt, isJapanese) {
		return t.japanese()
	}
	return t.english()
}

type talk struct {
	prompt  string
	earlier []string // what the user said before, newest first
	seen    int      // messages before the prompt, of both sides
}

func (t talk) english() string {
	name, told := t.name()
	switch {
	case told:
		return fmt.Sprintf("Nice to meet you, %s! I am kaiwa's built-in demo model. Ask me later what your name is: "+
			"the whole conversation is sent to me with every message.", name)
	case nameAsked.MatchString(t.prompt) && name != "":
		return fmt.Sprintf("Your name is %s: you told me earlier in this conversation.", name)
	case nameAsked.MatchString(t.prompt):
		return "You have not told me your name in what I can see of this conversation. Try “My name is Taro”."
	case saidAsked.MatchString(t.prompt) && len(t.earlier) > 0:
		return fmt.Sprintf("Just before this you said: “%s”. I can see %d earlier messages of this conversation.",
			clip(t.earlier[0], 200), t.seen)
	case len(t.earlier) == 0:
		return fmt.Sprintf("You wrote: “%s”. I am kaiwa's built-in demo model: I know nothing about the world, but I "+
			"answer through the same stream a real model would. This is the first message of our conversation. "+
			"For a longer text, try “@demo tokens=300”.", clip(t.prompt, 200))
	}
	return fmt.Sprintf("You wrote: “%s”. I am only kaiwa's built-in demo model, but I can see %d earlier messages of this "+
		"conversation; the last thing you said before was: “%s”.", clip(t.prompt, 200), t.seen, clip(t.earlier[0], 200))
}

func (t talk) japanese() string {
	name, told := t.name()
	switch {
	case told:
		return fmt.Sprintf("はじめまして、%sさん！私は kaiwa に組み込まれたデモモデルです。"+
			"あとで「私の名前は何ですか」と聞いてみてください。会話の全体が毎回届くので、覚えています。", name)
	case nameAsked.MatchString(t.prompt) && name != "":
		return fmt.Sprintf("あなたのお名前は%sさんです。この会話の中で教えてくれました。", name)
	case nameAsked.MatchString(t.prompt):
		return "この会話の中では、まだお名前を聞いていません。「私の名前は太郎です」のように教えてください。"
	case saidAsked.MatchString(t.prompt) && len(t.earlier) > 0:
		return fmt.Sprintf("直前には「%s」と言いました。この会話のこれまでのメッセージは%d件見えています。", clip(t.earlier[0], 200), t.seen)
	case len(t.earlier) == 0:
		return fmt.Sprintf("「%s」ですね。私は kaiwa に組み込まれたデモモデルです。世の中のことは何も知りませんが、"+
			"本物のモデルと同じストリームで答えています。これがこの会話の最初のメッセージです。"+
			"長い文章がほしいときは「@demo tokens=300 lang=ja」と書いてください。", clip(t.prompt, 200))
	}
	return fmt.Sprintf("「%s」ですね。私は kaiwa のデモモデルにすぎませんが、この会話のこれまでのメッセージが%d件見えています。"+
		"直前にあなたは「%s」と言いました。", clip(t.prompt, 200), t.seen, clip(t.earlier[0], 200))
}

// name is what the user is called, by the newest message that says so; told means the prompt itself says so.
func (t talk) name() (name string, told bool) {
	if nameAsked.MatchString(t.prompt) {
		return firstName(t.earlier), false
	}
	if name = firstName([]string{t.prompt}); name != "" {
		return name, true
	}
	return firstName(t.earlier), false
}

func firstName(texts []string) string {
	for _, text := range texts {
		if nameAsked.MatchString(text) {
			continue
		}
		for _, re := range nameTold {
			if m := re.FindStringSubmatch(text); m != nil {
				return clip(m[1], 40)
			}
		}
	}
	return ""
}

func isJapanese(r rune) bool {
	return unicode.In(r, unicode.Hiragana, unicode.Katakana, unicode.Han)
}
