package highlight_test

import (
	"strings"
	"testing"

	"github.com/alecthomas/chroma/v2"
	"github.com/alecthomas/chroma/v2/lexers"

	"kaiwa/client/highlight"
)

// wholeLines colours a text that is lexed whole.
func wholeLines(t *testing.T, language, text string) string {
	t.Helper()
	it, err := lexers.Get(language).Tokenise(nil, text+"\n")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, line := range chroma.SplitTokensIntoLines(it.Tokens()) {
		out = append(out, highlight.Painted(line))
	}
	return strings.Join(out[:strings.Count(text, "\n")+1], "\n")
}
