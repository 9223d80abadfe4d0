package chat

import "strings"

// TopicMatches tells whether a pattern covers a topic. In a pattern * stands for
// any run of characters, none included, and {user} for the user's own name, as it
// is: a * in it is only a *. All else stands for itself; capitals matter. The
// empty pattern covers nothing.
func TopicMatches(pattern, user, topic string) bool {
	if pattern == "" {
		return false
	}
	pieces := strings.Split(pattern, "*")
	for i := range pieces {
		pieces[i] = strings.ReplaceAll(pieces[i], "{user}", user)
	}
	first, last := pieces[0], pieces[len(pieces)-1]
	rest, ok := strings.CutPrefix(topic, first)
	if len(pieces) == 1 {
		return ok && rest == ""
	}
	if rest, ends := strings.CutSuffix(rest, last); ok && ends {
		// What comes first fits as early as it can: more is left for the others.
		for _, piece := range pieces[1 : len(pieces)-1] {
			_, after, found := strings.Cut(rest, piece)
			if !found {
				return false
			}
			rest = after
		}
		return true
	}
	return false
}

// MaySubscribe tells whether a connection may subscribe to a topic: one of the
// patterns that its token names covers it or, where the deployment has no such
// claim, one of the deployment's own patterns. A change of the deployment counts
// for connections made after it.
func (c Connection) MaySubscribe(patterns []string, topic string) bool {
	if c.Topics != nil {
		patterns = c.Topics
	}
	for _, p := range patterns {
		if TopicMatches(p, c.User, topic) {
			return true
		}
	}
	return false
}
