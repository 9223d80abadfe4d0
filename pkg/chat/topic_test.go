package chat_test

import (
	"strings"
	"testing"

	"kaiwa/pkg/chat"
)

func TestTopicMatches(t *testing.T) {
	tests := []struct {
		pattern, user, topic string
		want                 bool
	}{
		{"*", "", "builds", true},
		{"*", "", "天気", true},
		{"**", "", "x", true},
		{"builds", "", "builds", true},
		{"builds", "", "builds2", false},
		{"builds", "", "Builds", false},
		{"", "", "builds", false},
		{"", "", "", false},
		{"builds.*", "", "builds.main", true},
		{"builds.*", "", "builds.", true},
		{"builds.*", "", "builds", false},
		{"*.main", "", "builds.main", true},
		{"*.main", "", "builds.main.x", false},
		{"a*b*c", "", "abc", true},
		{"a*b*c", "", "a-b-b-c", true},
		{"a*b*c", "", "acb", false},
		{"ab*ba", "", "aba", false}, // no character serves twice
		{"ab*ba", "", "abba", true},
		{"a*a", "", "a", false},
		{"*a*", "", "bab", true},
		{"a*bc*c", "", "abc", false},
		{"[a-z]?", "", "x", false},
		{"[a-z]?", "", "[a-z]?", true},

		{"users.{user}", "alice", "users.alice", true},
		{"users.{user}", "alice", "users.bob", false},
		{"users.{user}.*", "alice", "users.alice.mail", true},
		{"users.{user}.*", "alice", "users.alice2.mail", false},
		{"users.{user}", "*", "users.bob", false}, // a name is no pattern
		{"users.{user}", "*", "users.*", true},
		{"users.{user}*", "*", "users.bob", false},
		{"users.{user}", "{user}", "users.{user}", true},
		{"users.{user}", "https://issuer sub", "users.https://issuer sub", true},
		{"{user}", "", "", true},
		{"{User}", "alice", "alice", false},
	}
	for _, tt := range tests {
		if got := chat.TopicMatches(tt.pattern, tt.user, tt.topic); got != tt.want {
			t.Errorf("%q for %q covers %q: %v", tt.pattern, tt.user, tt.topic, got)
		}
	}
}

// TestTopicMatchesIsFast: a pattern full of stars takes no longer than its topic.
func TestTopicMatchesIsFast(t *testing.T) {
	pattern, topic := strings.Repeat("a*", 2000)+"b", strings.Repeat("a", 100_000)
	if chat.TopicMatches(pattern, "", topic) {
		t.Error("it matches")
	}
}

func TestMaySubscribe(t *testing.T) {
	tests := map[string]struct {
		claim, patterns []string
		want            bool
	}{
		"the deployment's pattern":       {nil, []string{"x", "builds.*"}, true},
		"none of the deployment's":       {nil, []string{"x", "users.{user}"}, false},
		"a deployment without any":       {nil, nil, false},
		"the claim decides":              {[]string{"builds.main"}, nil, true},
		"the claim decides against":      {[]string{"builds.dev"}, []string{"*"}, false},
		"a token that names no topics":   {[]string{}, []string{"*"}, false},
		"the user's own by its claim":    {[]string{"builds.{user}"}, nil, true},
		"a claim of the empty pattern":   {[]string{""}, []string{"*"}, false},
		"one good pattern among several": {[]string{"a", "b", "*.main"}, nil, true},
	}
	for name, tt := range tests {
		c := chat.Connection{User: "main", Topics: tt.claim}
		if got := c.MaySubscribe(tt.patterns, "builds.main"); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
